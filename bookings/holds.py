"""Holding times while a form is filled in: exclusive, short, few per visitor."""

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings.availability import (
    NOTHING_SAID,
    Asking,
    Choice,
    NotOffered,
    SlotTaken,
    Wish,
    choose,
    retelling_the_nearest,
)
from bookings.kept import begins, can_be_had, in_order, left_out
from bookings.locks import lock
from bookings.models import Draft, HealthcareService, Hold, Location, Occupancy, Practitioner
from bookings.occupancies import Scope, forget_expired, occupy, scope_for, scope_of
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
    "hold_together",
    "release",
    "sweep",
    "together_with",
]

#: How long a hold lasts, and how much one press adds.
HOLD: Final = timedelta(minutes=10)
#: How often it may be extended: what WCAG 2.2 asks of a time limit (2.2.1).
EXTENSIONS: Final = 10
#: How many wishes a visitor may have held at once.
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
    asking: Asking = NOTHING_SAID,
) -> Hold:
    """Keep one time for a visitor for `HOLD`; nobody else can have it until then. `practitioner` None means anyone.

    Returns and raises as `hold_together`.
    """
    wish = Wish(service=service, location=location, practitioner=practitioner, start=start, asking=asking)
    return hold_together(actor=actor, now=now, visitor=visitor, wishes=[wish])[0]


def hold_together(
    *, actor: Actor, now: datetime, visitor: str, wishes: Sequence[Wish], skipping: bool = False
) -> list[Hold]:
    """Keep the times of these wishes (of one clinic) for a visitor, all or none; one Hold each, in their order. With
    `skipping` wishes after the first that cannot be had are left out.

    They begin, are extended and end as one. The same wishes again while they live give the same holds; the same time
    asked for otherwise (with other answers, or now as a series) replaces what was kept for it. Raises NotOffered,
    SlotTaken (with its nearest free times), TooManyHolds, locks.TooBusy.
    """
    likely = _likely(wishes, now=now, visitor=visitor)
    if likely is not None:
        with contextlib.suppress(SlotTaken, NotOffered), transaction.atomic(durable=True):
            return _hold_together(
                actor=actor, now=now, visitor=visitor, wishes=wishes, skipping=skipping, likely=[likely]
            )
    return retelling_the_nearest(
        _hold_together, actor=actor, now=now, visitor=visitor, wishes=wishes, skipping=skipping
    )


def _likely(wishes: Sequence[Wish], *, now: datetime, visitor: str) -> Wish | None:
    """A wish for anyone with whoever would get it at this moment, so that only their time need be locked: otherwise
    whoever takes any time of a service waits for all others who do. None where that is of no use."""
    if len(wishes) > 1 or wishes[0].practitioner is not None or wishes[0].seated:
        return None
    if Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now).exists():
        return None  # what they keep already may have to give way
    try:
        found = choose(wish=wishes[0], now=now)
    except (SlotTaken, NotOffered):
        return None
    return wishes[0].with_practitioner(Practitioner.objects.get(pk=found.practitioner_id))


@use_case("holds.hold", operation="create")
def _hold_together(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    wishes: Sequence[Wish],
    skipping: bool,
    likely: Sequence[Wish] | None = None,
) -> list[Hold]:
    """As `hold_together`; `likely` are the wishes as they will probably be granted, and no others are."""
    granted = likely or wishes
    scope = scope_for(granted)
    lock(schedules=scope.schedules, sessions=scope.sessions, visitor=visitor)
    kept: dict[UUID, list[Hold]] = {}
    mine = Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now)
    for one in mine.select_related("room").order_by("start", "created", "pk"):
        kept.setdefault(one.together, []).append(one)
    for holds in kept.values():
        same = in_order(holds, wishes, skipping=skipping)
        if same and not any(can_be_had(wish, now=now) for wish in left_out(same, wishes)):
            return same
    for together in [together for together, holds in kept.items() if any(begins(one, wishes[0]) for one in holds)]:
        Hold.objects.filter(pk__in=[one.pk for one in kept.pop(together)]).delete()
    if len(kept) >= MOST_OPEN:
        raise TooManyHolds
    forget_expired(scope=scope, now=now)
    together = uuid4()
    made: list[Hold] = []
    for wish in granted:
        try:
            choice = choose(wish=wish, now=now)
        except (NotOffered, SlotTaken):
            if skipping and made:
                continue
            raise
        made.append(_take(wish, choice=choice, now=now, visitor=visitor, together=together))
    return made


def _take(wish: Wish, *, choice: Choice, now: datetime, visitor: str, together: UUID) -> Hold:
    made = Hold.objects.create(
        clinic_id=wish.service.clinic_id,
        location=wish.location,
        service=wish.service,
        practitioner_id=choice.practitioner_id,
        room_id=choice.room_id,
        device_id=choice.device_id,
        session_id=choice.session_id,
        start=choice.start,
        end=choice.end,
        together=together,
        visitor_digest=visitor_digest(visitor),
        expires_at=now + HOLD,
    )
    occupy(choice=choice, wish=wish, now=now, hold=made)
    return made


@transaction.atomic(durable=True)
@use_case("holds.extend", operation="update")
def extend(*, actor: Actor, now: datetime, visitor: str, hold_id: UUID) -> Hold:
    """Keep a held time, and those held with it, for `HOLD` from now; after `EXTENSIONS` presses it is returned as it
    is. Raises HoldGone."""
    _lock(_mine(visitor=visitor, hold_id=hold_id))
    kept = _mine(visitor=visitor, hold_id=hold_id)
    # Their rows are looked at too: somebody whose clock is a little ahead may have freed them as expired.
    if not kept or any(one.expires_at <= now or not one.occupancies.exists() for one in kept):
        raise HoldGone
    for one in kept:
        if one.extended < EXTENSIONS:
            one.expires_at, one.extended = now + HOLD, one.extended + 1
            one.save(update_fields=["expires_at", "extended"])
    return next(one for one in kept if one.pk == hold_id)


@transaction.atomic(durable=True)
@use_case("holds.release", operation="delete")
def release(*, actor: Actor, now: datetime, visitor: str, hold_id: UUID) -> None:
    """Give a held time, and those held with it, back at once. A hold that is gone already, or another's, is left alone
    in silence."""
    kept = _mine(visitor=visitor, hold_id=hold_id)
    if kept:
        _lock(kept)
        Hold.objects.filter(pk__in=[one.pk for one in kept]).delete()


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
        # A draft's visitor may be completing it: that would lock both ways.
        ~Exists(Draft.objects.filter(hold__together=OuterRef("together"))),
        expires_at__lte=now - PROMISED,
    )
    gone = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_SWEPT_AT_ONCE])
    Hold.objects.filter(pk__in=gone).delete()
    return len(taken) + len(gone)


def together_with(held: Hold) -> list[Hold]:
    """The holds that were made with this one, itself included, by start."""
    return list(_with_places(Hold.objects.filter(together=held.together)))


def _mine(*, visitor: str, hold_id: UUID) -> list[Hold]:
    owned = Hold.objects.filter(pk=hold_id, visitor_digest=visitor_digest(visitor))
    return list(_with_places(Hold.objects.filter(together__in=owned.values("together"))))


def _with_places(holds: QuerySet[Hold]) -> QuerySet[Hold]:
    related = ("practitioner", "room", "device", "service", "location")
    return holds.select_related(*related).order_by("start", "created", "pk")


def _lock(kept: Sequence[Hold]) -> None:
    scope = Scope()
    for one in kept:
        scope |= scope_of(one)
    lock(schedules=scope.schedules, sessions=scope.sessions)
