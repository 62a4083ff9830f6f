"""Many people change the diary at once: joining, moving, booking together, calling off. Nobody is lost, none waits for
ever, and no two have the same time."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from bookings import approval, booking, moving, series, sessions
from bookings.availability import SlotTaken
from bookings.booking import Leg, Told
from bookings.locks import TooBusy
from bookings.models import Appointment, GroupSession, Occupancy, Practitioner
from tests.bookings.promises import broken, overlaps
from tests.bookings.story import CARLA, DAY, HOUR, NOW, TEN, VISITOR, another, book, by_staff, wished
from tests.factories import Cast, DeviceFactory, PatientFactory, RoomFactory, cast
from tests.faults.clients import Answer, at_once, in_turns

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

HALF = timedelta(minutes=30)
Call = Callable[[], Any]


def each(answers: list[list[Answer]]) -> list[Answer]:
    return [answer for client in answers for answer in client]


def errors(answers: Iterable[Answer]) -> Counter[str]:
    return Counter(type(answer.error).__name__ for answer in answers if answer.error is not None)


@pytest.fixture(autouse=True)
def no_deadlock() -> Any:
    """PostgreSQL counts the deadlocks it had to break, whoever was told of them."""
    before = deadlocks()
    yield
    assert deadlocks() == before


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def patiently(call: Call) -> Call:
    """The call as somebody makes it who is told to try again, and does: on a slow machine many wait long."""

    def persist() -> Any:
        for _ in range(20):
            try:
                return call()
            except TooBusy:
                continue
        return call()

    return persist


def booking_of(people: Cast, **wish: Any) -> Call:
    patient, key = wish.pop("patient", None) or PatientFactory(clinic=people.clinic), uuid.uuid4()
    return patiently(lambda: book(people, patient=patient, key=key, **wish))


def moving_of(visit: Appointment, start: datetime, **how: Any) -> Call:
    asked = {"actor": VISITOR, "now": NOW, "appointment_id": visit.pk, "by": "patient", **how}
    return patiently(lambda: moving.reschedule(start=start, **asked))


def cancelling_of(visit: Appointment) -> Call:
    return patiently(lambda: booking.cancel(actor=VISITOR, now=NOW, appointment_id=visit.pk, by="patient"))


def planned(people: Cast, *, start: datetime = TEN, **how: Any) -> GroupSession:
    place = {"service": people.service, "location": people.location, "practitioner": people.demir}
    return sessions.plan(actor=CARLA, now=NOW, start=start, **{**place, **how})[0]


def the_more(people: Cast, count: int) -> Sequence[Practitioner]:
    return [another(people) for _ in range(count)]


# --- groups


def test_of_twenty_who_join_a_group_of_five_exactly_five_do() -> None:
    people = cast(capacity=5)
    planned(people)
    answers = each(at_once([booking_of(people) for _ in range(20)]))
    assert errors(answers) == {"SlotTaken": 15}
    assert set(Occupancy.objects.filter(kind="seat").values_list("seat", flat=True)) == {1, 2, 3, 4, 5}
    assert broken(now=NOW) == []


def test_a_group_called_off_while_people_join_leaves_nobody_in_it() -> None:
    people = cast(capacity=8)
    for turn in range(4):
        session = planned(people, start=TEN + turn * HOUR)

        def call_off(pk: uuid.UUID = session.pk) -> Any:
            return sessions.call_off(actor=CARLA, now=NOW, session_id=pk)

        joining = [booking_of(people, start=session.start) for _ in range(6)]
        answers = each(at_once([*joining[:3], patiently(call_off), *joining[3:], patiently(call_off)]))
        assert set(errors(answers)) <= {"NotOffered"}
        visits = Appointment.objects.filter(session=session)
        assert set(visits.values_list("status", flat=True)) <= {"cancelled"}
        assert visits.count() == 6 - errors(answers)["NotOffered"]
    assert not Occupancy.objects.exists()


def test_a_group_made_smaller_while_people_join_is_never_too_full() -> None:
    people = cast(capacity=6)
    for turn in range(4):
        session = planned(people, start=TEN + turn * HOUR)

        def shrink(pk: uuid.UUID = session.pk) -> Any:
            return sessions.resize(actor=CARLA, now=NOW, session_id=pk, capacity=3)

        joining = [booking_of(people, start=session.start) for _ in range(6)]
        answers = each(at_once([*joining, patiently(shrink), patiently(shrink)]))
        assert set(errors(answers)) <= {"SlotTaken", "TooFewPlaces"}
    assert broken(now=NOW) == []


def test_the_cap_on_squeezing_in_holds_over_all_sessions_of_a_day_at_once() -> None:
    people = cast(capacity=2, overbook_cap=1)
    found = [planned(people, start=TEN + hours * HOUR, capacity=1) for hours in range(4)]
    for session in found:
        booking_of(people, start=session.start)()

    def squeeze(session: GroupSession) -> Call:
        return booking_of(people, start=session.start, actor=CARLA, online=False, overbook_reason="urgent")

    answers = each(at_once([squeeze(session) for session in found * 2]))
    assert errors(answers) == {"NotOffered": 7}
    assert Appointment.objects.filter(overbooked=True).count() == 1


# --- caps


@pytest.mark.parametrize("cap", [{"cap_open": 1}, {"cap_day": 1}])
def test_one_patient_in_two_windows_books_once_where_one_is_the_most(cap: dict[str, int]) -> None:
    """Different practitioners and times: no schedule is shared, and the patient's own lock decides."""
    people = cast(**cap)
    everyone = [people.demir, *the_more(people, 3)]
    wishes = [
        booking_of(people, patient=people.ada, practitioner=who, start=TEN + number * HOUR)
        for number, who in enumerate(everyone)
    ]
    answers = each(at_once(wishes))
    assert errors(answers) == {"NotOffered": 3}
    assert Appointment.objects.count() == 1


def test_of_two_moves_onto_one_day_only_one_keeps_the_cap() -> None:
    people = cast(cap_day=1)
    ana, cem = the_more(people, 2)
    visits = [book(people, practitioner=who, start=TEN + (1 + day) * DAY) for day, who in enumerate((ana, cem))]
    moves = [moving_of(visit, TEN + hour * HOUR) for hour, visit in enumerate(visits)]
    answers = each(at_once(moves))
    assert errors(answers) == {"NotOffered": 1}


# --- moving


def test_two_who_swap_times_back_and_forth_never_deadlock_and_are_never_lost() -> None:
    people = cast(room_kind="consultation")
    the_more(people, 1)
    for _ in range(2):
        RoomFactory(location=people.location)
    visits = [book(people, start=TEN + number * HALF, practitioner=None) for number in range(4)]
    dice = random.Random(1130)
    scripts = [[moving_of(dice.choice(visits), TEN + dice.randrange(5) * HALF) for _ in range(12)] for _ in range(8)]
    answers = each(in_turns(scripts))
    assert set(errors(answers)) <= {"SlotTaken"}
    rows = {visit.pk: visit for visit in Appointment.objects.all()}
    assert set(rows) == {visit.pk for visit in visits}
    assert {visit.status for visit in rows.values()} == {"booked"}
    assert sum(errors(answers).values()) < len(answers)
    assert overlaps() == 0
    assert broken(now=NOW) == []


def test_of_two_moves_to_one_time_one_wins_and_the_other_stays_where_it_was() -> None:
    people = cast()
    for turn in range(5):
        day = TEN + turn * DAY
        one, other = book(people, start=day), book(people, start=day + HOUR)
        answers = each(at_once([moving_of(one, day + 2 * HOUR), moving_of(other, day + 2 * HOUR)]))
        assert errors(answers) == {"SlotTaken": 1}
        for visit, answer in zip((one, other), answers, strict=True):
            before = visit.start
            visit.refresh_from_db()
            won = answer.error is None
            assert (visit.start, visit.sequence) == ((day + 2 * HOUR, 1) if won else (before, 0))
    assert broken(now=NOW) == []


def test_a_move_and_a_booking_at_once_give_the_time_to_one() -> None:
    people = cast()
    for turn in range(5):
        day = TEN + turn * DAY
        visit = book(people, start=day)
        answers = each(at_once([moving_of(visit, day + HOUR), booking_of(people, start=day + HOUR)]))
        assert errors(answers) == {"SlotTaken": 1}
        assert Appointment.objects.filter(start=day + HOUR).count() == 1
    assert broken(now=NOW) == []


def test_moved_and_cancelled_at_once_it_is_cancelled_and_takes_nothing() -> None:
    people = cast()
    for turn in range(6):
        day = TEN + turn * DAY
        if day.weekday() > 4:
            continue
        visit = book(people, start=day)
        answers = each(at_once([moving_of(visit, day + HOUR), cancelling_of(visit), moving_of(visit, day + 2 * HOUR)]))
        assert set(errors(answers)) <= {"NotPossible"}
        assert answers[1].error is None
        visit.refresh_from_db()
        assert visit.status == "cancelled"
        moved = sum(answer.error is None for answer in (answers[0], answers[2]))
        assert visit.sequence == 1 + moved
    assert not Occupancy.objects.exists()


def test_a_series_and_its_own_occurrence_moved_at_once_lose_nothing() -> None:
    people = cast(most_repeats=6)
    told = Told()
    made = series.book_series(
        actor=VISITOR,
        now=NOW,
        key=uuid.uuid4(),
        patient=people.ada,
        wish=wished(people),
        rrule="FREQ=WEEKLY;COUNT=5",
        skipping=False,
        told=told,
    )
    first, *_, last = made.appointments

    def all_of_it(hours: int) -> Call:
        start = TEN + hours * HOUR
        return patiently(
            lambda: series.reschedule_following(
                actor=VISITOR, now=NOW, appointment_id=first.pk, start=start, by="patient"
            )
        )

    answers = each(
        at_once([all_of_it(1), moving_of(last, last.start + 3 * HOUR), all_of_it(2), booking_of(people, start=TEN)])
    )
    assert set(errors(answers)) <= {"SlotTaken"}
    assert Appointment.objects.filter(series__isnull=False, status="booked").count() == 5
    assert broken(now=NOW) == []


# --- several schedules, several visits


def test_practitioner_room_and_device_with_staggered_starts_never_overlap() -> None:
    """16 clients, starts every five minutes, four people, two rooms, two devices, visits of two services."""
    people = cast(step=5, buffer_before=5, buffer_after=5, room_kind="ultrasound", device_kind="ultrasound")
    everyone = [people.demir, *the_more(people, 3), None]
    for _ in range(2):
        RoomFactory(location=people.location, kind="ultrasound")
        DeviceFactory(location=people.location, kind="ultrasound")
    dice = random.Random(20_261_130)
    scripts = [
        [
            booking_of(
                people,
                patient=people.ada,
                start=TEN + timedelta(minutes=5 * dice.randrange(48)),
                practitioner=dice.choice(everyone),
            )
            for _ in range(12)
        ]
        for _ in range(16)
    ]
    answers = each(in_turns(scripts))
    assert set(errors(answers)) <= {"SlotTaken"}
    booked = Appointment.objects.filter(status="booked").count()
    assert booked == len(answers) - sum(errors(answers).values()) >= 8
    assert Occupancy.objects.count() == 3 * booked
    assert broken(now=NOW) == []


def test_visits_booked_together_in_opposite_order_never_deadlock() -> None:
    people = cast()
    ana = another(people)
    for turn in range(4):
        day = TEN + turn * DAY
        wishes = [wished(people, start=day), wished(people, start=day, practitioner=ana)]

        def both(reverse: bool, wishes: Any = wishes) -> Call:
            patients = [PatientFactory(clinic=people.clinic) for _ in wishes]
            legs = [Leg(wish=wish, patient=patient) for wish, patient in zip(wishes, patients, strict=True)]
            legs = legs[::-1] if reverse else legs
            key = uuid.uuid4()
            return patiently(lambda: booking.book_together(actor=VISITOR, now=NOW, key=key, legs=legs, told=Told()))

        answers = each(at_once([both(number % 2 == 1) for number in range(8)]))
        assert errors(answers) == {"SlotTaken": 7}
        assert Appointment.objects.filter(start=day).count() == 2
    assert broken(now=NOW) == []


# --- requests


def test_an_answer_and_the_deadline_at_once_end_in_one_of_them() -> None:
    people = cast(needs_approval=True, answer_hours=1)
    for turn in range(6):
        start = TEN + turn * HALF
        visit = book(people, start=start, patient=PatientFactory(clinic=people.clinic))
        deadline = visit.respond_by
        assert deadline is not None
        just_before = deadline - timedelta(milliseconds=1)

        def approve(pk: uuid.UUID = visit.pk, now: datetime = just_before) -> Any:
            return approval.approve(actor=CARLA, now=now, appointment_id=pk)

        def lapse(now: datetime = deadline) -> int:
            return approval.lapse(now=now)

        answers = each(at_once([patiently(approve), lapse, lapse]))
        visit.refresh_from_db()
        assert set(errors(answers)) <= {"NotPossible"}
        if answers[0].error is None:
            assert (visit.status, visit.respond_by, visit.sequence) == ("booked", None, 1)
            assert [answer.result for answer in answers[1:]] == [0, 0]
        else:
            assert (visit.status, visit.cancelled_by, visit.sequence) == ("cancelled", "system", 1)
            assert sorted(answer.result for answer in answers[1:]) == [0, 1]
    assert broken(now=NOW) == []


def test_overbooking_never_happens_by_race() -> None:
    people = cast(overbook_cap=1)
    by_staff(people)
    squeezing = [
        booking_of(people, actor=CARLA, online=False, overbook_reason="urgent", start=TEN + timedelta(minutes=number))
        for number in range(6)
    ]
    answers = each(at_once([*squeezing, *(booking_of(people) for _ in range(4))]))
    assert errors(answers) == {"NotOffered": 5, "SlotTaken": 4}
    assert Appointment.objects.filter(overbooked=True).count() == 1
    for answer in answers:
        assert not isinstance(answer.error, SlotTaken) or answer.error.nearest
