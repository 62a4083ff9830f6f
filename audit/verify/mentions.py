"""What the log of logs says of the other chains, held against the store while its records are read.

Each mention is looked up where it must lie, so that nothing is kept in memory however long the log is. Whether the
head found there is signed, and gives the records before it, its own chain's check says.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from audit import canonical
from audit.note import Checkpoint, NoteError, parse_note
from audit.verify.report import Report
from audit.worm.names import CHAIN, checkpoint_key
from audit.worm.store import ObjectMissing, Worm

HEADS: Final = "heads"
"""The chain of the log of logs."""
SILENCE: Final = timedelta(hours=2)
"""A record an hour is due: longer than this without one is told."""


class Mentions:
    """Reads the records of the log of logs in order."""

    def __init__(self, worm: Worm, *, report: Report) -> None:
        self._worm = worm
        self._report = report
        self._newest: datetime | None = None

    def take(self, lines: Sequence[bytes | None]) -> None:
        """The lines of a segment; None where one could not be read."""
        for line in lines:
            if line is not None:
                self._take(line)

    def finish(self) -> None:
        """Say of what moment the newest record is: whoever knows that it is older than the store should be sees it."""
        if self._newest is not None:
            self._report.note("heads-newest", at=f"{self._newest:%Y-%m-%d %H:%M:%S}")

    def _take(self, line: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(line)
            at, heads = canonical.read_moment(said["at"]), said["event"]["data"]["heads"]
            named = [(str(chain), int(head["size"]), str(head["root"])) for chain, head in heads.items()]
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # told by whoever may write events: what is not in its form vouches for nothing
        if self._newest is not None and at - self._newest > SILENCE:
            since, until = f"{self._newest:%Y-%m-%d %H:%M:%S}", f"{at:%Y-%m-%d %H:%M:%S}"
            self._report.note("heads-silent", since=since, until=until)
        self._newest = max(at, self._newest or at)
        for chain, size, root in named:
            if CHAIN.fullmatch(chain) and size > 0:
                self._held(chain, size, root)
                self._report.count("mentions")

    def _held(self, chain: str, size: int, root: str) -> None:
        key = checkpoint_key(chain=chain, size=size)
        try:
            head = Checkpoint.parse(parse_note(self._worm.get(key)).text)
        except ObjectMissing:
            self._report.find("heads-gone", chain=chain, seq=size, object=key)
            return
        except NoteError:
            return  # its own chain's check says so
        if (head.size, head.root.hex()) != (size, root):
            self._report.find("heads-differ", chain=chain, seq=size, object=key)
