"""“I am coming”: what whoever holds an appointment's link may say without a code, and what it takes to say it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.context import Actor, use_case
from bookings.booking import NotPossible
from bookings.models import Appointment, AppointmentStatus


def by_link_alone(appointment: Appointment, *, now: datetime) -> bool:
    """Whether its link alone shows when it is, and takes a yes or a no: while it stands and is still to come, and not
    for a patient who asked for nothing without a code."""
    stands = appointment.status == AppointmentStatus.BOOKED and appointment.start > now
    return stands and not appointment.patient.safe_contact


@transaction.atomic(durable=True)
@use_case("booking.confirm", operation="confirm")
def confirm(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """Write that the patient will come; said twice, the first time counts.

    Raises NotPossible when it does not stand or has begun, Appointment.DoesNotExist.
    """
    related = Appointment.objects.select_related("patient")
    appointment = related.select_for_update(of=("self",)).get(pk=appointment_id)
    if appointment.status != AppointmentStatus.BOOKED or appointment.start <= now:
        raise NotPossible
    if appointment.confirmed_at is None:
        appointment.confirmed_at = now
        appointment.save(update_fields=["confirmed_at", "updated"])
    return appointment
