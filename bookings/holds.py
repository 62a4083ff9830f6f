"""Holding a time while a form is filled in: exclusive, short, few per visitor."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings.availability import NotOffered, SlotTaken, choose, retelling_the_nearest
from bookings.availability.taken import Wish
from bookings.locks import lock
from bookings.models import Draft, HealthcareService, Hold, Location, Occupancy, Practitioner
from bookings.occupancies import forget_expired, occupy, schedules_for
from bookings.refusals import Refusal
from bookings.visitors import visitor_digest

__all__ = [
    "EXTENSIONS",
    "HOLD",
    "MOST_OPEN",
    "PROMISED",
    "HoldGone",
    "NotOffered",
    "SlotTaken",
    "TooManyHolds",
    "extend",
    "hold",
    "release",
    "sweep",
]

#: How long a hold lasts, and how much one press adds.
HOLD: Final = timedelta(minutes=10)
#: How often it may be extended: what WCAG 2.2 asks of a time limit (2.2.1).
EXTENSIONS: Final = 10
#: How many a visitor may have open at once.
MOST_OPEN: Final = 3
#: How long after its end an expired hold whose time is still free books without being asked again about minimum notice.
PROMISED: Final = timedelta(minutes=20)
_SWEPT_AT_ONCE: Final = 500


class TooManyHolds(Refusal):
    """The visitor keeps `MOST_OPEN` times already."""

    message = _("You are keeping too many times. Please finish one booking, or wait a few minutes.")


class HoldGone(Refusal):
    """The hold has expired, was released, or is another visitor's: nobody can tell which."""

    message = _("This time is no longer kept for you.")


def hold(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
) -> Hold:
    """Keep a time for a visitor for `HOLD`; nobody else can have it until then. `practitioner` None means anyone.

    The same wish again while the hold lives gives the same hold. Raises NotOffered, SlotTaken (with its nearest free
    times), TooManyHolds, locks.TooBusy.
    """
    return retelling_the_nearest(
        _hold,
        actor=actor,
        now=now,
        visitor=visitor,
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
    )


@use_case("holds.hold", operation="create")
def _hold(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
) -> Hold:
    wish = Wish(service=service, location=location, practitioner=practitioner, start=start)
    schedules = schedules_for(service=service, location=location, practitioner=practitioner)
    lock(schedules=schedules, visitor=visitor)
    mine = Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now)
    for kept in mine.filter(service=service, location=location):
        if kept.start == start and (practitioner is None or kept.practitioner_id == practitioner.pk):
            return kept
    if mine.count() >= MOST_OPEN:
        raise TooManyHolds
    forget_expired(schedules=schedules, now=now)
    choice = choose(wish=wish, now=now)
    made = Hold.objects.create(
        clinic_id=service.clinic_id,
        location=location,
        service=service,
        practitioner_id=choice.practitioner_id,
        room_id=choice.room_id,
        start=choice.start,
        end=choice.end,
        visitor_digest=visitor_digest(visitor),
        expires_at=now + HOLD,
    )
    occupy(choice=choice, wish=wish, now=now, hold=made)
    return made


@transaction.atomic(durable=True)
@use_case("holds.extend", operation="update")
def extend(*, actor: Actor, now: datetime, visitor: str, hold_id: UUID) -> Hold:
    """Keep a held time for `HOLD` from now; after `EXTENSIONS` presses it is returned as it is. Raises HoldGone."""
    kept = _mine(visitor=visitor, hold_id=hold_id)
    if kept is None:
        raise HoldGone
    _lock(kept)
    kept = _mine(visitor=visitor, hold_id=hold_id)
    # Its rows are looked at too: somebody whose clock is a little ahead may have freed them as expired.
    if kept is None or kept.expires_at <= now or not kept.occupancies.exists():
        raise HoldGone
    if kept.extended < EXTENSIONS:
        kept.expires_at, kept.extended = now + HOLD, kept.extended + 1
        kept.save(update_fields=["expires_at", "extended"])
    return kept


@transaction.atomic(durable=True)
@use_case("holds.release", operation="delete")
def release(*, actor: Actor, now: datetime, visitor: str, hold_id: UUID) -> None:
    """Give a held time back at once. A hold that is gone already, or another's, is left alone in silence."""
    kept = _mine(visitor=visitor, hold_id=hold_id)
    if kept is not None:
        _lock(kept)
        kept.delete()


@transaction.atomic(durable=True)
@use_case("holds.sweep", operation="delete")
def sweep(*, now: datetime) -> int:
    """Delete what expired holds still take, and holds expired for longer than `PROMISED` that no draft names.

    Returns how many rows went. Rows another transaction works on are left for the next sweep: nobody waits, and nothing
    deadlocks.
    """
    expired = Occupancy.objects.filter(hold__expires_at__lte=now)
    taken = list(
        expired.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:_SWEPT_AT_ONCE]
    )
    Occupancy.objects.filter(pk__in=taken).delete()
    over = Hold.objects.filter(
        ~Exists(Occupancy.objects.filter(hold=OuterRef("pk"))),
        ~Exists(
            Draft.objects.filter(hold=OuterRef("pk"))
        ),  # its visitor may be completing it: that would lock both ways
        expires_at__lte=now - PROMISED,
    )
    gone = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_SWEPT_AT_ONCE])
    Hold.objects.filter(pk__in=gone).delete()
    return len(taken) + len(gone)


def _mine(*, visitor: str, hold_id: UUID) -> Hold | None:
    owned = Hold.objects.filter(pk=hold_id, visitor_digest=visitor_digest(visitor))
    return owned.select_related("practitioner", "room").first()


def _lock(kept: Hold) -> None:
    lock(schedules=[kept.practitioner.schedule_id, *([kept.room.schedule_id] if kept.room else [])])
