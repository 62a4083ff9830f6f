"""Calendar connections in the admin: made by managers, tested by a button, and a password never comes back out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from bookings.models import Role, User
from calendars.models import Block, CalendarConnection, ConnectionHealth
from tests.factories import Cast, MembershipFactory, PractitionerFactory, UserFactory
from tests.happenings import booked
from tests.servers import PASSWORD, USERNAME, Radicale

pytestmark = [pytest.mark.django_db, pytest.mark.real]

LIST = "admin:calendars_calendarconnection_changelist"
ADD = "admin:calendars_calendarconnection_add"
CHANGE = "admin:calendars_calendarconnection_change"


@pytest.fixture
def manager(people: Cast, settings: Settings) -> User:
    settings.STAFF_MFA_REQUIRED = False
    user: User = UserFactory(username="manager")
    MembershipFactory(user=user, clinic=people.clinic, role=Role.MANAGER)
    return user


def page_of(connection: CalendarConnection) -> str:
    return reverse(CHANGE, args=[connection.pk])


def test_a_manager_connects_a_calendar(client: Client, people: Cast, manager: User, radicale: Radicale) -> None:
    client.force_login(manager)
    given = {"clinic": people.clinic.pk, "practitioner": people.demir.pk, "url": radicale.url}
    answer = client.post(reverse(ADD), {**given, "username": USERNAME, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    made = CalendarConnection.objects.get()
    assert (made.clinic, made.practitioner, made.username, made.password) == (
        people.clinic,
        people.demir,
        USERNAME,
        PASSWORD,
    )


@pytest.mark.parametrize("address", ["http://cloud.example/dav/", "https://cloud.example/dav", "nonsense"])
def test_a_wrong_address_is_refused_in_words(client: Client, people: Cast, manager: User, address: str) -> None:
    client.force_login(manager)
    given = {
        "clinic": people.clinic.pk,
        "practitioner": people.demir.pk,
        "url": address,
        "username": "x",
        "password": "y",
    }
    answer = client.post(reverse(ADD), given)
    assert answer.status_code == 200
    assert CalendarConnection.objects.count() == 0
    assert "errorlist" in answer.content.decode()


def test_a_password_is_never_shown_again(client: Client, manager: User, connection: CalendarConnection) -> None:
    client.force_login(manager)
    page = client.get(page_of(connection)).content.decode()
    assert PASSWORD not in page
    assert 'type="password"' in page
    assert "Stored. Leave it empty to keep it." in page
    assert PASSWORD not in client.get(reverse(LIST)).content.decode()


def test_an_empty_password_keeps_the_stored_one(client: Client, manager: User, connection: CalendarConnection) -> None:
    client.force_login(manager)
    client.post(page_of(connection), {"username": USERNAME, "password": ""})
    again = CalendarConnection.objects.get()
    assert (again.password, again.key_id) == (PASSWORD, connection.key_id)


def test_a_new_password_replaces_the_stored_one_under_a_new_key(
    client: Client, manager: User, connection: CalendarConnection
) -> None:
    client.force_login(manager)
    client.post(page_of(connection), {"username": USERNAME, "password": " a new one "})
    again = CalendarConnection.objects.get()
    assert again.password == " a new one "
    assert again.key_id != connection.key_id
    assert "a new one" not in str(list(LogEntry.objects.values()))


def test_address_and_practitioner_of_a_connection_stay(
    client: Client, people: Cast, manager: User, connection: CalendarConnection
) -> None:
    client.force_login(manager)
    other = PractitionerFactory(clinic=people.clinic)
    client.post(
        page_of(connection),
        {"username": USERNAME, "password": "", "url": "https://other.example/", "practitioner": other.pk},
    )
    again = CalendarConnection.objects.get()
    assert (again.url, again.practitioner) == (connection.url, people.demir)


def test_the_button_tests_the_connection(
    client: Client, manager: User, connection: CalendarConnection, radicale: Radicale
) -> None:
    client.force_login(manager)
    address = reverse("admin:calendars_test", args=[connection.pk])
    assert address in client.get(page_of(connection)).content.decode()
    assert "the calendar answers and can be written." in client.post(address, follow=True).content.decode()
    radicale.stop()
    assert "The calendar does not answer." in client.post(address, follow=True).content.decode()
    assert ConnectionHealth.objects.get().last_error == "Unreachable"
    assert client.get(address).status_code == 405


def test_what_fails_is_on_the_page(
    client: Client, people: Cast, manager: User, connection: CalendarConnection, radicale: Radicale
) -> None:
    radicale.stop()
    booked(people, start=datetime.now(UTC) + timedelta(days=9))
    client.force_login(manager)
    client.post(reverse("admin:calendars_test", args=[connection.pk]))
    page = client.get(reverse(LIST)).content.decode()
    assert "The calendar does not answer." in page
    assert '<td class="field-waiting">1</td>' in page


@pytest.mark.parametrize(("action", "state"), [("pause", "paused"), ("forget", "paused"), ("resume", "active")])
def test_actions_say_what_they_do(
    client: Client, manager: User, connection: CalendarConnection, action: str, state: str
) -> None:
    client.force_login(manager)
    client.post(reverse(LIST), {"action": action, "_selected_action": [str(connection.pk)]})
    connection.refresh_from_db()
    assert connection.state == state


def test_a_refused_action_is_named(client: Client, manager: User, connection: CalendarConnection) -> None:
    client.force_login(manager)
    chosen = {"_selected_action": [str(connection.pk)]}
    client.post(reverse(LIST), {"action": "forget", **chosen})
    page = client.post(reverse(LIST), {"action": "resume", **chosen}, follow=True).content.decode()
    assert "Enter them again first." in page


def test_reception_looks_and_changes_nothing(
    client: Client, people: Cast, manager: User, connection: CalendarConnection
) -> None:
    client.force_login(people.carla)
    page = client.get(page_of(connection)).content.decode()
    assert USERNAME + "</div>" not in page
    assert 'type="password"' not in page
    assert client.post(page_of(connection), {"username": "x", "password": "y"}).status_code == 403
    assert client.post(reverse("admin:calendars_test", args=[connection.pk])).status_code == 403
    assert client.get(reverse(ADD)).status_code == 403


def test_staff_of_another_clinic_see_nothing(
    client: Client, people: Cast, manager: User, connection: CalendarConnection
) -> None:
    client.force_login(people.otto)
    assert "Demir" not in client.get(reverse(LIST)).content.decode()
    assert client.get(page_of(connection)).status_code == 302
    assert client.post(reverse("admin:calendars_test", args=[connection.pk])).status_code == 404


def test_a_practitioner_of_another_clinic_cannot_be_connected(
    client: Client, people: Cast, manager: User, radicale: Radicale
) -> None:
    client.force_login(manager)
    stranger = PractitionerFactory(clinic=people.elsewhere)
    given = {"clinic": people.clinic.pk, "practitioner": stranger.pk, "url": radicale.url}
    client.post(reverse(ADD), {**given, "username": "x", "password": "y"})
    assert CalendarConnection.objects.count() == 0


def test_a_longer_list_takes_no_more_queries(
    client: Client, people: Cast, manager: User, connect: Callable[..., CalendarConnection], radicale: Radicale
) -> None:
    client.force_login(manager)
    connect()
    client.get(reverse(LIST))  # the first page of a session costs more
    with CaptureQueriesContext(database) as one:
        client.get(reverse(LIST))
    for name in ("second", "third"):
        connect(url=f"{radicale.root}demir/{name}/")
    booked(people, start=datetime.now(UTC) + timedelta(days=9))
    assert Block.objects.count() == 3
    with CaptureQueriesContext(database) as three:
        client.get(reverse(LIST))
    assert len(three) == len(one)
