"""What the objects of the evidence store are called.

Numbers are written with leading zeros, so that keys sort as the records do. A chain's segments lie side by side, each
in a folder of its own, its signed heads in another, and the complete tiles of its tree in a third. Beside the heads of
the log of logs lie their time stamps.

No Django here: the single-file verifier carries this module.
"""

import re
from hashlib import sha256

CHAIN = re.compile(r"[a-z]+(?:/[0-9]+)?")
"""`platform`, or `clinic/` and the clinic's id."""
HEADS = "heads"
"""The chain of the log of logs."""
KEYRING = "keyring"
CANARY = "canary/"
"""Where objects lie that only ask whether the store refuses; they are no evidence."""
NUMBER = 12
"""Digits of a sequence number in a key: enough for a record a second for 30,000 years, and keys sort as numbers do."""

SEGMENT_KEY = re.compile(
    rf"chains/(?P<chain>{CHAIN.pattern})/seg/(?P<first>\d{{{NUMBER}}})-(?P<last>\d{{{NUMBER}}})/(?P<name>[^/]+)"
)
CHECKPOINT_KEY = re.compile(rf"chains/(?P<chain>{CHAIN.pattern})/checkpoint/(?P<size>\d{{{NUMBER}}})")
TILE_KEY = re.compile(rf"chains/(?P<chain>{CHAIN.pattern})/tile/(?P<level>\d)/(?P<index>(?:x\d{{3}}/)*\d{{3}})")
ANCHORS = f"chains/{HEADS}/anchors/"
ANCHOR_KEY = re.compile(rf"{ANCHORS}(?P<size>\d{{{NUMBER}}})\.tsr")
KEYRING_KEY = re.compile(r"keyring/(?P<id>[0-9a-f]{16})\.json")
RETENTION = re.compile(r"[a-z_]+")
"""A retention class: part of the name of its payload."""


def segment_prefix(*, chain: str, first: int, last: int) -> str:
    """Where the objects of a segment lie."""
    return f"chains/{chain}/seg/{first:0{NUMBER}d}-{last:0{NUMBER}d}/"


def payload_key(prefix: str, *, retention: str, digest: str) -> str:
    """`digest`: hex SHA-256 of the unpacked lines."""
    if not RETENTION.fullmatch(retention):
        raise ValueError(f"not a retention class: {retention!r}")
    return f"{prefix}{retention}.{digest[:16]}.ndjson.gz"


def leaves_key(prefix: str, *, digest: str) -> str:
    """`digest`: hex SHA-256 of the leaves object."""
    return f"{prefix}leaves.{digest[:16]}.bin"


def manifest_key(prefix: str) -> str:
    return f"{prefix}manifest.json"


def statement_key(key: str) -> str:
    """Where the signed statement about the object under `key` lies."""
    return f"{key}.note"


def checkpoint_key(*, chain: str, size: int) -> str:
    return f"chains/{chain}/checkpoint/{size:0{NUMBER}d}"


def anchor_key(size: int) -> str:
    """Where the time stamp over the head of the log of logs at `size` lies."""
    return f"{ANCHORS}{size:0{NUMBER}d}.tsr"


def tile_key(*, chain: str, level: int, index: int) -> str:
    """Where a complete tile lies: its index in groups of three digits, all but the last after an x (tlog-tiles)."""
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return f"chains/{chain}/tile/{level}/{path}"


def read_tile_key(key: str) -> tuple[int, int] | None:
    """Level and index of the tile a key names; None for a key that names none, or not as it is written."""
    match = TILE_KEY.fullmatch(key)
    if match is None:
        return None
    level, index = int(match["level"]), int(re.sub(r"[x/]", "", match["index"]))
    return (level, index) if tile_key(chain=match["chain"], level=level, index=index) == key else None


def keyring_key(public_key: bytes) -> str:
    """Where a public key is published: under the beginning of its own hash."""
    return f"{KEYRING}/{sha256(public_key).hexdigest()[:16]}.json"


def origin(*, log: str, chain: str) -> str:
    """The name of one chain of one log: first line of its checkpoints, and the name their key signs with."""
    return f"{log}/{chain}"
