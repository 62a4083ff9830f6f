"""Closures: whose clock, and whom they fall on."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.closures import SkippedTime, affected, affected_sessions, instant_of, zone_of
from bookings.models import AppointmentStatus
from tests.bookings.entering import visit
from tests.bookings.grouping import join
from tests.factories import (
    MONDAY,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    PractitionerFactory,
    RoomFactory,
    SessionFactory,
    cast,
    open_week,
)

PARIS = ZoneInfo("Europe/Paris")


def wall(text: str) -> datetime:
    """A time as a clock on some wall shows it."""
    return datetime.fromisoformat(text)


def test_a_wall_time_is_that_of_its_zone():
    assert instant_of(wall("2026-12-01 09:00"), zone=PARIS, last=False) == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_a_closure_covers_both_hours_of_the_one_that_comes_twice():
    night = wall("2027-10-31 02:30")
    assert instant_of(night, zone=PARIS, last=False) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert instant_of(night, zone=PARIS, last=True) == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("last", [True, False])
def test_an_hour_that_is_skipped_is_refused(last):
    with pytest.raises(SkippedTime):
        instant_of(wall("2027-03-28 02:30"), zone=PARIS, last=last)


@pytest.mark.django_db
def test_the_zone_is_the_locations_or_the_only_one_there_is():
    story = cast()
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=None) == PARIS
    reunion = LocationFactory(clinic=story.clinic, zone="Indian/Reunion")
    room = RoomFactory(location=reunion)
    weber = PractitionerFactory(clinic=story.clinic)
    assert zone_of(clinic_id=story.clinic.pk, location=reunion, schedule=None) == ZoneInfo("Indian/Reunion")
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=room.schedule) == ZoneInfo("Indian/Reunion")
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=story.demir.schedule) == PARIS
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=None) is None
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=weber.schedule) is None
    open_week(of=story.demir, at=reunion)
    assert zone_of(clinic_id=story.clinic.pk, location=None, schedule=story.demir.schedule) is None


@pytest.mark.django_db
def test_whoever_is_still_expected_in_the_time_is_affected_and_nobody_else():
    story = cast()
    room = RoomFactory(location=story.location)
    hit = visit(story, room=room, start=MONDAY + timedelta(hours=1))
    visit(story, start=MONDAY + timedelta(hours=2), status=AppointmentStatus.CANCELLED, cancelled_by="patient")
    ends_as_it_begins = visit(story, start=MONDAY - timedelta(minutes=30), end=MONDAY)
    other = PractitionerFactory(clinic=story.clinic)
    of_day = {"clinic": story.clinic, "start": MONDAY, "end": MONDAY + timedelta(hours=10)}
    assert list(affected(ClosureFactory(**of_day))) == [hit]
    assert list(affected(ClosureFactory(location=story.location, **of_day))) == [hit]
    assert list(affected(ClosureFactory(schedule=story.demir.schedule, **of_day))) == [hit]
    assert list(affected(ClosureFactory(schedule=room.schedule, **of_day))) == [hit]
    assert list(affected(ClosureFactory(schedule=other.schedule, **of_day))) == []
    assert list(affected(ClosureFactory(location=LocationFactory(clinic=story.clinic), **of_day))) == []
    assert list(affected(ClosureFactory(clinic=story.elsewhere, start=MONDAY, end=of_day["end"]))) == []
    assert list(affected_sessions(ClosureFactory(**of_day))) == []
    assert ends_as_it_begins not in affected(ClosureFactory(**of_day))


@pytest.mark.django_db
def test_a_closed_room_or_device_falls_on_its_visits_its_sessions_and_who_joined_them():
    story = cast(capacity=3)
    room, device = RoomFactory(location=story.location), DeviceFactory(location=story.location)
    session = SessionFactory(
        service=story.service, location=story.location, practitioner=story.demir, room=room, device=device
    )
    joined = join(session, patient=story.ada)
    alone = visit(story, device=device, start=MONDAY + timedelta(hours=3))
    of_day = {"clinic": story.clinic, "start": MONDAY, "end": MONDAY + timedelta(hours=10)}
    assert list(affected(ClosureFactory(schedule=room.schedule, **of_day))) == [joined]
    assert list(affected(ClosureFactory(schedule=device.schedule, **of_day))) == [joined, alone]
    for schedule in (room.schedule, device.schedule, story.demir.schedule, None):
        assert list(affected_sessions(ClosureFactory(schedule=schedule, **of_day))) == [session]
    assert list(affected_sessions(ClosureFactory(schedule=RoomFactory(clinic=story.clinic).schedule, **of_day))) == []
    assert list(affected_sessions(ClosureFactory(location=LocationFactory(clinic=story.clinic), **of_day))) == []
    session.cancelled_at = MONDAY
    session.save()
    assert list(affected_sessions(ClosureFactory(**of_day))) == []


@pytest.mark.django_db
def test_a_device_is_closed_in_the_clock_of_its_location():
    story = cast()
    device = DeviceFactory(location=LocationFactory(clinic=story.clinic, zone="Indian/Reunion"))
    zone = zone_of(clinic_id=story.clinic.pk, location=None, schedule=device.schedule)
    assert zone == ZoneInfo("Indian/Reunion")
