"""One check of everything: the evidence store by itself, the database's records against it, the tables against both."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from audit import signing
from audit.chains import HEADS_CHAIN
from audit.keys.backend import KeysUnconfigured
from audit.keys.local import KeystoreBroken
from audit.models.records import Chain
from audit.stores import open_worm
from audit.verify.anchors import note_absent
from audit.verify.chains import verify_worm
from audit.verify.held import HoldCheck
from audit.verify.judges import Nobody
from audit.verify.kept import check_kept, verified_heads
from audit.verify.records import RecordCheck, Tell
from audit.verify.report import Report
from audit.verify.snapshot import snapshot
from audit.verify.stamps import judge
from audit.verify.system import check_findings, check_triggers, check_untold_anchors, check_watch
from audit.verify.tables import check_tables
from audit.verify.trust import Trust
from audit.verify.words import DEPTH
from audit.worm import WormUnavailable


def _nothing(what: str) -> None:
    """Where nobody watches."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a check goes. `level`: one of `LEVELS`, each including those before it."""

    level: str = DEPTH[-1]
    only: str = ""
    """One chain, or all."""
    since_last: bool = False
    """Whether each chain is taken up behind the head that a kept report vouches for."""
    tables: Collection[str] | None = None
    """Names of the tables whose rows are compared, or all."""
    jobs: int = 1
    """Processes; what is found does not depend on their number."""

    def reaches(self, level: str) -> bool:
        """Whether the check goes as deep as `level`."""
        return DEPTH.index(self.level) >= DEPTH.index(level)


def verify(
    *,
    now: datetime,
    only: str = "",
    tell: Tell = _nothing,
    extent: Extent | None = None,
    report: Report | None = None,
) -> Report:
    """Check that evidence, records and tables agree, while the system runs.

    The database is read in one read-only snapshot taken before the evidence store is, so that neither changes under the
    other: what is sealed meanwhile is judged by the store's own rules. `now` (aware) dates the report; `only` names one
    chain; `tell` is called with what is being looked at; `extent` is everything unless given; `report` is continued, so
    that what was found is there even if the check is broken off. Must not be called inside a transaction.
    """
    extent = extent or Extent(only=only)
    report = report if report is not None else Report(at=now)
    report.scope, report.level = extent.only, extent.level
    trust = trusted(report)
    try:
        worm = open_worm(settings.WORM_URL)
    except WormUnavailable as error:
        report.miss("store-unreadable", object=settings.WORM_URL, reason=str(error))
        return report
    with snapshot() as join:
        since = (
            verified_heads(level=extent.level, only=extent.only, trust=trust, report=report)
            if extent.since_last
            else {}
        )
        known = Chain.objects.filter(**({"name": extent.only} if extent.only else {})).exists()
        deep = extent.reaches("records")
        records = RecordCheck(report=report, worm=worm, only=extent.only, tell=tell, join=join, deep=deep)
        held = HoldCheck(report=report, only=extent.only, then=records)
        verify_worm(
            worm,
            trust=trust,
            now=now,
            listener=held,
            live=True,
            only=extent.only,
            report=report,
            level=extent.level,
            since=since,
            jobs=extent.jobs,
            again=lambda: open_worm(settings.WORM_URL),
            judge=judge(Path(settings.TSA_ROOTS)) if settings.TSA_ROOTS else Nobody("TSA_ROOTS names no roots"),
        )
        records.finish(whole=all(point.code != "store-unreadable" for point in report.unchecked))
        if deep:
            held.finish()
            check_triggers(report=report)
            check_watch(report=report)
            if extent.only in ("", HEADS_CHAIN):
                check_untold_anchors(worm, report=report)
        if extent.reaches("tables"):
            check_tables(report=report, only=extent.only, tell=tell, among=extent.tables, jobs=extent.jobs, join=join)
        if deep:
            check_findings(report=report, only=extent.only)
            check_kept(trust=trust, now=now, report=report)
    records.look_again()
    held.look_again()
    if extent.only and not known and not report.counts.get("chains"):
        report.miss("chain-absent", chain=extent.only)
    note_absent(worm, report=report)
    return report


def trusted(report: Report) -> Trust:
    """Whom this installation believes; where its key cannot be had, an open point of `report`."""
    try:
        return signing.trust()
    except (KeysUnconfigured, KeystoreBroken) as error:
        report.miss("key-absent", reason=str(error))
        return Trust(signing.log_name(), [], signing.ed25519_verify)
