"""The visit itself, as the desk tells it: arrived, checked in, being seen, done, not come; and taking a slip back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import status
from bookings.availability import Choice, SlotTaken, Wish
from bookings.booking import NotPossible, locked
from bookings.models import TAKES_TIME, Appointment, AppointmentStatus
from bookings.occupancies import forget_expired, free, is_free, occupy, period_of, schedules_of, scope_of
from bookings.wallclock import epoch, local_date

_STAMPS: Final = ("arrived_at", "checked_in_at", "seen_at")
#: Statuses in which somebody's answer is awaited until `respond_by`.
WAITING: Final = (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED)


class TooEarly(NotPossible):
    """The day of the visit, or for a missed one its start, has not come yet."""

    message = _("It is too early for this: the appointment is still to come.")


class TooLate(NotPossible):
    """The day of the visit is over: the time of this step would be written as now, and be false."""

    message = _("The day of this appointment is over. Say only whether it took place.")


class TimeGivenAway(NotPossible):
    """The visit's time was freed and somebody else has it now."""

    message = _("The time of this appointment has been given to someone else. Please book it anew.")


@transaction.atomic(durable=True)
def arrive(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The patient is here, on the day of the visit. Raises NotPossible, TooEarly, TooLate, TimeGivenAway."""
    return _arrive(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.arrive", operation="arrive")
def _arrive(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _forward(now=now, appointment_id=appointment_id, to=AppointmentStatus.ARRIVED, stamps=("arrived_at",))


@transaction.atomic(durable=True)
def check_in(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The formalities are done; whoever is checked in has arrived. Raises as `arrive`."""
    return _check_in(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.check_in", operation="check-in")
def _check_in(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _forward(now=now, appointment_id=appointment_id, to=AppointmentStatus.CHECKED_IN, stamps=_STAMPS[:2])


@transaction.atomic(durable=True)
def begin(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The patient is being seen: `seen_at` beside `checked-in`. Raises as `arrive`."""
    return _begin(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.begin", operation="begin")
def _begin(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _forward(now=now, appointment_id=appointment_id, to=AppointmentStatus.CHECKED_IN, stamps=_STAMPS)


@transaction.atomic(durable=True)
def fulfil(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The visit took place. Raises NotPossible, TooEarly, TimeGivenAway."""
    return _fulfil(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.fulfil", operation="fulfil")
def _fulfil(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _forward(now=now, appointment_id=appointment_id, to=AppointmentStatus.FULFILLED, stamps=())


@transaction.atomic(durable=True)
def mark_noshow(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The patient did not come, or left unseen: the time is free. From the start on. Raises NotPossible, TooEarly."""
    return _mark_noshow(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.mark_noshow", operation="noshow")
def _mark_noshow(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    appointment = locked(appointment_id)
    if now < appointment.start:
        raise TooEarly
    return _move(appointment, to=AppointmentStatus.NOSHOW, now=now)


@transaction.atomic(durable=True)
def enter_in_error(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """The entry was a mistake: it stays, marked, and takes no time. Nothing leads back. Raises NotPossible."""
    return _enter_in_error(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.enter_in_error", operation="entered-in-error")
def _enter_in_error(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    return _move(locked(appointment_id), to=AppointmentStatus.ENTERED_IN_ERROR, now=now)


@transaction.atomic(durable=True)
def undo(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    """Take the last step back, for a slip of the hand: being seen, checked in, arrived, fulfilled, not come.

    A missed visit takes its time again. Raises NotPossible where there is no way back, TimeGivenAway.
    """
    return _undo(actor=actor, now=now, appointment_id=appointment_id)


@use_case("visits.undo", operation="undo")
def _undo(*, actor: Actor, now: datetime, appointment_id: UUID) -> Appointment:
    appointment = locked(appointment_id)
    state = appointment.status
    before = status.undone(
        state, arrived=appointment.arrived_at is not None, checked_in=appointment.checked_in_at is not None
    )
    if before is None:
        raise NotPossible
    if state == AppointmentStatus.CHECKED_IN and appointment.seen_at is not None:
        before, appointment.seen_at = AppointmentStatus.CHECKED_IN, None
    elif state == AppointmentStatus.CHECKED_IN:
        appointment.checked_in_at = None
    elif state == AppointmentStatus.ARRIVED:
        appointment.arrived_at = None
    return _set(appointment, to=before, now=now)


def _forward(*, now: datetime, appointment_id: UUID, to: AppointmentStatus, stamps: Sequence[str]) -> Appointment:
    appointment = locked(appointment_id)
    zone = appointment.location.tz
    today, day = local_date(epoch(now), zone=zone), local_date(epoch(appointment.start), zone=zone)
    if today < day:
        raise TooEarly
    if appointment.status == to and all(getattr(appointment, stamp) for stamp in stamps):
        return appointment  # the second of two presses
    if stamps and today > day:
        raise TooLate
    for stamp in stamps:
        setattr(appointment, stamp, getattr(appointment, stamp) or now)
    if appointment.status == to:  # seen after having been checked in
        return _set(appointment, to=to, now=now)
    return _move(appointment, to=to, now=now)


def _move(appointment: Appointment, *, to: AppointmentStatus, now: datetime) -> Appointment:
    if appointment.status == to:
        return appointment
    if not status.may_follow(before=appointment.status, after=to):
        raise NotPossible
    return _set(appointment, to=to, now=now)


def _set(appointment: Appointment, *, to: str, now: datetime) -> Appointment:
    """Write the status and take or free time as it asks."""
    before, appointment.status = appointment.status, to
    if to not in WAITING:
        appointment.respond_by = None
    appointment.save(update_fields=["status", "respond_by", *_STAMPS, "updated"])
    if before in TAKES_TIME and to not in TAKES_TIME:
        free(appointment=appointment)
    elif before not in TAKES_TIME and to in TAKES_TIME:
        _take_again(appointment, now=now)
    return appointment


def _take_again(appointment: Appointment, *, now: datetime) -> None:
    scope = scope_of(appointment)
    forget_expired(scope=scope, now=now)
    wish = Wish(
        service=appointment.service,
        location=appointment.location,
        practitioner=appointment.practitioner,
        start=appointment.start,
    )
    session = appointment.session
    choice = Choice(
        practitioner_id=appointment.practitioner_id,
        room_id=appointment.room_id,
        device_id=appointment.device_id,
        schedules=tuple(schedules_of(appointment)) if session is None else (appointment.practitioner.schedule_id,),
        start=appointment.start,
        end=appointment.end,
        period=period_of(appointment),
        session_id=appointment.session_id,
        capacity=session.capacity if session is not None else 0,
        overbooked=appointment.overbooked,
    )
    if (session is not None and session.cancelled_at is not None) or not (
        appointment.overbooked or is_free(scope=scope, period=choice.period)
    ):
        raise TimeGivenAway
    try:
        occupy(choice=choice, wish=wish, now=now, appointment=appointment)
    except SlotTaken as taken:
        raise TimeGivenAway from taken
