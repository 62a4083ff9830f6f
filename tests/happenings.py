"""Things that happen to an appointment, and what its readers make of it: real tables, the real stream."""

from datetime import datetime
from typing import Any

from audit import stream
from audit.context import Actor, acting, use
from bookings.models import Appointment
from tests.factories import AppointmentFactory, Cast

CLERK = Actor.system("tests")


def booked(people: Cast, *, start: datetime, purpose: str = "", **fields: Any) -> Appointment:
    """A booked visit of Ada with Dr Demir, after the consumers have seen it."""
    given = {"patient": people.ada, "service": people.service, "practitioner": people.demir, **fields}
    with acting(actor=CLERK, purpose=purpose), use("booking.book", operation="create"):
        appointment: Appointment = AppointmentFactory(
            clinic=people.clinic, location=people.location, start=start, **given
        )
    stream.drain()
    return appointment


def changed(appointment: Appointment, **fields: Any) -> None:
    """The appointment with other values, after the consumers have seen it."""
    for name, value in fields.items():
        setattr(appointment, name, value)
    with acting(actor=CLERK), use("booking.change", operation="update"):
        appointment.save()
    stream.drain()


def cancelled(appointment: Appointment, *, by: str = "patient") -> None:
    """The appointment cancelled, after the consumers have seen it."""
    changed(appointment, status="cancelled", cancelled_by=by)
