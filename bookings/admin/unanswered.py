"""Requests to answer, and offers that wait for the patient, as the day sheet lists them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from bookings.admin.sheet import Row, row_of
from bookings.models import Appointment, AppointmentStatus


def waiting_of(
    waiting: Sequence[Appointment], *, now: datetime, permissions: Callable[[str], bool]
) -> tuple[list[Row], list[Row]]:
    """Lines of the requests and of the offers, in the order given, each with its date."""

    def rows(status: AppointmentStatus) -> list[Row]:
        return [
            row_of(appointment, day=None, now=now, permissions=permissions)
            for appointment in waiting
            if appointment.status == status
        ]

    return rows(AppointmentStatus.PENDING), rows(AppointmentStatus.PROPOSED)
