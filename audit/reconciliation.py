"""Announcements held against facts: what the signal layer said would come must have come, in the same use."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from audit.lines import FactRow
from audit.meaning import meaning_of


class Promise(NamedTuple):
    """Facts of one operation on one table in one use of one transaction."""

    xid: str
    use: str
    table: str
    op: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise with too few facts, and the announcement that made it."""

    promise: Promise
    missing: int
    announced_by: FactRow


class Reconciliation:
    """Counts what was announced and what came."""

    def __init__(self) -> None:
        self._missing: Counter[Promise] = Counter()
        self._announced_by: dict[Promise, FactRow] = {}

    def add(self, facts: Iterable[FactRow]) -> None:
        """Count the facts, announcements among them."""
        for fact in facts:
            if fact.source == "s":
                for promise, rows in _promises(fact):
                    # Facts come after their announcement: what came beyond earlier ones counts for nothing now.
                    before = self._missing[promise]
                    self._missing[promise] = rows + (max(0, before) if rows > 0 else before)
                    self._announced_by.setdefault(promise, fact)
            elif fact.source == "t" and fact.op in ("I", "D"):
                self._missing[_kept_by(fact)] -= 1

    def broken(self) -> list[Broken]:
        """The promises not kept so far, in the order they were made."""
        return [
            Broken(promise=promise, missing=self._missing[promise], announced_by=fact)
            for promise, fact in self._announced_by.items()
            if self._missing[promise] > 0
        ]

    def look_ahead(self, facts: Iterable[FactRow]) -> list[Broken]:
        """The promises still not kept when what follows the batch is seen too; `facts` in order, of their transactions.

        An announcement is followed by its own facts before the next one of its kind: from there on, what comes is owed
        to that one, and is counted with its batch.
        """
        open_promises = {found.promise for found in self.broken()}
        for fact in facts:
            if fact.source == "s":
                for promise, rows in _promises(fact):
                    if promise in open_promises and rows < 0:
                        self._missing[promise] += rows
                    else:
                        open_promises.discard(promise)
            else:
                promise = _kept_by(fact)
                if promise in open_promises:
                    self._missing[promise] -= 1
        return self.broken()


def _kept_by(fact: FactRow) -> Promise:
    return Promise(fact.xid, str(meaning_of(fact.ctx).use_id), fact.table or "", fact.op or "")


def _promises(fact: FactRow) -> list[tuple[Promise, int]]:
    # An announcement is written by whoever may call audit_carry(): one that makes no sense announces nothing.
    use = meaning_of(fact.ctx).use_id
    try:
        said = json.loads(fact.new or "[]")
        return [(Promise(fact.xid, str(use), str(one["t"]), str(one["op"])), int(one["n"])) for one in said]
    except (ValueError, TypeError, KeyError):
        return []
