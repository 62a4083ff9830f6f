"""What keeps the recording honest: triggers in place, and nobody's change left unaccounted for."""

from typing import Final

from django.db import connection

from audit.findings import unacknowledged
from audit.meaning import meaning_of
from audit.models.records import Capture
from audit.triggers import audited_tables, discrepancies
from audit.verify.copies import parsed
from audit.verify.report import Report

_WHY: Final = {
    "missing": "its trigger is gone",
    "disabled": "its trigger is switched off",
    "altered": "its trigger is not the one that was declared",
    "undeclared": "it carries a trigger that nothing declares",
}
_CHUNK: Final = 2000


def check_triggers(*, report: Report) -> None:
    """Every declared trigger must be installed, switched on, and the declared one."""
    for found in discrepancies():
        if found.what == "function":
            report.find("function-altered", object=found.table)
        else:
            report.find("trigger-missing", table=found.table, reason=_WHY[found.what])
    report.count("triggers", len(audited_tables()))


def check_findings(*, report: Report, only: str) -> None:
    """Changes past the application, and announcements that came to nothing, each until somebody accounts for it."""
    records = unacknowledged().filter(**({"chain": only} if only else {}))
    for record in records.iterator(chunk_size=_CHUNK):
        if record.capture == Capture.ALARM:
            report.find("alarm", chain=record.chain, seq=record.seq)
            continue
        source = parsed(record.body).get("source")
        user = str(source.get("db_user") or "?") if isinstance(source, dict) else "?"
        table, pk = record.model, record.object_pk or "*"
        report.find("bypass", chain=record.chain, seq=record.seq, table=table, pk=pk, user=user)
    _waiting(report=report, only=only)


def _waiting(*, report: Report, only: str) -> None:
    """The same among facts that are not records yet."""
    tables = audited_tables()
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT tbl, pk, ctx, db_user FROM audit_fact WHERE source = 't' AND (%s = '' OR chain = %s) ORDER BY id",
            [only, only],
        )
        while chunk := cursor.fetchmany(_CHUNK):
            report.count("waiting", len(chunk))
            for table, pk, ctx, user in chunk:
                if meaning_of(ctx).use_id is None:
                    name = tables[table].label if table in tables else table
                    report.find("bypass-waiting", table=name, pk=pk or "*", user=user or "?")
