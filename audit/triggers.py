"""The row triggers that write facts: which table carries which, and what is really installed.

Facts are written by the database itself (`audit.functions`), so bulk writes, raw SQL, COPY and `psql` leave them too.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import functions
from audit.declare import Declaration, declarations

ROW_TRIGGER: Final = "audit_row"
TRUNCATE_TRIGGER: Final = "audit_truncate"

_ROW_TYPE: Final = 1 | 4 | 8 | 16  # pg_trigger.tgtype: row, insert, delete, update; AFTER is the absence of 2
_TRUNCATE_TYPE: Final = 32


@dataclass(frozen=True, slots=True)
class Spec:
    """The trigger one table must carry. `chain` is the column with the clinic id, empty for the platform chain."""

    table: str
    chain: str
    pk: str
    digest: tuple[str, ...] = ()

    @classmethod
    def of(cls, declaration: Declaration) -> "Spec":
        return cls(
            table=declaration.table,
            chain=declaration.chain_column or "",
            pk=declaration.pk_column,
            digest=declaration.digest,
        )

    @property
    def arguments(self) -> tuple[str, str, str]:
        return self.chain, self.pk, ",".join(self.digest)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something installed that is not as declared. `what`: missing, disabled, altered, undeclared, or function."""

    table: str
    what: str


def audited_tables() -> Mapping[str, Declaration]:
    """The declaration of every audited table, by table name. Needs the app registry."""
    return _tables(len(declarations()))[0]


def exempt_tables() -> frozenset[str]:
    """Tables declared to be no evidence. Needs the app registry."""
    return _tables(len(declarations()))[1]


@functools.lru_cache(maxsize=1)
def _tables(_declared: int) -> tuple[Mapping[str, Declaration], frozenset[str]]:
    # Declarations only ever grow, so their number says whether the last answer still holds.
    models = frozenset(model._meta.label_lower for model in apps.get_models(include_auto_created=True))
    known = [declaration for label, declaration in declarations().items() if label in models]
    return (
        MappingProxyType({d.table: d for d in known if d.audited}),
        frozenset(d.table for d in known if not d.audited),
    )


def trigger_statements(spec: Spec) -> Iterator[str]:
    """SQL that puts both triggers on a table, or replaces them. ALWAYS: they fire in a replica session too."""
    table = functions.quote(spec.table)
    arguments = ", ".join("'" + argument.replace("'", "''") + "'" for argument in spec.arguments)
    yield (
        f"CREATE OR REPLACE TRIGGER {ROW_TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION audit_row({arguments})"
    )
    yield (
        f"CREATE OR REPLACE TRIGGER {TRUNCATE_TRIGGER} AFTER TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_truncate()"
    )
    for name in (ROW_TRIGGER, TRUNCATE_TRIGGER):
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"


def drop_trigger_statements(table: str) -> Iterator[str]:
    """SQL that takes both triggers off a table; nothing happens where table or trigger is gone."""
    for name in (ROW_TRIGGER, TRUNCATE_TRIGGER):
        yield f"DROP TRIGGER IF EXISTS {name} ON {functions.quote(table)}"


def discrepancies(*, using: str = DEFAULT_DB_ALIAS) -> list[Discrepancy]:
    """Compare what is declared with what is installed, functions included. Empty when all is as declared."""
    connection = connections[using]
    rows, truncates = _installed(connection)
    found = [Discrepancy(table=name, what="function") for name in functions.altered(connection)]
    for table, declaration in audited_tables().items():
        row, truncate = rows.pop(table, None), truncates.pop(table, None)
        if row is None or truncate is None:
            found.append(Discrepancy(table=table, what="missing"))
        elif row.enabled != "A" or truncate.enabled != "A":
            found.append(Discrepancy(table=table, what="disabled"))
        elif not (row.plain and truncate.plain) or row.arguments != Spec.of(declaration).arguments:
            found.append(Discrepancy(table=table, what="altered"))
    found += [Discrepancy(table=table, what="undeclared") for table in sorted({*rows, *truncates})]
    return found


@dataclass(frozen=True, slots=True)
class _Trigger:
    enabled: str
    arguments: tuple[str, ...]
    plain: bool
    """Fires after every row (or truncation), with no condition and no column list."""


def _installed(connection: BaseDatabaseWrapper) -> tuple[dict[str, _Trigger], dict[str, _Trigger]]:
    rows: dict[str, _Trigger] = {}
    truncates: dict[str, _Trigger] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, p.proname, t.tgname, t.tgenabled::text, t.tgtype, encode(t.tgargs, 'escape'),
                   t.tgqual IS NULL AND t.tgattr::text = '' AND NOT t.tgdeferrable
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
            JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = current_schema() AND c.relnamespace = n.oid AND NOT t.tgisinternal
              AND p.proname IN ('audit_row', 'audit_truncate')
            """
        )
        for table, function, name, enabled, kind, arguments, unconditional in cursor.fetchall():
            found = _Trigger(
                enabled=enabled,
                arguments=tuple(arguments.split("\\000")[:-1]),
                plain=unconditional
                and name == function
                and kind == (_ROW_TYPE if function == ROW_TRIGGER else _TRUNCATE_TYPE),
            )
            (rows if function == ROW_TRIGGER else truncates)[table] = found
    return rows, truncates
