"""A group session is one busy block of its practitioner, whoever joins; requests and offers block like bookings."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from audit import stream
from audit.context import acting, use
from audit.keys import keyring
from bookings.models import GroupSession
from calendars import push as pushing
from calendars.models import Block, CalendarConnection
from calendars.panel import CalendarsPanel
from tests.factories import AppointmentFactory, Cast, PractitionerFactory, SessionFactory
from tests.happenings import CLERK, booked, cancelled, changed

pytestmark = pytest.mark.django_db

BUSY, GONE = Block.Desired.BUSY, Block.Desired.GONE


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)


def connected(people: Cast) -> CalendarConnection:
    with acting(actor=CLERK), use("test.connect"):
        connection = CalendarConnection.objects.create(
            clinic=people.clinic,
            practitioner=people.demir,
            url="https://cloud.example/busy/",
            key_id=keyring.create_subject_key(clinic_id=people.clinic.pk),
        )
    stream.drain()
    return connection


def planned(people: Cast, now: datetime) -> GroupSession:
    with acting(actor=CLERK), use("sessions.plan", operation="create"):
        session: GroupSession = SessionFactory(
            clinic=people.clinic,
            service__clinic=people.clinic,
            location=people.location,
            practitioner=people.demir,
            start=now + timedelta(days=9),
        )
    stream.drain()
    return session


def joined(people: Cast, session: GroupSession) -> None:
    with acting(actor=CLERK), use("booking.book", operation="create"):
        AppointmentFactory(
            clinic=people.clinic,
            location=people.location,
            patient=people.ada,
            practitioner=people.demir,
            service=session.service,
            session=session,
            start=session.start,
            end=session.end,
            occupancies=None,
            status="booked",
        )
    stream.drain()


def changed_session(session: GroupSession, **fields: object) -> None:
    for name, value in fields.items():
        setattr(session, name, value)
    with acting(actor=CLERK), use("sessions.change"):
        session.save()
    stream.drain()


def standing() -> list[tuple[object, object, str, int]]:
    return [
        (one.session_id, one.appointment_id, one.desired, one.revision) for one in Block.objects.order_by("created")
    ]


def test_a_session_blocks_once_and_who_joins_adds_nothing(people: Cast, now: datetime) -> None:
    connected(people)
    session = planned(people, now)
    assert standing() == [(session.pk, None, BUSY, 0)]
    session.practitioner.schedule.occupancies.all().delete()  # the factory takes time where the engine takes a seat
    joined(people, session)
    assert standing() == [(session.pk, None, BUSY, 0)]


def test_a_session_that_is_called_off_leaves_the_calendar(people: Cast, now: datetime) -> None:
    connected(people)
    session = planned(people, now)
    changed_session(session, cancelled_at=now)
    assert standing() == [(session.pk, None, GONE, 1)]


def test_more_places_are_nothing_to_a_calendar_and_another_time_is(people: Cast, now: datetime) -> None:
    connected(people)
    session = planned(people, now)
    changed_session(session, capacity=9)
    assert standing() == [(session.pk, None, BUSY, 0)]
    changed_session(session, start=session.start + timedelta(hours=1), end=session.end + timedelta(hours=1))
    assert standing() == [(session.pk, None, BUSY, 1)]
    changed_session(session, practitioner=PractitionerFactory(clinic=people.clinic))
    assert standing() == [(session.pk, None, GONE, 2)]


def test_a_calendar_connected_later_gets_the_sessions_and_visits_ahead_and_no_seats(
    people: Cast, now: datetime
) -> None:
    session = planned(people, now)
    session.practitioner.schedule.occupancies.all().delete()
    joined(people, session)
    visit = booked(people, start=now + timedelta(days=3))
    connected(people)
    assert standing() == [(None, visit.pk, BUSY, 0), (session.pk, None, BUSY, 0)]


@pytest.mark.parametrize("status", ["pending", "proposed"])
def test_a_request_and_an_offer_block_until_they_lapse(people: Cast, now: datetime, status: str) -> None:
    connected(people)
    visit = booked(people, start=now + timedelta(days=9), status=status)
    assert standing() == [(None, visit.pk, BUSY, 0)]
    changed(visit, status="booked")
    assert standing() == [(None, visit.pk, BUSY, 0)]
    cancelled(visit, by="system")
    assert standing() == [(None, visit.pk, GONE, 1)]


def test_the_entry_of_a_session_leads_to_the_session(people: Cast, now: datetime) -> None:
    connected(people)
    session = planned(people, now)
    block = Block.objects.select_related("connection", "session").get()
    entry = pushing._entry(block)
    assert (entry.start, entry.end) == (session.start, session.end)
    assert entry.link.endswith(f"/admin/bookings/groupsession/{session.pk}/change/")


def test_who_joined_sees_the_entry_of_the_session(
    people: Cast, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connected(people)
    session = planned(people, now)
    session.practitioner.schedule.occupancies.all().delete()
    joined(people, session)
    joined_visit = session.appointments.get()
    visit = booked(people, start=now + timedelta(days=3))
    with django_assert_num_queries(1):
        lines = CalendarsPanel().lines([joined_visit.pk, visit.pk])
    assert lines == {joined_visit.pk: ["About to be written."], visit.pk: ["About to be written."]}
