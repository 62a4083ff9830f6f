"""One sealed segment held against its manifest, its signed head, and the segment before it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit import tree
from audit.note import NoteError
from audit.segment import GENESIS, Manifest, Payload, SegmentError, decompress, read_leaves, record_fault, split_lines
from audit.verify.objects import Store
from audit.worm.names import manifest_key, segment_prefix, statement_key
from audit.worm.store import Stored

Lines = dict[str, list[bytes]]


@dataclass(slots=True)
class Position:
    """Where a chain stands after the segments checked so far. None: unknown, because what came before is damaged."""

    chain: str
    size: int = 0
    head: str | None = GENESIS
    compact: tree.CompactRange | None = None
    manifest: str | None = GENESIS

    def __post_init__(self) -> None:
        self.compact = self.compact or tree.CompactRange()

    def lose(self, *, size: int) -> None:
        """Go on after a segment that told nothing that could be relied on."""
        self.size, self.head, self.compact, self.manifest = size, None, None, None


@dataclass(frozen=True, slots=True)
class Records:
    """What a segment holds, once checked: leaf hashes in order, and the lines where they could be read."""

    first: int
    leaves: Sequence[bytes]
    lines: Sequence[bytes | None]
    manifest: Manifest
    free: frozenset[str]
    """Keys of the segment's objects on which no legal hold stands."""


def check_segment(
    store: Store,
    *,
    position: Position,
    first: int,
    last: int,
    files: Mapping[str, Stored],
    checkpoint: bytes,
    checkpoint_stored: Stored,
) -> Records | None:
    """Check the segment `first` to `last` and move `position` behind it.

    `files` are the objects found in its folder, `checkpoint` the signed head after it. Whatever does not hold goes to
    the store's report. Returns the records, or None when nothing in the segment could be relied on.
    """
    check = _Check(store, position, first, last)
    head = check.signed_head(checkpoint, checkpoint_stored.key)
    manifest = check.manifest(files)
    if manifest is None:
        position.lose(size=last)
        return None
    store.lock(checkpoint_stored, until=manifest.retain_until)
    lines = {payload.retention: found for payload in manifest.payloads if (found := check.payload(payload)) is not None}
    leaves, index = check.leaves(manifest, lines)
    if leaves is None:
        position.lose(size=last)
        return None
    check.tree(manifest, leaves, head, checkpoint_stored.key)
    ordered = check.lines(manifest, leaves, index, lines)
    check.rules(manifest, leaves, ordered)
    store.report.count("segments")
    store.report.count("records", len(leaves))
    free = frozenset(key for key, stored in files.items() if not stored.held)
    return Records(first, leaves, ordered, manifest, free)


class _Check:
    def __init__(self, store: Store, position: Position, first: int, last: int) -> None:
        self.store = store
        self.report = store.report
        self.position = position
        self.chain = position.chain
        self.first = first
        self.last = last

    def signed_head(self, data: bytes, key: str) -> bytes | None:
        """The root that was signed, or None when no trusted signature says one."""
        if not self.store.trust.public_keys:
            return None
        try:
            checkpoint = self.store.trust.checkpoint(data, chain=self.chain)
            if checkpoint.size != self.last:
                raise NoteError("it speaks of another number of records than its name says")
        except NoteError as error:
            self.report.find("checkpoint-bad", chain=self.chain, seq=self.last, object=key, reason=str(error))
            return None
        return checkpoint.root

    def manifest(self, files: Mapping[str, Stored]) -> Manifest | None:
        """The manifest, even one with a broken signature as long as it can be read: it still locates damage."""
        key = manifest_key(segment_prefix(chain=self.chain, first=self.first, last=self.last))
        data, vouched = self.store.signed(key, chain=self.chain)
        previous, self.position.manifest = (
            self.position.manifest,
            sha256(data).hexdigest() if vouched and data else None,
        )
        if data is None:
            return None
        try:
            manifest = Manifest.from_bytes(data)
        except SegmentError as error:
            if vouched:
                self.report.find("object-unreadable", object=key, reason=str(error))
            return None
        if vouched:
            self._fits(manifest, previous)
            self._files(manifest, files, key)
        return manifest

    def payload(self, payload: Payload) -> list[bytes] | None:
        """The lines of one payload object, or None when they cannot be read."""
        data = self.store.read(payload.key)
        if data is None:
            return None
        whole = sha256(data).hexdigest() == payload.stored_sha256 and len(data) == payload.stored_bytes
        if not whole:
            self.report.find("object-altered", object=payload.key)
        try:
            # Beyond the length it was sealed with, only as much as it takes to see what was added.
            content = decompress(data, limit=payload.bytes if whole else 2 * payload.bytes + 65536)
            lines = split_lines(content)
        except SegmentError as error:
            if whole:
                self.report.find("object-unreadable", object=payload.key, reason=str(error))
            return None
        if whole and sha256(content).hexdigest() != payload.sha256:
            self.report.find("object-altered", object=payload.key)
        return lines

    def leaves(self, manifest: Manifest, lines: Lines) -> tuple[list[bytes] | None, bytes]:
        """The leaf hashes in order and the class of each: from their own object, else from the lines if complete."""
        key = manifest.leaves.key
        data = self.store.read(key)
        if data is not None and sha256(data).hexdigest() == manifest.leaves.sha256:
            try:
                return read_leaves(data, count=manifest.count, classes=len(manifest.payloads))
            except SegmentError as error:
                self.report.find("object-unreadable", object=key, reason=str(error))
        elif data is not None:
            self.report.find("object-altered", object=key)
        placed: dict[int, tuple[bytes, int]] = {}
        for number, payload in enumerate(manifest.payloads):
            for line in lines.get(payload.retention, ()):
                placed[_seq(line)] = tree.leaf_hash(line), number
        if placed.keys() != set(range(self.first, self.last + 1)):
            return None, b""
        ordered = [placed[seq] for seq in range(self.first, self.last + 1)]
        return [leaf for leaf, _ in ordered], bytes(number for _, number in ordered)

    def tree(self, manifest: Manifest, leaves: list[bytes], head: bytes | None, checkpoint: str) -> None:
        """Hold the leaves against the signed root, and move the position behind them."""
        compact = self.position.compact
        if compact is None:
            # Damage before this segment hides what its tree began with; its own frontier lets the check go on.
            compact = manifest.compact_range()
        else:
            compact.extend(leaves)
        root = compact.root()
        if head is not None and root != head:
            self.report.find("root-differs", chain=self.chain, seq=self.last, object=checkpoint)
        elif root.hex() != manifest.root:
            self._differs("its head is not that of its records")
        if root.hex() != manifest.root and head is not None and head.hex() == manifest.root:
            compact = manifest.compact_range()
        self.position.size, self.position.head, self.position.compact = self.last, leaves[-1].hex(), compact

    def lines(self, manifest: Manifest, leaves: list[bytes], index: bytes, lines: Lines) -> list[bytes | None]:
        """The lines in order, telling of each that is not the one its leaf was signed for."""
        ordered: list[bytes | None] = [None] * len(leaves)
        numbers = {leaf: self.first + place for place, leaf in enumerate(leaves)}
        for number, payload in enumerate(manifest.payloads):
            if payload.retention not in lines:
                continue
            places = [place for place, of in enumerate(index) if of == number]
            found = [(tree.leaf_hash(line), line) for line in lines[payload.retention]]
            if [leaf for leaf, _ in found] != [leaves[place] for place in places]:
                self._misfits(payload, [(self.first + place, leaves[place]) for place in places], found, numbers)
            held = dict(found)
            for place in places:
                ordered[place] = held.get(leaves[place])
        return ordered

    def rules(self, manifest: Manifest, leaves: list[bytes], lines: list[bytes | None]) -> None:
        """Hold each line against the profile and against its place: chain, number, the record before it, its class."""
        before = manifest.prev
        classes = {payload.retention for payload in manifest.payloads}
        for seq, (leaf, line) in enumerate(zip(leaves, lines, strict=True), start=self.first):
            if line is not None and (
                reason := record_fault(line, chain=self.chain, seq=seq, prev=before, classes=classes)
            ):
                self.report.find("line-wrong", chain=self.chain, seq=seq, reason=reason)
            before = leaf.hex()
        if manifest.head != before:
            self._differs("it ends with another record")

    def _fits(self, manifest: Manifest, previous: str | None) -> None:
        if (manifest.chain, manifest.first, manifest.last) != (self.chain, self.first, self.last):
            self._differs("it was made for another segment")
        elif manifest.log != self.store.trust.log:
            self._differs("it belongs to another log")
        elif previous is not None and manifest.previous_manifest != previous:
            self._differs("it does not follow the list before it")
        elif self.position.head is not None and manifest.prev != self.position.head:
            self._differs("it does not follow the record before it")

    def _files(self, manifest: Manifest, files: Mapping[str, Stored], key: str) -> None:
        wanted = {payload.key: (payload.retain_until, payload.version) for payload in manifest.payloads}
        wanted[manifest.leaves.key] = manifest.leaves.retain_until, manifest.leaves.version
        for own in (key, statement_key(key)):
            wanted[own] = manifest.retain_until, files[own].version if own in files else ""
        for name, stored in files.items():
            if name not in wanted:
                self.report.find("object-unexpected", object=name)
                continue
            until, version = wanted[name]
            if stored.version != version:
                self.report.find("object-doubled", object=name)
            self.store.lock(stored, until=until)

    def _misfits(
        self,
        payload: Payload,
        wanted: list[tuple[int, bytes]],
        found: list[tuple[bytes, bytes]],
        numbers: Mapping[bytes, int],
    ) -> None:
        """Say of a payload whose lines are not the sealed ones which were altered, moved, taken out or added."""
        if len(found) == len(wanted):
            for (seq, leaf), (present, _) in zip(wanted, found, strict=True):
                if present == leaf:
                    continue
                if present in numbers:
                    moved = numbers[present]
                    self.report.find("line-moved", object=payload.key, chain=self.chain, seq=seq, found=moved)
                else:
                    self.report.find("line-altered", object=payload.key, chain=self.chain, seq=seq)
            return
        held = {leaf for leaf, _ in found}
        for seq, leaf in wanted:
            if leaf not in held:
                self.report.find("line-missing", object=payload.key, chain=self.chain, seq=seq)
        extra = len(found) - sum(leaf in held for _, leaf in wanted)
        if extra > 0:
            self.report.find("line-extra", object=payload.key, count=extra)

    def _differs(self, reason: str) -> None:
        self.report.find("manifest-differs", chain=self.chain, first=self.first, last=self.last, reason=reason)


def _seq(line: bytes) -> int:
    try:
        seq = json.loads(line)["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return seq if isinstance(seq, int) else 0
