"""Groups: sessions with places, and taking one."""

from datetime import timedelta

import pytest
from django.test import Client

from bookings.models import Appointment, GroupSession, Hold, Occupancy
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(walk: Walk) -> GroupSession:
    """A session of two places on Monday at nine."""
    people = walk.people
    people.service.capacity = 2
    people.service.save()
    made: GroupSession = SessionFactory(
        service=people.service, clinic=people.clinic, location=people.location, practitioner=people.demir, start=NINE
    )
    return made


def page(walk: Walk) -> str:
    return str(walk.client.get(walk.times).content.decode())


def test_sessions_are_listed_with_the_places_left(walk: Walk, session: GroupSession) -> None:
    shown = page(walk)
    assert "2 places left" in shown
    assert shown.count('name="slot"') == 2  # the next one, and its place in the list
    assert "For how many people?" not in shown
    walk.hold()
    assert "last place" in page(walk)


def test_a_held_and_a_booked_place_are_taken_and_a_full_session_is_not_listed(
    walk: Walk, session: GroupSession
) -> None:
    later = SessionFactory(
        service=session.service,
        clinic=session.clinic,
        location=session.location,
        practitioner=session.practitioner,
        start=NINE + timedelta(days=1),
    )
    first = walk.booked()
    assert (first.session, Occupancy.objects.get(appointment=first).kind) == (session, "seat")
    rival = Walk(Client(), walk.people)
    assert rival.hold().status_code == 302
    shown = page(walk)
    assert "Tuesday, 1 December 2026, 09:00" in shown
    assert "Monday, 30 November 2026" not in shown
    response = Walk(Client(), walk.people).hold()
    assert (response.status_code, heading(response)) == (409, "This time was just taken")
    assert "2026-12-01T08:00Z~bellecour~" in response.content.decode()
    assert later.occupancies.filter(kind="seat").count() == 0


def test_a_group_is_given_where_it_meets_and_nowhere_when_nothing_is_planned(walk: Walk, session: GroupSession) -> None:
    GroupSession.objects.update(cancelled_at=NINE)
    assert walk.client.get(walk.times).status_code == 404


def test_a_group_takes_neither_several_people_nor_a_second_service(walk: Walk, session: GroupSession) -> None:
    assert walk.client.get(walk.times, {"people": "2"}).status_code == 400
    assert walk.hold(people="2").status_code == 400
    assert (Hold.objects.count(), Appointment.objects.count()) == (0, 0)
