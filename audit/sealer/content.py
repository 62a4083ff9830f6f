"""What a segment will hold: its records, read once more with the eyes of a verifier, and its place in the tree."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from audit import tree
from audit.models.records import Record
from audit.models.segments import Segment, SegmentState
from audit.segment import GENESIS, Content, Manifest, pack, record_fault
from audit.worm.names import RETENTION


class CannotSeal(Exception):
    """The records are not what they must be, so nothing is signed: a person has to look."""


@dataclass(frozen=True, slots=True)
class Before:
    """Where the chain stood when the segment before this one was sealed."""

    compact: tree.CompactRange
    head: str
    manifest: str
    """SHA-256 of that segment's manifest, hex."""

    @classmethod
    def of(cls, segment: Segment) -> "Before":
        """What the row of the segment before says. Raises `CannotSeal` when it is gone or contradicts itself."""
        if segment.first == 1:
            return cls(tree.CompactRange(), GENESIS, GENESIS)
        rows = Segment.objects.filter(chain=segment.chain, last=segment.first - 1, state=SegmentState.SEALED)
        row = rows.first()
        if row is None:
            raise CannotSeal(f"the segment of chain {segment.chain} before record {segment.first} is not known")
        try:
            compact = tree.CompactRange.from_bytes(row.last, bytes(row.frontier))
            data = row.manifest.encode()
            manifest = Manifest.from_bytes(data)
        except ValueError as error:
            raise CannotSeal(f"what is noted about segment {row} contradicts itself: {error}") from error
        if manifest.root != compact.root().hex() or bytes(row.root or b"") != compact.root():
            raise CannotSeal(f"what is noted about segment {row} contradicts itself")
        return cls(compact, manifest.head, sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Built:
    """A segment ready to be stored: its objects, and the tree after it."""

    before: Before
    content: Content
    compact: tree.CompactRange

    @property
    def head(self) -> str:
        return self.content.leaves[-1].hex()

    def contents(self) -> dict[str, Any]:
        """The hash of everything that will be stored, as the row keeps it."""
        return {
            "payloads": {name: sha256(data).hexdigest() for name, data in self.content.payloads.items()},
            "leaves": sha256(self.content.leaves_object).hexdigest(),
            "before": self.before.manifest,
        }


def read(segment: Segment) -> Built:
    """Read the segment's records and build its objects: the same bytes however often it is done.

    Raises `CannotSeal` when a record is missing, does not follow the one before it, or is not the line its leaf is of:
    what a verifier would refuse is not signed.
    """
    before = Before.of(segment)
    prev, lines = before.head, []
    rows = (
        Record.objects.filter(chain=segment.chain, seq__gte=segment.first, seq__lte=segment.last)
        .order_by("seq")
        .values_list("seq", "body", "leaf", "retention")
    )
    for expected, (seq, body, leaf, retention) in enumerate(rows, start=segment.first):
        line = body.encode()
        if seq != expected:
            raise CannotSeal(f"record {expected} of chain {segment.chain} is missing")
        reason = record_fault(line, chain=segment.chain, seq=seq, prev=prev, classes={retention})
        prev = tree.leaf_hash(line).hex()
        if not reason and bytes(leaf).hex() != prev:
            reason = "it is not the line its hash is of"
        if not reason and not RETENTION.fullmatch(retention):
            reason = "its retention class cannot be one"
        if reason:
            raise CannotSeal(f"record {seq} of chain {segment.chain} cannot be sealed: {reason}")
        lines.append((line, retention))
    if len(lines) != segment.last - segment.first + 1:
        raise CannotSeal(f"record {segment.first + len(lines)} of chain {segment.chain} is missing")
    content = pack(lines)
    compact = tree.CompactRange(before.compact.size, before.compact.nodes)
    compact.extend(content.leaves)
    return Built(before, content, compact)
