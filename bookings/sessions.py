"""Group sessions: planning them, changing how many places they have, calling them off."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import status
from bookings.availability import Asking, NotOffered, SlotTaken, Wish, choose, retelling_the_nearest
from bookings.booking import RELATED, end
from bookings.locks import lock
from bookings.models import (
    TAKES_TIME,
    Appointment,
    AppointmentStatus,
    GroupSession,
    HealthcareService,
    Location,
    Occupancy,
    Practitioner,
    VisitKind,
)
from bookings.occupancies import forget_expired, schedules_of, scope_for, write
from bookings.recurrence import BadRule, occurrences
from bookings.refusals import Refusal
from bookings.series import NoSuchRule

__all__ = ["NoSuchRule", "NotOffered", "SlotTaken", "TooFewPlaces", "call_off", "plan", "resize"]


class TooFewPlaces(Refusal):
    """More people have a place than there would be places."""

    message = _("More people than that have joined. Cancel some of their places first, or keep more places.")


class OverAlready(Refusal):
    """The session was called off, or has begun."""

    message = _("This session has begun or was called off; it cannot be changed any more.")


def plan(
    *,
    actor: Actor,
    now: datetime,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner,
    start: datetime,
    capacity: int | None = None,
    rrule: str = "",
) -> list[GroupSession]:
    """Plan a session of a group service at `start`, or with `rrule` (RFC 5545, local time) several: all or none.

    Each takes the practitioner's time and a room and a device where the service needs them. `capacity` is the service's
    own unless given. The same session again is returned as it is. Raises NoSuchRule, NotOffered, SlotTaken,
    locks.TooBusy.
    """
    return retelling_the_nearest(
        _plan,
        actor=actor,
        now=now,
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
        capacity=capacity,
        rrule=rrule,
    )


@use_case("sessions.plan", operation="create")
def _plan(
    *,
    actor: Actor,
    now: datetime,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner,
    start: datetime,
    capacity: int | None,
    rrule: str,
) -> list[GroupSession]:
    try:
        starts = [one.start for one in occurrences(rrule=rrule, start=start, zone=location.tz)] if rrule else [start]
    except BadRule as error:
        raise NoSuchRule from error
    kind = VisitKind.ON_SITE if VisitKind.ON_SITE in service.kinds else service.kinds[0]
    first = Wish(
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
        online=False,
        asking=Asking(kind=kind),
        planned=True,
    )
    wishes = [replace(first, start=one) for one in starts]
    scope = scope_for(wishes)
    lock(schedules=scope.schedules)
    forget_expired(scope=scope, now=now)
    return [_plan_one(wish, now=now, places=capacity or service.capacity or 1) for wish in wishes]


def _plan_one(wish: Wish, *, now: datetime, places: int) -> GroupSession:
    same = GroupSession.objects.filter(
        service=wish.service.pk,
        location=wish.location.pk,
        practitioner=wish.practitioner,
        start=wish.start,
        cancelled_at=None,
    )
    if (planned := same.first()) is not None:
        return planned
    choice = choose(wish=wish, now=now)
    session = GroupSession.objects.create(
        clinic_id=wish.service.clinic_id,
        service=wish.service,
        location=wish.location,
        practitioner_id=choice.practitioner_id,
        room_id=choice.room_id,
        device_id=choice.device_id,
        start=choice.start,
        end=choice.end,
        capacity=places,
    )
    rows = [
        Occupancy(
            clinic_id=session.clinic_id,
            schedule_id=schedule,
            period=DateTimeTZRange(*choice.period),
            kind=Occupancy.Kind.SESSION,
            session=session,
        )
        for schedule in sorted(choice.schedules)
    ]
    write(rows, wish=wish, now=now)
    return session


@transaction.atomic(durable=True)
def resize(*, actor: Actor, now: datetime, session_id: UUID, capacity: int) -> GroupSession:
    """Give a session that is to come so many places. Raises TooFewPlaces, OverAlready, GroupSession.DoesNotExist."""
    return _resize(actor=actor, now=now, session_id=session_id, capacity=capacity)


@use_case("sessions.resize", operation="update")
def _resize(*, actor: Actor, now: datetime, session_id: UUID, capacity: int) -> GroupSession:
    lock(sessions=[session_id])
    session = GroupSession.objects.select_for_update().get(pk=session_id)
    if session.cancelled_at is not None or session.start <= now:
        raise OverAlready
    seats = Occupancy.objects.filter(session=session, kind=Occupancy.Kind.SEAT)
    if capacity < seats.exclude(hold__expires_at__lte=now).count():
        raise TooFewPlaces
    session.capacity = capacity
    session.save(update_fields=["capacity", "updated"])
    return session


@transaction.atomic(durable=True)
def call_off(*, actor: Actor, now: datetime, session_id: UUID, reason: str = "") -> Sequence[Appointment]:
    """Call a session off: its time is free, and whoever had joined is cancelled by the clinic, in one step.

    Returns the appointments cancelled. One called off before is left as it is. Raises OverAlready once it is over,
    GroupSession.DoesNotExist.
    """
    return _call_off(actor=actor, now=now, session_id=session_id, reason=reason)


@use_case("sessions.call_off", operation="cancel")
def _call_off(*, actor: Actor, now: datetime, session_id: UUID, reason: str) -> Sequence[Appointment]:
    session = GroupSession.objects.select_related("practitioner", "room", "device").get(pk=session_id)
    lock(schedules=schedules_of(session), sessions=[session_id])
    session = GroupSession.objects.select_for_update().get(pk=session_id)
    if session.cancelled_at is not None:
        return []
    if session.end <= now:
        raise OverAlready
    joined = Appointment.objects.filter(session=session).select_related(*RELATED).select_for_update(of=("self",))
    able = [
        one for one in joined.order_by("pk") if status.may_follow(before=one.status, after=AppointmentStatus.CANCELLED)
    ]
    ended = [end(one, by=Appointment.CancelledBy.CLINIC, reason=reason) for one in able]
    # Whoever was seen already keeps the place: the visit took place.
    Occupancy.objects.filter(session=session).exclude(appointment__status__in=TAKES_TIME).delete()
    session.cancelled_at = now
    session.save(update_fields=["cancelled_at", "updated"])
    return ended
