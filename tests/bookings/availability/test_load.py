"""Reading a diary costs the same number of queries whatever there is to read, and reads only what counts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from bookings.availability import free_slots
from bookings.availability.load import _UNFREE
from bookings.models import Occupancy
from tests.factories import (
    MONDAY,
    Cast,
    ClosureFactory,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    RoomFactory,
    cast,
    occupy,
    open_week,
)

pytestmark = pytest.mark.django_db

NOW = MONDAY - timedelta(days=3)
DAY = MONDAY.date()
Queries = Callable[[int], AbstractContextManager[Any]]


def crowd(people: Cast, *, practitioners: int, room_kind: str) -> None:
    """So many practitioners in all, at two locations, with visits and closures."""
    second = LocationFactory(clinic=people.clinic)
    for _ in range(practitioners - 1):
        other = PractitionerFactory(clinic=people.clinic)
        OfferFactory(service=people.service, practitioner=other)
        open_week(of=other, at=people.location)
        open_week(of=other, at=second, weekdays=[5])
        occupy(schedules=[other.schedule_id], start=MONDAY, end=MONDAY + timedelta(hours=3))
        ClosureFactory(clinic=people.clinic, schedule=other.schedule, start=MONDAY + timedelta(days=2))
    if room_kind:
        for _ in range(practitioners):
            RoomFactory(location=people.location, kind=room_kind)


@pytest.mark.parametrize("practitioners", [1, 10])
@pytest.mark.parametrize("days", [1, 30])
@pytest.mark.parametrize(("room_kind", "queries"), [("", 3), ("ultrasound", 4)])
def test_a_window_costs_three_queries_and_a_fourth_for_rooms(
    practitioners: int, days: int, room_kind: str, queries: int, django_assert_num_queries: Queries
) -> None:
    people = cast(room_kind=room_kind)
    crowd(people, practitioners=practitioners, room_kind=room_kind)
    with django_assert_num_queries(queries):
        slots = free_slots(service=people.service, now=NOW, since=DAY, until=DAY + timedelta(days=days))
    assert len({slot.practitioner_id for slot in slots}) == practitioners


def test_a_service_nobody_gives_costs_two_queries(django_assert_num_queries: Queries) -> None:
    people = cast()
    people.service.offers.all().delete()
    with django_assert_num_queries(2):
        assert free_slots(service=people.service, now=NOW, since=DAY, until=DAY + timedelta(days=30)) == []


def test_what_is_taken_is_found_by_the_index_of_schedule_and_period() -> None:
    """Ten years of visits outside the window are not looked at."""
    people = cast()
    Occupancy.objects.bulk_create(
        Occupancy(
            clinic=people.clinic,
            schedule=people.demir.schedule,
            period=(MONDAY + timedelta(hours=number), MONDAY + timedelta(hours=number, minutes=30)),
            kind=Occupancy.Kind.EXTERNAL,
        )
        for number in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_occupancy")
        asked: dict[str, Any] = {
            "clinic": people.clinic.pk,
            "start": MONDAY,
            "end": MONDAY + timedelta(days=1),
            "schedules": f"{{[{people.demir.schedule_id},{people.demir.schedule_id}]}}",
            "now": NOW,
            "own_hold": None,
            "moved": [],
        }
        cursor.execute("EXPLAIN " + _UNFREE, asked)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on bookings_occupancy" not in plan
    assert "&& '[" in plan
