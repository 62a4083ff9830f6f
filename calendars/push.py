"""Making one calendar say about one visit what it should: claim, look again, write, and note what became of it.

The claim is committed before anything is sent and the outcome after. A crash in between leaves a remote entry that the
next run finds under its own name and writes again: one event, always. What fails leaves the appointment alone.
"""

import hashlib
import hmac
import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from audit import wake
from audit.context import Actor, use_case
from audit.keys import keyring
from bookings.backoff import full_jitter
from bookings.models import Notice
from bookings.notices import raise_notice, resolve_notice
from calendars import health
from calendars.models import Block, CalendarConnection
from calendars.opening import open_calendar
from calendars.plan import busy
from calendars.providers import CalendarError, Entry, Written

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)
CLAIM_LIVES = timedelta(minutes=10)
"""A pusher silent for this long is taken for dead; longer than the slowest call with all its rounds."""
MOST_RECREATED = 2
"""An entry deleted by hand is written again so often; then a person is asked."""
BATCH = 500

Outcome = Written | CalendarError | None
"""What a push came to: written, failed, or (None) gone."""


def push(*, actor: Actor, now: datetime, block_id: UUID) -> Block.State | None:
    """Bring one block into the calendar, or out of it, if it is planned and due.

    Returns its state, None when there was nothing to do. Never raises for a calendar that fails: the row says when it
    is tried again, or staff get a notice.
    """
    block = _claim(actor=actor, now=now, block_id=block_id)
    if block is None:
        return None
    if _is_wanted(block) and block.visit.end <= now:
        return _settle_past(actor=actor, claimed=block)
    return _settle(actor=actor, now=now, claimed=block, outcome=_write(block, now=now))


def sweep(*, actor: Actor, now: datetime) -> list[UUID]:
    """Put back what a dead pusher left claimed, and return what is due, oldest first, at most 500."""
    _put_back(actor=actor, now=now)
    return list(_due(now).order_by("next_try").values_list("id", flat=True)[:BATCH])


def _due(now: datetime) -> QuerySet[Block]:
    """Blocks to be written now; a calendar that failed is left alone until its own time has come."""
    answering = Q(connection__health__retry_at__isnull=True) | Q(connection__health__retry_at__lte=now)
    return Block.objects.filter(
        answering, state=Block.State.PLANNED, next_try__lte=now, connection__state=CalendarConnection.State.ACTIVE
    )


def _is_wanted(block: Block) -> bool:
    """Whether the calendar should show the visit as it stands now, whatever was planned."""
    return busy(block.visit) and block.visit.practitioner_id == block.connection.practitioner_id


@use_case("calendar.claim")
@transaction.atomic
def _claim(*, actor: Actor, now: datetime, block_id: UUID) -> Block | None:
    block = (
        _due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("connection__clinic", "appointment", "session")
        .filter(pk=block_id)
        .first()
    )
    if block is None:
        return None
    block.state, block.claimed_at, block.attempts = Block.State.CLAIMED, now, block.attempts + 1
    block.save(update_fields=["state", "claimed_at", "attempts"])
    return block


@use_case("calendar.put_back")
@transaction.atomic
def _put_back(*, actor: Actor, now: datetime) -> None:
    left = Block.objects.filter(state=Block.State.CLAIMED, claimed_at__lte=now - CLAIM_LIVES)
    left.update(state=Block.State.PLANNED, claimed_at=None, next_try=now)


def _write(block: Block, *, now: datetime) -> Outcome:
    try:
        with open_calendar(block.connection) as calendar:
            if _is_wanted(block):
                return calendar.put(
                    _entry(block), etag=block.etag, now=now, may_recreate=block.recreated < MOST_RECREATED
                )
            calendar.delete(href=block.href)
            return None
    except CalendarError as error:
        return error


def _entry(block: Block) -> Entry:
    secret = keyring.clinic_secret(clinic_id=block.clinic_id, purpose="calendar-entry")
    return Entry(
        uid=block.uid,
        href=block.href,
        start=block.visit.start,
        end=block.visit.end,
        sequence=block.revision,
        link=settings.BASE_URL
        + reverse(f"admin:{block.visit._meta.label_lower.replace('.', '_')}_change", args=[block.visit.pk]),
        key=hmac.new(secret, block.uid.encode(), hashlib.sha256).hexdigest()[:32],
    )


def _held(claimed: Block) -> Block | None:
    """The row again, locked, unless its claim was taken for dead and given to another meanwhile."""
    return (
        Block.objects.select_for_update(of=("self",))
        .select_related("connection")
        .filter(pk=claimed.pk, state=Block.State.CLAIMED, attempts=claimed.attempts)
        .first()
    )


def _notice(block: Block) -> dict[str, Any]:
    """The notice about this one entry; the one about the whole calendar is `calendars.health`'s."""
    return {
        "clinic_id": block.clinic_id,
        "kind": Notice.Kind.CALENDAR_FAILING,
        "practitioner_id": block.connection.practitioner_id,
        "appointment_id": block.appointment_id,
    }


@use_case("calendar.settle")
@transaction.atomic
def _settle_past(*, actor: Actor, claimed: Block) -> Block.State | None:
    """Time that is over is written into no calendar."""
    block = _held(claimed)
    if block is None:
        return None
    block.state, block.claimed_at = Block.State.SUPERSEDED, None
    block.save(update_fields=["state", "claimed_at"])
    return Block.State.SUPERSEDED


@use_case("calendar.settle")
@transaction.atomic
def _settle(*, actor: Actor, now: datetime, claimed: Block, outcome: Outcome) -> Block.State | None:
    block = _held(claimed)
    if block is None:
        return None
    block.claimed_at = None
    if isinstance(outcome, CalendarError):
        _failed(block, error=outcome, actor=actor, now=now)
    else:
        _succeeded(block, written=outcome, actor=actor, now=now)
        if block.revision != claimed.revision:  # it changed while we wrote
            block.state, block.attempts, block.next_try = Block.State.PLANNED, 0, now
            again = partial(wake.publish, "calendars.push", queue="calendars", block_id=str(block.pk))
            transaction.on_commit(again, robust=True)
    block.save()
    logger.info("block %s is %s after attempt %d", block.pk, block.state, block.attempts)
    return Block.State(block.state)


def _succeeded(block: Block, *, written: Written | None, actor: Actor, now: datetime) -> None:
    if block.last_error:
        resolve_notice(actor=actor, now=now, **_notice(block))
    block.state, block.last_error, block.pushed_at = Block.State.DONE, "", now
    block.desired = Block.Desired.GONE if written is None else Block.Desired.BUSY
    block.etag = "" if written is None else written.etag
    if written is not None and written.was_missing:
        block.recreated += 1
    health.answered(connection=block.connection, actor=actor, now=now)


def _failed(block: Block, *, error: CalendarError, actor: Actor, now: datetime) -> None:
    block.last_error = type(error).__name__
    block.state = Block.State.PLANNED
    if error.whole:
        block.next_try = health.failed(connection=block.connection, error=error, actor=actor, now=now)
    elif error.permanent:
        block.state = Block.State.FAILED
        raise_notice(actor=actor, **_notice(block))
    else:
        block.next_try = now + full_jitter(attempt=block.attempts, base=FIRST_WAIT, cap=LONGEST_WAIT)
