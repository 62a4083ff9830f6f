"""Two people never get one time: clients on their own connections, on real PostgreSQL, all at once."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from audit.context import Actor
from bookings import booking, holds, merging, patients
from bookings.availability import NotOffered, SlotTaken
from bookings.holds import HOLD, MOST_OPEN, PROMISED, HoldGone
from bookings.models import Appointment, Hold, Occupancy, Patient, Practitioner
from tests.factories import (
    MONDAY,
    Cast,
    OfferFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    cast,
    open_week,
)
from tests.faults.clients import Answer, at_once, in_turns

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

PARIS = ZoneInfo("Europe/Paris")
TEN = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
NOW = MONDAY - timedelta(days=3)
VISITOR = Actor(kind="visitor", id="v", label="visitor")
#: No answer takes longer than this, or than so many bookings one after the other where the machine itself is slow.
WORST_SECONDS = 2.0
WORST_TURNS = 60

OVERLAPS = """
    SELECT count(*) FROM bookings_occupancy one JOIN bookings_occupancy other
        ON one.id < other.id AND one.schedule_id = other.schedule_id AND one.period && other.period
"""


def overlaps() -> int:
    """Pairs of rows that take the same schedule at the same time, by a query that trusts no constraint."""
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        return int(cursor.fetchone()[0])


def errors(answers: Iterable[Answer]) -> Counter[str]:
    return Counter(type(answer.error).__name__ for answer in answers if answer.error is not None)


def worst_allowed(people: Cast) -> float:
    """Seconds; asked before the race, by booking and cancelling alone on the day after."""
    alone = []
    for hour in range(1, 6):
        began = perf_counter()
        visit = book(people, start=TEN + timedelta(days=1, hours=hour), practitioner=people.demir)()
        alone.append(perf_counter() - began)
        booking.cancel(actor=VISITOR, now=NOW, appointment_id=visit.pk, by="clinic")
    return max(WORST_SECONDS, WORST_TURNS * min(alone))


def each(answers: list[list[Answer]]) -> list[Answer]:
    return [answer for client in answers for answer in client]


def book(people: Cast, *, patient: Patient | None = None, **wish: Any) -> Callable[[], Appointment]:
    asked = {
        "actor": VISITOR,
        "now": NOW,
        "key": uuid.uuid4(),
        "patient": patient or people.ada,
        "service": people.service,
        "location": people.location,
        "start": TEN,
    }
    return lambda: booking.book(**{**asked, **wish})


def hold(
    people: Cast,
    *,
    visitor: str,
    now: datetime = NOW,
    start: datetime = TEN,
    practitioner: Practitioner | None = None,
) -> Callable[[], Hold]:
    return lambda: holds.hold(
        actor=VISITOR,
        now=now,
        visitor=visitor,
        service=people.service,
        location=people.location,
        practitioner=practitioner,
        start=start,
    )


def more_practitioners(people: Cast, *, count: int) -> Sequence[Practitioner]:
    made = [PractitionerFactory(clinic=people.clinic) for _ in range(count)]
    for practitioner in made:
        OfferFactory(service=people.service, practitioner=practitioner)
        open_week(of=practitioner, at=people.location)
    return made


def test_twenty_clients_on_one_slot_book_it_once() -> None:
    people = cast()
    patients = [PatientFactory(clinic=people.clinic) for _ in range(20)]
    worst = worst_allowed(people)
    answers = each(at_once([book(people, patient=patient) for patient in patients]))
    assert errors(answers) == {"SlotTaken": 19}
    assert Appointment.objects.filter(status="booked").count() == Occupancy.objects.count() == 1
    for answer in answers:
        if isinstance(answer.error, SlotTaken):
            assert TEN - timedelta(minutes=30) in [slot.start for slot in answer.error.nearest]
            assert TEN not in [slot.start for slot in answer.error.nearest]
    assert max(answer.seconds for answer in answers) < worst


def test_practitioner_and_room_with_staggered_starts_never_overlap_and_never_deadlock() -> None:
    """16 clients, 400 attempts, starts every five minutes for visits of 30 with buffers, four people, two rooms."""
    people = cast(step=5, buffer_before=5, buffer_after=5, room_kind="ultrasound")
    everyone = [people.demir, *more_practitioners(people, count=3), None]
    for _ in range(2):
        RoomFactory(location=people.location, kind="ultrasound")
    worst = worst_allowed(people)
    dice = random.Random(20_261_130)
    scripts = [
        [
            book(people, start=TEN + timedelta(minutes=5 * dice.randrange(48)), practitioner=dice.choice(everyone))
            for _ in range(25)
        ]
        for _ in range(16)
    ]
    answers = each(in_turns(scripts))
    assert set(errors(answers)) <= {"SlotTaken"}
    booked = Appointment.objects.filter(status="booked").count()
    assert booked == len(answers) - errors(answers)["SlotTaken"]
    assert Occupancy.objects.count() == 2 * booked
    assert booked >= 8  # four hours in two rooms, 40 minutes each with its buffers
    assert overlaps() == 0
    assert max(answer.seconds for answer in answers) < worst


def test_one_command_sent_many_times_at_once_books_once() -> None:
    """Even when it asks for different people each time, so that no schedule is shared."""
    people = cast()
    everyone = [people.demir, *more_practitioners(people, count=4)]
    key = uuid.uuid4()
    answers = each(at_once([book(people, key=key, practitioner=practitioner) for practitioner in everyone * 2]))
    assert errors(answers) == {}
    assert {answer.result.pk for answer in answers} == {Appointment.objects.get().pk}


def test_of_two_holds_one_wins_and_only_its_visitor_books() -> None:
    people = cast()
    for turn in range(6):
        start = TEN + timedelta(minutes=30 * turn)
        answers = each(at_once([hold(people, visitor=f"{turn}-{name}", start=start) for name in "abcd"]))
        assert errors(answers) == {"SlotTaken": 3}
        (held,) = [answer.result for answer in answers if answer.result is not None]
        both = [book(people, start=start), book(people, start=start, hold=held), book(people, start=start)]
        outcome = each(at_once(both))
        assert errors(outcome) == {"SlotTaken": 2}
        assert outcome[1].error is None
    assert not Hold.objects.exists()
    assert overlaps() == 0


def test_a_visitor_cannot_keep_too_many_times_by_asking_for_all_at_once() -> None:
    people = cast()
    everyone = [people.demir, *more_practitioners(people, count=5)]
    asked = [hold(people, visitor="one", practitioner=practitioner) for practitioner in everyone]
    answers = each(at_once(asked))
    assert errors(answers) == {"TooManyHolds": len(everyone) - MOST_OPEN}
    assert Hold.objects.count() == MOST_OPEN


def test_cancelling_and_booking_at_once_leave_one_or_none() -> None:
    people = cast()
    for turn in range(8):
        start = TEN + timedelta(minutes=30 * turn)
        first = book(people, start=start)()

        def cancel(pk: uuid.UUID = first.pk) -> Appointment:
            return booking.cancel(actor=VISITOR, now=NOW, appointment_id=pk, by="clinic")

        answers = each(at_once([book(people, start=start), cancel, book(people, start=start), cancel]))
        assert set(errors(answers)) <= {"SlotTaken"}
        first.refresh_from_db()
        assert (first.status, first.sequence) == ("cancelled", 1)
        standing = Appointment.objects.filter(start=start, status="booked")
        assert standing.count() == 2 - errors(answers)["SlotTaken"] <= 1
        assert Occupancy.objects.filter(appointment__start=start).count() == standing.count()
    assert overlaps() == 0


def test_a_booking_for_a_record_that_is_being_joined_moves_with_it_or_is_refused() -> None:
    people = cast()
    patients.reindex(people.ada)
    for turn in range(8):
        gone = PatientFactory(clinic=people.clinic, email=f"{turn}@new.example")
        patients.reindex(gone)

        def join(gone: Patient = gone) -> Patient:
            return merging.join(actor=VISITOR, now=NOW, keep=people.ada, gone=gone)

        answers = each(at_once([book(people, patient=gone, start=TEN + timedelta(minutes=30 * turn)), join]))
        assert set(errors(answers)) <= {"NotOffered"}
        assert answers[1].error is None
        assert not Appointment.objects.filter(patient=gone).exists()
    with pytest.raises(NotOffered):
        book(people, patient=gone, start=TEN + timedelta(hours=6))()


def test_expired_holds_are_cleared_by_everyone_at_once_without_deadlock() -> None:
    """Bookings that share rooms free what expired of their own schedules while the sweep goes over all of them."""
    people = cast(room_kind="ultrasound")
    more_practitioners(people, count=3)
    for _ in range(4):
        RoomFactory(location=people.location, kind="ultrasound")
    for turn in range(4):
        start = TEN + timedelta(minutes=30 * turn)
        for number in range(4):
            hold(people, visitor=f"{turn}-{number}", start=start)()
        later = NOW + HOLD + PROMISED

        def sweep(now: datetime = later) -> int:
            return holds.sweep(now=now)

        wishes = [book(people, start=start, now=later) for _ in range(6)]
        answers = each(at_once([*wishes, sweep, sweep, sweep, sweep]))
        assert set(errors(answers)) <= {"SlotTaken"}
        assert Appointment.objects.filter(start=start).count() == 4
        assert errors(answers)["SlotTaken"] == 2
    assert overlaps() == 0


def test_an_extended_hold_and_a_new_one_never_both_stand() -> None:
    """Clocks differ by a little: for one the hold still lives, for the other it has expired."""
    people = cast()
    for turn in range(8):
        start = TEN + timedelta(minutes=30 * turn)
        first = hold(people, visitor=f"{turn}-first", start=start)()

        def extend(held: Hold = first, visitor: str = f"{turn}-first") -> Hold:
            return holds.extend(actor=VISITOR, now=NOW + HOLD - timedelta(seconds=1), visitor=visitor, hold_id=held.pk)

        second = hold(people, visitor=f"{turn}-second", start=start, now=NOW + HOLD)
        extended, taken = each(at_once([extend, second]))
        assert (extended.error is None) != (taken.error is None)
        assert isinstance(extended.error or taken.error, HoldGone | SlotTaken)
        assert Occupancy.objects.filter(hold__start=start).count() == 1
    assert overlaps() == 0


def test_a_cancellation_pressed_many_times_at_once_is_one_revision() -> None:
    people = cast()
    visit = book(people)()

    def cancel() -> Appointment:
        return booking.cancel(actor=VISITOR, now=NOW, appointment_id=visit.pk, by="patient")

    answers = each(at_once([cancel] * 8))
    assert errors(answers) == {}
    visit.refresh_from_db()
    assert visit.sequence == 1
