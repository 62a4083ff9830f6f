"""What the signal layer announced on one connection, until the statement it announced has gone by.

A save announces its INSERT, a delete its rows. Outside any use case they also imply a use of their own, so that a plain
`save()` in a shell has meaning while a bulk write there has none.
"""

import json
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import models

from audit.context import Context


@dataclass(frozen=True, slots=True)
class Expectation:
    """`rows` facts of `op` (I or D) on `table` are due in this use; negative: so many of them are not coming."""

    table: str
    op: str
    rows: int


def encode(expectations: Iterable[Expectation]) -> str:
    """As a fact of source `s` holds them."""
    return json.dumps([{"t": e.table, "op": e.op, "n": e.rows} for e in expectations], separators=(",", ":"))


@dataclass(slots=True)
class _Saving:
    """One save (or change of a many-to-many relation) between its two signals."""

    owner: "weakref.ref[models.Model]"
    context: Context | None
    inserts: dict[str, bool]
    """The tables it writes, and whether an INSERT into it is due."""


@dataclass(slots=True)
class _Deleting:
    """One run of Django's deletion collector: every row is announced before the first goes."""

    context: Context | None
    announced: Counter[str] = field(default_factory=Counter)
    due: Counter[str] = field(default_factory=Counter)
    open: int = 0


class Expectations:
    """The announcements of one connection. Saves nest; one that failed early is forgotten with its instance."""

    def __init__(self) -> None:
        self._saving: list[_Saving] = []
        self._deleting: _Deleting | None = None

    def save_begins(self, owner: models.Model, *, context: Context | None, inserts: Mapping[str, bool]) -> None:
        """`context` is the use implied where there is none."""
        self._saving = [entry for entry in self._saving if entry.owner() is not None]
        self._saving.append(_Saving(owner=weakref.ref(owner), context=context, inserts=dict(inserts)))

    def save_ends(self, owner: models.Model) -> None:
        """Forget what this save announced and did not do (an UPDATE found the row), and what failed inside it."""
        for position in range(len(self._saving) - 1, -1, -1):
            if self._saving[position].owner() is owner:
                del self._saving[position:]
                return

    def save_failed(self, table: str) -> None:
        """A statement on `table` was refused: the save it belonged to is over, though its instance may live on."""
        for position in range(len(self._saving) - 1, -1, -1):
            if table in self._saving[position].inserts:
                del self._saving[position:]
                return

    def delete_begins(self, table: str, *, context: Context | None) -> None:
        """One row of `table` is about to go."""
        if self._deleting is None:
            self._deleting = _Deleting(context=context)
        self._deleting.announced[table] += 1
        self._deleting.open += 1

    def delete_ends(self, table: str) -> Expectation | None:
        """Give the correction due when fewer rows of `table` went than were announced: somebody else deleted them."""
        deleting = self._deleting
        if deleting is None:
            return None
        missing = deleting.due.pop(table, 0)
        deleting.open -= 1
        if deleting.open <= 0:
            self._deleting = None
        return Expectation(table=table, op="D", rows=-missing) if missing else None

    def forget_deletes(self) -> None:
        """The transaction is over, and with it every run of the collector."""
        self._deleting = None

    def implied(self, table: str) -> Context | None:
        """The use implied for a write to `table` (empty: a table not known) outside any use."""
        if self._deleting is not None and self._deleting.context is not None:
            return self._deleting.context
        for entry in reversed(self._saving):
            if table in entry.inserts and entry.owner() is not None:
                return entry.context
        return None

    def take(self, verb: str, table: str) -> list[Expectation]:
        """What rides on this statement; it is not given twice."""
        if verb == "INSERT":
            for entry in reversed(self._saving):
                if entry.inserts.get(table) and entry.owner() is not None:
                    entry.inserts[table] = False
                    return [Expectation(table=table, op="I", rows=1)]
        elif verb == "DELETE" and self._deleting is not None:
            rows = self._deleting.announced.pop(table, 0)
            if rows:
                self._deleting.due[table] += rows
                return [Expectation(table=table, op="D", rows=rows)]
        return []

    def rows_went(self, table: str, rows: int) -> None:
        """A DELETE on `table` took so many rows."""
        if self._deleting is not None and table in self._deleting.due:
            self._deleting.due[table] = max(0, self._deleting.due[table] - rows)
