"""The demo's mailbox: what Django's file backend wrote, read back; and nothing outside the demo."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.filebased import EmailBackend
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from config.urls import urlpatterns as house
from notifications import mailbox

urlpatterns = [path("demo/mail/", include("notifications.urls")), *house]


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.ROOT_URLCONF = __name__
    settings.DEMO = True
    settings.EMAIL_FILE_PATH = str(tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    return tmp_path


def write(*subjects: str) -> None:
    """Send mail through one connection, as one file."""
    connection = get_connection()
    assert isinstance(connection, EmailBackend)
    letters = []
    for subject in subjects:
        letter = EmailMultiAlternatives(
            subject, "See https://horae.example/a/x/\n<b>& more</b>\n", "p@x.example", ["ada@example.org"]
        )
        letter.attach_alternative("<p>See</p>", "text/html")
        letter.attach("appointment.ics", "BEGIN:VCALENDAR", "text/calendar")
        letters.append(letter)
    connection.send_messages(letters)


def test_mail_is_listed_newest_first_and_read(client: Client, folder: Path) -> None:
    write("First, für Ada", "Second")
    page = client.get("/demo/mail/").content.decode()
    assert page.index("Second") < page.index("First, für Ada")
    (second, first) = mailbox.newest(folder)
    assert (first.subject, first.to, first.attachments) == ("First, für Ada", "ada@example.org", ["appointment.ics"])
    letter = client.get(f"/demo/mail/{second.id}/").content.decode()
    assert '<a href="https://horae.example/a/x/"' in letter
    assert "&lt;b&gt;&amp; more&lt;/b&gt;" in letter


def test_an_empty_folder_says_so(client: Client, folder: Path) -> None:
    assert "No mail yet" in client.get("/demo/mail/").content.decode()


@pytest.mark.parametrize(
    "mail_id", ["20261122-034012-1.log:0", "..:0", "20261122-034012-1.log", "%2e%2e%2fsecret_key:0", "x"]
)
def test_an_id_that_names_no_mail_leads_nowhere(client: Client, folder: Path, mail_id: str) -> None:
    (folder.parent / "secret_key").write_text("secret")
    write("First")
    assert client.get(f"/demo/mail/{mail_id}/").status_code == 404


def test_a_number_out_of_range_leads_nowhere(client: Client, folder: Path) -> None:
    write("First")
    (first,) = mailbox.newest(folder)
    assert client.get(f"/demo/mail/{first.id[:-1]}7/").status_code == 404


def test_outside_the_demo_there_is_no_mailbox(client: Client, folder: Path, settings: Settings) -> None:
    write("First")
    settings.DEMO = False
    assert client.get("/demo/mail/").status_code == 404


def test_with_a_real_mail_server_there_is_no_mailbox(client: Client, folder: Path, settings: Settings) -> None:
    settings.EMAIL_FILE_PATH = ""
    assert client.get("/demo/mail/").status_code == 404


def test_the_mailbox_is_read_only(client: Client, folder: Path) -> None:
    assert client.post("/demo/mail/").status_code == 405


def test_the_list_is_bounded(folder: Path) -> None:
    write(*(f"Letter {number}" for number in range(5)))
    assert [mail.subject for mail in mailbox.newest(folder, most=2)] == ["Letter 4", "Letter 3"]


def test_times_are_read(folder: Path) -> None:
    write("First")
    (first,) = mailbox.newest(folder)
    assert first.sent is not None
    assert abs((datetime.now(UTC) - first.sent).total_seconds()) < 60
