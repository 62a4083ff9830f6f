"""Bringing the write-once store as far as the legal holds say: every payload object of their range held, or let go.

Each segment is noted once it is done, so whatever dies in between goes on there. One connection at a time does this
for a chain, so that a hold being lifted never takes an object from one that is being placed.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from audit.alone import alone
from audit.models.holds import LegalHold
from audit.models.segments import Segment, SegmentState
from audit.segment import Manifest, SegmentError
from audit.stores import open_worm
from audit.worm import ObjectMissing, Worm, WormError


def settle(*, now: datetime) -> int:
    """Put or take what the store does not show yet; returns how many objects it went over.

    May die anywhere and be called again. A chain another connection is at is left to it. Raises `WormError`.
    """
    done = 0
    for chain in _owed():
        while chain in _owed():
            with alone(f"audit.holding {chain}") as held:
                if not held:
                    break
                worm = open_worm(settings.WORM_URL)
                for hold in LegalHold.objects.filter(chain=chain, released_at=None).order_by("placed_at", "pk"):
                    work = _put if hold.lifted_at is None else _take
                    done += work(hold, worm=worm, now=now)
            # Looked at again by the loop: what came in while the lock was held found it taken and left.
    return done


def waits(hold: LegalHold) -> bool:
    """Whether the store has not come as far as the hold: objects still to be held, or to be let go."""
    return hold.released_at is None if hold.lifted_at else _ahead(hold).exists()


def _owed() -> list[str]:
    """The chains on which the store has not come as far as the holds."""
    return sorted({hold.chain for hold in LegalHold.objects.filter(released_at=None) if waits(hold)})


def _put(hold: LegalHold, *, worm: Worm, now: datetime) -> int:
    done = 0
    for segment in _ahead(hold).order_by("first").iterator(chunk_size=100):
        done += _each(segment, worm=worm, held=True, now=now)
        if not _note(hold, lifted=False, held_through=segment.last):
            break  # lifted meanwhile, or asked for once more: whoever looks again sees it
    return done


def _take(hold: LegalHold, *, worm: Worm, now: datetime) -> int:
    done = 0
    # From the end, so that what is left to do shrinks. The first after `held_through` may have been put and not noted.
    behind = _covered(hold).filter(first__lte=hold.held_through + 1).order_by("-first")
    for segment in behind.iterator(chunk_size=100):
        others = LegalHold.objects.filter(chain=hold.chain, lifted_at=None)
        if not any(other.covers(first=segment.first, last=segment.last) for other in others):
            done += _each(segment, worm=worm, held=False, now=now)
        _note(hold, lifted=True, held_through=segment.first - 1)
    LegalHold.objects.filter(pk=hold.pk).update(released_at=now)
    return done


def _covered(hold: LegalHold) -> QuerySet[Segment]:
    reaches = Q() if hold.last is None else Q(first__lte=hold.last)
    return Segment.objects.filter(reaches, chain=hold.chain, state=SegmentState.SEALED, last__gte=hold.first)


def _ahead(hold: LegalHold) -> QuerySet[Segment]:
    return _covered(hold).filter(last__gt=hold.held_through)


def _note(hold: LegalHold, *, lifted: bool, held_through: int) -> bool:
    rows = LegalHold.objects.filter(pk=hold.pk, lifted_at__isnull=not lifted, held_through=hold.held_through)
    hold.held_through, known = held_through, rows.update(held_through=held_through)
    return known == 1


def _each(segment: Segment, *, worm: Worm, held: bool, now: datetime) -> int:
    """Every payload object of one segment, in the version that was sealed; one that is gone is told of by the check."""
    try:
        payloads = Manifest.from_bytes(segment.manifest.encode()).payloads
    except SegmentError as error:
        raise WormError(f"what is noted about segment {segment} cannot be read: {error}") from error
    for payload in payloads:
        try:
            worm.hold(payload.key, held=held, now=now, version=payload.version)
        except ObjectMissing:
            continue
    return len(payloads)
