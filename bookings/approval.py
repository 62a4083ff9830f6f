"""Requests where the clinic confirms each time: a patient's `pending`, the clinic's other offer `proposed`, and the
deadline after which either lapses."""

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings.availability import retelling_the_nearest
from bookings.booking import NotPossible, all_locked, end, locked
from bookings.locks import TooBusy
from bookings.models import Appointment, AppointmentStatus, Location, Practitioner
from bookings.moving import move, wish_to_move
from bookings.occupancies import scope_for
from bookings.refusals import Refusal

#: Why an appointment was cancelled that nobody answered about in time.
REQUEST_LAPSED: Final = "request-lapsed"
OFFER_LAPSED: Final = "offer-lapsed"
DECLINED: Final = "declined"
_LAPSED_AT_ONCE: Final = 200


class Lapsed(Refusal):
    """The time for an answer is over."""

    message = _("The time to answer is over. Please choose a new time, or phone the clinic.")


@transaction.atomic(durable=True)
def approve(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The clinic confirms a request; a booked one is returned as it is. Raises Lapsed, NotPossible."""
    return _approve(actor=actor, now=now, appointment_id=appointment_id)


@use_case("approval.approve", operation="confirm")
def _approve(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _settle(now=now, appointment_id=appointment_id, waiting=AppointmentStatus.PENDING)


@transaction.atomic(durable=True)
def accept(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The patient takes the time the clinic offered; a booked one is returned as it is. Raises Lapsed, NotPossible."""
    return _accept(actor=actor, now=now, appointment_id=appointment_id)


@use_case("approval.accept", operation="accept")
def _accept(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _settle(now=now, appointment_id=appointment_id, waiting=AppointmentStatus.PROPOSED)


@transaction.atomic(durable=True)
def decline(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The clinic turns a request down: it is cancelled by the clinic, and its time is free. Raises NotPossible."""
    return _decline(actor=actor, now=now, appointment_id=appointment_id)


@use_case("approval.decline", operation="decline")
def _decline(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    appointment = locked(appointment_id)
    if appointment.status not in (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED):
        raise NotPossible
    return end(appointment, by=Appointment.CancelledBy.CLINIC, reason=DECLINED)


def offer(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
) -> Appointment:
    """Offer another time for a request: it becomes `proposed` there, and the time asked for is free at once.

    The patient has the service's hours to answer. Raises what `moving.reschedule` raises.
    """
    return retelling_the_nearest(
        _offer,
        actor=actor,
        now=now,
        appointment_id=appointment_id,
        start=start,
        location=location,
        practitioner=practitioner,
    )


@use_case("approval.offer", operation="propose")
def _offer(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None,
    practitioner: Practitioner | None,
) -> Appointment:
    before = Appointment.objects.select_related("service", "location", "practitioner", "patient").get(pk=appointment_id)
    wish = wish_to_move(before, start=start, location=location, practitioner=practitioner, online=False)
    appointment = all_locked([appointment_id], also=scope_for([wish]))[0]
    if appointment.status not in (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED):
        raise NotPossible
    move(appointment, wish=replace(wish, moved=(appointment,)), now=now, to=AppointmentStatus.PROPOSED)
    return appointment


def lapse(*, now: datetime) -> int:
    """Cancel every request and offer whose deadline has passed, each in a transaction of its own; returns how many.

    What somebody else is working on is left for the next time.
    """
    waiting = Appointment.objects.filter(respond_by__lte=now).order_by("respond_by", "pk")
    lapsed = 0
    for pk in list(waiting.values_list("pk", flat=True)[:_LAPSED_AT_ONCE]):
        with contextlib.suppress(TooBusy):
            lapsed += _lapse(now=now, appointment_id=pk)
    return lapsed


@transaction.atomic(durable=True)
@use_case("approval.lapse", operation="cancel")
def _lapse(*, now: datetime, appointment_id: UUID) -> bool:
    appointment = locked(appointment_id)
    if appointment.respond_by is None or appointment.respond_by > now:
        return False  # answered meanwhile
    offered = appointment.status == AppointmentStatus.PROPOSED
    end(appointment, by=Appointment.CancelledBy.SYSTEM, reason=OFFER_LAPSED if offered else REQUEST_LAPSED)
    return True


def _settle(*, now: datetime, appointment_id: UUID, waiting: str) -> Appointment:
    appointment = locked(appointment_id)
    if appointment.status == AppointmentStatus.BOOKED:
        return appointment
    if appointment.status != waiting:
        raise NotPossible
    if appointment.respond_by is not None and appointment.respond_by <= now:
        raise Lapsed
    appointment.status, appointment.respond_by = AppointmentStatus.BOOKED, None
    appointment.sequence += 1  # RFC 5546 2.1.4: STATUS changed
    appointment.save(update_fields=["status", "respond_by", "sequence", "updated"])
    return appointment
