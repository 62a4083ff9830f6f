"""What keeps the recording honest: triggers in place, and nobody's change left unaccounted for."""

from typing import Final

from django.db import connection

from audit import watch
from audit.chains import PLATFORM_CHAIN
from audit.findings import unacknowledged
from audit.meaning import meaning_of
from audit.models import Anchor, Fact
from audit.models.records import Capture
from audit.triggers import audited_tables, discrepancies
from audit.verify.copies import parsed
from audit.verify.mentions import check_anchor
from audit.verify.report import Report
from audit.worm import Worm

_WHY: Final = {
    "missing": "its trigger is gone",
    "disabled": "its trigger is switched off",
    "altered": "its trigger is not the one that was declared",
    "undeclared": "it carries a trigger that nothing declares",
}
_CHUNK: Final = 2000
DDL: Final = "ddl"
"""Name of the event that the watch over the structure leaves (`audit.functions`)."""


def check_triggers(*, report: Report) -> None:
    """Every declared trigger must be installed, switched on, and the declared one."""
    for found in discrepancies():
        if found.what == "function":
            report.find("function-altered", object=found.table)
        else:
            report.find("trigger-missing", table=found.table, reason=_WHY[found.what])
    report.count("triggers", len(audited_tables()))


def check_watch(*, report: Report) -> None:
    """Changes of the structure must be seen where they once were, or where our role may; elsewhere it is said."""
    found = watch.state()
    missing, off = ", ".join(found.missing), ", ".join(found.off)
    if off:
        report.find("watch-gone", object=off, reason="what watches them is switched off")
    if missing and (found.began or (found.may and found.wanted)):
        report.find("watch-gone", object=missing, reason="what watches them is gone")
    elif missing:
        why = "it is switched off" if found.may else "only a superuser of the database may put a watch over it"
        report.note("ddl-unwatched", reason=why)


def check_findings(*, report: Report, only: str) -> None:
    """Changes past the application, and announcements that came to nothing, each until somebody accounts for it."""
    records = unacknowledged().filter(**({"chain": only} if only else {}))
    for record in records.iterator(chunk_size=_CHUNK):
        if record.capture == Capture.ALARM:
            report.find("alarm", chain=record.chain, seq=record.seq)
            continue
        said = parsed(record.body)
        source = said.get("source")
        user = str(source.get("db_user") or "?") if isinstance(source, dict) else "?"
        if (record.model, record.operation) == ("", DDL):
            report.find("ddl", chain=record.chain, seq=record.seq, user=user, **_command(said.get("event")))
            continue
        table, pk = record.model, record.object_pk or "*"
        report.find("bypass", chain=record.chain, seq=record.seq, table=table, pk=pk, user=user)
    _waiting(report=report, only=only)


def check_untold_anchors(worm: Worm, *, report: Report) -> None:
    """The time stamps that no record of the log of logs names yet must lie in the store as they were kept."""
    for size, digest in Anchor.objects.filter(told=False).order_by("size").values_list("size", "sha256"):
        check_anchor(worm, size, digest, report=report)


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
    if only in ("", PLATFORM_CHAIN):
        events = Fact.objects.filter(source=Fact.Source.APPLICATION, new__name=DDL).order_by("pk")
        for event, ctx, user in events.values_list("new", "ctx", "db_user").iterator(chunk_size=_CHUNK):
            if meaning_of(ctx).use_id is None:
                report.find("ddl-waiting", user=user or "?", **_command(event))


def _command(event: object) -> dict[str, str]:
    """What a fact of the watch says was done, and to what."""
    data = event.get("data") if isinstance(event, dict) else None
    said = data if isinstance(data, dict) else {}
    return {"command": str(said.get("command") or "?"), "object": str(said.get("object") or "?")}
