"""The time stamps of the log of logs, held against the heads they stand beside, as the check of its segments goes by.

A stamp covers a head when its imprint is the SHA-256 of the head's very bytes, the pinned authority made it, and its
time lies neither before the records under the head nor after the check. Memory for one stamp, however long the log.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from audit import canonical
from audit.note import NoteError
from audit.segment import Manifest, SegmentError
from audit.timestamp import Stamp, StampError, read
from audit.verify.judges import CannotJudge, Judge, Nobody
from audit.verify.objects import Store
from audit.verify.report import Report
from audit.worm.names import ANCHOR_KEY, ANCHORS, HEADS, anchor_key, checkpoint_key, manifest_key, segment_prefix
from audit.worm.store import ObjectMissing, Stored, Worm, WormError, WormUnavailable

TOLERANCE: Final = timedelta(minutes=1)
"""By so much our clock and the authority's may differ."""
OLD: Final = timedelta(hours=1)
"""A head is stamped within some minutes: longer than this without is told."""
_Span = tuple[int, int]


def fault(stamp: Stamp, *, head: bytes, after: datetime | None, before: datetime) -> str | None:
    """What keeps a stamp from vouching for the bytes `head` between two moments (aware; `after` None: unknown)."""
    if stamp.imprint != sha256(head).digest():
        return "it is over other bytes than this head"
    if after is not None and stamp.at < after - TOLERANCE:
        return f"its time, {stamp.at:%Y-%m-%d %H:%M:%S} UTC, lies before the records under the head"
    if stamp.at > before + TOLERANCE:
        return f"its time, {stamp.at:%Y-%m-%d %H:%M:%S} UTC, lies in the future"
    return None


def newest_below(worm: Worm, size: int) -> int:
    """The greatest size below `size` at which a stamp lies; 0 when there is none. Asks for about log2(size) lists."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = next((n for n in map(_size, worm.list(ANCHORS, after=anchor_key(middle))) if n), size)
        low, high = (found, high) if found < size else (low, middle)
    return low


def note_absent(worm: Worm, *, report: Report) -> None:
    """Say so when the store holds no stamp at all."""
    with suppress(WormUnavailable):  # that the store does not answer was told
        if next(iter(worm.list(ANCHORS)), None) is None:
            report.note("anchor-absent")


class AnchorCheck:
    """Fed with the sealed segments of the log of logs, in order, from the one that ends with `after` records (0: all).

    `clock` gives the present moment (aware); `live`: the store is written to meanwhile.
    """

    def __init__(self, store: Store, *, judge: Judge, clock: Callable[[], datetime], live: bool, after: int) -> None:
        self.store = store
        self.judge = judge
        self.clock = clock
        self.live = live
        self._after = after
        self._stored = store.worm.list(ANCHORS, after=anchor_key(after - 1) if after else "")
        self._next: Stored | None = None
        self._size = 0
        self._newest: tuple[int, datetime] | None = None
        self._waiting: _Span | None = None
        self._last: _Span | None = None
        self._unjudged = 0
        self._why = ""
        self._advance()

    def add(self, first: int, last: int) -> None:
        """A segment with a head."""
        while self._next is not None and self._size < last:
            self._check(self._next, self._size, None)
            self._advance()
        covered = False
        if self._next is not None and self._size == last:
            covered = self._check(self._next, last, (first, last))
            self._advance()
        self._last = first, last
        self._waiting = None if covered else self._waiting or self._last

    def finish(self) -> None:
        """Tell of stamps after the last segment, up to where the heads are covered, and since when they are not."""
        while self._next is not None:
            self._check(self._next, self._size, None)
            self._advance()
        report = self.store.report
        if self._newest is None and self._after:
            self._earlier()
        if self._unjudged:
            report.miss("anchor-unjudged", count=self._unjudged, reason=self._why)
        if self._newest is not None:
            report.note("anchored", seq=self._newest[0], at=f"{self._newest[1]:%Y-%m-%d %H:%M:%S}")
        if self._newest is None and isinstance(self.judge, Nobody):
            return
        since = self._planned(self._waiting)
        until = self.clock() if self.live else self._planned(self._last)
        if since is not None and until is not None and until - since > OLD:
            report.note("anchor-old", since=f"{since:%Y-%m-%d %H:%M:%S}")

    def _earlier(self) -> None:
        """Look at the newest stamp before where the check was taken up."""
        size = newest_below(self.store.worm, self._after)
        if size:
            self._check(self.store.worm.look(anchor_key(size)), size, None)

    def _check(self, stored: Stored, size: int, span: _Span | None) -> bool:
        """Whether the stamp covers the head of this size."""
        report = self.store.report
        place: dict[str, str | int] = {"object": stored.key, "chain": HEADS, "seq": size}
        name = checkpoint_key(chain=HEADS, size=size)
        try:
            head, beside = self.store.worm.get(name), self.store.worm.look(name)
        except ObjectMissing:
            report.find("anchor-orphan", **place)
            return False
        data = self.store.read(stored.key)
        if data is None:
            return False
        report.count("anchors")
        if beside.retain_until is not None:
            self.store.lock(stored, until=canonical.moment(beside.retain_until))
        try:
            stamp = read(data)
        except StampError as error:
            report.find("anchor-forged", reason=str(error), **place)
            return False
        reason = fault(stamp, head=head, after=self._planned(span), before=self.clock()) or self._unsigned(head)
        try:
            reason = reason or self.judge.fault(data, stamp=stamp)
        except CannotJudge as error:
            self._unjudged, self._why = self._unjudged + 1, str(error)
            return False
        if reason:
            report.find("anchor-forged", reason=reason, **place)
            return False
        self._newest = size, stamp.at
        return True

    def _unsigned(self, head: bytes) -> str | None:
        if not self.store.trust.public_keys:
            return None
        try:
            self.store.trust.checkpoint(head, chain=HEADS)
        except NoteError:
            return "the head it stands beside carries no trusted signature"
        return None

    def _planned(self, span: _Span | None) -> datetime | None:
        """When the range of a segment was fixed: after its last record. None where its list does not say."""
        if span is None:
            return None
        try:
            data = self.store.worm.get(manifest_key(segment_prefix(chain=HEADS, first=span[0], last=span[1])))
            return canonical.read_moment(Manifest.from_bytes(data).planned)
        except (WormError, SegmentError, ValueError):
            return None  # the segment's own check says so

    def _advance(self) -> None:
        while (stored := next(self._stored, None)) is not None:
            size = _size(stored)
            if not size:
                self.store.report.find("object-unexpected", object=stored.key)
            elif size == self._size:
                self.store.report.find("object-doubled", object=stored.key)
            else:
                self._next, self._size = stored, size
                return
        self._next = None


def _size(stored: Stored) -> int:
    """The size a stamp is named for; 0 when it is not named as one."""
    match = ANCHOR_KEY.fullmatch(stored.key)
    return int(match["size"]) if match else 0
