"""Every chain of an evidence store from its first record to its signed head."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Protocol

from audit.verify.objects import Store
from audit.verify.report import Report
from audit.verify.segments import Position, Records, check_segment
from audit.verify.tiles import TileCheck
from audit.verify.trust import Trust
from audit.worm.names import CHECKPOINT_KEY, SEGMENT_KEY, checkpoint_key, segment_prefix
from audit.worm.store import ObjectMissing, Stored, Worm, WormUnavailable


class Listener(Protocol):
    """Whoever wants the sealed records while they are checked, in order, a segment at a time."""

    def records(self, chain: str, records: Records) -> None:
        """A segment whose leaves are known."""
        ...

    def unreadable(self, chain: str, first: int, last: int) -> None:
        """A segment that told nothing that could be relied on."""
        ...

    def ended(self, chain: str, size: int) -> None:
        """The chain's last sealed record was `size`."""
        ...


def verify_worm(
    worm: Worm,
    *,
    trust: Trust,
    now: datetime,
    listener: Listener | None = None,
    live: bool = False,
    only: str = "",
    report: Report | None = None,
) -> Report:
    """Check everything an evidence store holds, by itself: no database, no network, memory for one segment at a time.

    `live`: the store may be written to meanwhile, so a segment without a head at the very end is work in progress and
    not an open question; whoever says so knows from elsewhere how much was sealed. `only`: one chain. `report`: to be
    continued instead of a new one.
    """
    report = report or Report(at=now, scope=only)
    report.log, report.keys = trust.log, tuple(key.hex() for key in trust.public_keys)
    store = Store(worm, trust=trust, report=report)
    if not trust.public_keys and not report.unchecked:
        report.miss("key-absent", reason="none was given")
    try:
        store.keyring()
        chains = 0
        for chain in store.chains():
            if only in ("", chain):
                chains += 1
                size = _chain(store, chain, listener=listener, live=live)
                if listener is not None:
                    listener.ended(chain, size)
        report.count("chains", chains)
        if report.counts.get("segments"):
            store.unpublished()
        if not chains and not live:
            report.miss("store-empty", store=only or trust.log)
    except WormUnavailable as error:
        report.miss("store-unreadable", object=trust.log, reason=str(error))
    return report


def _chain(store: Store, chain: str, *, listener: Listener | None, live: bool) -> int:
    """Check one chain; returns how many records have a signed head."""
    report, position = store.report, Position(chain)
    heads, tiles = _Heads(store, chain), TileCheck(store, chain)
    open_segment: tuple[int, int] | None = None
    for first, last, files in _segments(store, chain):
        if open_segment is not None:
            # Only the last segment may lack its head; this one has a successor.
            size = open_segment[1]
            report.find("checkpoint-missing", chain=chain, seq=size, object=checkpoint_key(chain=chain, size=size))
            position.lose(size=size)
            open_segment = None
        if first > position.size + 1:
            report.find("segment-gap", chain=chain, first=position.size + 1, last=first - 1)
            position.lose(size=first - 1)
        elif first <= position.size:
            prefix = segment_prefix(chain=chain, first=first, last=last)
            report.find("segment-twice", chain=chain, seq=first, object=prefix)
            continue
        stored = heads.at(last)
        data = store.read(stored.key) if stored is not None else None
        if stored is None:
            open_segment = first, last
            continue
        if data is None:
            position.lose(size=last)
            if listener is not None:
                listener.unreadable(chain, first, last)
            continue
        records = check_segment(
            store,
            position=position,
            first=first,
            last=last,
            files=files,
            checkpoint=data,
            checkpoint_stored=stored,
        )
        if records is not None:
            tiles.add(records)
        if listener is not None and records is not None:
            listener.records(chain, records)
        elif listener is not None:
            listener.unreadable(chain, first, last)
    if open_segment is not None and heads.later(open_segment[1]):
        size = open_segment[1]
        report.find("checkpoint-missing", chain=chain, seq=size, object=checkpoint_key(chain=chain, size=size))
    elif open_segment is not None:
        values: Mapping[str, str | int] = {"chain": chain, "first": open_segment[0], "last": open_segment[1]}
        report.note("segment-open", **values) if live else report.miss("segment-unsigned", **values)
    heads.finish()
    # A segment whose head is still to come has its tiles already.
    tiles.finish(size=open_segment[1] if open_segment is not None else position.size)
    return position.size


def _segments(store: Store, chain: str) -> Iterator[tuple[int, int, dict[str, Stored]]]:
    """The segment folders of a chain in order, each with its objects; files outside any are told of."""
    for span, group in groupby(store.worm.list(f"chains/{chain}/seg/"), key=_span):
        if span is None:
            for stored in group:
                store.report.find("object-unexpected", object=stored.key)
        else:
            yield *span, store.by_key(group)


def _span(stored: Stored) -> tuple[int, int] | None:
    match = SEGMENT_KEY.fullmatch(stored.key)
    first, last = (int(match["first"]), int(match["last"])) if match else (0, 0)
    return (first, last) if 0 < first <= last else None


class _Heads:
    """The checkpoints of a chain, read along with its segments."""

    def __init__(self, store: Store, chain: str) -> None:
        self.store = store
        self.chain = chain
        self._stored = store.worm.list(f"chains/{chain}/checkpoint/")
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
