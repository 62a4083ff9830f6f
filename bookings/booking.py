"""Booking and cancelling: one visit, or several that are booked together or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import status
from bookings.availability import (
    NOTHING_SAID,
    Asking,
    NotOffered,
    Rule,
    SlotTaken,
    Wish,
    retelling_the_nearest,
)
from bookings.legs import Leg, Made, Told, answer_by, decide, write
from bookings.locks import TooBusy, lock
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
from bookings.occupancies import Scope, forget_expired, free, scope_for, scope_of
from bookings.refusals import Refusal

__all__ = [
    "Leg",
    "Made",
    "NotOffered",
    "NotPossible",
    "SlotTaken",
    "Told",
    "TooLateToCancel",
    "answer_by",
    "book",
    "book_together",
    "cancel",
    "locked",
    "retelling_the_nearest",
]

RELATED: Final = ("clinic", "location", "service", "practitioner", "room", "device", "session", "patient")


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
    asking: Asking = NOTHING_SAID,
    visit_address: str = "",
    overbook_reason: str = "",
) -> Appointment:
    """Book a visit of a patient, all of its schedules or nothing.

    `key` is the command's idempotency key: the same one again gives the first appointment, whatever else is asked.
    `hold` is the visitor's own for this time; it becomes the appointment, and one that expired still books while its
    time is free. With `online` the rules for patients bind; staff are bound by opening hours, closures and what is
    taken, may start between steps, may book a visit that is under way, and with an `overbook_reason` may take a time
    that is taken, within the service's cap. Where the clinic confirms each request, a patient's is `pending`. Raises
    NotOffered, SlotTaken (with its nearest free times), locks.TooBusy.
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
        asking=asking,
        visit_address=visit_address,
        overbook_reason=overbook_reason,
    )


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
    asking: Asking = NOTHING_SAID,
    visit_address: str = "",
    overbook_reason: str = "",
) -> Appointment:
    wish = Wish(
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
        online=online,
        asking=asking,
        overbook=bool(overbook_reason) and not online,
    )
    leg = Leg(wish=wish, patient=patient, hold=hold, contact_person=contact_person)
    told = Told(language=language, reason=reason, visit_address=visit_address, overbook_reason=overbook_reason)
    return _book_together(actor=actor, now=now, key=key, legs=[leg], told=told).appointments[0]


def book_together(
    *, actor: Actor, now: datetime, key: UUID, legs: Sequence[Leg], told: Told, skipping: bool = False
) -> Made:
    """Book several visits at one clinic (of one patient or several) in one transaction: all or nothing.

    With `skipping`, legs whose time is not to be had are left out and named; when all of them would be, the refusal of
    the first is raised. Visits booked together are told in one message. Otherwise as `book`, leg by leg in the order
    given: a later leg finds taken what an earlier one took.
    """
    return retelling_the_nearest(_book_together, actor=actor, now=now, key=key, legs=legs, told=told, skipping=skipping)


@use_case("booking.book", operation="create")
def _book_together(
    *, actor: Actor, now: datetime, key: UUID, legs: Sequence[Leg], told: Told, skipping: bool = False
) -> Made:
    clinic_id = legs[0].wish.service.clinic_id
    if any({leg.patient.clinic_id, leg.wish.service.clinic_id} != {clinic_id} for leg in legs):
        raise NotOffered(Rule.PATIENT)
    scope = scope_for(leg.wish for leg in legs)
    patients = {leg.patient.pk for leg in legs}
    lock(schedules=scope.schedules, sessions=scope.sessions, patients=patients, command=key)
    keys = [key, *(uuid5(key, str(number)) for number in range(1, len(legs)))]
    before = Appointment.objects.filter(clinic=clinic_id, idempotency_key__in=keys)
    if booked := sorted(before, key=lambda appointment: keys.index(appointment.idempotency_key)):
        return Made(booked, [])
    if Patient.objects.filter(pk__in=patients).exclude(erased_at=None, merged_into=None).exists():
        raise NotOffered(Rule.PATIENT)  # erased or joined while the desk or the visitor looked at the old record
    forget_expired(scope=scope, now=now)
    made: list[Appointment] = []
    left_out: list[tuple[Leg, Refusal]] = []
    for own_key, leg in zip(keys, legs, strict=True):
        try:
            wish, choice = decide(leg, now=now)
        except (NotOffered, SlotTaken) as refusal:
            if not skipping:
                raise
            left_out.append((leg, refusal))
            continue
        made.append(
            write(
                leg, wish=wish, choice=choice, now=now, key=own_key, told=told, together=key if len(legs) > 1 else None
            )
        )
    if not made:
        raise left_out[0][1]
    return Made(made, [leg for leg, _ in left_out])


@transaction.atomic(durable=True)
def cancel(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str = ""
) -> Appointment:
    """Cancel an appointment and free its time at once; a cancelled one is returned as it is.

    `by` is who cancels, kept apart from `reason` (a word of the clinic's list, at most 40 characters). A patient may
    until the service's `cancel_until` minutes before the start, and may always turn down what the clinic has offered.
    Raises TooLateToCancel, NotPossible, Appointment.DoesNotExist.
    """
    return _cancel(actor=actor, now=now, appointment_id=appointment_id, by=by, reason=reason)


@use_case("booking.cancel", operation="cancel")
def _cancel(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str = ""
) -> Appointment:
    appointment = locked(appointment_id)
    if appointment.status == AppointmentStatus.CANCELLED:
        return appointment
    offered = appointment.status == AppointmentStatus.PROPOSED
    if by == "patient" and not offered and now > cancellable_until(appointment):
        raise TooLateToCancel
    return end(appointment, by=by, reason=reason)


def end(appointment: Appointment, *, by: str, reason: str) -> Appointment:
    """Write that a locked appointment is cancelled, and free its time. Raises NotPossible."""
    if not status.may_follow(before=appointment.status, after=AppointmentStatus.CANCELLED):
        raise NotPossible
    appointment.status = AppointmentStatus.CANCELLED
    appointment.cancelled_by = by
    appointment.cancellation_reason = reason
    appointment.respond_by = None
    # RFC 5546 2.1.4: a change of STATUS is a new revision of the event.
    appointment.sequence += 1
    appointment.save(
        update_fields=["status", "cancelled_by", "cancellation_reason", "respond_by", "sequence", "updated"]
    )
    free(appointment=appointment)
    return appointment


def cancellable_until(appointment: Appointment) -> datetime:
    """The last moment at which a patient may cancel online."""
    return appointment.start - timedelta(minutes=appointment.service.cancel_until)


def locked(appointment_id: UUID, *, also: Scope | None = None) -> Appointment:
    """An appointment as it is once what it takes (and `also`) and its row are locked.

    Raises Appointment.DoesNotExist, and locks.TooBusy when it was moved elsewhere in the meantime.
    """
    return all_locked([appointment_id], also=also)[0]


def all_locked(appointment_ids: Sequence[UUID], *, also: Scope | None = None) -> list[Appointment]:
    """Appointments of the same order, once what all of them take and their rows are locked. Raises as `locked`."""
    rows = Appointment.objects.filter(pk__in=appointment_ids)
    scope = also or Scope()
    for appointment in rows.select_related(*RELATED):
        scope |= scope_of(appointment)
    patients = list(rows.order_by().values_list("patient", flat=True))
    lock(schedules=scope.schedules, sessions=scope.sessions, patients=patients)
    related = rows.select_related(*RELATED)
    found = {appointment.pk: appointment for appointment in related.select_for_update(of=("self",)).order_by("pk")}
    if len(found) < len(set(appointment_ids)):
        raise Appointment.DoesNotExist
    if not all(scope.contains(scope_of(appointment)) for appointment in found.values()):
        raise TooBusy
    return [found[appointment_id] for appointment_id in appointment_ids]
