"""Checks by the clock: every hour what is new, every night the database too and some tables, every week everything.

What was done is known from the kept reports alone. A run that was missed is made up for when the next sweep looks, and
shown as overdue until then; one that ran out of time says what it did not reach.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import DatabaseError, transaction

from audit.alone import alone
from audit.chains import PLATFORM_CHAIN
from audit.context import note
from audit.models.segments import Segment
from audit.models.verifications import Kind, Verification
from audit.triggers import audited_tables
from audit.verify import kept
from audit.verify.records import Tell
from audit.verify.report import DOES_NOT_HOLD, HOLDS, Report
from audit.verify.run import Extent, trusted, verify

logger = logging.getLogger(__name__)

NIGHTS: Final = 30
"""In so many nights the rows of every table are compared once."""
GRACE: Final[Mapping[Kind, timedelta]] = {
    Kind.HOURLY: timedelta(hours=1),
    Kind.NIGHTLY: timedelta(hours=6),
    Kind.WEEKLY: timedelta(hours=24),
}
"""How long after its time a check is called overdue; also the order in which they are told."""
_LOCK: Final = "audit.verify"
_DEEPEST_FIRST: Final = (Kind.WEEKLY, Kind.NIGHTLY, Kind.HOURLY)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one kind of check stands: its newest report, if any, and whether it is overdue."""

    kind: Kind
    last: Verification | None
    overdue: bool


def due(*, now: datetime) -> Kind | None:
    """The deepest kind of check whose time has come since it was last made; None while there is nothing to check."""
    began, last = _began(), kept.latest()
    return next((kind for kind in _DEEPEST_FIRST if _waits(kind, now=now, last=last.get(kind), began=began)), None)


def standing(*, now: datetime) -> list[Standing]:
    """How the checks by the clock stand."""
    began, last = _began(), kept.latest()
    return [
        Standing(kind, last.get(kind), _waits(kind, now=now - grace, last=last.get(kind), began=began))
        for kind, grace in GRACE.items()
    ]


def run(
    kind: Kind, *, clock: Callable[[], datetime], over: type[BaseException] = TimeoutError, jobs: int = 1
) -> Verification | None:
    """Make the check, keep its report, say so in the chain; None when another is at it. `over`: see `made`."""
    with alone(_LOCK) as free:
        if not free:
            return None
        now = clock()
        _report, row = made(kind, extent=_extent(kind, now=now, jobs=jobs), clock=clock, over=over, told=True)
        if kind is Kind.NIGHTLY:
            kept.prune(now=now)
        return row


def made(
    kind: Kind,
    *,
    extent: Extent,
    clock: Callable[[], datetime],
    tell: Tell = lambda what: None,
    over: type[BaseException] = TimeoutError,
    told: bool = False,
) -> tuple[Report, Verification]:
    """A check, and its report as it is kept.

    When `over` is raised meanwhile the time is up: what was found so far is the report. `told`: leave an event in the
    chain, so that a report taken away is missed.
    """
    report = Report(at=clock())
    try:
        verify(now=report.at, extent=extent, tell=tell, report=report)
    except over:
        report.miss("time-over")
    ended = clock()
    signed = kept.signed(report, kind=kind, ended=ended)
    row = kept.row_of(report, signed, kind=kind, ended=ended)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if told:
                data = {"id": str(row.id), "kind": str(kind), "level": row.level, "outcome": row.outcome}
                data["sha256"] = sha256(signed.body).hexdigest()
                note(chain=PLATFORM_CHAIN, event=kept.EVENT, about=kept.EVENT, data=data)
    except DatabaseError as error:
        # Somebody who may only read wants to know all the same.
        logger.warning("The report of a verification could not be kept: %s", type(error).__name__)
    _log(kind, report, row)
    return report, row


def tables_of_night(tables: Collection[str], *, compared: Mapping[str, date], began: date, today: date) -> list[str]:
    """The tables whose night it is, or was since they were last `compared`; `began`: the first night of all.

    A table's night is fixed by its name, so that each comes once in `NIGHTS` nights whatever tables come and go.
    """
    found = []
    for table in sorted(tables):
        turn = int.from_bytes(sha256(table.encode()).digest()[:8]) % NIGHTS
        last = compared.get(table, min(began, today) - timedelta(days=1)).toordinal()
        nights = range(max(last, today.toordinal() - NIGHTS) + 1, today.toordinal() + 1)
        if any(night % NIGHTS == turn for night in nights):
            found.append(table)
    return found


def _extent(kind: Kind, *, now: datetime, jobs: int) -> Extent:
    if kind is Kind.HOURLY:
        return Extent(level="segments", since_last=True, jobs=jobs)
    if kind is Kind.WEEKLY:
        return Extent(jobs=jobs)
    trust, today = trusted(Report(at=now)), now.astimezone(UTC).date()
    first = Verification.objects.filter(kind=Kind.NIGHTLY).order_by("ended_at").first()
    began = first.started_at.astimezone(UTC).date() if first else today
    compared = kept.compared_on(since=now - timedelta(days=NIGHTS + 1), trust=trust) if trust.public_keys else {}
    tables = tables_of_night(audited_tables(), compared=compared, began=began, today=today)
    return Extent(since_last=True, tables=tables, jobs=jobs)


def _began() -> datetime | None:
    """When there was first something to check."""
    return Segment.objects.filter(sealed_at__isnull=False).order_by("pk").values_list("sealed_at", flat=True).first()


def _waits(kind: Kind, *, now: datetime, last: Verification | None, began: datetime | None) -> bool:
    reference = last.started_at if last is not None else began
    return reference is not None and reference < _slot(kind, now)


def _slot(kind: Kind, now: datetime) -> datetime:
    """The latest moment, not after `now`, at which a check of this kind is to be made."""
    now = now.astimezone(UTC)
    if kind is Kind.HOURLY:
        slot, step = now.replace(minute=7, second=0, microsecond=0), timedelta(hours=1)
    elif kind is Kind.NIGHTLY:
        slot, step = now.replace(hour=1, minute=30, second=0, microsecond=0), timedelta(days=1)
    else:
        sunday = now - timedelta(days=(now.weekday() + 1) % 7)
        slot, step = sunday.replace(hour=3, minute=0, second=0, microsecond=0), timedelta(days=7)
    return slot if slot <= now else slot - step


def _log(kind: Kind, report: Report, row: Verification) -> None:
    if report.exit_code == DOES_NOT_HOLD:
        logger.error("The evidence does not hold: %s verification, report %s", kind, row.id)
    elif report.exit_code != HOLDS:
        logger.warning("Not all evidence could be checked: %s verification, report %s", kind, row.id)
