"""Legal holds held against the evidence store: what a standing hold covers must be held there."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from audit.holds import LIFTED, PLACED
from audit.models.facts import Fact
from audit.models.holds import LegalHold
from audit.models.records import Capture, Record
from audit.verify.bench import Sealed
from audit.verify.chains import Listener
from audit.verify.copies import parsed
from audit.verify.report import KEPT, Report
from audit.verify.segments import Records
from audit.worm import Worm


class HoldCheck:
    """Listens to the check of the evidence store along with `then`, and looks at each object under a standing hold.

    To be made in the snapshot the database is read in. What a sealer or a sweep does meanwhile is no finding.
    """

    def __init__(self, *, report: Report, only: str, then: Listener) -> None:
        self.report = report
        self.only = only
        self.then = then
        self._standing = list(LegalHold.objects.filter(**self._scope(), lifted_at=None).order_by("placed_at", "pk"))
        self._missing: list[tuple[UUID, str, str]] = []
        self._behind: dict[UUID, int] = {}

    def elsewhere(self, worm: Worm) -> None:
        """See `Listener.elsewhere`."""
        self.then.elsewhere(worm)

    def records(self, chain: str, records: Records, *, report: Report) -> None:
        """See `Listener.records`."""
        self.then.records(chain, records, report=report)

    def sealed(self, chain: str, sealed: Sealed) -> None:
        """See `Listener.sealed`."""
        for hold in self._standing:
            if hold.chain != chain or not hold.covers(first=sealed.first, last=sealed.last):
                continue
            if sealed.last > hold.held_through:
                self._behind[hold.pk] = self._behind.get(hold.pk, 0) + 1
                continue
            for key in sorted(sealed.free):
                if len(self._missing) < KEPT:
                    self._missing.append((hold.pk, hold.matter, key))
        self.then.sealed(chain, sealed)

    def reached(self, chain: str, size: int, head: str | None) -> None:
        """See `Listener.reached`."""
        self.then.reached(chain, size, head)

    def ended(self, chain: str, size: int) -> None:
        """See `Listener.ended`."""
        self.then.ended(chain, size)

    def finish(self) -> None:
        """Hold the rows against the events on the chain, and tell of holds the store has not come as far as."""
        if self._standing:
            self.report.count("holds", len(self._standing))
        for hold in self._standing:
            if behind := self._behind.get(hold.pk):
                self.report.note("hold-waiting", matter=hold.matter, chain=hold.chain, count=behind)
        told = Record.objects.filter(**self._scope(), capture=Capture.APPLICATION, operation__in=(PLACED, LIFTED))
        lifted: set[object] = set(told.filter(operation=LIFTED).values_list("object_pk", flat=True)) | _underway(LIFTED)
        rows = {str(hold.pk): hold for hold in self._standing}
        placed = _underway(PLACED)
        for record in told.filter(operation=PLACED).order_by("chain", "seq").iterator():
            placed.add(record.object_pk)
            said = _Said.of(record)
            row = rows.get(record.object_pk)
            if said is None or record.object_pk in lifted or (row is not None and _Said.by(row) == said):
                continue
            self.report.find("hold-forgotten", chain=record.chain, seq=record.seq, matter=str(said.matter))
        for key, row in rows.items():
            if key not in placed:
                self.report.find("hold-invented", chain=row.chain, matter=row.matter)

    def look_again(self) -> None:
        """After the snapshot: tell of objects that are not held, unless their hold was lifted while the check ran."""
        standing = set(LegalHold.objects.filter(lifted_at=None).values_list("pk", flat=True))
        for pk, matter, key in self._missing:
            if pk in standing:
                self.report.find("hold-missing", object=key, matter=matter)

    def _scope(self) -> dict[str, str]:
        return {"chain": self.only} if self.only else {}


@dataclass(frozen=True, slots=True)
class _Said:
    """A hold as it was placed."""

    chain: str
    first: object
    last: object
    matter: object
    reason: object
    placed_by: object

    @classmethod
    def by(cls, hold: LegalHold) -> Self:
        return cls(hold.chain, hold.first, hold.last, hold.matter, hold.reason, hold.placed_by)

    @classmethod
    def of(cls, record: Record) -> Self | None:
        """None for an event that says nothing about a hold."""
        body = parsed(record.body)
        event, actor = body.get("event"), body.get("actor")
        data = event.get("data") if isinstance(event, dict) else None
        if not isinstance(data, dict) or not isinstance(actor, dict):
            return None
        return cls(
            record.chain, data.get("first"), data.get("last"), data.get("matter"), data.get("reason"), actor.get("id")
        )


def _underway(event: str) -> set[object]:
    """The holds of events still on their way to a record; their rows were committed with them."""
    return set(Fact.objects.filter(new__name=event).values_list("new__about", flat=True))
