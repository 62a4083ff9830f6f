"""What an appointment's page says about its messages."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from bookings import panels
from bookings.models import Appointment
from notifications.models import Kind, Message, State
from notifications.panel import MessagesPanel
from tests.factories import AppointmentFactory

pytestmark = pytest.mark.django_db

AT = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)


def message(appointment: Appointment, **fields: object) -> Message:
    given = {
        "clinic": appointment.clinic,
        "appointment": appointment,
        "kind": Kind.CONFIRMATION,
        "planned_for": AT,
        "next_try": AT,
    }
    return Message.objects.create(**{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "confirmation by e-mail: waiting, Monday, 2 June 2031, 17:30 (Paris time)"),
        (
            {"last_error": "SMTPException"},
            "confirmation by e-mail: tried in vain (SMTPException), next try Monday, 2 June 2031, 17:30 (Paris time)",
        ),
        (
            {"state": State.HANDED_OVER, "handed_over_at": AT + timedelta(minutes=1)},
            "confirmation by e-mail: sent, Monday, 2 June 2031, 17:31 (Paris time)",
        ),
        (
            {"state": State.FAILED, "last_error": "SMTPRecipientsRefused"},
            "confirmation by e-mail: failed (SMTPRecipientsRefused)",
        ),
        ({"state": State.SUPERSEDED}, "confirmation by e-mail: no longer needed"),
    ],
)
def test_a_message_is_one_line(fields: dict[str, object], line: str) -> None:
    appointment: Appointment = AppointmentFactory()
    message(appointment, **fields)
    assert MessagesPanel().lines([appointment.pk]) == {appointment.pk: [line]}


def test_the_panel_is_on_the_page_and_silent_about_other_appointments() -> None:
    one: Appointment = AppointmentFactory()
    other: Appointment = AppointmentFactory(start=one.end)
    message(one)
    said = panels.collect([one.pk, other.pk])
    assert [title for title, _lines in said[one.pk]] == ["Messages"]
    assert said[other.pk] == []


def test_many_appointments_take_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first: Appointment = AppointmentFactory()
    second: Appointment = AppointmentFactory(start=first.end)
    message(first)
    message(second)
    with django_assert_num_queries(1):
        MessagesPanel().lines([first.pk, second.pk])
