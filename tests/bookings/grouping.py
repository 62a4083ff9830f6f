"""Patients with a place in a group session, past every rule."""

from datetime import timedelta
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bookings.models import Appointment, GroupSession, Occupancy
from tests.factories import AppointmentFactory


def join(session: GroupSession, **fields: Any) -> Appointment:
    """An appointment in the session, with the next of its numbered places."""
    row = AppointmentFactory(
        clinic=session.clinic,
        service=session.service,
        location=session.location,
        practitioner=session.practitioner,
        session=session,
        start=session.start + timedelta(days=500),
        **fields,
    )
    row.occupancies.all().delete()
    row.start, row.end = session.start, session.end
    row.save()
    Occupancy.objects.create(
        clinic=session.clinic,
        schedule=session.practitioner.schedule,
        period=DateTimeTZRange(session.start, session.end),
        kind=Occupancy.Kind.SEAT,
        appointment=row,
        session=session,
        seat=Occupancy.objects.filter(session=session, kind="seat").count() + 1,
    )
    return row
