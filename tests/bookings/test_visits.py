"""The day at the desk: each step stamps its moment, a second press changes nothing, a slip is taken back."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from audit.context import Actor
from audit.models import Fact
from bookings import booking, visits
from bookings.booking import NotPossible
from bookings.models import Appointment, Occupancy
from bookings.visits import TimeGivenAway, TooEarly, TooLate
from tests.factories import MONDAY, Cast, RoomFactory, cast

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
TEN = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))
Step = Callable[..., Appointment]


def booked(people: Cast, *, start: datetime = TEN) -> Appointment:
    return booking.book(
        actor=CARLA,
        now=MONDAY - timedelta(days=3),
        key=uuid.uuid4(),
        patient=people.ada,
        service=people.service,
        location=people.location,
        start=start,
    )


def do(step: Step, visit: Appointment, *, now: datetime = TEN) -> Appointment:
    step(actor=CARLA, now=now, appointment_id=visit.pk)
    visit.refresh_from_db()
    return visit


def stamps(visit: Appointment) -> tuple[datetime | None, datetime | None, datetime | None]:
    return visit.arrived_at, visit.checked_in_at, visit.seen_at


def test_a_visit_goes_forward_step_by_step_and_keeps_each_moment() -> None:
    visit = booked(cast())
    at = [TEN + timedelta(minutes=minutes) for minutes in (-10, -5, 2, 25)]
    assert do(visits.arrive, visit, now=at[0]).status == "arrived"
    assert do(visits.check_in, visit, now=at[1]).status == "checked-in"
    assert do(visits.begin, visit, now=at[2]).status == "checked-in"
    assert do(visits.fulfil, visit, now=at[3]).status == "fulfilled"
    assert stamps(visit) == (at[0], at[1], at[2])
    assert visit.occupancies.exists()


def test_who_is_seen_at_once_has_arrived_and_is_checked_in() -> None:
    visit = do(visits.begin, booked(cast()))
    assert (visit.status, stamps(visit)) == ("checked-in", (TEN, TEN, TEN))


def test_a_second_press_changes_nothing() -> None:
    visit = booked(cast())
    later = TEN + timedelta(minutes=3)
    for step in (visits.arrive, visits.check_in, visits.begin, visits.fulfil):
        do(step, visit)
        before = stamps(visit)
        assert stamps(do(step, visit, now=later)) == before
    facts = Fact.objects.filter(source="t", new__id=str(visit.pk), op="U").count()
    assert facts == 4


@pytest.mark.parametrize(
    ("step", "operation"),
    [
        (visits.arrive, "arrive"),
        (visits.check_in, "check-in"),
        (visits.begin, "begin"),
        (visits.fulfil, "fulfil"),
        (visits.mark_noshow, "noshow"),
        (visits.enter_in_error, "entered-in-error"),
    ],
)
def test_evidence_names_the_step(step: Step, operation: str) -> None:
    visit = do(step, booked(cast()))
    fact = Fact.objects.filter(source="t", new__id=str(visit.pk)).latest("id")
    said = json.loads(fact.ctx or "")
    assert (said["operation"], said["use"]["case"]) == (operation, f"visits.{step.__name__}")


@pytest.mark.parametrize("step", [visits.arrive, visits.check_in, visits.begin, visits.fulfil])
def test_nobody_arrives_before_the_day_of_the_visit(step: Step) -> None:
    visit = booked(cast())
    midnight = TEN.replace(hour=0)
    with pytest.raises(TooEarly):
        do(step, visit, now=midnight - timedelta(seconds=1))
    assert do(step, visit, now=midnight).status != "booked"


def test_nobody_has_missed_a_visit_before_it_begins() -> None:
    visit = booked(cast())
    with pytest.raises(TooEarly):
        do(visits.mark_noshow, visit, now=TEN - timedelta(seconds=1))
    assert do(visits.mark_noshow, visit).status == "noshow"


@pytest.mark.parametrize("step", [visits.mark_noshow, visits.enter_in_error])
def test_a_missed_or_mistaken_visit_frees_practitioner_and_room(step: Step) -> None:
    people = cast(room_kind="ultrasound")
    RoomFactory(location=people.location, kind="ultrasound")
    do(step, booked(people))
    assert not Occupancy.objects.exists()


@pytest.mark.parametrize("step", [visits.arrive, visits.check_in, visits.begin, visits.fulfil, visits.mark_noshow])
@pytest.mark.parametrize("state", ["cancelled", "entered-in-error"])
def test_nothing_happens_to_what_is_off(step: Step, state: str) -> None:
    visit = booked(cast())
    if state == "cancelled":
        booking.cancel(actor=CARLA, now=TEN, appointment_id=visit.pk, by="clinic")
    else:
        do(visits.enter_in_error, visit)
    with pytest.raises(NotPossible):
        do(step, visit)
    visit.refresh_from_db()
    assert (visit.status, stamps(visit)) == (state, (None, None, None))


def test_each_slip_is_one_step_back() -> None:
    visit = booked(cast())
    for step in (visits.arrive, visits.check_in, visits.begin, visits.fulfil):
        do(step, visit)
    way_back = []
    for _ in range(4):
        do(visits.undo, visit)
        way_back.append((visit.status, [stamp is not None for stamp in stamps(visit)]))
    assert way_back == [
        ("checked-in", [True, True, True]),
        ("checked-in", [True, True, False]),
        ("arrived", [True, False, False]),
        ("booked", [False, False, False]),
    ]
    with pytest.raises(NotPossible):
        do(visits.undo, visit)


def test_undoing_a_visit_that_was_only_marked_as_done_leads_to_where_it_was() -> None:
    people = cast()
    visit = do(visits.fulfil, booked(people))
    assert do(visits.undo, visit).status == "booked"
    other = do(visits.arrive, booked(people, start=TEN + timedelta(hours=1)))
    assert do(visits.undo, do(visits.fulfil, other)).status == "arrived"


def test_somebody_who_came_after_all_gets_the_time_back() -> None:
    people = cast(buffer_before=5, buffer_after=10)
    visit = booked(people)
    do(visits.mark_noshow, visit)
    assert do(visits.undo, visit).status == "booked"
    (row,) = visit.occupancies.all()
    assert (row.schedule_id, row.kind) == (people.demir.schedule_id, "appointment")
    assert (row.period.lower, row.period.upper) == (TEN - timedelta(minutes=5), TEN + timedelta(minutes=40))
    do(visits.mark_noshow, do(visits.arrive, visit))
    assert do(visits.undo, visit).status == "arrived"
    do(visits.mark_noshow, do(visits.undo, visit))
    assert do(visits.arrive, visit, now=TEN + timedelta(minutes=12)).status == "arrived"
    assert visit.occupancies.exists()


def test_time_given_to_somebody_else_is_not_taken_back() -> None:
    people = cast()
    visit = booked(people)
    do(visits.mark_noshow, visit)
    booked(people)
    for step in (visits.undo, visits.arrive):
        with pytest.raises(TimeGivenAway):
            do(step, visit)
        visit.refresh_from_db()
        assert visit.status == "noshow"


def test_a_cancellation_is_not_undone() -> None:
    visit = booked(cast())
    booking.cancel(actor=CARLA, now=TEN, appointment_id=visit.pk, by="clinic")
    with pytest.raises(NotPossible):
        do(visits.undo, visit)


def test_after_its_day_a_visit_only_says_how_it_ended() -> None:
    visit = booked(cast())
    next_day = TEN + timedelta(days=1)
    for step in (visits.arrive, visits.check_in, visits.begin):
        with pytest.raises(TooLate):
            do(step, visit, now=next_day)
    assert do(visits.fulfil, visit, now=next_day).status == "fulfilled"
    assert stamps(visit) == (None, None, None)
