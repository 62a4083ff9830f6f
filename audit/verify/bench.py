"""Checking runs of segments, here or in another process.

A segment is judged by where the chain stood before it. Another process cannot know that yet, so it begins where the
manifest before its run says; whoever puts the parts together accepts an answer only if the chain did stand there, and
otherwise asks again from where it stands. So the findings are those of one process reading from the beginning.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from audit import tree
from audit.verify.heads import check_continuity, check_head
from audit.verify.mentions import Spoke, check_mentions
from audit.verify.objects import Store
from audit.verify.plan import Segment, Step, position_after
from audit.verify.report import Report
from audit.verify.segments import Position, Records, check_segment
from audit.verify.trust import Trust
from audit.verify.words import DEPTH
from audit.worm.names import HEADS, manifest_key, segment_prefix
from audit.worm.store import Worm, WormError

Batch = Sequence[Step]
_BATCH_RECORDS: Final = 5_000
_BATCH_STEPS: Final = 500


class Recipient(Protocol):
    """Whoever wants the records of a segment while it is checked."""

    def records(self, chain: str, records: Records, *, report: Report) -> None:
        """A segment whose leaves are known; what does not hold goes to `report`."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """What of a checked segment is looked at in the order of the chain: its leaves, and which payloads nobody holds."""

    first: int
    leaves: Sequence[bytes]
    until: str
    """How long its leaves, and the tiles they complete, are locked."""
    free: frozenset[str]
    """Keys of its payloads that are under no legal hold in the store."""

    @property
    def last(self) -> int:
        return self.first + len(self.leaves) - 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the check of one segment found, from where it began and where it left the chain."""

    report: Report
    start: Position
    end: Position
    spoke: Spoke | None = None
    """Of a segment of the log of logs: from when to when it speaks."""
    sealed: Sealed | None = None
    """None where nothing in the segment could be relied on, or it was not read."""


class Bench:
    """Where segments are checked."""

    def __init__(
        self, worm: Worm, *, trust: Trust, level: str, now: datetime, recipient: Recipient | None = None
    ) -> None:
        self.worm = worm
        self.trust = trust
        self.level = level
        self.now = now
        self.recipient = recipient

    def run(self, batch: Batch) -> list[Outcome | None]:
        """The outcome of each step of a batch, None where a step has no segment."""
        position: Position | None = None
        outcomes: list[Outcome | None] = []
        for step in batch:
            position = step.start if step.start is not None else position
            if step.segment is None:
                outcomes.append(None)
                if step.lost is not None:
                    position = _lost(step.chain, step.lost)
                continue
            if step.lost is not None:
                position = _lost(step.chain, step.lost)
            elif position is None:
                position = self._claimed(step.chain, step.segment)
            outcome = self.one(step, position)
            position = outcome.end
            outcomes.append(outcome)
        return outcomes

    def one(self, step: Step, position: Position) -> Outcome:
        """Check the segment of a step from `position`, which stays as it is."""
        assert step.segment is not None
        segment = step.segment
        report, end = Report(at=self.now), copy(position)
        records: Records | None = None
        store = Store(self.worm, trust=self.trust, report=report)
        if self.level == DEPTH[0]:
            check_head(store, chain=step.chain, segment=segment)
            end.lose(size=segment.last)
        elif self.level == DEPTH[1]:
            check_continuity(store, position=end, segment=segment)
        else:
            records = self._segment(store, end, segment)
        if records is None:
            return Outcome(report, copy(position), end)
        spoke = check_mentions(self.worm, records.lines, report=report) if step.chain == HEADS else None
        manifest = records.manifest
        free = frozenset(payload.key for payload in manifest.payloads if payload.key in records.free)
        sealed = Sealed(records.first, records.leaves, manifest.leaves.retain_until, free)
        return Outcome(report, copy(position), end, spoke, sealed)

    def _segment(self, store: Store, position: Position, segment: Segment) -> Records | None:
        data = store.read(segment.head.key)
        if data is None:
            position.lose(size=segment.last)
            return None
        records = check_segment(
            store,
            position=position,
            first=segment.first,
            last=segment.last,
            files=segment.files,
            checkpoint=data,
            checkpoint_stored=segment.head,
        )
        if records is not None and self.recipient is not None:
            self.recipient.records(position.chain, records, report=store.report)
        return records

    def _claimed(self, chain: str, segment: Segment) -> Position:
        """Where the chain stands before a segment, by the manifest of the one before."""
        assert segment.before is not None
        first, last = segment.before
        try:
            data = self.worm.get(manifest_key(segment_prefix(chain=chain, first=first, last=last)))
        except WormError:
            data = None
        return position_after(data, chain=chain, size=last) or _lost(chain, last)


def batches(steps: Iterable[Step]) -> Iterator[Batch]:
    """Steps in runs that are worth sending to another process, and small enough to be held."""
    batch: list[Step] = []
    weight = 0
    for step in steps:
        batch.append(step)
        weight += step.weight
        if weight >= _BATCH_RECORDS or len(batch) >= _BATCH_STEPS:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def copy(position: Position) -> Position:
    """The same place, to go on from without moving the first."""
    compact = position.compact and tree.CompactRange(position.compact.size, position.compact.nodes)
    return _at(position.chain, position.size, position.head, compact, position.manifest)


def same(one: Position, other: Position) -> bool:
    """Whether two positions are the same place."""
    return _key(one) == _key(other)


def _key(position: Position) -> tuple[object, ...]:
    compact = position.compact and (position.compact.size, tuple(position.compact.nodes))
    return position.chain, position.size, position.head, compact, position.manifest


def _lost(chain: str, size: int) -> Position:
    position = Position(chain)
    position.lose(size=size)
    return position


def _at(chain: str, size: int, head: str | None, compact: tree.CompactRange | None, manifest: str | None) -> Position:
    position = Position(chain, size, head, compact, manifest)
    position.compact = compact  # None means unknown here, and the beginning to whoever makes a Position
    return position
