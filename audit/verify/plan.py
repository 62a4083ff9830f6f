"""What there is to check in an evidence store, in order: known from its lists alone, before any record is read.

The plan runs ahead of the checks, which may happen in several processes; what it notices itself is handed on with the
step it belongs to, so that findings come in one order however many work on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from audit.note import NoteError
from audit.segment import Manifest, SegmentError
from audit.verify.objects import LAST, Store
from audit.verify.report import Head, Report
from audit.verify.segments import Position
from audit.verify.trust import Trust
from audit.worm.names import CHECKPOINT_KEY, SEGMENT_KEY, checkpoint_key, manifest_key, segment_prefix
from audit.worm.store import ObjectMissing, Stored, Worm, WormUnavailable


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with a signed head: the objects in its folder, the head, and the span of the segment before it."""

    first: int
    last: int
    files: Mapping[str, Stored]
    head: Stored
    before: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do about a chain, in this order: begin at `start`, take note of `told`, go past `lost`, check."""

    chain: str
    told: Report
    """What the lists themselves say does not hold."""
    start: Position | None = None
    """Where a chain begins: nowhere, or behind a head that was verified earlier."""
    lost: int | None = None
    """Up to this record nothing is known, since segments or heads are missing."""
    segment: Segment | None = None
    size: int | None = None
    """The chain ends here, with so many records under a signed head."""
    failed: WormUnavailable | None = None
    """The store did not answer: what would follow is not known."""

    @property
    def weight(self) -> int:
        """How much there is to do, in records."""
        return self.segment.last - self.segment.first + 1 if self.segment else 0


class Plan:
    """The steps through a store. `since`: heads verified earlier, by chain; `live`: it is written to meanwhile."""

    def __init__(
        self, worm: Worm, *, trust: Trust, now: datetime, live: bool, only: str, since: Mapping[str, Head]
    ) -> None:
        self.now = now
        self.live = live
        self.only = only
        self.since = since
        self.resumed: dict[str, Head] = {}
        """The heads behind which chains are taken up, once their steps were made."""
        self._store = Store(worm, trust=trust, report=Report(at=now))

    def steps(self) -> Iterator[Step]:
        """Every step, in order; the last one is `failed` when the store stops answering."""
        chain = ""
        try:
            seen = set()
            for chain in self._store.chains():
                if self.only in ("", chain):
                    seen.add(chain)
                    yield from self._chain(chain)
            for chain in sorted(self.since.keys() - seen):
                if self.only in ("", chain):
                    yield from self._chain(chain)
            yield Step("", self._told())
        except WormUnavailable as error:
            yield Step(chain, self._told(), failed=error)

    def _told(self) -> Report:
        """What was noticed since the last step."""
        told, self._store.report = self._store.report, Report(at=self.now)
        return told

    def _chain(self, chain: str) -> Iterator[Step]:
        start = self._taken_up(chain) or Position(chain)
        size, open_segment = start.size, None
        before = (self.since[chain].first, size) if size else None
        yield Step(chain, self._told(), start=start)
        heads = _Heads(self._store, chain, after=size)
        for first, last, files in self._segments(chain, before):
            lost = None
            if open_segment is not None:
                # Only the last segment may lack its head; this one has a successor.
                lost = size = open_segment[1]
                self._missing(chain, size)
                open_segment = None
            if first > size + 1:
                self._store.report.find("segment-gap", chain=chain, first=size + 1, last=first - 1)
                lost = size = first - 1
            elif first <= size:
                prefix = segment_prefix(chain=chain, first=first, last=last)
                self._store.report.find("segment-twice", chain=chain, seq=first, object=prefix)
                if lost is not None:
                    yield Step(chain, self._told(), lost=lost)
                continue
            head = heads.at(last)
            if head is None:
                open_segment = first, last
                if lost is not None:
                    yield Step(chain, self._told(), lost=lost)
                continue
            follows = before if lost is None else None
            yield Step(chain, self._told(), lost=lost, segment=Segment(first, last, files, head, follows))
            size, before = last, (first, last)
        if open_segment is not None and heads.later(open_segment[1]):
            self._missing(chain, open_segment[1])
        elif open_segment is not None:
            values: Mapping[str, str | int] = {"chain": chain, "first": open_segment[0], "last": open_segment[1]}
            report = self._store.report
            report.note("segment-open", **values) if self.live else report.miss("segment-unsigned", **values)
        heads.finish()
        yield Step(chain, self._told(), size=size)

    def _missing(self, chain: str, size: int) -> None:
        key = checkpoint_key(chain=chain, size=size)
        self._store.report.find("checkpoint-missing", chain=chain, seq=size, object=key)

    def _segments(self, chain: str, before: tuple[int, int] | None) -> Iterator[tuple[int, int, Mapping[str, Stored]]]:
        """The segment folders of a chain in order, each with its objects; files outside any are told of."""
        prefix = f"chains/{chain}/seg/"
        after = segment_prefix(chain=chain, first=before[0], last=before[1]) + LAST if before else ""
        for span, group in groupby(self._store.worm.list(prefix, after=after), key=_span):
            if span is None:
                for stored in group:
                    self._store.report.find("object-unexpected", object=stored.key)
            else:
                yield *span, self._store.by_key(group)

    def _taken_up(self, chain: str) -> Position | None:
        """The position behind the head verified earlier, if it is still there, signed, and the same."""
        head = self.since.get(chain)
        if head is None or not self._store.trust.public_keys:
            return None
        key = checkpoint_key(chain=chain, size=head.size)
        place: Mapping[str, str | int] = {"chain": chain, "seq": head.size}
        data = self._store.read(key, code="verified-gone", **place)
        if data is None:
            return None
        try:
            checkpoint = self._store.trust.checkpoint(data, chain=chain)
        except NoteError as error:
            self._store.report.find("checkpoint-bad", object=key, reason=str(error), **place)
            return None
        if (checkpoint.size, checkpoint.root.hex()) != (head.size, head.root):
            self._store.report.find("verified-differs", object=key, **place)
            return None
        name = manifest_key(segment_prefix(chain=chain, first=head.first, last=head.size))
        listed, vouched = self._store.signed(name, chain=chain)
        position = position_after(listed, chain=chain, size=head.size) if vouched else None
        if position is None or position.compact is None or position.compact.root().hex() != head.root:
            return None
        self.resumed[chain] = head
        return position


def position_after(manifest: bytes | None, *, chain: str, size: int) -> Position | None:
    """Where a chain stands after the segment of this manifest, by its own words; None when it cannot be read."""
    if manifest is None:
        return None
    try:
        said = Manifest.from_bytes(manifest)
        compact = said.compact_range()
    except SegmentError:
        return None
    if (said.chain, said.last) != (chain, size):
        return None
    return Position(chain, size, said.head, compact, sha256(manifest).hexdigest())


def _span(stored: Stored) -> tuple[int, int] | None:
    match = SEGMENT_KEY.fullmatch(stored.key)
    first, last = (int(match["first"]), int(match["last"])) if match else (0, 0)
    return (first, last) if 0 < first <= last else None


class _Heads:
    """The checkpoints of a chain beyond the first `after` records, read along with its segments."""

    def __init__(self, store: Store, chain: str, *, after: int) -> None:
        self.store = store
        self.chain = chain
        begin = checkpoint_key(chain=chain, size=after) if after else ""
        self._stored = store.worm.list(f"chains/{chain}/checkpoint/", after=begin)
        self._size = 0
        self._next: Stored | None = None
        self._advance()

    def at(self, size: int) -> Stored | None:
        """The checkpoint at `size`; those passed over belong to no segment and are told of."""
        while self._next is not None and self._size < size:
            self._stray(self._next.key, self._size)
            self._advance()
        if self._next is None or self._size != size:
            return self._just_put(size)
        found = self._next
        self._advance()
        return found

    def later(self, size: int) -> bool:
        """Whether a checkpoint beyond `size` exists."""
        return self._next is not None and self._size > size

    def finish(self) -> None:
        """Tell of the checkpoints after the last segment."""
        self.at(10**18)

    def _just_put(self, size: int) -> Stored | None:
        """The checkpoint at `size`, if it came after the list was read: sealing goes on while a check runs."""
        try:
            return self.store.worm.look(checkpoint_key(chain=self.chain, size=size))
        except ObjectMissing:
            return None

    def _stray(self, key: str, size: int) -> None:
        self.store.report.find("checkpoint-stray", chain=self.chain, seq=size, object=key)

    def _advance(self) -> None:
        while (stored := next(self._stored, None)) is not None:
            match = CHECKPOINT_KEY.fullmatch(stored.key)
            if match is None:
                self.store.report.find("object-unexpected", object=stored.key)
            elif int(match["size"]) == self._size:
                self.store.report.find("object-doubled", object=stored.key)
            else:
                self._next, self._size = stored, int(match["size"])
                return
        self._next = None
