"""Why a time is not offered: one rule at a time, in order; and whom and which room a visit gets."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.availability import NotOffered, Rule, SlotTaken, Wish, check, choose
from bookings.availability.rules import MESSAGES
from tests.factories import (
    MONDAY,
    ClosureFactory,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    cast,
    occupy,
    open_week,
)

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
TEN = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
NOW = MONDAY - timedelta(days=3)


def rule_against(people: Any, **wish: Any) -> Rule | None:
    asked = {
        "service": people.service,
        "location": people.location,
        "practitioner": people.demir,
        "start": TEN,
        "now": NOW,
    }
    try:
        check(**{**asked, **wish})
    except NotOffered as refusal:
        return refusal.rule
    return None


def test_a_time_of_the_list_is_offered() -> None:
    people = cast()
    assert rule_against(people) is None
    assert rule_against(people, practitioner=None) is None
    assert rule_against(people, start=TEN.astimezone(UTC)) is None


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (TEN.replace(tzinfo=None), Rule.TIME),
        (TEN + timedelta(seconds=1), Rule.TIME),
        (TEN + timedelta(microseconds=1), Rule.TIME),
        (datetime(2027, 3, 28, 2, 30, tzinfo=PARIS), Rule.TIME),
        (datetime.min.replace(tzinfo=PARIS), Rule.TIME),
        (datetime.max.replace(tzinfo=ZoneInfo("America/Havana"), second=0, microsecond=0), Rule.TIME),
        (datetime(9999, 6, 1, tzinfo=UTC), Rule.HORIZON),
        (datetime(1, 6, 1, tzinfo=UTC), Rule.PAST),
        (NOW - timedelta(minutes=1), Rule.PAST),
        (NOW + timedelta(minutes=30), Rule.NOTICE),
        (datetime(2027, 6, 1, 10, tzinfo=PARIS), Rule.HORIZON),
        (TEN.replace(hour=7), Rule.HOURS),
        (TEN.replace(hour=16, minute=45), Rule.HOURS),
        (TEN - timedelta(days=1), Rule.HOURS),
        (datetime(2026, 12, 25, 10, tzinfo=PARIS), Rule.HOLIDAY),
        (TEN + timedelta(minutes=10), Rule.STEP),
    ],
)
def test_the_first_rule_against_a_time_is_named(start: datetime, rule: Rule) -> None:
    assert rule_against(cast(), start=start) == rule


def test_the_horizon_ends_with_the_local_day() -> None:
    people = cast(horizon=3)
    midnight = datetime(2026, 12, 1, tzinfo=PARIS)  # NOW is Friday, three days later is Monday
    assert rule_against(people, start=midnight) == Rule.HORIZON
    assert rule_against(people, start=midnight - timedelta(minutes=1)) == Rule.HOURS


def nobody_gives_it(people: Any) -> dict[str, Any]:
    return {"practitioner": PractitionerFactory(clinic=people.clinic)}


def service_without_anyone(people: Any) -> dict[str, Any]:
    return {"service": ServiceFactory(clinic=people.clinic), "practitioner": None}


def practitioner_of_another_clinic(people: Any) -> dict[str, Any]:
    return {"practitioner": PractitionerFactory()}


def location_of_another_clinic(people: Any) -> dict[str, Any]:
    return {"location": LocationFactory()}


def service_of_another_clinic(people: Any) -> dict[str, Any]:
    return {"service": ServiceFactory()}


def location_without_hours(people: Any) -> dict[str, Any]:
    return {"location": LocationFactory(clinic=people.clinic)}


def retired_service(people: Any) -> dict[str, Any]:
    people.service.active = False
    return {}


def closed_clinic(people: Any) -> dict[str, Any]:
    people.service.clinic.active = False
    return {}


def retired_practitioner(people: Any) -> dict[str, Any]:
    people.demir.active = False
    return {}


def phone_only(people: Any) -> dict[str, Any]:
    people.service.bookable_online = False
    return {}


@pytest.mark.parametrize(
    ("arrange", "rule"),
    [
        (nobody_gives_it, Rule.PRACTITIONER),
        (service_without_anyone, Rule.PRACTITIONER),
        (practitioner_of_another_clinic, Rule.PRACTITIONER),
        (location_of_another_clinic, Rule.LOCATION),
        (service_of_another_clinic, Rule.LOCATION),
        (location_without_hours, Rule.HOURS),
        (retired_service, Rule.SERVICE),
        (closed_clinic, Rule.SERVICE),
        (retired_practitioner, Rule.PRACTITIONER),
        (phone_only, Rule.ONLINE),
    ],
)
def test_what_is_not_the_clinics_own_is_not_offered(arrange: Callable[[Any], dict[str, Any]], rule: Rule) -> None:
    people = cast()
    assert rule_against(people, **arrange(people)) == rule


def test_closures_and_what_is_taken_have_their_own_rules() -> None:
    people = cast(buffer_after=10)
    occupy(schedules=[people.demir.schedule_id], start=TEN + timedelta(minutes=30), end=TEN + timedelta(minutes=60))
    assert rule_against(people) == Rule.TAKEN  # only the buffer overlaps
    ClosureFactory(clinic=people.clinic, start=TEN + timedelta(minutes=29), end=TEN + timedelta(hours=1))
    assert rule_against(people) == Rule.CLOSURE


def test_a_missing_room_and_a_busy_room_have_their_own_rules() -> None:
    people = cast(room_kind="ultrasound")
    assert rule_against(people) == Rule.ROOM
    room = RoomFactory(location=people.location, kind="ultrasound")
    assert rule_against(people) is None
    occupy(schedules=[room.schedule_id], start=TEN, end=TEN + timedelta(minutes=5))
    assert rule_against(people) == Rule.ROOM_TAKEN
    open_week(of=room, at=people.location, opens=time(14))
    assert rule_against(people) == Rule.ROOM


def test_staff_are_not_bound_by_notice_horizon_step_or_online_booking() -> None:
    people = cast(minimum_notice=60 * 24 * 7, horizon=1, bookable_online=False)
    assert rule_against(people, start=TEN + timedelta(minutes=10), online=False) is None
    assert rule_against(people, start=TEN.replace(hour=7), online=False) == Rule.HOURS


def test_staff_may_book_a_visit_under_way_but_none_that_is_over() -> None:
    people = cast()
    assert rule_against(people, now=TEN + timedelta(minutes=29), online=False) is None
    assert rule_against(people, now=TEN + timedelta(minutes=30), online=False) == Rule.PAST
    assert rule_against(people, now=TEN + timedelta(minutes=1)) == Rule.PAST


def test_with_anyone_the_rule_that_came_nearest_is_told() -> None:
    """One is off that day, the other is taken: what the person hears is that somebody was faster."""
    people = cast()
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location, weekdays=[4])
    occupy(schedules=[people.demir.schedule_id], start=TEN, end=TEN + timedelta(minutes=30))
    assert rule_against(people, practitioner=ana) == Rule.HOURS
    assert rule_against(people, practitioner=None) == Rule.TAKEN


def test_every_rule_has_a_sentence() -> None:
    assert set(MESSAGES) == set(Rule)
    assert str(NotOffered(Rule.NOTICE)) == str(MESSAGES[Rule.NOTICE])


# --- choosing


def wish_of(people: Any, **wish: Any) -> Wish:
    asked = {"service": people.service, "location": people.location, "practitioner": None, "start": TEN}
    return Wish(**{**asked, **wish})


def test_the_least_busy_of_the_day_is_chosen_then_the_least_id() -> None:
    people = cast()
    ana, eli = PractitionerFactory(clinic=people.clinic), PractitionerFactory(clinic=people.clinic)
    for other in (ana, eli):
        OfferFactory(service=people.service, practitioner=other)
        open_week(of=other, at=people.location)
    assert choose(wish=wish_of(people), now=NOW).practitioner_id == people.demir.pk
    occupy(schedules=[people.demir.schedule_id], start=TEN + timedelta(hours=1), end=TEN + timedelta(hours=2))
    assert choose(wish=wish_of(people), now=NOW).practitioner_id == ana.pk
    occupy(schedules=[ana.schedule_id], start=TEN, end=TEN + timedelta(minutes=30))
    assert choose(wish=wish_of(people), now=NOW).practitioner_id == eli.pk
    occupy(schedules=[eli.schedule_id], start=TEN, end=TEN + timedelta(minutes=30))
    assert choose(wish=wish_of(people), now=NOW).practitioner_id == people.demir.pk


def test_the_room_of_least_id_that_is_free_with_buffers_is_chosen() -> None:
    people = cast(room_kind="ultrasound", buffer_after=15)
    first = RoomFactory(location=people.location, kind="ultrasound", name="Z")
    second = RoomFactory(location=people.location, kind="ultrasound", name="A")
    assert choose(wish=wish_of(people), now=NOW).room_id == first.pk
    occupy(schedules=[first.schedule_id], start=TEN + timedelta(minutes=40), end=TEN + timedelta(minutes=50))
    chosen = choose(wish=wish_of(people), now=NOW)
    assert chosen.room_id == second.pk
    assert chosen.schedules == (people.demir.schedule_id, second.schedule_id)
    assert chosen.start == TEN
    assert chosen.end == TEN + timedelta(minutes=30)
    assert chosen.period == (TEN, TEN + timedelta(minutes=45))


def test_a_taken_time_is_not_the_same_as_one_not_offered() -> None:
    people = cast()
    occupy(schedules=[people.demir.schedule_id], start=TEN, end=TEN + timedelta(minutes=30))
    with pytest.raises(SlotTaken):
        choose(wish=wish_of(people), now=NOW)
    with pytest.raises(NotOffered):
        choose(wish=wish_of(people, start=TEN.replace(hour=3)), now=NOW)


def test_what_was_promised_is_not_asked_about_notice_again() -> None:
    people = cast(minimum_notice=60)
    at = TEN - timedelta(minutes=30)
    with pytest.raises(NotOffered):
        choose(wish=wish_of(people), now=at)
    assert choose(wish=wish_of(people), now=at, promised=True).start == TEN
    with pytest.raises(NotOffered):
        choose(wish=wish_of(people), now=TEN + timedelta(minutes=1), promised=True)


def test_rows_are_believed_over_what_the_caller_has_in_hand() -> None:
    """The clinic closed after the page was read."""
    people = cast()
    type(people.clinic).objects.filter(pk=people.clinic.pk).update(active=False)
    assert rule_against(people) == Rule.HOURS
