"""Booking and cancelling an appointment."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import links, status
from bookings.availability import NotOffered, Rule, SlotTaken, choose, retelling_the_nearest
from bookings.availability.taken import Wish
from bookings.holds import PROMISED
from bookings.locks import lock
from bookings.models import (
    Appointment,
    AppointmentStatus,
    HealthcareService,
    Hold,
    Location,
    Patient,
    Practitioner,
    RelatedPerson,
)
from bookings.occupancies import forget_expired, free, occupy, schedules_for, schedules_of
from bookings.refusals import Refusal

__all__ = ["NotOffered", "NotPossible", "SlotTaken", "TooLateToCancel", "book", "cancel", "retelling_the_nearest"]


class TooLateToCancel(Refusal):
    """The service's time for cancelling online is over."""

    message = _("It is too late to cancel online. Please phone the clinic.")


class NotPossible(Refusal):
    """The appointment's status does not allow what was asked."""

    message = _("This is not possible for this appointment any more.")


def book(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    patient: Patient,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None = None,
    start: datetime,
    hold: Hold | None = None,
    language: str = "en",
    reason: str = "",
    contact_person: RelatedPerson | None = None,
    online: bool = True,
) -> Appointment:
    """Book a visit of a patient, all of its schedules or nothing.

    `key` is the command's idempotency key: the same one again gives the first appointment, whatever else is asked.
    `hold` is the visitor's own for this time; it becomes the appointment, and one that expired still books while its
    time is free. With `online` the rules for patients bind; staff are bound by opening hours, closures and what is
    taken, may start between steps, and may book a visit that is under way. Raises NotOffered, SlotTaken (with its
    nearest free times), locks.TooBusy.
    """
    return retelling_the_nearest(
        _book,
        actor=actor,
        now=now,
        key=key,
        patient=patient,
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
        hold=hold,
        language=language,
        reason=reason,
        contact_person=contact_person,
        online=online,
    )


@use_case("booking.book", operation="create")
def _book(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    patient: Patient,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None = None,
    start: datetime,
    hold: Hold | None = None,
    language: str = "en",
    reason: str = "",
    contact_person: RelatedPerson | None = None,
    online: bool = True,
) -> Appointment:
    if patient.clinic_id != service.clinic_id:
        raise NotOffered(Rule.PATIENT)
    wish = Wish(service=service, location=location, practitioner=practitioner, start=start, online=online)
    schedules = schedules_for(service=service, location=location, practitioner=practitioner)
    lock(schedules=schedules, command=key)
    booked = Appointment.objects.filter(clinic=service.clinic_id, idempotency_key=key).first()
    if booked is not None:
        return booked
    forget_expired(schedules=schedules, now=now)
    held = _held(hold, wish=wish)
    if held is not None:  # who was named on the form is who it will be
        wish = replace(wish, practitioner=held.practitioner)
    choice = choose(
        wish=wish,
        now=now,
        own_hold=held.pk if held else None,
        promised=held is not None and now < held.expires_at + PROMISED,
    )
    if held is not None:
        held.delete()
    appointment = Appointment(
        clinic_id=service.clinic_id,
        location=location,
        service=service,
        practitioner_id=choice.practitioner_id,
        room_id=choice.room_id,
        patient=patient,
        contact_person=contact_person,
        start=choice.start,
        end=choice.end,
        reason=reason,
        language=language,
        booked_online=online,
        idempotency_key=key,
    )
    appointment.link_digest = links.digest(links.token(appointment))
    appointment.save(force_insert=True)
    occupy(choice=choice, wish=wish, now=now, appointment=appointment)
    return appointment


def _held(hold: Hold | None, *, wish: Wish) -> Hold | None:
    """The hold as it is now, when it is for what is being booked; None when it is gone or for something else."""
    found = Hold.objects.filter(pk=hold.pk).select_related("practitioner").first() if hold is not None else None
    if found is None or found.service_id != wish.service.pk or found.location_id != wish.location.pk:
        return None
    if found.start != wish.start or wish.practitioner not in (None, found.practitioner):
        return None
    return found


@transaction.atomic(durable=True)
def cancel(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str = ""
) -> Appointment:
    """Cancel an appointment and free its time at once; a cancelled one is returned as it is.

    `by` is who cancels, kept apart from `reason` (a word of the clinic's list, at most 40 characters). A patient may
    until the service's `cancel_until` minutes before the start. Raises TooLateToCancel, NotPossible,
    Appointment.DoesNotExist.
    """
    return _cancel(actor=actor, now=now, appointment_id=appointment_id, by=by, reason=reason)


@use_case("booking.cancel", operation="cancel")
def _cancel(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str = ""
) -> Appointment:
    appointment = locked(appointment_id)
    if appointment.status == AppointmentStatus.CANCELLED:
        return appointment
    if not status.may_follow(before=appointment.status, after=AppointmentStatus.CANCELLED):
        raise NotPossible
    if by == "patient" and now > cancellable_until(appointment):
        raise TooLateToCancel
    appointment.status = AppointmentStatus.CANCELLED
    appointment.cancelled_by = by
    appointment.cancellation_reason = reason
    # RFC 5546 2.1.4: a change of STATUS is a new revision of the event.
    appointment.sequence += 1
    appointment.save(update_fields=["status", "cancelled_by", "cancellation_reason", "sequence", "updated"])
    free(appointment=appointment)
    return appointment


def cancellable_until(appointment: Appointment) -> datetime:
    """The last moment at which a patient may cancel online."""
    return appointment.start - timedelta(minutes=appointment.service.cancel_until)


def locked(appointment_id: UUID) -> Appointment:
    """An appointment as it is once its schedules and its row are locked. Raises Appointment.DoesNotExist."""
    related = ("clinic", "location", "service", "practitioner", "room", "patient")
    appointments = Appointment.objects.select_related(*related)
    lock(schedules=schedules_of(appointments.get(pk=appointment_id)))
    return appointments.select_for_update(of=("self",)).get(pk=appointment_id)
