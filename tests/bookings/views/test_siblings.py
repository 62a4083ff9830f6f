"""Which appointments belong to one, and who may see them."""

from datetime import timedelta

import pytest

from bookings import siblings
from bookings.models import Appointment
from tests.bookings.views.walk import NINE, NOW, Walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(walk: Walk) -> tuple[Appointment, Appointment]:
    """Two visits of one booking, for two children of Ben's."""
    draft = walk.draft(people="2")
    second = {"given_name_2": "Noah", "family_name_2": "Ångström"}
    walk.fill(draft, who="other", helper_name="Ben", relationship="parent", **second)
    walk.type_code(draft)
    first, other = Appointment.objects.order_by("start")
    return first, other


def test_what_was_booked_by_one_command_belongs_together(both: tuple[Appointment, Appointment]) -> None:
    first, other = both
    assert siblings.of(first, now=NOW) == [other]
    assert siblings.of(other, now=NOW) == [first]


def test_whose_messages_go_elsewhere_now_is_not_shown(both: tuple[Appointment, Appointment]) -> None:
    first, other = both
    assert other.contact_person is not None
    other.contact_person.email = "mother@example.org"
    other.contact_person.save()
    assert siblings.of(first, now=NOW) == []


def test_an_erased_patient_is_not_shown(both: tuple[Appointment, Appointment]) -> None:
    first, other = both
    other.patient.erased_at = NOW
    other.patient.save()
    assert siblings.of(first, now=NOW) == []


def test_a_booking_of_its_own_has_none(walk: Walk) -> None:
    alone = walk.booked()
    again = Walk(type(walk.client)(), walk.people).booked(NINE + timedelta(hours=1))
    assert siblings.of(alone, now=NOW) == []
    assert siblings.of(again, now=NOW) == []
