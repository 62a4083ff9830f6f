"""Which times are offered: every rule that widens or narrows them, on the days clocks and holidays make difficult."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.availability import Slot, free_slots, nearest, next_free
from bookings.models import Location
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
DAY = MONDAY.date()
LONG_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_DAY = range(7)


def walls(slots: list[Slot], zone: ZoneInfo = PARIS) -> list[str]:
    return [slot.start.astimezone(zone).strftime("%H:%M") for slot in slots]


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=PARIS)


def nights(day: date) -> list[str]:
    """What a service of 30 minutes, open from midnight to five, offers on a night in Paris."""
    people = cast(horizon=730)
    ana = PractitionerFactory(clinic=people.clinic)
    open_week(of=ana, at=people.location, opens=time(0), closes=time(5), weekdays=EVERY_DAY)
    OfferFactory(service=people.service, practitioner=ana)
    slots = free_slots(
        service=people.service, now=LONG_BEFORE, since=day, until=day + timedelta(days=1), practitioner=ana
    )
    return [slot.start.astimezone(PARIS).strftime("%H:%M %Z") for slot in slots]


def test_no_time_of_the_skipped_hour_is_offered() -> None:
    assert nights(date(2027, 3, 28)) == [
        "00:00 CET",
        "00:30 CET",
        "01:00 CET",
        "01:30 CET",
        "03:00 CEST",
        "03:30 CEST",
        "04:00 CEST",
        "04:30 CEST",
    ]


def test_each_time_of_the_repeated_hour_is_offered_once_per_instant() -> None:
    assert nights(date(2027, 10, 31)) == [
        "00:00 CEST",
        "00:30 CEST",
        "01:00 CEST",
        "01:30 CEST",
        "02:00 CEST",
        "02:30 CEST",
        "02:00 CET",
        "02:30 CET",
        "03:00 CET",
        "03:30 CET",
        "04:00 CET",
        "04:30 CET",
    ]


def test_starts_step_from_the_opening_and_the_visit_ends_by_closing() -> None:
    people = cast(duration=45, step=20)
    open_hours = people.demir.schedule.opening_hours.filter(weekday=0)
    open_hours.update(opens=time(9, 10), closes=time(10, 40))
    slots = free_slots(service=people.service, now=LONG_BEFORE, since=DAY, until=DAY + timedelta(days=1), online=False)
    assert walls(slots) == ["09:10", "09:30", "09:50"]
    assert slots[0] == Slot(
        start=paris(DAY, 9, 10),
        end=paris(DAY, 9, 55),
        service_id=people.service.pk,
        location_id=people.location.pk,
        practitioner_id=people.demir.pk,
    )
    assert slots[0].start.tzinfo is UTC


def test_what_is_taken_never_shifts_the_grid() -> None:
    people = cast()
    occupy(schedules=[people.demir.schedule_id], start=paris(DAY, 9, 10), end=paris(DAY, 9, 40))
    assert walls(day_of(people))[:3] == ["10:00", "10:30", "11:00"]


def day_of(people: Any, day: date = DAY, **wish: Any) -> list[Slot]:
    defaults = {
        "service": people.service,
        "now": MONDAY - timedelta(days=7),
        "since": day,
        "until": day + timedelta(days=1),
    }
    return free_slots(**{**defaults, **wish})


def test_touching_hours_count_each_from_their_own_midnight() -> None:
    """A practitioner on call all night: a visit may run past midnight, the grid starts anew with each day."""
    people = cast(duration=60, step=50, horizon=730)
    people.demir.schedule.opening_hours.all().delete()
    open_week(of=people.demir, at=people.location, opens=time(22), closes=time(0), weekdays=[0])
    open_week(of=people.demir, at=people.location, opens=time(0), closes=time(2), weekdays=[1])
    both = free_slots(service=people.service, now=LONG_BEFORE, since=DAY, until=DAY + timedelta(days=2))
    assert walls(both) == ["22:00", "22:50", "23:40", "00:00", "00:50"]
    assert walls(day_of(people, day=DAY + timedelta(days=1))) == ["00:00", "00:50"]
    assert walls(day_of(people)) == ["22:00", "22:50", "23:40"]


def test_a_lunch_break_is_two_intervals_each_with_its_own_grid() -> None:
    people = cast(duration=40, step=30)
    people.demir.schedule.opening_hours.all().delete()
    open_week(of=people.demir, at=people.location, opens=time(9), closes=time(10, 20))
    open_week(of=people.demir, at=people.location, opens=time(13, 15), closes=time(14))
    assert walls(day_of(people)) == ["09:00", "09:30", "13:15"]


def test_overlapping_hours_are_one_interval() -> None:
    people = cast()
    open_week(of=people.demir, at=people.location, opens=time(8, 45), closes=time(9, 15))
    assert walls(day_of(people))[:3] == ["08:45", "09:15", "09:45"]


def test_hours_hold_only_while_they_are_valid() -> None:
    people = cast()
    people.demir.schedule.opening_hours.update(valid_from=DAY, valid_until=DAY + timedelta(days=1))
    slots = free_slots(
        service=people.service,
        now=MONDAY - timedelta(days=9),
        since=DAY - timedelta(days=7),
        until=DAY + timedelta(days=9),
    )
    assert {slot.start.date() for slot in slots} == {DAY, DAY + timedelta(days=1)}


@pytest.mark.parametrize(
    ("before", "after", "free"), [(0, 0, ["09:30", "11:00"]), (1, 0, ["09:30"]), (0, 1, ["11:00"])]
)
def test_buffers_are_kept_clear_of_what_is_taken(before: int, after: int, free: list[str]) -> None:
    people = cast(buffer_before=before, buffer_after=after)
    people.demir.schedule.opening_hours.update(opens=time(9, 30), closes=time(11, 30))
    occupy(schedules=[people.demir.schedule_id], start=paris(DAY, 10), end=paris(DAY, 11))
    assert walls(day_of(people)) == free


def test_buffers_may_lie_outside_opening_hours() -> None:
    people = cast(buffer_before=30, buffer_after=30)
    people.demir.schedule.opening_hours.update(opens=time(9), closes=time(10))
    assert walls(day_of(people)) == ["09:00", "09:30"]


def closed_demir(people: Any) -> dict[str, Any]:
    return {"schedule": people.demir.schedule}


def closed_location(people: Any) -> dict[str, Any]:
    return {"location": people.location}


def closed_clinic(people: Any) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("what", [closed_demir, closed_location, closed_clinic])
def test_a_closure_of_schedule_location_or_clinic_removes_what_it_touches(
    what: Callable[[Any], dict[str, Any]],
) -> None:
    people = cast()
    people.demir.schedule.opening_hours.update(opens=time(9), closes=time(11))
    ClosureFactory(clinic=people.clinic, start=paris(DAY, 9, 45), end=paris(DAY, 10, 30), **what(people))
    assert walls(day_of(people)) == ["09:00", "10:30"]


def test_a_closure_of_something_else_changes_nothing() -> None:
    people = cast()
    elsewhere = LocationFactory(clinic=people.clinic)
    other = PractitionerFactory(clinic=people.clinic)
    whole = {"start": paris(DAY, 0), "end": paris(DAY, 23)}
    ClosureFactory(clinic=people.clinic, location=elsewhere, **whole)
    ClosureFactory(clinic=people.clinic, schedule=other.schedule, **whole)
    ClosureFactory(clinic=people.elsewhere, **whole)
    assert len(day_of(people)) == 16


def test_public_holidays_close_a_location_that_keeps_them() -> None:
    people = cast()
    christmas = date(2026, 12, 25)
    assert day_of(people, day=christmas) == []
    Location.objects.update(observes_holidays=False)
    assert len(day_of(people, day=christmas)) == 16


def test_minimum_notice_counts_to_the_minute() -> None:
    people = cast(minimum_notice=90)
    at = paris(DAY, 9, 30)
    assert walls(day_of(people, now=at))[0] == "11:00"
    assert walls(day_of(people, now=at + timedelta(seconds=1)))[0] == "11:30"


def test_the_horizon_is_a_whole_local_day() -> None:
    people = cast(horizon=7)
    late = paris(DAY, 23, 30)
    since, until = DAY + timedelta(days=7), DAY + timedelta(days=20)
    slots = free_slots(service=people.service, now=late, since=since, until=until)
    assert {slot.start.date() for slot in slots} == {DAY + timedelta(days=7)}
    assert len(slots) == 16


def test_staff_are_bound_by_hours_and_what_is_taken_only() -> None:
    people = cast(minimum_notice=600, horizon=1, bookable_online=False)
    far = DAY + timedelta(days=28)
    assert day_of(people, day=far) == []
    assert len(day_of(people, day=far, online=False)) == 16
    during = paris(DAY, 9, 20)
    assert walls(day_of(people, now=during, online=False))[0] == "09:00"


def test_dates_outside_the_horizon_cost_nothing(django_assert_num_queries: Any) -> None:
    people = cast()
    with django_assert_num_queries(0):
        assert day_of(people, since=date.max - timedelta(days=1), until=date.max) == []
        assert day_of(people, since=date.min, until=DAY - timedelta(days=30)) == []


@pytest.mark.parametrize("field", ["service", "practitioner", "location", "clinic"])
def test_what_is_not_in_use_is_not_offered(field: str) -> None:
    people = cast()
    row: Any = {
        "service": people.service,
        "practitioner": people.demir,
        "location": people.location,
        "clinic": people.clinic,
    }[field]
    row.active = False
    row.save(update_fields=["active"])
    assert day_of(people) == []


def test_a_practitioner_at_two_locations_has_one_schedule() -> None:
    people = cast()
    people.demir.schedule.opening_hours.update(closes=time(10))
    second = LocationFactory(clinic=people.clinic)
    open_week(of=people.demir, at=second, opens=time(14), closes=time(15))
    occupy(schedules=[people.demir.schedule_id], start=paris(DAY, 9, 30), end=paris(DAY, 14, 30))
    slots = day_of(people)
    assert [(slot.location_id, wall) for slot, wall in zip(slots, walls(slots), strict=True)] == [
        (people.location.pk, "09:00"),
        (second.pk, "14:30"),
    ]
    assert walls(day_of(people, location=second)) == ["14:30"]


def test_locations_keep_their_own_clocks() -> None:
    people = cast()
    people.demir.schedule.opening_hours.update(closes=time(9, 30))
    helsinki = LocationFactory(clinic=people.clinic, zone="Europe/Helsinki", country="FI")
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=helsinki, opens=time(9), closes=time(9, 30))
    assert [(slot.start, slot.practitioner_id) for slot in day_of(people)] == [
        (paris(DAY, 8), ana.pk),
        (paris(DAY, 9), people.demir.pk),
    ]


def test_anyone_gives_one_slot_for_each_who_is_free() -> None:
    people = cast()
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location, opens=time(16, 30), closes=time(17))
    assert [slot.practitioner_id for slot in day_of(people)[-2:]] == [people.demir.pk, ana.pk]
    assert len(day_of(people)) == 17


def test_a_service_is_given_only_by_its_own_practitioners() -> None:
    people = cast()
    other = ServiceFactory(clinic=people.clinic)
    assert day_of(people, service=other) == []


# --- rooms


def with_room(**room: Any) -> Any:
    people = cast(room_kind="ultrasound")
    people.demir.schedule.opening_hours.update(opens=time(9), closes=time(11))
    return people, RoomFactory(location=people.location, kind="ultrasound", **room)


def test_without_a_room_of_the_kind_nothing_is_offered() -> None:
    people = cast(room_kind="ultrasound")
    RoomFactory(location=people.location, kind="consultation")
    RoomFactory(location=LocationFactory(clinic=people.clinic), kind="ultrasound")
    RoomFactory(location=people.location, kind="ultrasound", active=False)
    assert day_of(people) == []


def test_a_room_must_be_free_with_the_practitioner() -> None:
    people, room = with_room()
    assert walls(day_of(people)) == ["09:00", "09:30", "10:00", "10:30"]
    occupy(schedules=[room.schedule_id], start=paris(DAY, 9, 45), end=paris(DAY, 10, 15))
    assert walls(day_of(people)) == ["09:00", "10:30"]


def test_one_room_must_be_free_for_the_whole_visit() -> None:
    """Two rooms that are each free for half of it are no room."""
    people, first = with_room()
    second = RoomFactory(location=people.location, kind="ultrasound")
    occupy(schedules=[first.schedule_id], start=paris(DAY, 9), end=paris(DAY, 9, 15))
    occupy(schedules=[second.schedule_id], start=paris(DAY, 9, 15), end=paris(DAY, 9, 30))
    assert walls(day_of(people)) == ["09:30", "10:00", "10:30"]


def test_a_room_with_hours_is_open_only_then() -> None:
    people, room = with_room()
    open_week(of=room, at=people.location, opens=time(9, 30), closes=time(10, 30))
    assert walls(day_of(people)) == ["09:30", "10:00"]
    room.schedule.opening_hours.update(valid_until=DAY - timedelta(days=1))
    assert day_of(people) == []


def test_a_closed_room_is_not_used() -> None:
    people, room = with_room()
    ClosureFactory(clinic=people.clinic, schedule=room.schedule, start=paris(DAY, 9), end=paris(DAY, 10))
    assert walls(day_of(people)) == ["10:00", "10:30"]


def test_a_room_closed_for_long_stays_closed_when_a_shorter_closure_lies_inside() -> None:
    people, room = with_room()
    for begins, ends in (((9, 0), (10, 30)), ((9, 15), (9, 30)), ((9, 0), (9, 15))):
        ClosureFactory(clinic=people.clinic, schedule=room.schedule, start=paris(DAY, *begins), end=paris(DAY, *ends))
    assert walls(day_of(people)) == ["10:30"]


# --- searches


def test_next_free_finds_the_first_within_the_horizon() -> None:
    people = cast(horizon=40)
    far = DAY + timedelta(days=35)
    people.demir.schedule.opening_hours.update(valid_from=far)
    (slot,) = next_free(service=people.service, now=MONDAY, after=MONDAY)
    assert slot.start == paris(far, 9)
    people.demir.schedule.opening_hours.update(valid_from=DAY + timedelta(days=41))
    assert next_free(service=people.service, now=MONDAY, after=MONDAY) == []


def test_next_free_begins_after_the_moment_asked_and_gives_as_many_as_asked() -> None:
    people = cast()
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location)
    after = paris(DAY + timedelta(days=1), 16, 10)
    slots = next_free(service=people.service, now=MONDAY, after=after, count=3)
    assert [slot.start for slot in slots] == [
        paris(DAY + timedelta(days=1), 16, 30),
        paris(DAY + timedelta(days=2), 9),
        paris(DAY + timedelta(days=2), 9, 30),
    ]


def test_nearest_are_before_and_after_in_order() -> None:
    people = cast()
    occupy(schedules=[people.demir.schedule_id], start=paris(DAY, 12), end=paris(DAY, 13))
    slots = nearest(service=people.service, now=MONDAY - timedelta(days=2), to=paris(DAY, 12, 10), count=4)
    assert walls(slots) == ["11:00", "11:30", "13:00", "13:30"]


def test_nearest_looks_as_far_as_it_must() -> None:
    people = cast()
    ClosureFactory(clinic=people.clinic, start=MONDAY - timedelta(days=1), end=paris(DAY + timedelta(days=23), 16))
    slots = nearest(service=people.service, now=MONDAY, to=paris(DAY, 12), count=3)
    assert [slot.start for slot in slots] == [
        paris(DAY + timedelta(days=23), 16),
        paris(DAY + timedelta(days=23), 16, 30),
        paris(DAY + timedelta(days=24), 9),
    ]


def test_nearest_to_a_forged_moment_is_still_an_answer() -> None:
    people = cast()
    for to in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=ZoneInfo("America/Havana"))):
        assert len(nearest(service=people.service, now=MONDAY, to=to)) == 6
