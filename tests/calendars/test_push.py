"""Busy time in a practitioner's calendar, on a real Radicale: there once, gone when it should be, nothing else told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from audit import stream
from bookings.models import Appointment
from calendars import push as pushing
from calendars.models import Block, CalendarConnection
from tests.calendars.stories import pushed, shown
from tests.factories import Cast, PractitionerFactory
from tests.happenings import CLERK, booked, cancelled, changed
from tests.servers import Radicale

pytestmark = [pytest.mark.django_db, pytest.mark.real]

DONE, PLANNED, FAILED = Block.State.DONE, Block.State.PLANNED, Block.State.FAILED


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def visit(people: Cast, connection: CalendarConnection, now: datetime) -> Appointment:
    return booked(people, start=now.replace(microsecond=0) + timedelta(days=9), reason="A cough that stays")


def test_a_booking_is_shown_as_busy_and_nothing_else(visit: Appointment, radicale: Radicale, now: datetime) -> None:
    assert pushed(now=now) == [DONE]
    (event,) = shown(radicale)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (visit.start, visit.end)
    told = {name: str(value) for name, value in event.items() if name not in ("DTSTAMP", "DTSTART", "DTEND")}
    assert told.pop("X-CLINIC-KEY")
    assert told == {
        "UID": str(Block.objects.get().pk),
        "SUMMARY": "Busy",
        "CLASS": "PRIVATE",
        "TRANSP": "OPAQUE",
        "SEQUENCE": "0",
        "URL": f"http://127.0.0.1:8000/admin/bookings/appointment/{visit.pk}/change/",
    }
    assert event.subcomponents == []


def test_nothing_about_a_person_reaches_the_calendar(
    people: Cast, visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    pushed(now=now)
    changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
    pushed(now=now)
    kept = radicale.everything().lower()
    assert b"summary:busy" in kept
    for word in (
        b"lovelace",
        b"ada@",
        b"example.org",
        b"consultation",
        b"cough",
        b"1985",
        people.ada.code.encode().lower(),
    ):
        assert word not in kept


def test_a_cancelled_appointment_frees_its_calendar(visit: Appointment, radicale: Radicale, now: datetime) -> None:
    pushed(now=now)
    cancelled(visit)
    assert pushed(now=now) == [DONE]
    assert shown(radicale) == []
    assert Block.objects.get().desired == Block.Desired.GONE


def test_a_cancellation_of_what_was_never_written_writes_nothing(
    visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    cancelled(visit)
    assert pushed(now=now) == [DONE]
    assert radicale.events() == {}


def test_a_moved_appointment_moves_its_event(visit: Appointment, radicale: Radicale, now: datetime) -> None:
    pushed(now=now)
    changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
    assert pushed(now=now) == [DONE]
    (event,) = shown(radicale)
    assert (event.decoded("DTSTART"), str(event["SEQUENCE"])) == (visit.start, "1")


def test_a_status_that_takes_the_same_time_is_not_written_again(visit: Appointment, now: datetime) -> None:
    pushed(now=now)
    changed(visit, status="arrived", arrived_at=now)
    assert pushed(now=now) == []


def test_an_appointment_given_to_a_colleague_leaves_the_calendar(
    people: Cast, visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    pushed(now=now)
    changed(visit, practitioner=PractitionerFactory(clinic=people.clinic))
    assert pushed(now=now) == [DONE]
    assert shown(radicale) == []


def test_pushing_twice_writes_once(visit: Appointment, radicale: Radicale, now: datetime) -> None:
    block = Block.objects.get()
    assert [pushing.push(actor=CLERK, now=now, block_id=block.pk) for _ in range(2)] == [DONE, None]
    assert len(radicale.events()) == 1


def test_an_appointment_cancelled_while_it_is_written_ends_out_of_the_calendar(
    visit: Appointment, radicale: Radicale, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = pushing._write

    def slow(block: Block, **kwargs: datetime) -> pushing.Outcome:
        outcome = write(block, **kwargs)
        cancelled(Appointment.objects.get(pk=visit.pk))
        return outcome

    with monkeypatch.context() as busy:
        busy.setattr(pushing, "_write", slow)
        assert pushed(now=now) == [PLANNED]
    assert len(radicale.events()) == 1
    assert pushed(now=now) == [DONE]
    assert radicale.events() == {}


def test_a_new_connection_is_told_of_everything_ahead(
    people: Cast, connect: Callable[..., CalendarConnection], radicale: Radicale, now: datetime
) -> None:
    booked(people, start=now + timedelta(days=9))
    booked(people, start=now - timedelta(days=9))
    cancelled(booked(people, start=now + timedelta(days=10)))
    connect()
    assert pushed(now=now) == [DONE]
    assert len(radicale.events()) == 1


def test_time_that_is_over_is_not_written(visit: Appointment, radicale: Radicale) -> None:
    assert pushed(now=visit.end) == [Block.State.SUPERSEDED]
    assert radicale.events() == {}


def test_the_consumer_leaves_nothing_parked(visit: Appointment, now: datetime) -> None:
    pushed(now=now)
    cancelled(visit)
    stream.drain()
    assert list(stream.parked()) == []
