"""How the CalDAV adapter reads what servers say, on good days and bad ones."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from audit.models import Fact
from calendars.providers import (
    CalendarError,
    CalendarMissing,
    Contended,
    Entry,
    EventRefused,
    GivenUp,
    HostNotDeclared,
    LoginRefused,
    NotACalendar,
    NotAllowed,
    Overloaded,
    Unreachable,
    caldav,
)
from calendars.providers.caldav import CalDavCalendar
from tests.calendars.faulty import Reply, serving
from tests.servers import PASSWORD, USERNAME, Radicale

NOW = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)
ENTRY = Entry(
    uid="3f6f0bb0-3f0b-4d8e-9c39-0d1a7b1c2d3e",
    href="3f6f0bb0-3f0b-4d8e-9c39-0d1a7b1c2d3e.ics",
    start=NOW + timedelta(days=8),
    end=NOW + timedelta(days=8, minutes=30),
    sequence=0,
    link="https://horae.example/admin/x/",
    key="0123456789abcdef",
)
A_CALENDAR = (
    b'<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/dav/busy/</href><propstat><prop><resourcetype>'
    b'<collection/><calendar xmlns="urn:ietf:params:xml:ns:caldav"/></resourcetype>%s</prop>'
    b"<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
)
READ_ONLY = b"<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"
WRITABLE = b"<current-user-privilege-set><privilege><write-content/></privilege></current-user-privilege-set>"


@pytest.fixture(autouse=True)
def served_here(settings: Settings) -> None:
    """This machine is a place only while Horae itself is served on it."""
    settings.BASE_URL = "http://127.0.0.1:8000"


def put(url: str, *, etag: str = "", entry: Entry = ENTRY, may_recreate: bool = True) -> str:
    with CalDavCalendar(url=url, username=USERNAME, password=PASSWORD) as calendar:
        return calendar.put(entry, etag=etag, now=NOW, may_recreate=may_recreate).etag


def check(url: str) -> None:
    with CalDavCalendar(url=url, username=USERNAME, password=PASSWORD) as calendar:
        calendar.check()


def delete(url: str) -> None:
    with CalDavCalendar(url=url, username=USERNAME, password=PASSWORD) as calendar:
        calendar.delete(href=ENTRY.href)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401), LoginRefused),
        (Reply(403), NotAllowed),
        (Reply(405), NotAllowed),
        (Reply(423), Overloaded),
        (Reply(429), Overloaded),
        (Reply(500), Overloaded),
        (Reply(502), Overloaded),
        (Reply(503), Overloaded),
        (Reply(504), Overloaded),
        (Reply(507), Overloaded),
        (Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<h1>Please log in</h1>"), NotACalendar),
        (Reply(302, {"Location": "http://127.0.0.1:9/elsewhere/"}), NotACalendar),
        (Reply(308, {"Location": "https://elsewhere.example/dav/"}), NotACalendar),
        (Reply(201, body=b"x" * (caldav.MOST_BYTES + 1)), NotACalendar),
        (Reply(201, body=b"half", cut=True), Unreachable),
        (Reply(400), EventRefused),
        (Reply(415), EventRefused),
    ],
)
def test_every_bad_answer_has_one_meaning(reply: Reply, error: type[CalendarError]) -> None:
    with serving(reply) as server, pytest.raises(error) as raised:
        put(server.url)
    assert type(raised.value) is error
    assert len(server.asked) == 1


def test_what_is_whole_and_what_is_permanent() -> None:
    for error in (LoginRefused, NotAllowed, HostNotDeclared, CalendarMissing, NotACalendar):
        assert (error.permanent, error.whole) == (True, True)
    assert (Unreachable.permanent, Unreachable.whole) == (False, True)
    assert (EventRefused.permanent, EventRefused.whole) == (True, False)
    assert (Contended.permanent, Contended.whole) == (False, False)


@pytest.mark.parametrize(
    ("header", "waits"), [("120", 120), ("999999", 3600), ("soon", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_a_server_that_says_when_is_believed_up_to_an_hour(header: str, waits: int | None) -> None:
    with serving(Reply(503, {"Retry-After": header})) as server, pytest.raises(Overloaded) as raised:
        put(server.url)
    assert raised.value.retry_after == (None if waits is None else timedelta(seconds=waits))


def test_a_server_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav, "STEP_SECONDS", 0.2)
    with serving(Reply(201, hang=1)) as server, pytest.raises(Unreachable):
        put(server.url)


def test_a_server_that_drips_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caldav, "WHOLE_SECONDS", -1.0)
    with serving(Reply(201, body=b"drop")) as server, pytest.raises(Unreachable):
        put(server.url)


def test_a_redirect_is_not_followed_so_the_password_stays() -> None:
    with serving() as other, serving(Reply(307, {"Location": other.url})) as server:
        with pytest.raises(NotACalendar):
            put(server.url)
        assert other.asked == []


def test_a_strong_etag_of_the_answer_is_kept() -> None:
    with serving(Reply(201, {"ETag": '"1"'})) as server:
        assert put(server.url) == '"1"'
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["If-None-Match"]) == ("PUT", f"/dav/busy/{ENTRY.href}", "*")


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}])
def test_a_missing_or_weak_etag_is_asked_for(headers: dict[str, str]) -> None:
    with serving(Reply(201, headers), Reply(200, {"ETag": 'W/"1"'})) as server:
        assert put(server.url) == '"1"'
    assert [asked.method for asked in server.asked] == ["PUT", "GET"]


def test_an_event_somebody_changed_is_read_and_written_again() -> None:
    script = Reply(412), Reply(200, {"ETag": '"theirs"'}), Reply(204, {"ETag": '"ours"'})
    with serving(*script) as server:
        assert put(server.url, etag='"old"') == '"ours"'
    assert [asked.headers.get("If-Match") for asked in server.asked] == ['"old"', None, '"theirs"']


def test_an_event_that_keeps_changing_is_left_for_later() -> None:
    script = [Reply(412), Reply(200, {"ETag": '"theirs"'})] * caldav.ROUNDS
    with serving(*script) as server, pytest.raises(Contended):
        put(server.url, etag='"old"')
    assert len(server.asked) == 2 * caldav.ROUNDS


@pytest.mark.parametrize("gone", [404, 410])
def test_an_event_that_is_missing_is_written_again_only_when_it_may_be(gone: int) -> None:
    script = Reply(412), Reply(gone), Reply(201, {"ETag": '"new"'})
    with serving(*script) as server:
        assert put(server.url, etag='"old"') == '"new"'
    with serving(*script) as server, pytest.raises(GivenUp):
        put(server.url, etag='"old"', may_recreate=False)


def test_a_missing_calendar_is_not_a_missing_event() -> None:
    with serving(Reply(404), Reply(404)) as server, pytest.raises(CalendarMissing):
        put(server.url, etag='"old"')
    with serving(Reply(409), Reply(404)) as server, pytest.raises(CalendarMissing):
        put(server.url)


def test_an_event_said_to_exist_elsewhere_is_refused() -> None:
    with serving(Reply(409), Reply(207, body=A_CALENDAR % b"")) as server, pytest.raises(EventRefused):
        put(server.url)


@pytest.mark.parametrize("status", [200, 202, 204, 404, 410])
def test_what_is_gone_is_deleted(status: int) -> None:
    with serving(Reply(status)) as server:
        delete(server.url)
    assert [one.method for one in server.asked] == ["DELETE"]


@pytest.mark.parametrize("rights", [b"", WRITABLE])
def test_a_calendar_that_can_be_written_passes(rights: bytes) -> None:
    with serving(Reply(207, body=A_CALENDAR % rights)) as server:
        check(server.url)
    assert server.asked[0].headers["Depth"] == "0"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), CalendarMissing),
        (Reply(200, body=b"hello"), NotACalendar),
        (Reply(207, body=b"<not xml"), NotACalendar),
        (Reply(207, body=A_CALENDAR.replace(b"calendar xmlns", b"addressbook xmlns") % b""), NotACalendar),
        (Reply(207, body=A_CALENDAR % READ_ONLY), NotAllowed),
        (Reply(207, body=b'<!DOCTYPE x [<!ENTITY a "b">]>' + A_CALENDAR % b""), NotACalendar),
        (Reply(207, body=(A_CALENDAR % b"").decode().encode("utf-16")), NotACalendar),
    ],
)
def test_what_is_no_writable_calendar_does_not_pass(reply: Reply, error: type[CalendarError]) -> None:
    with serving(reply) as server, pytest.raises(error):
        check(server.url)


def test_nobody_listening_is_unreachable() -> None:
    with serving() as server:
        pass
    with pytest.raises(Unreachable):
        put(server.url)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["https://calendar.example/dav/busy/", "https://169.254.169.254/latest/"])
def test_a_host_that_is_not_declared_is_never_called_and_the_refusal_is_recorded(address: str) -> None:
    with pytest.raises(HostNotDeclared):
        put(address)
    assert "residency.refused" in str(list(Fact.objects.filter(source="a").values_list("new", flat=True)))


@pytest.mark.django_db
def test_this_machine_is_out_of_reach_when_horae_is_served_to_the_world(settings: Settings) -> None:
    settings.BASE_URL = "https://horae.example"
    with serving() as server:
        with pytest.raises(HostNotDeclared):
            put(server.url)
        assert server.asked == []


@pytest.mark.real
def test_a_real_server_agrees(radicale: Radicale) -> None:
    check(radicale.url)
    first = put(radicale.url)
    assert first == radicale.ask("GET", ENTRY.href).headers["etag"]
    assert put(radicale.url, etag=first) != ""
    delete(radicale.url)
    delete(radicale.url)
    assert radicale.events() == {}


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "error"), [("demir/nowhere/", CalendarMissing), ("otto/busy/", NotAllowed), ("demir/", NotACalendar)]
)
def test_a_real_server_says_what_is_wrong(radicale: Radicale, path: str, error: type[CalendarError]) -> None:
    with pytest.raises(error):
        check(radicale.root + path)


@pytest.mark.real
def test_a_real_server_refuses_the_same_event_under_another_name(radicale: Radicale) -> None:
    put(radicale.url)
    renamed = Entry(**{**{name: getattr(ENTRY, name) for name in ENTRY.__slots__}, "href": "other.ics"})
    with pytest.raises(EventRefused):
        put(radicale.url, entry=renamed)


@pytest.mark.real
def test_a_real_server_without_the_calendar(radicale: Radicale) -> None:
    with pytest.raises(CalendarMissing):
        put(f"{radicale.root}demir/nowhere/")
