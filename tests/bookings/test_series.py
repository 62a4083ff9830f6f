"""Recurring series: booked by one rule, all or what can be had; one changed, or all that follow."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import booking, moving, series
from bookings.availability import NotOffered, Rule, SlotTaken, Wish
from bookings.booking import Made, NotPossible, Told, TooLateToCancel
from bookings.models import Appointment, AppointmentSeries, Occupancy
from bookings.moving import TooLateToMove
from bookings.series import NoSuchRule, TooMany
from tests.bookings.promises import broken
from tests.bookings.story import (
    CARLA,
    DAY,
    HOUR,
    NOW,
    PARIS,
    TEN,
    VISITOR,
    another,
    book,
    by_staff,
    operations_of,
    records_of,
    wished,
)
from tests.factories import Cast, ClosureFactory, PatientFactory, RoomFactory, cast

pytestmark = pytest.mark.django_db

WEEK = 7 * DAY
WEEKLY = "FREQ=WEEKLY;COUNT=4"


@pytest.fixture
def people() -> Cast:
    return cast(most_repeats=20, horizon=300, step=15)


def repeat(people: Cast, *, rrule: str = WEEKLY, skipping: bool = False, **how: Any) -> Made:
    wish: Wish = how.pop("wish", None) or wished(people)
    asked = {"actor": VISITOR, "now": NOW, "key": uuid.uuid4(), "patient": people.ada, "told": Told()}
    return series.book_series(**{**asked, "wish": wish, "rrule": rrule, "skipping": skipping, **how})


def stand() -> list[tuple[datetime, datetime | None, int | None, str]]:
    rows = Appointment.objects.filter(series__isnull=False).order_by("recurrence_id")
    return [(row.start, row.recurrence_id, row.occurrence_index, row.status) for row in rows]


def starts() -> list[datetime]:
    return [start for start, *_ in stand()]


def test_every_occurrence_keeps_its_original_start_and_its_place_in_the_rule(people: Cast) -> None:
    made = repeat(people)
    assert stand() == [(TEN + number * WEEK, TEN + number * WEEK, number, "booked") for number in range(4)]
    assert AppointmentSeries.objects.get().rrule == WEEKLY
    assert {visit.together for visit in made.appointments} == {made.appointments[0].idempotency_key}
    assert made.left_out == []
    assert broken(now=NOW) == []


def test_a_series_keeps_its_local_time_over_the_night_the_clocks_change(people: Cast) -> None:
    repeat(people, rrule="FREQ=WEEKLY;COUNT=20", wish=wished(people, start=TEN + DAY))
    found = [start.astimezone(PARIS) for start in starts()]
    assert {(start.hour, start.minute) for start in found} == {(10, 0)}
    assert {start.utcoffset() for start in found} == {timedelta(hours=1), timedelta(hours=2)}


def test_all_or_nothing_books_nothing_when_one_is_taken(people: Cast) -> None:
    by_staff(people, start=TEN + 2 * WEEK)
    with pytest.raises(SlotTaken) as told:
        repeat(people)
    assert told.value.wish.start == TEN + 2 * WEEK
    assert told.value.nearest
    assert stand() == []
    assert not AppointmentSeries.objects.exists()
    assert Occupancy.objects.count() == 1


def test_skipping_leaves_out_what_is_taken_and_names_it(people: Cast) -> None:
    by_staff(people, start=TEN + WEEK)
    ClosureFactory(clinic=people.clinic, start=TEN + 2 * WEEK - HOUR)
    made = repeat(people, skipping=True)
    assert [visit.occurrence_index for visit in made.appointments] == [0, 3]
    assert [leg.index for leg in made.left_out] == [1, 2]
    assert starts() == [TEN, TEN + 3 * WEEK]
    assert broken(now=NOW) == []


def test_skipping_everything_is_a_refusal(people: Cast) -> None:
    ClosureFactory(clinic=people.clinic, start=TEN - DAY, end=TEN + 10 * WEEK)
    with pytest.raises(NotOffered) as told:
        repeat(people, skipping=True)
    assert told.value.rule == Rule.CLOSURE
    assert not AppointmentSeries.objects.exists()


def test_one_practitioner_gives_all_of_it(people: Cast) -> None:
    ana = another(people)
    by_staff(people, practitioner=people.demir)
    repeat(people, wish=wished(people, practitioner=None))
    assert {visit.practitioner for visit in Appointment.objects.filter(series__isnull=False)} == {ana}


def test_whoever_can_give_most_of_it_gives_it(people: Cast) -> None:
    ana = another(people)
    by_staff(people, practitioner=people.demir, start=TEN + 2 * WEEK)
    made = repeat(people, wish=wished(people, practitioner=None))
    assert [visit.practitioner for visit in made.appointments] == [ana] * 4


def test_who_is_free_at_the_first_visit_comes_before_who_is_at_more(people: Cast) -> None:
    ana = another(people)
    by_staff(people, practitioner=people.demir)
    by_staff(people, practitioner=ana, start=TEN + WEEK)
    by_staff(people, practitioner=ana, start=TEN + 2 * WEEK)
    made = repeat(people, wish=wished(people, practitioner=None), skipping=True)
    assert [(visit.practitioner, visit.occurrence_index) for visit in made.appointments] == [(ana, 0), (ana, 3)]


def test_one_practitioner_gives_all_of_it_squeezed_in_too() -> None:
    people = cast(overbook_cap=1, most_repeats=20, horizon=300, step=15)
    ana = another(people)
    for week in range(4):
        for person in (people.demir, ana):
            by_staff(people, practitioner=person, start=TEN + week * WEEK)
        busier = (people.demir, ana)[week % 2]  # each alone would go to the other
        by_staff(people, practitioner=busier, start=TEN + week * WEEK + 2 * HOUR)
    squeezed = wished(people, practitioner=None, online=False, overbook=True)
    made = repeat(people, wish=squeezed, told=Told(overbook_reason="urgent"))
    assert {visit.practitioner for visit in made.appointments} == {people.demir}
    assert all(visit.overbooked for visit in made.appointments)


def test_staff_give_a_whole_series_between_the_steps(people: Cast) -> None:
    ana = another(people)
    by_staff(people, practitioner=people.demir, start=TEN + WEEK)
    odd = wished(people, practitioner=None, online=False, start=TEN + timedelta(minutes=7))
    assert {visit.practitioner for visit in repeat(people, wish=odd).appointments} == {ana}


@pytest.mark.parametrize("rrule", [WEEKLY, "FREQ=WEEKLY;COUNT=1"])
@pytest.mark.parametrize("first_taken", [False, True])
def test_the_same_command_again_gives_the_same_series(people: Cast, rrule: str, first_taken: bool) -> None:
    if first_taken and rrule != WEEKLY:
        return
    if first_taken:
        by_staff(people)
    key = uuid.uuid4()
    first = repeat(people, rrule=rrule, key=key, skipping=True)
    again = repeat(people, rrule=rrule, key=key, skipping=True)
    assert again.appointments == first.appointments != []
    assert AppointmentSeries.objects.count() == 1


def test_patients_repeat_as_often_as_the_service_allows_and_staff_as_they_like() -> None:
    people = cast(most_repeats=3)
    with pytest.raises(TooMany):
        repeat(people)
    assert stand() == []
    repeat(people, wish=wished(people, online=False), actor=CARLA)
    assert len(stand()) == 4


@pytest.mark.parametrize("bad", ["", "FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=99", "FREQ=WEEKLY;BYDAY=TU;COUNT=2"])
def test_what_is_no_rule_books_nothing(people: Cast, bad: str) -> None:
    with pytest.raises(NoSuchRule):
        repeat(people, rrule=bad)
    assert stand() == []


def test_a_cap_counts_the_occurrences_one_by_one() -> None:
    people = cast(most_repeats=20, cap_open=2)
    with pytest.raises(NotOffered) as told:
        repeat(people)
    assert told.value.rule == Rule.CAP_OPEN
    assert len(repeat(people, skipping=True).appointments) == 2


def test_each_occurrence_has_evidence_of_its_own_with_its_original_start(people: Cast) -> None:
    for visit in repeat(people).appointments:
        (record,) = records_of(visit)
        assert (record["operation"], record["use"]["case"]) == ("create", "booking.book")
        assert record["after"]["series_id"] == str(visit.series_id)
        assert visit.recurrence_id is not None
        assert datetime.fromisoformat(record["after"]["recurrence_id"]) == visit.recurrence_id


# --- one


def test_one_occurrence_moved_stays_in_its_place_of_the_series(people: Cast) -> None:
    visit = repeat(people).appointments[1]
    moving.reschedule(actor=VISITOR, now=NOW, appointment_id=visit.pk, start=TEN + WEEK + HOUR, by="patient")
    assert stand()[1] == (TEN + WEEK + HOUR, TEN + WEEK, 1, "booked")
    assert [row[0] for row in stand()[2:]] == [TEN + 2 * WEEK, TEN + 3 * WEEK]


def test_one_occurrence_cancelled_leaves_the_others(people: Cast) -> None:
    visit = repeat(people).appointments[1]
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=visit.pk, by="patient")
    assert [row[3] for row in stand()] == ["booked", "cancelled", "booked", "booked"]


# --- all that follow


def shift(visit: Appointment, *, start: datetime, by: Any = "patient", **how: Any) -> series.Moved:
    asked = {"actor": VISITOR, "now": NOW, "appointment_id": visit.pk, "start": start, "by": by}
    return series.reschedule_following(**{**asked, **how})


def test_all_following_move_by_as_many_days_to_the_same_time_of_day(people: Cast) -> None:
    visit = repeat(people).appointments[1]
    moved = shift(visit, start=TEN + WEEK + DAY + HOUR)
    assert starts() == [TEN, *(TEN + number * WEEK + DAY + HOUR for number in (1, 2, 3))]
    assert [row[1] for row in stand()] == [TEN + number * WEEK for number in range(4)]
    assert [one.sequence for one in moved.moved] == [1, 1, 1]
    assert moved.left == []
    assert broken(now=NOW) == []
    for one in moved.moved:
        assert operations_of(one) == ["create", "reschedule"]


@pytest.mark.parametrize("minutes", [-15, 15])
def test_all_following_may_overlap_their_own_old_times(people: Cast, minutes: int) -> None:
    made = repeat(people)
    shift(made.appointments[0], start=TEN + timedelta(minutes=minutes))
    assert starts() == [TEN + timedelta(minutes=minutes) + number * WEEK for number in range(4)]
    assert broken(now=NOW) == []


@pytest.mark.parametrize("days", [-1, 1, 7, -7])
def test_each_may_take_the_time_of_the_one_before_or_after_it(people: Cast, days: int) -> None:
    """A daily series of the same length: every new time but one is an old time of the series."""
    rule = "FREQ=DAILY;COUNT=3" if abs(days) == 1 else WEEKLY
    first = TEN + WEEK + DAY  # a Tuesday
    repeat(people, rrule=rule, wish=wished(people, start=first))
    visit = Appointment.objects.order_by("recurrence_id")[0]
    before = starts()
    shift(visit, start=first + days * DAY)
    assert starts() == [start + days * DAY for start in before]
    assert broken(now=NOW) == []


def test_all_following_keep_their_local_time_over_the_night_the_clocks_change(people: Cast) -> None:
    visit = repeat(people, rrule="FREQ=WEEKLY;COUNT=20", wish=wished(people, start=TEN + DAY)).appointments[0]
    shift(visit, start=TEN + DAY + HOUR)
    assert {start.astimezone(PARIS).hour for start in starts()} == {11}


def test_all_or_nothing_moves_nothing_when_one_is_taken(people: Cast) -> None:
    made = repeat(people)
    by_staff(people, start=TEN + 2 * WEEK + HOUR)
    with pytest.raises(SlotTaken):
        shift(made.appointments[0], start=TEN + HOUR)
    assert starts() == [TEN + number * WEEK for number in range(4)]
    assert {visit.sequence for visit in Appointment.objects.filter(series__isnull=False)} == {0}
    assert broken(now=NOW) == []


def test_skipping_moves_what_it_can_and_says_what_stays(people: Cast) -> None:
    made = repeat(people)
    by_staff(people, start=TEN + 2 * WEEK + HOUR)
    moved = shift(made.appointments[0], start=TEN + HOUR, skipping=True)
    assert [visit.occurrence_index for visit in moved.moved] == [0, 1, 3]
    assert [(visit.occurrence_index, visit.start) for visit in moved.left] == [(2, TEN + 2 * WEEK)]
    assert starts() == [TEN + HOUR, TEN + WEEK + HOUR, TEN + 2 * WEEK, TEN + 3 * WEEK + HOUR]
    assert broken(now=NOW) == []


def test_what_follows_a_cancelled_or_past_one_moves_without_it(people: Cast) -> None:
    made = repeat(people)
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=made.appointments[2].pk, by="patient")
    moved = shift(made.appointments[1], start=TEN + WEEK + HOUR)
    assert [visit.occurrence_index for visit in moved.moved] == [1, 3]
    with pytest.raises(NotPossible):
        shift(made.appointments[2], start=TEN + 2 * WEEK + HOUR)


def test_a_patient_moves_what_follows_only_in_time(people: Cast) -> None:
    visit = repeat(people).appointments[0]
    late = TEN - HOUR
    with pytest.raises(TooLateToMove):
        shift(visit, start=TEN + 4 * HOUR, now=late)
    moved = shift(visit, start=TEN + 4 * HOUR, now=late, skipping=True)
    assert [one.occurrence_index for one in moved.left] == [0]
    assert len(shift(visit, start=TEN + 4 * HOUR, now=late, by="clinic").moved) == 4


def test_an_appointment_of_no_series_has_nothing_that_follows(people: Cast) -> None:
    visit = book(people)
    with pytest.raises(NotPossible):
        shift(visit, start=TEN + HOUR)
    with pytest.raises(NotPossible):
        drop(visit)


def test_what_follows_goes_to_other_rooms_where_its_own_is_taken() -> None:
    people = cast(most_repeats=20, room_kind="ultrasound")
    rooms = [RoomFactory(location=people.location, kind="ultrasound") for _ in range(2)]
    ana = another(people)
    made = repeat(people)
    book(people, start=TEN + WEEK + HOUR, practitioner=ana, patient=PatientFactory(clinic=people.clinic))
    shift(made.appointments[0], start=TEN + HOUR)
    assert [visit.room for visit in Appointment.objects.filter(series__isnull=False)] == [
        rooms[0],
        rooms[1],
        rooms[0],
        rooms[0],
    ]
    assert broken(now=NOW) == []


def drop(visit: Appointment, *, by: Any = "patient", now: datetime = NOW) -> list[Appointment]:
    return series.cancel_following(actor=VISITOR, now=now, appointment_id=visit.pk, by=by, reason="")


def test_cancelling_what_follows_frees_all_of_it_and_nothing_before(people: Cast) -> None:
    made = repeat(people)
    dropped = drop(made.appointments[2])
    assert [visit.occurrence_index for visit in dropped] == [2, 3]
    assert [row[3] for row in stand()] == ["booked", "booked", "cancelled", "cancelled"]
    assert Occupancy.objects.count() == 2
    assert all(operations_of(visit) == ["create", "cancel"] for visit in dropped)


def test_a_patient_cancels_what_follows_only_in_time(people: Cast) -> None:
    made = repeat(people)
    with pytest.raises(TooLateToCancel):
        drop(made.appointments[0], now=TEN - HOUR)
    assert {row[3] for row in stand()} == {"booked"}
    assert len(drop(made.appointments[0], now=TEN - HOUR, by="clinic")) == 4


def test_one_moved_earlier_is_not_cancelled_past_its_own_deadline(people: Cast) -> None:
    made = repeat(people)
    moving.reschedule(actor=CARLA, now=NOW, appointment_id=made.appointments[3].pk, start=TEN + 3 * HOUR, by="clinic")
    with pytest.raises(TooLateToCancel):
        drop(made.appointments[1], now=TEN + 2 * HOUR)
    assert {row[3] for row in stand()} == {"booked"}
