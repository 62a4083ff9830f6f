"""One fact, with its meaning, becomes one line: record profile v1.

`docs/evidence.md` lists the keys. Absent values are null. A fact that cannot be told in the canonical form must not
stop the stream: its line says so and holds the hash of what it was.
"""

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from audit import canonical, tree
from audit.chains import PLATFORM_CHAIN, is_chain
from audit.clock import Reading
from audit.declare import Declaration, Retention
from audit.meaning import Meaning, meaning_of
from audit.models.records import Capture

VERSION: Final = 1
UNREADABLE: Final = "audit.unreadable"
FACT_MISSING: Final = "audit.fact_missing"

_VERBS: Final[Mapping[str | None, str]] = {"I": "create", "U": "update", "D": "delete", "T": "truncate"}
_RETENTIONS: Final = frozenset(Retention)


class FactRow(NamedTuple):
    """A claimed fact. `at` is RFC 3339 in UTC; `old`, `new` and `ctx` are the JSON text as PostgreSQL prints it."""

    id: int
    xid: str
    at: str
    source: str
    chain: str | None
    table: str | None
    op: str | None
    pk: str | None
    old: str | None
    new: str | None
    ctx: str | None
    db_user: str | None
    app_name: str | None


@dataclass(slots=True)
class Head:
    """Where a chain stands while a batch is written."""

    name: str
    seq: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A finished line and the columns that repeat parts of it."""

    chain: str
    seq: int
    id: uuid.UUID
    body: str
    leaf: bytes
    retention: str
    use_id: uuid.UUID | None
    model: str
    object_pk: str
    operation: str
    capture: str
    at: str


def chain_of(fact: FactRow) -> str:
    """The chain a fact belongs to; `platform` when what it names cannot be one."""
    return fact.chain if fact.chain and is_chain(fact.chain) else PLATFORM_CHAIN


def write_line(
    fact: FactRow,
    *,
    head: Head,
    recorded: Reading,
    tables: Mapping[str, Declaration],
) -> Line:
    """Write a fact of a row or an event of the application as the next line of its chain, and move the head."""
    meaning = meaning_of(fact.ctx)
    told = _Told(fact=fact, meaning=meaning, declaration=tables.get(fact.table or ""))
    try:
        told.read()
        return told.line(head, recorded)
    except (canonical.ProfileError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        told.give_up(error)
        return told.line(head, recorded)


def write_alarm(
    fact: FactRow,
    *,
    head: Head,
    recorded: Reading,
    tables: Mapping[str, Declaration],
    table: str,
    op: str,
    missing: int,
) -> Line:
    """Write that `missing` announced facts of `op` on `table` never came: a trigger is gone or switched off."""
    told = _Told(
        fact=fact._replace(table=table, op=op, pk=None), meaning=meaning_of(fact.ctx), declaration=tables.get(table)
    )
    told.capture = Capture.ALARM
    told.operation = told.meaning.operation or _VERBS[op]
    told.event = {"name": FACT_MISSING, "data": {"table": table, "op": op, "missing": missing}}
    return told.line(head, recorded)


class _Told:
    """A line in the making."""

    def __init__(self, *, fact: FactRow, meaning: Meaning, declaration: Declaration | None) -> None:
        self.fact = fact
        self.meaning = meaning
        self.declaration = declaration
        self.capture: str = Capture.TRIGGER_AND_SIGNAL if meaning.use_id else Capture.BYPASS
        self.operation = ""
        self.pk = fact.pk
        self.before: dict[str, Any] | None = None
        self.after: dict[str, Any] | None = None
        self.event: dict[str, Any] | None = None
        self.image: dict[str, Any] = {}
        self.retention: str = Retention.REGULATORY
        if declaration is not None and declaration.use is not None:
            self.retention = declaration.use.retention

    def read(self) -> None:
        """Take images or event out of the fact. Raises ProfileError, ValueError and their like when that fails."""
        fact = self.fact
        if fact.source == "a":
            event = canonical.image(fact.new or "{}")
            # Told by hand, past the application, it is no better than a row changed by hand.
            self.capture = Capture.APPLICATION if self.meaning.use_id else Capture.BYPASS
            self.operation = str(event.get("name", ""))
            self.event = {"name": self.operation, "data": event.get("data") or {}}
            self.pk = str(event.get("about") or "") or None
            if event.get("retention") in _RETENTIONS:
                self.retention = event["retention"]
            return
        self.operation = self.meaning.operation or _VERBS[fact.op]
        old = canonical.image(fact.old) if fact.old else None
        new = canonical.image(fact.new) if fact.new else None
        self.image = new or old or {}
        self.after = new
        if old is not None and new is not None:
            self.before = {name: value for name, value in old.items() if name not in new or new[name] != value}
        else:
            self.before = old

    def give_up(self, error: Exception) -> None:
        """Say that the fact cannot be told, and commit to its content by its hash."""
        fact = self.fact
        content = "\n".join(text or "" for text in (fact.old, fact.new))
        self.capture = Capture.ALARM
        self.operation = self.meaning.operation or _VERBS.get(fact.op, "")
        self.before = self.after = None
        self.image = {}
        self.event = {
            "name": UNREADABLE,
            "data": {"sha256": sha256(content.encode()).hexdigest(), "reason": type(error).__name__},
        }

    def line(self, head: Head, recorded: Reading) -> Line:
        """The line after `head`; the head moves once it is written."""
        fact, meaning, declaration = self.fact, self.meaning, self.declaration
        model = declaration.label if declaration else fact.table or ""
        appointment = declaration.appointment_column if declaration else ""
        identity = _uuid7()
        body = canonical.write(
            {
                "v": VERSION,
                "chain": head.name,
                "seq": head.seq + 1,
                "prev": head.leaf.hex(),
                "id": str(identity),
                "at": fact.at,
                "recorded": recorded.moment,
                "clock": recorded.as_record(),
                "model": model or None,
                "pk": self.pk,
                "op": fact.op if fact.op in _VERBS else None,
                "operation": self.operation or None,
                "capture": str(self.capture),
                "actor": meaning.actor(),
                "use": meaning.use(),
                "purpose": meaning.purpose or None,
                "consent": meaning.consent(),
                "request": meaning.request or None,
                "source": {
                    "client": meaning.client or None,
                    "app": meaning.app or None,
                    "address": meaning.address or None,
                    "session": meaning.session or None,
                    "db_user": fact.db_user,
                    "application_name": fact.app_name,
                },
                "appointment": self.image.get(appointment) if appointment else None,
                "recurrence_id": self.image.get("recurrence_id") if appointment else None,
                "occurrence_index": self.image.get("occurrence_index") if appointment else None,
                "created": _moment(self.image.get("created")),
                "updated": _moment(self.image.get("updated")),
                "before": self.before,
                "after": self.after,
                "event": self.event,
                "retention": str(self.retention),
            }
        )
        head.seq += 1
        head.leaf = tree.leaf_hash(body)
        return Line(
            chain=head.name,
            seq=head.seq,
            id=identity,
            body=body.decode(),
            leaf=head.leaf,
            retention=str(self.retention),
            use_id=meaning.use_id,
            model=model,
            object_pk=self.pk or "",
            operation=self.operation,
            capture=str(self.capture),
            at=fact.at,
        )


def _moment(value: object) -> str | None:
    """A time out of an image, as PostgreSQL prints it there, in the one form of a record; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        return canonical.moment(datetime.fromisoformat(value))
    except (ValueError, OverflowError):  # no time, or one without a zone
        return None


def _uuid7() -> uuid.UUID:
    """A random id that begins with the time (RFC 9562, version 7), so that the index grows at its end."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF000 << 64) | 0x7000 << 64
    return uuid.UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48)
