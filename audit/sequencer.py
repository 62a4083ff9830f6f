"""Facts become records: read with their meaning, numbered without a gap, chained, by one worker at a time.

Facts are claimed by deleting them in the order of their ids, in the transaction that writes their records: a crash
takes both back, and a transaction that commits late is simply claimed later. Ids follow the order of changes to any one
row (they are drawn while it is locked), so a chain tells the story of each row in order.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import clock, lines
from audit.chains import PLATFORM_CHAIN
from audit.lines import FactRow, Head, Line
from audit.models import Chain
from audit.reconciliation import Broken, Reconciliation
from audit.triggers import audited_tables

LOCK: Final = 0x686F_7261_6501
"""Advisory lock: one sequencer for the whole database."""

_COLUMNS: Final = """
    id, xid::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), source, chain, tbl, op, pk,
    old::text, new::text, ctx, db_user, app_name"""
_CLAIM: Final = f"""DELETE FROM "audit_fact"
    WHERE id = ANY (ARRAY(SELECT id FROM audit_fact ORDER BY id LIMIT %s)) RETURNING {_COLUMNS}"""  # noqa: S608 - constants only
_AHEAD: Final = f"""SELECT {_COLUMNS} FROM audit_fact
    WHERE xid = ANY (%s::text[]::xid8[]) AND (source = 's' OR (source = 't' AND op IN ('I', 'D')))"""  # noqa: S608 - constants only
_COPY: Final = """COPY audit_record
    (chain, seq, id, body, leaf, retention, use_id, model, object_pk, operation, capture, at) FROM STDIN"""


def sequence(*, batch: int = 5000, using: str = DEFAULT_DB_ALIAS) -> int:
    """Turn the facts that wait into records, at most `batch` in one transaction; return how many records were written.

    When another worker is at it, this one leaves: whoever holds the lock looks again after letting go, and sees what
    was committed before anybody found the lock taken.
    """
    written = 0
    connection = connections[using]
    while facts_wait(using=using):
        with transaction.atomic(using=using):
            if not _locked(connection):
                return written
            written += _sequence_batch(connection, batch)
    return written


def facts_wait(*, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether committed facts wait for the sequencer."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_fact)")
        return bool(cursor.fetchone()[0])


def _locked(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _sequence_batch(connection: BaseDatabaseWrapper, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [batch])
        facts = sorted(FactRow._make(row) for row in cursor.fetchall())
    recorded = clock.read(connection)
    broken = _broken_promises(connection, facts, more=len(facts) == batch)
    told = [fact for fact in facts if fact.source != "s"]
    heads = _heads(connection.alias, {lines.chain_of(fact) for fact in told} | ({PLATFORM_CHAIN} if broken else set()))
    tables = audited_tables()
    written = [
        lines.write_line(fact, head=heads[lines.chain_of(fact)], recorded=recorded, tables=tables) for fact in told
    ]
    written += [
        lines.write_alarm(
            found.announced_by,
            head=heads[PLATFORM_CHAIN],
            recorded=recorded,
            tables=tables,
            table=found.promise.table,
            op=found.promise.op,
            missing=found.missing,
        )
        for found in broken
    ]
    _store(connection, written)
    Chain.objects.using(connection.alias).bulk_update(
        [Chain(name=head.name, seq=head.seq, head=head.leaf) for head in heads.values()], ["seq", "head"]
    )
    return len(written)


def _broken_promises(connection: BaseDatabaseWrapper, facts: Sequence[FactRow], *, more: bool) -> list[Broken]:
    """Announcements of these facts that were not kept; with `more`, what lies behind the batch counts too."""
    reconciliation = Reconciliation()
    reconciliation.add(facts)
    broken = reconciliation.broken()
    if broken and more:
        with connection.cursor() as cursor:
            cursor.execute(_AHEAD, [sorted({found.promise.xid for found in broken})])
            broken = reconciliation.look_ahead(sorted(FactRow._make(row) for row in cursor.fetchall()))
    return broken


def _heads(using: str, names: Iterable[str]) -> dict[str, Head]:
    """The chains' heads, locked until the batch is written; a chain begins with its first record."""
    wanted = sorted(names)
    chains = Chain.objects.using(using)
    known = set(chains.filter(name__in=wanted).values_list("name", flat=True))
    chains.bulk_create([Chain(name=name) for name in wanted if name not in known], ignore_conflicts=True)
    rows = chains.select_for_update().filter(name__in=wanted).order_by("name")
    return {row.name: Head(name=row.name, seq=row.seq, leaf=bytes(row.head)) for row in rows}


def _store(connection: BaseDatabaseWrapper, written: Sequence[Line]) -> None:
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for line in written:
            copy.write_row(
                (
                    line.chain,
                    line.seq,
                    line.id,
                    line.body,
                    line.leaf,
                    line.retention,
                    line.use_id,
                    line.model,
                    line.object_pk,
                    line.operation,
                    line.capture,
                    line.at,
                )
            )
