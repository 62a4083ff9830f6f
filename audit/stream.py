"""Consumers of the stream: what happened, told once to everyone who acts on it.

A consumer plans: it looks up the row as it now stands, writes the rows of what ought to be, and nothing else. Its plan
and its cursor move in one transaction, so nothing is planned twice or lost. Network work runs elsewhere. A consumer
that is new begins at the beginning. `DoesNotExist` and `KeyDestroyed` out of a plan mean that nothing is left to do.
"""

import json
import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.context import Actor, acting, use
from audit.keys.keyring import KeyDestroyed
from audit.models import Chain, Cursor, ParkedRecord, Record
from audit.sequencer import sequence

TRIES: Final = 5
_PAGE: Final = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Happened:
    """One record as a consumer meets it. `before` holds the columns that changed (all of them after a delete)."""

    chain: str
    seq: int
    id: uuid.UUID
    at: datetime
    clinic_id: int | None
    model: str
    pk: str
    op: str
    operation: str
    case: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    body: Mapping[str, Any]

    @classmethod
    def of(cls, record: Record) -> "Happened":
        """What a record says."""
        body = json.loads(record.body)
        clinic = record.chain.removeprefix("clinic/")
        return cls(
            chain=record.chain,
            seq=record.seq,
            id=record.id,
            at=record.at,
            clinic_id=int(clinic) if clinic.isdecimal() else None,
            model=record.model,
            pk=record.object_pk,
            op=body["op"] or "",
            operation=record.operation,
            case=(body["use"] or {}).get("case", ""),
            before=body["before"] or {},
            after=body["after"] or {},
            body=body,
        )


@dataclass(frozen=True, slots=True)
class Consumer:
    """`plan` is called for every record of `models` (`bookings.Appointment`); an empty set means every record."""

    name: str
    models: frozenset[str]
    plan: Callable[[Happened], None]


_consumers: dict[str, Consumer] = {}


def register(consumer: Consumer) -> None:
    """Have a consumer called from now on; for `AppConfig.ready()`. Raises ValueError when the name is another's."""
    if _consumers.setdefault(consumer.name, consumer) != consumer:
        raise ValueError(f"two consumers are called {consumer.name}")


def consumers() -> tuple[str, ...]:
    """The names of all consumers."""
    return tuple(_consumers)


def consume(name: str | None = None) -> int:
    """Let the consumer of that name, or every one, catch up on every chain; return how many records were dealt with.

    A consumer that fails on a record rests for a while and tries again at a later call; after `TRIES` failures the
    record is parked. Raises KeyError for a name nobody registered.
    """
    chosen = [_consumers[name]] if name is not None else list(_consumers.values())
    return sum(
        _catch_up(consumer, chain, strict=False)
        for consumer in chosen
        for chain in _chains_ahead(consumer, resting_too=False)
    )


def drain(*, strict: bool = True) -> int:
    """Run sequencer and consumers until nothing moves (tests, commands); return how many records were dealt with.

    A plan that fails raises at once; without `strict` it is tried without rest until it is parked.
    """
    total = 0
    while True:
        moved = sequence()
        for consumer in tuple(_consumers.values()):
            for chain in _chains_ahead(consumer, resting_too=True):
                moved += _catch_up(consumer, chain, strict=strict)
        if not moved and not any(_chains_ahead(c, resting_too=True) for c in _consumers.values()):
            return total
        total += moved


def parked() -> QuerySet[ParkedRecord]:
    """What consumers gave up on, oldest first: empty on a healthy system."""
    return ParkedRecord.objects.order_by("parked_at", "id")


def replay(*, parked_id: int) -> None:
    """Plan a parked record again and take it off the list; what the plan raises comes through, and it stays parked."""
    with transaction.atomic():
        entry = ParkedRecord.objects.select_for_update().get(id=parked_id)
        _plan(_consumers[entry.consumer], Record.objects.get(chain=entry.chain, seq=entry.seq))
        entry.delete()


def skip_to_head(name: str) -> None:
    """Have a consumer take everything sequenced so far as dealt with."""
    for chain, seq in Chain.objects.values_list("name", "seq"):
        Cursor.objects.update_or_create(
            consumer=name, chain=chain, defaults={"seq": seq, "failures": 0, "retry_at": None, "error": ""}
        )


def lag() -> dict[str, int]:
    """For each consumer, how many records lie before it (an upper bound: records of other models count)."""
    heads = dict(Chain.objects.values_list("name", "seq"))
    behind = dict.fromkeys(_consumers, sum(heads.values()))
    for consumer, chain, seq in Cursor.objects.filter(consumer__in=behind).values_list("consumer", "chain", "seq"):
        behind[consumer] -= min(seq, heads.get(chain, 0))
    return behind


def _chains_ahead(consumer: Consumer, *, resting_too: bool) -> list[str]:
    """Chains with records the consumer has not passed, by name."""
    cursors = Cursor.objects.filter(consumer=consumer.name)
    passed = dict(cursors.values_list("chain", "seq"))
    resting = set() if resting_too else set(cursors.filter(retry_at__gt=Now()).values_list("chain", flat=True))
    heads = Chain.objects.order_by("name").values_list("name", "seq")
    return [name for name, seq in heads if seq > passed.get(name, 0) and name not in resting]


def _catch_up(consumer: Consumer, chain: str, *, strict: bool) -> int:
    """Plan every record of `chain` the consumer has not passed; return how many times something was done.

    A worker that finds the cursor locked leaves: the one who holds it looks again after each commit.
    """
    cursor, _made = Cursor.objects.get_or_create(consumer=consumer.name, chain=chain)
    done = 0
    while True:
        passed = Cursor.objects.values_list("seq", flat=True).get(pk=cursor.pk)
        head = Chain.objects.values_list("seq", flat=True).get(name=chain)
        page = Record.objects.filter(chain=chain, seq__gt=passed, seq__lte=head).order_by("seq")
        records = list((page.filter(model__in=consumer.models) if consumer.models else page)[:_PAGE])
        if not records:
            Cursor.objects.filter(pk=cursor.pk, seq=passed).update(seq=head)
            return done
        for record in records:
            try:
                if not _deal_with(consumer, record, cursor_id=cursor.pk, passed=passed):
                    return done
            except Exception as error:  # whatever a plan raises, the other consumers go on
                if strict:
                    raise
                return done + _failed(record, error, cursor_id=cursor.pk, passed=passed)
            passed = record.seq
            done += 1


def _deal_with(consumer: Consumer, record: Record, *, cursor_id: int, passed: int) -> bool:
    """Plan one record and move the cursor past it; False when another worker has the cursor or moved it."""
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update(skip_locked=True).filter(pk=cursor_id, seq=passed).first()
        if cursor is None:
            return False
        _plan(consumer, record)
        cursor.seq, cursor.failures, cursor.retry_at, cursor.error = record.seq, 0, None, ""
        cursor.save()
    return True


def _plan(consumer: Consumer, record: Record) -> None:
    with (
        acting(actor=Actor.system(f"consumer.{consumer.name}"), client="worker"),
        use(f"consume.{consumer.name}"),
    ):
        try:
            with transaction.atomic():
                consumer.plan(Happened.of(record))
        except (ObjectDoesNotExist, KeyDestroyed):
            pass  # the row is gone or can no longer be read: nothing is owed


def _failed(record: Record, error: Exception, *, cursor_id: int, passed: int) -> int:
    """Count a failure; after too many park the record and go past it."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    # Never the message: an IntegrityError quotes the row.
    said = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update().filter(pk=cursor_id, seq=passed).first()
        if cursor is None:
            return 0
        cursor.failures += 1
        cursor.error = said
        cursor.retry_at = Now() + timedelta(seconds=2**cursor.failures)
        logger.warning(
            "%s failed on %s %d (%s), try %d of %d",
            cursor.consumer,
            record.chain,
            record.seq,
            said,
            cursor.failures,
            TRIES,
        )
        if cursor.failures >= TRIES:
            ParkedRecord.objects.get_or_create(
                consumer=cursor.consumer,
                chain=record.chain,
                seq=record.seq,
                defaults={"error": said, "parked_at": Now()},
            )
            cursor.seq, cursor.failures, cursor.retry_at = record.seq, 0, None
            logger.error("%s gave up on %s %d (%s): parked", cursor.consumer, record.chain, record.seq, said)
        cursor.save()
    return 1
