"""Recurring series: booked by one rule, all or with what is taken left out; changed from one occurrence on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import status
from bookings.availability import NotOffered, Rule, SlotTaken, Wish, giver_of_all, retelling_the_nearest
from bookings.booking import (
    Leg,
    Made,
    NotPossible,
    Told,
    TooLateToCancel,
    _book_together,
    all_locked,
    cancellable_until,
    end,
)
from bookings.locks import TooBusy, lock
from bookings.models import (
    Appointment,
    AppointmentSeries,
    AppointmentStatus,
    Location,
    Patient,
    Practitioner,
    RelatedPerson,
)
from bookings.moving import MOVABLE, TooLateToMove, movable_until, move, status_after, wish_to_move
from bookings.occupancies import scope_for
from bookings.recurrence import BadRule, occurrences, shifted
from bookings.refusals import Refusal


class NoSuchRule(Refusal):
    """The repetition asked for cannot be booked."""

    message = _("These repetitions cannot be booked. Please choose how often, and how many visits.")


class TooMany(Refusal):
    """More visits than patients may book at once for this service."""

    message = _("So many visits cannot be booked at once. Please choose fewer, or phone the clinic.")


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving a series came to: the appointments moved, and those left where they were."""

    moved: list[Appointment]
    left: list[Appointment]


def book_series(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    patient: Patient,
    wish: Wish,
    rrule: str,
    skipping: bool,
    told: Told,
    contact_person: RelatedPerson | None = None,
) -> Made:
    """Book `wish` again and again by an RFC 5545 rule, in local time, with one practitioner throughout: whoever
    can give most of it.

    All occurrences or none; with `skipping` those whose time is not to be had are left out and named. Each appointment
    keeps its original start (`recurrence_id`) and its place in the rule. Raises NoSuchRule, TooMany (for patients), and
    what `booking.book` raises.
    """
    return retelling_the_nearest(
        _book_series,
        actor=actor,
        now=now,
        key=key,
        patient=patient,
        wish=wish,
        rrule=rrule,
        skipping=skipping,
        told=told,
        contact_person=contact_person,
    )


@use_case("series.book", operation="create")
def _book_series(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    patient: Patient,
    wish: Wish,
    rrule: str,
    skipping: bool,
    told: Told,
    contact_person: RelatedPerson | None = None,
) -> Made:
    wishes = series_of(wish, rrule=rrule)
    scope = scope_for(wishes)
    lock(schedules=scope.schedules, sessions=scope.sessions, patients=[patient.pk], command=key)
    before = Appointment.objects.filter(Q(idempotency_key=key) | Q(together=key), clinic=wish.service.clinic_id)
    if booked := list(before.order_by("recurrence_id")):
        return Made(booked, [])
    series = AppointmentSeries.objects.create(clinic_id=wish.service.clinic_id, rrule=rrule)
    legs = [
        Leg(
            wish=one,
            patient=patient,
            contact_person=contact_person,
            series=series,
            recurrence_id=one.start,
            index=index,
        )
        for index, one in enumerate(with_one_practitioner(wishes, now=now))
    ]
    return _book_together(actor=actor, now=now, key=key, legs=legs, told=told, skipping=skipping)


def series_of(wish: Wish, *, rrule: str) -> list[Wish]:
    """The wishes of a series, the first being `wish`. Raises NoSuchRule, TooMany."""
    try:
        found = occurrences(rrule=rrule, start=wish.start, zone=wish.location.tz)
    except BadRule as error:
        raise NoSuchRule from error
    if wish.online and len(found) > wish.service.most_repeats:
        raise TooMany
    return [replace(wish, start=one.start) for one in found]


def with_one_practitioner(wishes: Sequence[Wish], *, now: datetime, language: str = "") -> list[Wish]:
    """The wishes of a series, all with whoever can give most of them, unless somebody is named or seats are wished."""
    if wishes[0].practitioner is not None or wishes[0].seated:
        return list(wishes)
    giver = giver_of_all(wishes, now=now, language=language)
    return [wish.with_practitioner(giver) for wish in wishes]


def following(appointment: Appointment) -> list[Appointment]:
    """The occurrences of its series from this one on that can still be changed, by original start; itself first."""
    rows = Appointment.objects.filter(
        series=appointment.series_id, recurrence_id__gte=appointment.recurrence_id, status__in=MOVABLE
    )
    return list(rows.select_related("service", "location", "practitioner", "patient").order_by("recurrence_id"))


def reschedule_following(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    by: Literal["patient", "clinic"],
    skipping: bool = False,
) -> Moved:
    """Move an occurrence to `start` and all following by as many days, to the same time of day (RFC 5545
    RANGE=THISANDFUTURE): all, or with `skipping` those that can, the others staying where they are.

    Raises NotPossible where there is no series, and what `moving.reschedule` raises.
    """
    return retelling_the_nearest(
        _reschedule_following,
        actor=actor,
        now=now,
        appointment_id=appointment_id,
        start=start,
        location=location,
        practitioner=practitioner,
        by=by,
        skipping=skipping,
    )


@use_case("series.reschedule_following", operation="reschedule")
def _reschedule_following(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None,
    practitioner: Practitioner | None,
    by: Literal["patient", "clinic"],
    skipping: bool,
) -> Moved:
    related = ("service", "location", "practitioner", "patient")
    first = Appointment.objects.select_related(*related).get(pk=appointment_id)
    before = _following_or_refuse(first)
    old, zone = first.start, (location or first.location).tz
    targets = [shifted(row.start, before=old, after=start, zone=zone) for row in before]

    def wished(row: Appointment, target: datetime) -> Wish:
        return wish_to_move(row, start=target, location=location, practitioner=practitioner, online=by == "patient")

    aimed = [wished(row, target) for row, target in zip(before, targets, strict=True) if target is not None]
    rows = all_locked([row.pk for row in before], also=scope_for(aimed))
    if list(map(_at, rows)) != list(map(_at, before)):
        raise TooBusy  # somebody else moved one meanwhile
    if any(row.status not in MOVABLE for row in rows):
        raise NotPossible
    moved: list[Appointment] = []
    left: list[Appointment] = []
    # In the direction of the move, so that one occurrence does not stand in the way of the next.
    for row, target in sorted(zip(rows, targets, strict=True), key=lambda pair: pair[0].start, reverse=start > old):
        try:
            if target is None:
                raise NotOffered(Rule.TIME)
            if by == "patient" and now > movable_until(row):
                raise TooLateToMove
            with transaction.atomic():  # should the database know better, this row alone stays where it is
                move(row, wish=wished(row, target), now=now, to=status_after(row, by=by))
            moved.append(row)
        except (NotOffered, SlotTaken, TooLateToMove):
            if not skipping:
                raise
            row.refresh_from_db()  # the savepoint is undone, the object would not be
            left.append(row)
    return Moved(sorted(moved, key=lambda row: row.start), left)


@transaction.atomic(durable=True)
def cancel_following(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str = ""
) -> list[Appointment]:
    """Cancel an occurrence and all following, and free their times. A patient may while each may be cancelled.

    Raises TooLateToCancel, NotPossible where there is no series or nothing left to cancel.
    """
    return _cancel_following(actor=actor, now=now, appointment_id=appointment_id, by=by, reason=reason)


@use_case("series.cancel_following", operation="cancel")
def _cancel_following(
    *, actor: Actor, now: datetime, appointment_id: UUID, by: Literal["patient", "clinic"], reason: str
) -> list[Appointment]:
    first = Appointment.objects.get(pk=appointment_id)
    rows = all_locked([one.pk for one in _following_or_refuse(first)])
    if by == "patient" and any(now > cancellable_until(row) for row in rows):
        raise TooLateToCancel
    able = [row for row in rows if status.may_follow(before=row.status, after=AppointmentStatus.CANCELLED)]
    return [end(row, by=by, reason=reason) for row in able]


def _at(row: Appointment) -> tuple[datetime, datetime, int, int]:
    return row.start, row.end, row.location_id, row.practitioner_id


def _following_or_refuse(appointment: Appointment) -> list[Appointment]:
    rows = following(appointment) if appointment.series_id is not None else []
    if not rows or rows[0].pk != appointment.pk:
        raise NotPossible
    return rows
