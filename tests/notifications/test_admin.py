"""Messages in the admin: seen by the clinic's staff, never edited, sent once more when wanted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from audit.models import ReadWindow
from bookings.models import Appointment, Role
from notifications.models import Kind, Message, State
from tests.factories import AppointmentFactory, Cast, MembershipFactory, UserFactory, cast

pytestmark = pytest.mark.django_db

LIST = "admin:notifications_message_changelist"
START = datetime(2031, 6, 10, 8, 0, tzinfo=UTC)


@pytest.fixture
def people(db: None, settings: Settings) -> Cast:
    settings.STAFF_MFA_REQUIRED = False
    return cast()


def visit_of(people: Cast, *, start: datetime = START) -> Appointment:
    appointment: Appointment = AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        patient=people.ada,
        practitioner=people.demir,
        service=people.service,
        start=start,
    )
    return appointment


def message(people: Cast, *, appointment: Appointment | None = None, **fields: object) -> Message:
    given = {
        "clinic": people.clinic,
        "appointment": appointment or visit_of(people),
        "kind": Kind.CONFIRMATION,
        "planned_for": START - timedelta(days=8),
        "next_try": START - timedelta(days=8),
        "state": State.FAILED,
        "last_error": "SMTPRecipientsRefused",
    }
    return Message.objects.create(**{**given, **fields})


def send_once_more(client: Client, *chosen: Message) -> str:
    form = {"action": "resend", "_selected_action": [str(row.pk) for row in chosen]}
    return client.post(reverse(LIST), form, follow=True).content.decode()


def test_reception_sees_the_messages_of_its_clinic_with_code_and_error_but_no_name(
    client: Client, people: Cast
) -> None:
    message(people)
    client.force_login(people.carla)
    page = client.get(reverse(LIST)).content.decode()
    assert "SMTPRecipientsRefused" in page
    assert people.ada.code in page
    assert "Lovelace" not in page
    assert "ada@example.org" not in page


def test_staff_of_another_clinic_see_none(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.otto)
    assert people.ada.code not in client.get(reverse(LIST)).content.decode()
    assert client.get(reverse("admin:notifications_message_change", args=[row.pk])).status_code == 302


def test_looking_is_recorded(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.carla)
    client.get(reverse(LIST))
    client.get(reverse("admin:notifications_message_change", args=[row.pk]))
    seen = {(window.view, tuple(window.patients)) for window in ReadWindow.objects.all()}
    assert seen == {("message.list", (people.ada.code,)), ("message.page", (people.ada.code,))}


def test_nothing_is_edited_added_or_deleted(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.carla)
    address = reverse("admin:notifications_message_change", args=[row.pk])
    assert '<input type="submit"' not in client.get(address).content.decode()
    assert client.post(address, {"state": "delivered"}).status_code == 403
    assert client.get(reverse("admin:notifications_message_add")).status_code == 403
    assert client.get(reverse("admin:notifications_message_delete", args=[row.pk])).status_code == 403


def test_reception_sends_a_failed_message_once_more(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.carla)
    assert "1 message is sent once more." in send_once_more(client, row)
    again = Message.objects.exclude(pk=row.pk).get()
    assert (again.kind, again.state, again.appointment_id) == (row.kind, State.PLANNED, row.appointment_id)


def test_reception_of_another_clinic_sends_nothing(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.otto)
    send_once_more(client, row)
    assert Message.objects.count() == 1


def test_an_officer_may_look_and_not_send(client: Client, people: Cast) -> None:
    row = message(people)
    client.force_login(people.eva)
    assert people.ada.code in client.get(reverse(LIST)).content.decode()
    send_once_more(client, row)
    assert Message.objects.count() == 1


def test_somebody_at_two_clinics_sends_only_where_they_may(client: Client, people: Cast) -> None:
    both = UserFactory(username="both")
    MembershipFactory(user=both, clinic=people.clinic, role=Role.DPO)
    MembershipFactory(user=both, clinic=people.elsewhere, role=Role.RECEPTION)
    row = message(people)
    client.force_login(both)
    assert "you may not do this in this clinic." in send_once_more(client, row)
    assert Message.objects.count() == 1


def test_a_longer_list_takes_no_more_queries(client: Client, people: Cast) -> None:
    client.force_login(people.carla)
    message(people)
    client.get(reverse(LIST))  # the first look is recorded
    with CaptureQueriesContext(connection) as one:
        client.get(reverse(LIST))
    for day in (1, 2):
        message(people, appointment=visit_of(people, start=START + timedelta(days=day)))
    with CaptureQueriesContext(connection) as three:
        client.get(reverse(LIST))
    assert len(three) == len(one)
