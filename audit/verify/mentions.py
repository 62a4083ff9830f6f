"""What the log of logs says of the other chains, and of its own time stamps, held against the store as it is read.

Each mention is looked up where it must lie, so that nothing is kept in memory however long the log is. Whether the
head found there is signed, and gives the records before it, its own chain's check says.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from audit import canonical
from audit.note import Checkpoint, NoteError, parse_note
from audit.verify.report import Report
from audit.worm.names import CHAIN, HEADS, anchor_key, checkpoint_key
from audit.worm.store import ObjectMissing, Worm

SILENCE: Final = timedelta(hours=2)
"""A record an hour is due: longer than this without one is told."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """From when to when a run of its records speaks."""

    first: datetime
    last: datetime

    def after(self, before: "Spoke | None", *, report: Report) -> "Spoke":
        """The two as one run; a silence between them is told."""
        if before is None:
            return self
        if self.first - before.last > SILENCE:
            report.note("heads-silent", since=_said(before.last), until=_said(self.first))
        return Spoke(before.first, max(before.last, self.last))


def check_mentions(worm: Worm, lines: Sequence[bytes | None], *, report: Report) -> Spoke | None:
    """Hold what these records (None: could not be read) vouch for against the store; from when to when they speak."""
    spoke: Spoke | None = None
    for line in lines:
        said = None if line is None else _mentions(line)
        if said is None:
            continue
        at, heads, anchors = said
        spoke = Spoke(at, at).after(spoke, report=report)
        for chain, size, root in heads:
            report.count("mentions")
            _held(worm, chain, size, root, report=report)
        for size, digest in anchors:
            check_anchor(worm, size, digest, report=report)
    return spoke


def newest(spoke: Spoke | None, *, report: Report) -> None:
    """Say of what moment the newest record is: whoever knows that it is older than the store should be sees it."""
    if spoke is not None:
        report.note("heads-newest", at=_said(spoke.last))


def _mentions(line: bytes) -> tuple[datetime, list[tuple[str, int, str]], list[tuple[int, str]]] | None:
    """When a record spoke, of which heads, and of which time stamps (size, hex SHA-256).

    None: whoever may write events wrote it, and it vouches for nothing.
    """
    try:
        said: dict[str, Any] = json.loads(line)
        at, data = canonical.read_moment(said["at"]), said["event"]["data"]
        named = [(str(chain), int(head["size"]), str(head["root"])) for chain, head in data["heads"].items()]
        anchors = [(int(one["size"]), str(one["sha256"])) for one in data.get("anchors", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return at, [one for one in named if CHAIN.fullmatch(one[0]) and one[1] > 0], [one for one in anchors if one[0] > 0]


def _held(worm: Worm, chain: str, size: int, root: str, *, report: Report) -> None:
    key = checkpoint_key(chain=chain, size=size)
    try:
        head = Checkpoint.parse(parse_note(worm.get(key)).text)
    except ObjectMissing:
        report.find("heads-gone", chain=chain, seq=size, object=key)
        return
    except NoteError:
        return  # its own chain's check says so
    if (head.size, head.root.hex()) != (size, root):
        report.find("heads-differ", chain=chain, seq=size, object=key)


def check_anchor(worm: Worm, size: int, digest: str, *, report: Report) -> None:
    """Hold a time stamp in the store against the hash (hex) it was kept under; what it says is for `AnchorCheck`."""
    key = anchor_key(size)
    try:
        data = worm.get(key)
    except ObjectMissing:
        report.find("anchor-gone", chain=HEADS, seq=size, object=key)
        return
    if sha256(data).hexdigest() != digest:
        report.find("object-altered", object=key)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
