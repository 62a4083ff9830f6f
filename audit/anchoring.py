"""Anchoring: an authority's time stamp (RFC 3161) on the newest head of the log of logs, kept in the evidence store.

One stamp on one head dates every chain, since the log of logs vouches for all of them, and each newer head covers the
records under the older ones. Nothing waits for it: what fails is tried again with whatever head is newest then.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import IntegrityError, connection

from audit.alone import alone
from audit.authority import AuthorityFailed, ask
from audit.chains import HEADS_CHAIN
from audit.locks import commitments_locked_until
from audit.models.anchors import Anchor
from audit.models.segments import Segment, SegmentState
from audit.stores import open_worm
from audit.timestamp import Stamp, StampError, read
from audit.verify.anchors import fault
from audit.verify.judges import CannotJudge
from audit.verify.stamps import judge
from audit.worm import AlreadyWritten, ObjectMissing, Worm, WormError
from audit.worm.names import anchor_key, checkpoint_key

CONTENT_TYPE: Final = "application/timestamp-reply"


class CannotAnchor(Exception):
    """No time stamp that holds could be had or kept for the newest head; the message says why."""


def anchor(*, now: datetime) -> Anchor | None:
    """Have the newest head of the log of logs stamped and keep the stamp; None when there is nothing to do.

    `now` (aware) is held against the authority's clock. Nothing to do: no `TSA_URL`, no head that is not stamped yet,
    or another worker is at it. Raises `CannotAnchor`; then nothing was kept.
    """
    if connection.in_atomic_block:
        raise RuntimeError("an authority is never asked inside a transaction")
    if not settings.TSA_URL:
        return None
    with alone("audit.anchor") as held:
        head = unanchored() if held else None
        if head is None:
            return None
        try:
            return _anchored(head, worm=open_worm(settings.WORM_URL), now=now)
        except AlreadyWritten as error:
            raise CannotAnchor("the evidence store already holds another time stamp of this head") from error
        except (AuthorityFailed, WormError) as error:
            raise CannotAnchor(str(error)) from error


def unanchored() -> Segment | None:
    """The newest sealed segment of the log of logs, if its head carries no stamp yet."""
    head = Segment.objects.filter(chain=HEADS_CHAIN, state=SegmentState.SEALED).order_by("-last").first()
    return head if head is not None and not Anchor.objects.filter(size__gte=head.last).exists() else None


def _anchored(head: Segment, *, worm: Worm, now: datetime) -> Anchor:
    data = worm.get(checkpoint_key(chain=HEADS_CHAIN, size=head.last))
    if data != head.checkpoint.encode():
        raise CannotAnchor("the head in the evidence store is not the one that was signed")
    response = _left_behind(worm, head)
    if response is not None:
        stamp = _accepted(response, head=head, now=now)
    else:
        answer = ask(settings.TSA_URL, data=data)
        response, stamp = answer.response, _accepted(answer.response, head=head, now=now)
        if stamp.nonce != answer.nonce:
            raise CannotAnchor("the authority answered another question (the nonce differs)")
    until = commitments_locked_until(since=now)
    worm.put(anchor_key(head.last), response, retain_until=until, content_type=CONTENT_TYPE)
    kept = Anchor(size=head.last, sha256=sha256(response).hexdigest(), stamped_at=stamp.at, kept_at=now)
    try:
        kept.save(force_insert=True)
    except IntegrityError as error:
        raise CannotAnchor("another worker kept the same time stamp") from error
    return kept


def _left_behind(worm: Worm, head: Segment) -> bytes | None:
    """The stamp that a worker kept which died before it said so."""
    try:
        return worm.get(anchor_key(head.last))
    except ObjectMissing:
        return None


def _accepted(response: bytes, *, head: Segment, now: datetime) -> Stamp:
    try:
        stamp = read(response)
        reason = fault(stamp, head=head.checkpoint.encode(), after=head.planned_at, before=now)
        reason = reason or judge(Path(settings.TSA_ROOTS)).fault(response, stamp=stamp)
    except (StampError, CannotJudge) as error:
        raise CannotAnchor(f"the time stamp could not be believed: {error}") from error
    if reason:
        raise CannotAnchor(f"the time stamp does not hold: {reason}")
    return stamp
