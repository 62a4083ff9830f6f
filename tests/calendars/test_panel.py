"""What an appointment's page says about its practitioner's calendars."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from audit.keys import keyring
from bookings.models import Appointment
from calendars.models import Block, CalendarConnection, ConnectionHealth
from calendars.panel import CalendarsPanel
from tests.factories import AppointmentFactory

pytestmark = pytest.mark.django_db

AT = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)
Made = Callable[..., Block]


@pytest.fixture
def block() -> Made:
    """Makes an appointment with a block in a calendar."""

    def made(*, state: str = "active", health: str = "", **fields: object) -> Block:
        appointment: Appointment = AppointmentFactory()
        connection = CalendarConnection.objects.create(
            clinic=appointment.clinic,
            practitioner=appointment.practitioner,
            url="https://cloud.example/busy/",
            key_id=keyring.create_subject_key(clinic_id=appointment.clinic_id),
            state=state,
        )
        if health:
            ConnectionHealth.objects.create(connection=connection, clinic=appointment.clinic, last_error=health)
        given = {
            "clinic": appointment.clinic,
            "connection": connection,
            "appointment": appointment,
            "desired": Block.Desired.BUSY,
            "next_try": AT,
        }
        return Block.objects.create(**{**given, **fields})

    return made


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "About to be written."),
        ({"state": "paused"}, "Waiting: the calendar is paused."),
        ({"health": "Unreachable"}, "Waiting. The calendar does not answer. It is tried again by itself."),
        (
            {"last_error": "LoginRefused"},
            "Waiting. The calendar refuses user name or password. Enter a new app password.",
        ),
    ],
)
def test_a_block_that_waits_says_why(block: Made, fields: dict[str, str], line: str) -> None:
    made = block(**fields)
    assert CalendarsPanel().lines([made.visit.pk]) == {made.visit.pk: [line]}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"state": Block.State.DONE, "pushed_at": AT},
            "In the calendar as “Busy”, Monday, 2 June 2031, 17:30 (Paris time)",
        ),
        (
            {"state": Block.State.DONE, "pushed_at": AT, "desired": Block.Desired.GONE},
            "Taken out of the calendar, Monday, 2 June 2031, 17:30 (Paris time)",
        ),
        (
            {"state": Block.State.FAILED, "last_error": "EventRefused"},
            "Failed. The calendar refuses the entry. Look whether it was moved there by hand.",
        ),
        ({"state": Block.State.SUPERSEDED}, "Not written: the appointment was over."),
    ],
)
def test_a_block_that_is_settled_says_how(block: Made, fields: dict[str, object], line: str) -> None:
    made = block()
    Block.objects.filter(pk=made.pk).update(**fields)
    assert CalendarsPanel().lines([made.visit.pk]) == {made.visit.pk: [line]}


def test_many_appointments_take_one_query(block: Made, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shown = [block().visit.pk, block(health="Unreachable").visit.pk]
    with django_assert_num_queries(1):
        assert len(CalendarsPanel().lines(shown)) == 2
