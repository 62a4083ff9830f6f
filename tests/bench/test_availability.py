"""A small version of the part `availability`, on the tests' own database: Horae and both ways by hand agree."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.triggers import discrepancies
from bookings.models import Appointment, Occupancy
from tests.bench import availability
from tests.bench.availability import Disagreement, Scale, agree, scales
from tests.bench.clinic import furnish, offer
from tests.factories import ClosureFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SMALL, LARGE = scales(seed=1, today=NOW.date(), quick=True)
WORKDAYS = 5
FREE_A_DAY = 12


@pytest.mark.parametrize("scale", [SMALL, LARGE], ids=["small", "large"])
def test_horae_the_raw_sweep_and_sql_find_the_same_free_times(scale: Scale) -> None:
    clinic = furnish(scale.booked)
    slots = agree(scale, clinic.service, raw=connection.connection, now=NOW)
    assert len(slots) == scale.booked.staff * WORKDAYS * FREE_A_DAY
    assert Appointment.objects.count() == Occupancy.objects.count() == scale.booked.appointments


def test_methods_that_disagree_are_not_compared() -> None:
    clinic = furnish(SMALL.booked)
    ClosureFactory(clinic=clinic.clinic, start=NOW, end=datetime(2027, 1, 1, tzinfo=UTC))  # which only Horae knows of
    with pytest.raises(Disagreement):
        agree(SMALL, clinic.service, raw=connection.connection, now=NOW)


def test_the_queries_are_as_few_as_the_target_asks() -> None:
    clinic = furnish(SMALL.booked)
    with CaptureQueriesContext(connection) as queries:
        SMALL.slots(clinic.service, now=NOW)
    assert len(queries) <= availability.MOST_QUERIES


def test_what_lies_outside_the_window_changes_nothing_inside_it() -> None:
    small = furnish(SMALL.booked, slug="small")
    large = furnish(LARGE.booked, slug="large")
    few = offer(clinic=large.clinic, slug="few", practitioners=large.practitioners[: SMALL.booked.staff])
    near, far = SMALL.slots(small.service, now=NOW), LARGE.slots(few, now=NOW)
    assert [slot.start for slot in near] == [slot.start for slot in far]


def test_the_evidence_is_back_on_after_loading() -> None:
    furnish(SMALL.booked)
    assert discrepancies() == []
