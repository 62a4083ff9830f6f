"""One check of everything: the evidence store by itself, the database's records against it, the tables against both."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from audit import signing
from audit.keys.backend import KeysUnconfigured
from audit.keys.local import KeystoreBroken
from audit.models.records import Chain
from audit.stores import open_worm
from audit.verify.chains import verify_worm
from audit.verify.held import HoldCheck
from audit.verify.records import RecordCheck, Tell
from audit.verify.report import Report
from audit.verify.system import check_findings, check_triggers
from audit.verify.tables import check_tables, image_settings
from audit.verify.trust import Trust
from audit.worm import WormUnavailable


def _nothing(what: str) -> None:
    """Where nobody watches."""


def verify(*, now: datetime, only: str = "", tell: Tell = _nothing) -> Report:
    """Check that evidence, records and tables agree, while the system runs.

    The database is read in one read-only snapshot taken before the evidence store is, so that neither changes under the
    other: what is sealed meanwhile is judged by the store's own rules. `now` (aware) dates the report; `only` names one
    chain; `tell` is called with what is being looked at. Must not be called inside a transaction.
    """
    report = Report(at=now, scope=only)
    trust = _trust(report)
    try:
        worm = open_worm(settings.WORM_URL)
    except WormUnavailable as error:
        report.miss("store-unreadable", object=settings.WORM_URL, reason=str(error))
        return report
    with _snapshot():
        known = Chain.objects.filter(**({"name": only} if only else {})).exists()
        records = RecordCheck(report=report, worm=worm, only=only, tell=tell)
        held = HoldCheck(report=report, only=only, then=records)
        verify_worm(worm, trust=trust, now=now, listener=held, live=True, only=only, report=report)
        records.finish(whole=all(point.code != "store-unreadable" for point in report.unchecked))
        held.finish()
        check_triggers(report=report)
        check_tables(report=report, only=only, tell=tell)
        check_findings(report=report, only=only)
    records.look_again()
    held.look_again()
    if only and not known and not report.counts.get("chains"):
        report.miss("chain-absent", chain=only)
    if not settings.TSA_URL:
        report.note("anchor-absent")
    return report


def _trust(report: Report) -> Trust:
    try:
        return signing.trust()
    except (KeysUnconfigured, KeystoreBroken) as error:
        report.miss("key-absent", reason=str(error))
        return Trust(signing.log_name(), [], signing.ed25519_verify)


@contextmanager
def _snapshot() -> Iterator[None]:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        image_settings(cursor)
        yield
