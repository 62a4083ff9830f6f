"""Who seals what: one sealer for each chain at a time, and none leaves while work came in behind its back.

A sealer may die anywhere; the next takes up each segment where its row says. An advisory lock keeps a second sealer
out, and the fence, a number that grows with each sealer, keeps out one that lost its lock without noticing.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from audit import signing
from audit.alone import alone
from audit.models.records import Chain, Record
from audit.models.segments import Segment, SegmentState
from audit.sealer.content import CannotSeal
from audit.sealer.steps import Fork, Reached, Sealing, Superseded
from audit.stores import open_worm
from audit.worm import WormError, WormUnavailable

MAX_RECORDS: Final = 10_000
MAX_CHARACTERS: Final = 8_000_000
"""A segment is held in memory whole: this bounds it. One record alone may be longer."""


def _nothing(step: str) -> None:
    """What happens between steps, outside tests."""


def seal(*, now: datetime, reached: Reached = _nothing) -> list[Segment]:
    """Seal everything that was sequenced; return the segments this call completed, in order, chain by chain.

    `now` (aware) dates new segments and their locks. A chain another sealer is at is left to it. Trouble with one chain
    does not keep the others waiting: all of it is raised at the end as an `ExceptionGroup` of `CannotSeal`, `Fork`,
    `Superseded` and `WormError`. `reached` is called between steps. Without a key nothing begins: raises what the key
    store raises.
    """
    chains = unsealed()
    if not chains:
        return []
    done: list[Segment] = []
    troubles: list[Exception] = []
    key = signing.signer()
    try:
        worm = open_worm(settings.WORM_URL)
        signing.publish_key(worm=worm, key=key, now=now)
    except WormError as error:
        raise ExceptionGroup("nothing could be sealed", [error]) from error
    for chain in chains:
        try:
            while _waits(chain):
                with alone(f"audit.seal {chain}") as held:
                    if not held:
                        break
                    sealing = Sealing(worm, key, _take_fence(chain), now, reached)
                    while (segment := _next(chain, sealing)) is not None:
                        done.append(sealing.finish(segment))
                # Looked at again by the loop: what came in while the lock was held found it taken and left.
        except (CannotSeal, Fork, Superseded, WormError) as error:
            troubles.append(error)
            if isinstance(error, WormUnavailable):
                break
    if troubles:
        raise ExceptionGroup("not everything could be sealed", troubles)
    return done


def unsealed() -> list[str]:
    """The chains with records, or a segment begun, that no signed head in the store covers yet."""
    return list(_unsealed().order_by("name").values_list("name", flat=True))


def _unsealed() -> QuerySet[Chain]:
    begun = Segment.objects.filter(chain=OuterRef("name")).exclude(state=SegmentState.SEALED)
    return Chain.objects.filter(Q(seq__gt=F("sealed_size")) | Exists(begun))


def _waits(chain: str) -> bool:
    return _unsealed().filter(name=chain).exists()


def _take_fence(chain: str) -> int:
    with transaction.atomic():
        Chain.objects.filter(name=chain).update(fence=F("fence") + 1)
        fence = Chain.objects.values_list("fence", flat=True).get(name=chain)
        Segment.objects.filter(chain=chain).exclude(state=SegmentState.SEALED).update(fence=fence)
    return fence


def _next(chain: str, sealing: Sealing) -> Segment | None:
    """The segment to work on: the one begun, else a new one over the oldest unsealed records; None when all is done."""
    begun = Segment.objects.filter(chain=chain).exclude(state=SegmentState.SEALED).first()
    return begun or _plan(chain, sealing)


def _plan(chain: str, sealing: Sealing) -> Segment | None:
    row = Chain.objects.get(name=chain)
    if row.seq <= row.sealed_size:
        return None
    first = row.sealed_size + 1
    sizes = (
        Record.objects.filter(chain=chain, seq__gte=first, seq__lte=row.seq)
        .order_by("seq")
        .values_list("seq", Length("body"))[:MAX_RECORDS]
    )
    last, characters = row.sealed_size, 0
    for seq, length in sizes:
        characters += length
        if seq != last + 1:
            raise CannotSeal(f"record {last + 1} of chain {chain} is missing")
        if characters > MAX_CHARACTERS and seq > first:
            break
        last = seq
    if last < first:
        raise CannotSeal(f"record {first} of chain {chain} is missing")
    sealing.reached("plan")
    try:
        with transaction.atomic():
            return Segment.objects.create(
                chain=chain, first=first, last=last, fence=sealing.fence, planned_at=sealing.now
            )
    except IntegrityError as error:
        raise Superseded(f"another sealer has taken over chain {chain}") from error
