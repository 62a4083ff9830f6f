"""What a sealed segment is made of: the names of its objects, their bytes, and the manifest that lists them.

A segment is a run of consecutive records of one chain. Its lines are stored in one payload object for each retention
class; the hashes of its leaves are stored apart, so that the payload of one class may be disposed of at the end of its
time while every proof of every other record keeps working. `docs/evidence.md` is the same in words.

No Django here: the single-file verifier carries this module.
"""

import base64
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from audit import canonical, tree

_T = TypeVar("_T")

GENESIS = "0" * 64
"""What the first record of a chain names as the one before it, and the first manifest likewise."""

_HEX = re.compile(r"[0-9a-f]{64}")


class SegmentError(ValueError):
    """An object of a segment is not what its format says."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The payload object of one retention class, as the manifest lists it. Hashes are hex SHA-256."""

    retention: str
    key: str
    version: str
    count: int
    bytes: int
    sha256: str
    """Over the lines, each with its newline: what counts, since another zlib may pack them otherwise."""
    stored_bytes: int
    stored_sha256: str
    """Over the gzip stream as it was stored."""
    retain_until: str


@dataclass(frozen=True, slots=True)
class Leaves:
    """The leaves object, as the manifest lists it."""

    key: str
    version: str
    bytes: int
    sha256: str
    retain_until: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What belongs to a segment and where the chain stands after it."""

    log: str
    chain: str
    first: int
    last: int
    planned: str
    """When the range was fixed (RFC 3339)."""
    prev: str
    """Leaf of the record before `first`, hex; `GENESIS` at the beginning."""
    head: str
    """Leaf of record `last`, hex."""
    root: str
    """Root of the tree over all records up to `last`, hex."""
    frontier: tuple[str, ...]
    """That tree as a compact range, so that a check may begin after this segment."""
    payloads: tuple[Payload, ...]
    leaves: Leaves
    previous_manifest: str
    """SHA-256 of the manifest before this one, hex; `GENESIS` at the beginning."""
    retain_until: str

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def to_bytes(self) -> bytes:
        """The manifest object: canonical JSON."""
        body = asdict(self) | {"v": 1, "kind": "segment", "count": self.count}
        return canonical.encode(body)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Read a manifest. Raises `SegmentError` unless it is complete, canonical and consistent in itself."""
        try:
            body = canonical.decode(data)
        except canonical.ProfileError as error:
            raise SegmentError(f"the manifest cannot be read: {error}") from error
        if not isinstance(body, dict) or body.pop("v", None) != 1 or body.pop("kind", None) != "segment":
            raise SegmentError("this is not a segment manifest of version 1")
        count = body.pop("count", None)
        body["payloads"] = tuple(_fill(Payload, item) for item in _list(body.get("payloads")))
        body["leaves"] = _fill(Leaves, body.get("leaves"))
        body["frontier"] = tuple(_list(body.get("frontier")))
        manifest = _fill(cls, body)
        if count != manifest.count:
            raise SegmentError("the manifest miscounts its records")
        manifest._check()
        return manifest

    def compact_range(self) -> tree.CompactRange:
        """The tree after this segment. Raises `SegmentError` when it does not give the root the manifest names."""
        try:
            compact = tree.CompactRange(self.last, map(bytes.fromhex, self.frontier))
        except ValueError as error:
            raise SegmentError("the manifest's frontier does not fit its size") from error
        if compact.root().hex() != self.root:
            raise SegmentError("the manifest's frontier does not give its root")
        return compact

    def _check(self) -> None:
        hashes = [self.prev, self.head, self.root, self.previous_manifest, self.leaves.sha256, *self.frontier]
        for payload in self.payloads:
            hashes += [payload.sha256, payload.stored_sha256]
        if not all(_HEX.fullmatch(str(text)) for text in hashes):
            raise SegmentError("the manifest holds a hash that is none")
        if not 0 < self.first <= self.last or sum(payload.count for payload in self.payloads) != self.count:
            raise SegmentError("the manifest's numbers do not add up")
        names = [payload.retention for payload in self.payloads]
        if names != sorted(set(names)) or self.leaves.bytes != self.count * (tree.HASH_BYTES + 1):
            raise SegmentError("the manifest lists its objects wrongly")
        locks = [self.retain_until, self.leaves.retain_until, *(payload.retain_until for payload in self.payloads)]
        try:
            for moment in (self.planned, *locks):
                canonical.read_moment(moment)
        except canonical.ProfileError as error:
            raise SegmentError("the manifest holds a moment that is none") from error
        self.compact_range()


@dataclass(frozen=True, slots=True)
class Content:
    """The records of a segment, ready to be stored: lines packed by retention class, and their leaves."""

    payloads: Mapping[str, bytes]
    counts: Mapping[str, int]
    leaves: Sequence[bytes]
    leaves_object: bytes


def pack(lines: Sequence[tuple[bytes, str]]) -> Content:
    """Pack (canonical line, retention class) in the order of their sequence numbers. Classes are sorted by name."""
    classes = sorted({retention for _, retention in lines})
    leaves = [tree.leaf_hash(line) for line, _ in lines]
    index = bytes(classes.index(retention) for _, retention in lines)
    return Content(
        payloads={name: b"".join(line + b"\n" for line, retention in lines if retention == name) for name in classes},
        counts={name: sum(retention == name for _, retention in lines) for name in classes},
        leaves=leaves,
        leaves_object=b"".join(leaves) + index,
    )


def read_leaves(data: bytes, *, count: int, classes: int) -> tuple[list[bytes], bytes]:
    """The leaf hashes and, for each, the index of its class. Raises `SegmentError` when the length does not fit."""
    if len(data) != count * (tree.HASH_BYTES + 1):
        raise SegmentError("the leaves object has the wrong length")
    split = count * tree.HASH_BYTES
    index = data[split:]
    if index and max(index) >= classes:
        raise SegmentError("the leaves object names a class the manifest does not have")
    return [data[start : start + tree.HASH_BYTES] for start in range(0, split, tree.HASH_BYTES)], index


def compress(data: bytes) -> bytes:
    """`data` as a gzip stream without name or time, so that the same lines give the same bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def decompress(data: bytes, *, limit: int) -> bytes:
    """The content of one gzip stream of at most `limit` bytes. Raises `SegmentError` for anything else."""
    unpacker = zlib.decompressobj(31)
    try:
        content = unpacker.decompress(data, limit + 1)
    except zlib.error as error:
        raise SegmentError("the payload cannot be unpacked") from error
    if len(content) > limit or not unpacker.eof or unpacker.unused_data:
        raise SegmentError("the payload does not unpack to its length")
    return content


def split_lines(data: bytes) -> list[bytes]:
    """The lines of an unpacked payload. Raises `SegmentError` unless the last one is complete."""
    if data and not data.endswith(b"\n"):
        raise SegmentError("the payload's last line is cut off")
    return data[:-1].split(b"\n") if data else []


def record_fault(line: bytes, *, chain: str, seq: int, prev: str | None, classes: Collection[str] | None) -> str:
    """Why `line` cannot be record `seq` of `chain` after the leaf `prev` (hex); empty when it can.

    `classes`: the retention classes it may carry. Checked: profile, version, chain, number, predecessor, class; the
    last two not when they are None, for a record that stands alone.
    """
    try:
        body = canonical.decode(line)
    except canonical.ProfileError as error:
        return str(error)
    if not isinstance(body, dict) or body.get("v") != 1:
        return "it is no record of version 1"
    if body.get("chain") != chain:
        return "it names another chain"
    if body.get("seq") != seq:
        return "it carries another number"
    if prev is not None and body.get("prev") != prev:
        return "it names another record before it"
    if classes is not None and body.get("retention") not in classes:
        return "it is stored under another retention than its own"
    return ""


def keyring_entry(*, log: str, public_key: bytes, purpose: str, not_before: str) -> bytes:
    """The keyring object of an Ed25519 key: canonical JSON."""
    return canonical.encode(
        {
            "v": 1,
            "kind": "key",
            "log": log,
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(public_key).decode(),
            "purpose": purpose,
            "not_before": not_before,
        }
    )


def is_keyring_entry(data: bytes, *, log: str, public_key: bytes) -> bool:
    """Whether `data` is the keyring object of this very key of this very log."""
    try:
        entry = canonical.decode(data)
        since, purpose = entry["not_before"], entry["purpose"]
        canonical.read_moment(since)
    except (canonical.ProfileError, KeyError, TypeError):
        return False
    return data == keyring_entry(log=log, public_key=public_key, purpose=purpose, not_before=since)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise SegmentError("the manifest lacks a list")
    return value


def _fill(kind: type[_T], value: object) -> _T:
    """A `kind` from a JSON object with exactly its fields, each of its type."""
    expected = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(value, dict) or value.keys() != expected.keys():
        raise SegmentError(f"the manifest's {kind.__name__.lower()} does not have the fields it must have")
    for name, item in value.items():
        if (expected[name] is int and type(item) is not int) or (expected[name] is str and type(item) is not str):
            raise SegmentError(f"the manifest's {name} is not of its type")
    return kind(**value)
