"""The database's records held against the sealed ones, and those not yet sealed against the chain they continue."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, Max, Min, Q

from audit import segment as form
from audit import tree
from audit.models.records import Chain, Record
from audit.models.segments import Segment, SegmentState
from audit.verify.report import Report
from audit.verify.segments import Records
from audit.worm import Worm, WormError, names

Tell = Callable[[str], None]

_COLUMNS: Final = """seq, body, leaf, id::text, retention, use_id::text, model, object_pk, operation, capture,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_PAGE: Final = 2000


class _Row(NamedTuple):
    seq: int
    body: str
    leaf: bytes
    id: str
    retention: str
    use_id: str | None
    model: str
    object_pk: str
    operation: str
    capture: str
    at: str


@dataclass(slots=True)
class _Known:
    """What the database said of a chain when the check began, and how far the check has come."""

    seq: int = 0
    head: str = form.GENESIS
    signed: int = 0
    signed_root: str = ""
    sealed: int = 0
    noted: int = 0
    """Where the segments end for which a signed head is noted: what `signed` must be."""
    leaf: str | None = form.GENESIS
    """The leaf of the last sealed record; None when damage hides it."""


class RecordCheck:
    """Listens to the check of the evidence store and holds the database's copy of each record against it.

    To be used inside one read-only snapshot, taken before the store is read: what was sealed later is judged by the
    store's own rules only.
    """

    def __init__(self, *, report: Report, worm: Worm, only: str, tell: Tell) -> None:
        self.report = report
        self.worm = worm
        self.only = only
        self.tell = tell
        self.ahead: dict[str, int] = {}
        """Chains of which the store holds more than the snapshot knew, and how much."""
        self._waiting = self._snapshot()

    def records(self, chain: str, records: Records) -> None:
        """See `Listener.records`."""
        known = self._of(chain)
        last = records.first + len(records.leaves) - 1
        self.tell(f"{chain}: {last}")
        rows = {row.seq: row for row in _rows(chain, records.first, last)}
        for place, leaf in enumerate(records.leaves):
            seq = records.first + place
            if seq > known.seq:
                break
            row = rows.get(seq)
            if row is None:
                self.report.find("record-dropped", chain=chain, seq=seq)
            else:
                self._against(chain, row, leaf, records.lines[place])
        known.leaf = records.leaves[-1].hex()
        self._state(chain, records, known)

    def unreadable(self, chain: str, first: int, last: int) -> None:
        """See `Listener.unreadable`."""
        self._of(chain).leaf = None

    def ended(self, chain: str, size: int) -> None:
        """See `Listener.ended`: what is sealed has been seen, what follows is in the database alone."""
        known = self._of(chain)
        self._waiting.pop(chain, None)
        if known.signed != known.noted:
            self.report.find("state-behind", chain=chain, wanted=known.signed, found=known.noted)
        if size > known.seq:
            self.ahead[chain] = size
            return
        if size < known.sealed:
            self.report.find("store-behind", chain=chain, wanted=known.sealed, found=size)
        self._unsealed(chain, size, known)

    def finish(self, *, whole: bool) -> None:
        """Check the chains of which the store holds nothing, and that no record stands outside every chain.

        `whole` is False when the store could not be read to its end: then nothing is known to be missing from it.
        """
        for chain, known in list(self._waiting.items()):
            if whole:
                self.ended(chain, 0)
            else:
                known.leaf = None
                self._unsealed(chain, known.sealed, known)
        self._strangers()

    def look_again(self) -> None:
        """After the snapshot: records sealed meanwhile must be in the database by now, or it is behind its evidence."""
        now = dict(Chain.objects.filter(name__in=self.ahead).values_list("name", "seq"))
        for chain, size in self.ahead.items():
            known = self._of(chain).seq
            if size > now.get(chain, 0):
                self.report.find("database-behind", chain=chain, sealed=size, known=now.get(chain, 0))
            else:
                self.report.note("records-newer", chain=chain, count=size - known)

    def _snapshot(self) -> dict[str, _Known]:
        chains = Chain.objects.all() if not self.only else Chain.objects.filter(name=self.only)
        segments = Segment.objects.values_list("chain").annotate(Max("last"))
        sealed = dict(segments.filter(state=SegmentState.SEALED))
        signed = dict(segments.exclude(checkpoint=""))
        self._known = {
            chain.name: _Known(
                seq=chain.seq,
                head=bytes(chain.head).hex(),
                signed=chain.sealed_size,
                signed_root=bytes(chain.sealed_root).hex(),
                sealed=sealed.get(chain.name, 0),
                noted=signed.get(chain.name, 0),
            )
            for chain in chains
        }
        return dict(self._known)

    def _of(self, chain: str) -> _Known:
        return self._known.setdefault(chain, _Known())

    def _against(self, chain: str, row: _Row, leaf: bytes, line: bytes | None) -> None:
        """One record of the database against the leaf that was signed for it."""
        data = row.body.encode()
        body = parsed(data)
        if tree.leaf_hash(data) != leaf:
            claimed = body.get("seq")
            if isinstance(claimed, int) and claimed != row.seq:
                self.report.find("record-moved", chain=chain, seq=row.seq, found=claimed)
            else:
                fields = _differing(body, parsed(line)) if line is not None else ""
                self.report.find("record-changed", chain=chain, seq=row.seq, fields=fields or "its text")
            return
        self._aside(chain, row, body, leaf)

    def _aside(self, chain: str, row: _Row, body: Mapping[str, Any], leaf: bytes) -> None:
        """The columns beside a record repeat what it says; searches and checks rely on them."""
        use = body.get("use")
        said = {
            "leaf": leaf,
            "id": body.get("id"),
            "retention": body.get("retention"),
            "use_id": use.get("id") if isinstance(use, dict) else None,
            "model": body.get("model") or "",
            "object_pk": body.get("pk") or "",
            "operation": body.get("operation") or "",
            "capture": body.get("capture"),
            "at": body.get("at"),
        }
        fields = [name for name, value in said.items() if getattr(row, name) != value]
        if fields:
            self.report.find("record-aside", chain=chain, seq=row.seq, fields=", ".join(fields))

    def _unsealed(self, chain: str, size: int, known: _Known) -> None:
        """Records after the sealed ones: gap-free, each continuing the one before it, up to the head of the chain."""
        prev, expected = known.leaf, size + 1
        for row in _rows(chain, expected, known.seq):
            if row.seq > expected:
                self.report.find("record-gap", chain=chain, first=expected, last=row.seq - 1)
                prev = None
            data = row.body.encode()
            leaf = tree.leaf_hash(data)
            body = parsed(data)
            before = prev if prev is not None else str(body.get("prev"))
            reason = form.record_fault(data, chain=chain, seq=row.seq, prev=before, classes={row.retention})
            if reason:
                self.report.find("record-broken", chain=chain, seq=row.seq, reason=reason)
            self._aside(chain, row, body, leaf)
            self.report.count("unsealed")
            prev, expected = leaf.hex(), row.seq + 1
        if expected <= known.seq:
            self.report.find("record-gap", chain=chain, first=expected, last=known.seq)
        elif prev is not None and prev != known.head:
            self.report.find("head-differs", chain=chain, wanted=known.seq, found=expected - 1)

    def _state(self, chain: str, records: Records, known: _Known) -> None:
        """The row that says how a segment was sealed, against the segment."""
        first, last = records.first, records.first + len(records.leaves) - 1
        if first > known.sealed:
            return
        row = Segment.objects.filter(chain=chain, first=first).first()
        if row is None:
            self.report.find("state-missing", chain=chain, first=first, last=last)
            return
        manifest = records.manifest
        prefix = names.segment_prefix(chain=chain, first=first, last=last)
        said: dict[str, tuple[object, object]] = {
            "last": (row.last, last),
            "state": (row.state, SegmentState.SEALED),
            "root": (bytes(row.root or b"").hex(), manifest.root),
            "frontier": (bytes(row.frontier), manifest.compact_range().to_bytes()),
            "manifest": (row.manifest.encode(), manifest.to_bytes()),
            "statement": (row.statement.encode(), self._stored(names.statement_key(names.manifest_key(prefix)))),
            "checkpoint": (row.checkpoint.encode(), self._stored(names.checkpoint_key(chain=chain, size=last))),
        }
        if known.signed == last:
            said["sealed_root"] = (known.signed_root, manifest.root)
        fields = [name for name, (noted, sealed) in said.items() if sealed is not None and noted != sealed]
        if fields:
            self.report.find("state-differs", chain=chain, first=first, last=last, fields=", ".join(fields))

    def _stored(self, key: str) -> bytes | None:
        try:
            return self.worm.get(key)
        except WormError:
            return None  # told of by the check of the store

    def _strangers(self) -> None:
        """Records the chains do not account for: below 1, above the last, or of a chain that has no row."""
        scope = Q(chain=self.only) if self.only else Q()
        spans = Record.objects.filter(scope).values("chain").annotate(Min("seq"), Max("seq"), Count("id"))
        for span in spans.order_by("chain"):
            chain, known = span["chain"], self._known.get(span["chain"])
            if known is None or (known.seq == 0 and span["seq__max"] > 0):
                self.report.find("record-chainless", chain=chain)
            elif span["seq__max"] > known.seq or span["seq__min"] < 1:
                found = span["seq__max"] if span["seq__max"] > known.seq else span["seq__min"]
                self.report.find("head-differs", chain=chain, wanted=known.seq, found=found)


def _rows(chain: str, first: int, last: int) -> Iterator[_Row]:
    """The records of a chain in order, a page at a time."""
    while first <= last:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM audit_record"  # noqa: S608 - constants
                " WHERE chain = %s AND seq BETWEEN %s AND %s ORDER BY seq LIMIT %s",
                [chain, first, last, _PAGE],
            )
            page = [_Row._make(row) for row in cursor.fetchall()]
        for row in page:
            yield row._replace(leaf=bytes(row.leaf))
        if len(page) < _PAGE:
            return
        first = page[-1].seq + 1


def parsed(line: bytes | str) -> dict[str, Any]:
    """What a record says, or nothing where it cannot be read: it may have been tampered with."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Names of what differs, one level into images: never values."""
    names: list[str] = []
    for name in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += [
                f"{name}.{key}" for key in sorted(mine.keys() | theirs.keys()) if mine.get(key) != theirs.get(key)
            ]
        else:
            names.append(name)
    return ", ".join(names)
