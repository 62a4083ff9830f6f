"""The database's records held against the sealed ones, and those not yet sealed against the chain they continue."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q

from audit import canonical, tree
from audit import segment as form
from audit.models.records import Chain, Record
from audit.models.segments import Segment, SegmentState
from audit.segment import Manifest
from audit.verify.bench import Sealed
from audit.verify.copies import against, aside, parsed, rows
from audit.verify.report import Report
from audit.verify.segments import Records
from audit.worm import Worm, WormError, names

Tell = Callable[[str], None]
Join = Callable[[], None]


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
    store's own rules only. `join` gives another process a connection to that snapshot. Not `deep`: only how far the
    database says sealing has come is held against the store, and no record is read.
    """

    def __init__(
        self, *, report: Report, worm: Worm, only: str, tell: Tell, join: Join | None = None, deep: bool = True
    ) -> None:
        self.report = report
        self.worm = worm
        self.only = only
        self.tell = tell
        self.join = join
        self.deep = deep
        self.ahead: dict[str, int] = {}
        """Chains of which the store holds more than the snapshot knew, and how much."""
        self._waiting = self._snapshot()

    def elsewhere(self, worm: Worm) -> None:
        """See `Listener.elsewhere`."""
        self.worm = worm
        if self.join is not None:
            self.join()

    def records(self, chain: str, records: Records, *, report: Report) -> None:
        """See `Listener.records`."""
        if not self.deep:
            return
        known = self._of(chain)
        last = records.first + len(records.leaves) - 1
        copies = {row.seq: row for row in rows(chain, records.first, last)}
        for place, leaf in enumerate(records.leaves):
            seq = records.first + place
            if seq > known.seq:
                break
            row = copies.get(seq)
            if row is None:
                report.find("record-dropped", chain=chain, seq=seq)
            else:
                against(report, chain, row, leaf, records.lines[place])
        self._state(report, chain, records, known)

    def sealed(self, chain: str, sealed: Sealed) -> None:
        """See `Listener.sealed`: legal holds and tiles are no business of the database's records."""

    def reached(self, chain: str, size: int, head: str | None) -> None:
        """See `Listener.reached`."""
        known = self._of(chain)
        known.leaf = head
        self.tell(f"{chain}: {size:,} / {max(known.sealed, size):,}")

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
        if self.deep:
            self._unsealed(chain, size, known)

    def finish(self, *, whole: bool) -> None:
        """Check the chains of which the store holds nothing, and that no record stands outside every chain.

        `whole` is False when the store could not be read to its end: then nothing is known to be missing from it.
        """
        for chain, known in list(self._waiting.items()):
            if whole:
                self.ended(chain, 0)
            elif self.deep:
                known.leaf = None
                self._unsealed(chain, known.sealed, known)
        if self.deep:
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

    def _unsealed(self, chain: str, size: int, known: _Known) -> None:
        """Records after the sealed ones: gap-free, each continuing the one before it, up to the head of the chain."""
        prev, expected = known.leaf, size + 1
        for row in rows(chain, expected, known.seq):
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
            aside(self.report, chain, row, body, leaf)
            self.report.count("unsealed")
            prev, expected = leaf.hex(), row.seq + 1
        if expected <= known.seq:
            self.report.find("record-gap", chain=chain, first=expected, last=known.seq)
        elif prev is not None and prev != known.head:
            self.report.find("head-differs", chain=chain, wanted=known.seq, found=expected - 1)

    def _state(self, report: Report, chain: str, records: Records, known: _Known) -> None:
        """The row that says how a segment was sealed, against the segment."""
        first, last = records.first, records.first + len(records.leaves) - 1
        if first > known.sealed:
            return
        row = Segment.objects.filter(chain=chain, first=first).first()
        if row is None:
            report.find("state-missing", chain=chain, first=first, last=last)
            return
        manifest = records.manifest
        prefix = names.segment_prefix(chain=chain, first=first, last=last)
        said: dict[str, tuple[object, object]] = {
            "last": (row.last, last),
            "state": (row.state, SegmentState.SEALED),
            "planned_at": (canonical.moment(row.planned_at), manifest.planned),
            "contents": (row.contents, _contents(manifest)),
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
            report.find("state-differs", chain=chain, first=first, last=last, fields=", ".join(fields))

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


def _contents(manifest: Manifest) -> dict[str, object]:
    """What was fixed before the first object was stored, by hash."""
    payloads = {payload.retention: payload.sha256 for payload in manifest.payloads}
    return {"payloads": payloads, "leaves": manifest.leaves.sha256, "before": manifest.previous_manifest}
