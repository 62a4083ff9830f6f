"""The day sheet as a query: whose day it is, by which clock, and what nobody has decided."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bookings.desk import day_sheet, overview, places_taken, unanswered
from bookings.models import AppointmentStatus, Notice
from tests.bookings.entering import visit
from tests.bookings.grouping import join
from tests.factories import AppointmentFactory, LocationFactory, RoomFactory, SessionFactory, cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 9, 40, tzinfo=UTC)
TODAY = date(2026, 11, 30)


def at(hour: int, minute: int = 0, day: int = 30) -> dict[str, datetime]:
    start = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    return {"start": start, "end": start + timedelta(minutes=30)}


def test_a_day_is_the_local_day_of_each_location():
    story = cast()
    kiritimati = LocationFactory(clinic=story.clinic, zone="Pacific/Kiritimati")
    before_midnight = visit(story, **at(22, 30, day=29))
    after_midnight = visit(story, **at(23, 30, day=29))
    far = AppointmentFactory(
        clinic=story.clinic,
        location=kiritimati,
        service=story.service,
        practitioner=story.demir,
        patient=story.ada,
        **at(10, day=29),
    )
    sheet = day_sheet(clinic=story.clinic, day=TODAY, now=NOW - timedelta(days=20))
    assert sheet.appointments == [far, after_midnight]
    assert before_midnight not in sheet.appointments


def test_the_day_stands_in_its_order_and_what_is_left_of_earlier_days_after_it():
    story = cast()
    old = visit(story, **at(9, day=5))
    settled = visit(story, status=AppointmentStatus.FULFILLED, **at(7))
    over = visit(story, status=AppointmentStatus.ARRIVED, **at(8))
    running = visit(story, **at(9, 20))
    later = visit(story, **at(15))
    sheet = day_sheet(clinic=story.clinic, day=TODAY, now=NOW)
    assert list(sheet.visits) == [settled, over, running, later]
    assert list(sheet.left) == [old]


def test_another_day_shows_only_its_own():
    story = cast()
    old = visit(story, **at(9, day=5))
    assert day_sheet(clinic=story.clinic, day=date(2026, 11, 5), now=NOW).appointments == [old]
    assert day_sheet(clinic=story.clinic, day=date(2026, 11, 6), now=NOW).appointments == []


def test_what_nobody_decided_for_a_month_is_no_longer_urged():
    story = cast()
    visit(story, start=NOW - timedelta(days=31), end=NOW - timedelta(days=31) + timedelta(minutes=30))
    assert day_sheet(clinic=story.clinic, day=TODAY, now=NOW).appointments == []


def test_cancelled_stays_in_sight_and_a_mistake_does_not():
    story = cast()
    cancelled = visit(story, status=AppointmentStatus.CANCELLED, cancelled_by="patient", **at(15))
    visit(story, status=AppointmentStatus.ENTERED_IN_ERROR, **at(16))
    assert day_sheet(clinic=story.clinic, day=TODAY, now=NOW).appointments == [cancelled]


def test_a_sheet_is_narrowed_to_a_location_a_practitioner_or_a_room():
    story = cast()
    room = RoomFactory(location=story.location)
    inside = visit(story, room=room, **at(15))
    visit(story, **at(16))
    assert day_sheet(clinic=story.clinic, day=TODAY, now=NOW, room_id=room.pk).appointments == [inside]
    assert len(day_sheet(clinic=story.clinic, day=TODAY, now=NOW, practitioner_id=story.demir.pk).appointments) == 2
    assert day_sheet(clinic=story.clinic, day=TODAY, now=NOW, practitioner_id=0).appointments == []
    assert day_sheet(clinic=story.clinic, day=TODAY, now=NOW, location_id=0).appointments == []


def test_a_sheet_takes_two_queries_and_names_two_more(django_assert_num_queries):
    story = cast()
    for hour in (11, 12, 13):
        visit(story, **at(hour))
    with django_assert_num_queries(2):
        sheet = day_sheet(clinic=story.clinic, day=TODAY, now=NOW)
    with django_assert_num_queries(1):
        assert [row.patient.family_name for row in sheet.appointments] == ["Lovelace"] * 3


def test_what_waits_for_an_answer_comes_the_oldest_deadline_first_in_one_query(django_assert_num_queries):
    story = cast()
    later = visit(story, status="pending", respond_by=NOW + timedelta(hours=9), **at(15, day=28))
    sooner = visit(story, status="proposed", respond_by=NOW + timedelta(hours=2), **at(16, day=28))
    visit(story, **at(17))
    with django_assert_num_queries(1):
        assert unanswered(clinic=story.clinic) == [sooner, later]
    assert unanswered(clinic=story.elsewhere) == []
    assert unanswered(clinic=story.clinic, practitioner_id=0) == []


def test_places_taken_counts_people_and_no_held_seats(django_assert_num_queries):
    session = SessionFactory()
    join(session)
    with django_assert_num_queries(1):
        assert places_taken(session_ids=[session.pk]) == {session.pk: 1}
    with django_assert_num_queries(0):
        assert places_taken(session_ids=[]) == {}


def test_today_in_numbers_counts_each_clinic_apart(django_assert_num_queries):
    story = cast()
    visit(story, **at(15))
    visit(story, status=AppointmentStatus.ARRIVED, **at(9, 20))
    visit(story, status=AppointmentStatus.FULFILLED, **at(7))
    visit(story, status=AppointmentStatus.NOSHOW, **at(8))
    visit(story, status=AppointmentStatus.CANCELLED, cancelled_by="clinic", **at(16))
    visit(story, **at(8, day=20))
    visit(story, status=AppointmentStatus.PENDING, respond_by=NOW, **at(9, day=29))
    Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.MESSAGE_FAILED)
    LocationFactory(clinic=story.elsewhere)
    with django_assert_num_queries(4):
        here, there = overview(clinic_ids=[story.clinic.pk, story.elsewhere.pk], now=NOW)
    names = ("expected", "here", "done", "missed", "cancelled", "undecided", "requests", "notices")
    assert [getattr(here, name) for name in names] == [1] * 8
    assert [getattr(there, name) for name in names] == [0] * 8


def test_a_clinic_without_locations_has_an_empty_day():
    story = cast()
    assert overview(clinic_ids=[story.elsewhere.pk], now=NOW)[0].expected == 0
    assert overview(clinic_ids=[], now=NOW) == []
