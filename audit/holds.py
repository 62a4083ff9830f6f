"""Legal holds: what belongs to a matter is kept until another person lifts the hold.

The row is the promise. It is committed first, with its event on the chain; then the store is brought as far
(`audit.holding`). What could not be reached, and what is sealed later under an open hold, follows by the sweep.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext

from audit.alone import until_committed
from audit.context import Actor, note, use
from audit.declare import Retention
from audit.holding import settle
from audit.keys.tokens import VERSION
from audit.models import Chain, Fact, LegalHold, Record
from audit.worm import WormError

PLACED: Final = "hold.placed"
LIFTED: Final = "hold.lifted"
LOCK: Final = "audit.hold"
"""The lock that keeps erasing and placing apart."""


class CannotHold(Exception):
    """The hold cannot be placed: its message says what is missing."""


class NotStanding(Exception):
    """There is no such hold, or it was lifted."""


class SamePerson(Exception):
    """Whoever placed a hold does not lift it."""


class UnderHold(Exception):
    """Keys cannot be destroyed: records under a standing legal hold would become unreadable. `matters`: whose."""

    def __init__(self, matters: Iterable[str]) -> None:
        self.matters = tuple(matters)
        super().__init__(*self.matters)

    def __str__(self) -> str:
        told = gettext("A legal hold keeps data of this person (%(matters)s). Nothing was erased.")
        return told % {"matters": ", ".join(self.matters)}


def place(
    *, actor: Actor, now: datetime, chain: str, matter: str, reason: str, first: int = 1, last: int | None = None
) -> LegalHold:
    """Hold the records `first` to `last` of a chain; without `last`, whatever comes too.

    `matter` is a reference in the clinic's own files (at most 64 characters), `reason` says why (at most 300); neither
    names a person. Waits for an erasure that is just destroying keys. The same hold again is the one that stands, and
    is put on every object once more. A store that is away does not stop it: `settle` goes on. Raises CannotHold.
    """
    _refuse(actor=actor, chain=chain, matter=matter, reason=reason, first=first, last=last)
    hold = _place(actor=actor, now=now, chain=chain, matter=matter, reason=reason, first=first, last=last)
    return _settled(hold, now=now)


@transaction.atomic(durable=True)
def _place(*, actor: Actor, now: datetime, **said: Any) -> LegalHold:
    until_committed(LOCK)
    reason = said.pop("reason").strip()
    same = {**said, "matter": said["matter"].strip(), "lifted_at": None}
    hold, made = LegalHold.objects.get_or_create(
        **same, defaults={"reason": reason, "placed_at": now, "placed_by": actor.id}
    )
    if not made:
        LegalHold.objects.filter(pk=hold.pk).update(held_through=0)
        return hold
    with use("hold.place", operation="place", actor=actor):
        data = {"matter": hold.matter, "first": hold.first, "last": hold.last, "reason": reason}
        note(chain=hold.chain, event=PLACED, data=data, about=str(hold.pk), retention=Retention.LEGAL_HOLD)
    return hold


def lift(*, actor: Actor, now: datetime, hold_id: UUID, reason: str) -> LegalHold:
    """Lift a hold; what another standing hold covers stays held. Raises NotStanding, SamePerson, CannotHold."""
    if not reason.strip() or len(reason) > 300:
        raise CannotHold(gettext("Say why, in at most 300 characters."))
    return _settled(_lift(actor=actor, now=now, hold_id=hold_id, reason=reason.strip()), now=now)


@transaction.atomic(durable=True)
def _lift(*, actor: Actor, now: datetime, hold_id: UUID, reason: str) -> LegalHold:
    hold = LegalHold.objects.select_for_update().filter(pk=hold_id, lifted_at=None).first()
    if hold is None:
        raise NotStanding(gettext("No such hold stands."))
    if actor.id in ("", hold.placed_by):
        raise SamePerson(gettext("Whoever placed a hold does not lift it: a second person must."))
    hold.lifted_at, hold.lifted_by = now, actor.id
    hold.save(update_fields=["lifted_at", "lifted_by"])
    with use("hold.lift", operation="lift", actor=actor):
        data = {"matter": hold.matter, "reason": reason}
        note(chain=hold.chain, event=LIFTED, data=data, about=str(hold.pk), retention=Retention.LEGAL_HOLD)
    return hold


def standing() -> QuerySet[LegalHold]:
    """The holds nobody has lifted, oldest first."""
    return LegalHold.objects.filter(lifted_at=None).order_by("placed_at", "pk")


def refuse_destruction(*, key_ids: Iterable[UUID]) -> None:
    """Raise UnderHold when a standing hold covers a record that holds a value sealed under one of the keys.

    Asked of the records themselves, whatever chain they are on: a row may be gone, or have belonged to another person
    before a merge, and what its record says would become unreadable all the same.
    """
    sealed = [f"{VERSION}.{key_id.hex}." for key_id in key_ids]
    if sealed and (matters := [hold.matter for hold in standing() if _keeps(hold, sealed)]):
        raise UnderHold(dict.fromkeys(matters))


def _keeps(hold: LegalHold, sealed: Sequence[str]) -> bool:
    """Whether a record of the range, or a fact about to become one, has one of the beginnings of sealed values."""
    records = Record.objects.filter(_any("body", sealed), chain=hold.chain, seq__gte=hold.first)
    if hold.last is not None:
        records = records.filter(seq__lte=hold.last)
    if records.exists():
        return True
    ends = Chain.objects.filter(name=hold.chain).values_list("seq", flat=True).first() or 0
    if hold.last is not None and hold.last <= ends:
        return False
    facts = Fact.objects.annotate(was=Cast("old", TextField()), became=Cast("new", TextField()))
    return facts.filter(_any("was", sealed) | _any("became", sealed)).exists()


def _any(column: str, texts: Sequence[str]) -> Q:
    return reduce(or_, (Q(**{f"{column}__contains": text}) for text in texts))


def _refuse(*, actor: Actor, chain: str, matter: str, reason: str, first: int, last: int | None) -> None:
    if not actor.id:
        raise CannotHold(gettext("Nobody is named who places the hold."))
    if not matter.strip() or len(matter) > 64:
        raise CannotHold(gettext("Name the matter, in at most 64 characters."))
    if not reason.strip() or len(reason) > 300:
        raise CannotHold(gettext("Say why, in at most 300 characters."))
    if first < 1 or (last is not None and last < first):
        raise CannotHold(gettext("The first record comes before the last, and none before number 1."))
    if not Chain.objects.filter(name=chain).exists():
        raise CannotHold(gettext("There is no chain called %(chain)s.") % {"chain": chain})


def _settled(hold: LegalHold, *, now: datetime) -> LegalHold:
    with suppress(WormError):  # it stands all the same: whoever asks sees that it waits, and the sweep says why
        settle(now=now)
    hold.refresh_from_db()
    return hold
