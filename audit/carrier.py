"""Context rides on the write: a connection's statements, seen on their way to PostgreSQL.

The first write of a transaction is sent as `SELECT set_config('audit.ctx', ..., true); <the write>` in one round trip
and the first result is skipped, so rowcount, description and RETURNING are the write's own. It is sent again when the
transaction is a new one, after a rollback to a savepoint (which takes the setting back) and when the context changed.
Creates and deletes the signal layer announced ride along as expectations on their INSERT or DELETE.

`executemany` gets the context in a statement of its own, inside a transaction. COPY passes Django by: call `carry()`
first.
"""

import re
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

from audit import wake
from audit.context import Context, current
from audit.expectations import Expectation, Expectations, encode
from audit.triggers import exempt_tables

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]

_SET: Final = "SELECT pg_catalog.set_config('audit.ctx', {0}, true);\n"
_CARRY: Final = "SELECT audit_carry({0}, {1}::jsonb);\n"
_WRITE: Final = re.compile(
    r"""(?: \s++ | --[^\n]*+\n | /\*.*?\*/ )*+
    (?: (?P<verb> INSERT | UPDATE | DELETE | MERGE ) \s+ (?:INTO\s+|FROM\s+)? (?:ONLY\s+)? (?: "(?P<table>[^"]+)" )?
      | (?: TRUNCATE | COPY ) \b
      | (?P<procedure> CALL | DO ) \b
      | WITH \b (?= .* \b (?: INSERT | UPDATE | DELETE | MERGE ) \b )
      | SELECT \s+ audit_note \s* \(
      | (?P<undo> ROLLBACK | ABORT ) \b )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


class Carrier:
    """The execute wrapper of one database connection, and what it remembers of the transaction under way."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        # A weak reference: the connection holds its wrappers, and a closed thread's connection should go at once.
        self._connection = weakref.ref(connection)
        self._sent: Context | None = None
        self._hooks: list[Any] | None = None
        self.expected = Expectations()

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self._notice_transaction()
        text = self._text(sql)
        write = None if text.startswith("SELECT ") and not text.startswith("SELECT audit_note") else _WRITE.match(text)
        if write is None:
            return execute(sql, params, many, context)
        if write["undo"]:
            self._sent = None
            return execute(sql, params, many, context)
        table = write["table"] or ""
        if table and apps.ready and table in exempt_tables() and ";" not in text:
            return execute(sql, params, many, context)
        if write["procedure"] and self.connection.get_autocommit():
            return execute(sql, params, many, context)  # it may commit in the middle, which a second statement forbids
        return self._write(execute, text, params, many, context, verb=(write["verb"] or "").upper(), table=table)

    def carry(self) -> None:
        """Send the context now, in a statement of its own."""
        self._notice_transaction()
        meaning = self._meaning("")
        if self._unsent(meaning):
            self._send(meaning, [])
        self._owe_wake()

    def delete_begins(self, table: str, *, context: Context | None) -> None:
        """One row of `table` is about to go; `context` is the use implied where there is none."""
        self._notice_transaction()
        self.expected.delete_begins(table, context=context)

    def delete_ends(self, table: str) -> None:
        """The rows of `table` are gone, as far as they were still there."""
        meaning = self._meaning(table)
        correction = self.expected.delete_ends(table)
        if correction is not None:
            self._send(meaning, [correction])

    def begin_again(self) -> None:
        """The connection is a new one."""
        self._sent = None

    def _write(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any], *, verb: str, table: str
    ) -> Any:
        cursor = context["cursor"].cursor
        meaning = self._meaning(table)
        expected = self.expected.take(verb, table) if table and not many and "ON CONFLICT" not in sql else []
        needed = bool(expected) or self._unsent(meaning)
        together = needed and not many and isinstance(cursor, psycopg.ClientCursor)
        if together:
            sql, params = _prefixed(sql, params, meaning, expected)
        elif needed and not self.connection.get_autocommit():
            self._send(meaning, expected)
        try:
            result = execute(sql, params, many, context)
        except Exception:
            self.expected.save_failed(table)
            raise
        if together:
            cursor.nextset()
            self._sent = None if self.connection.get_autocommit() else meaning
        if verb == "DELETE" and not many:
            self.expected.rows_went(table, cursor.rowcount)
        self._owe_wake()
        return result

    @property
    def connection(self) -> BaseDatabaseWrapper:
        connection = self._connection()
        assert connection is not None  # it is the caller
        return connection

    def _notice_transaction(self) -> None:
        # Django puts a new list of hooks in place when an atomic block commits or rolls back, be it to a savepoint: its
        # identity names the transaction even when the driver was used behind Django's back and is never seen idle.
        connection = self.connection
        if connection.run_on_commit is not self._hooks:
            self._hooks = connection.run_on_commit
            self._sent = None
            self.expected.forget_deletes()
        elif self._sent is not None:
            driver = connection.connection
            if driver is None or driver.pgconn.transaction_status == TransactionStatus.IDLE:
                self._sent = None

    def _meaning(self, table: str) -> Context:
        context = current()
        return context if context.use_id else self.expected.implied(table) or context

    def _unsent(self, meaning: Context) -> bool:
        return meaning is not self._sent and not (meaning.empty and self._sent is None)

    def _send(self, meaning: Context, expected: Sequence[Expectation]) -> None:
        sql, params = _prefixed("", [], meaning, expected)
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
        self._sent = meaning

    def _owe_wake(self) -> None:
        if not wake.enabled():
            return
        connection = self.connection
        if connection.in_atomic_block:
            hooks: list[tuple[Any, ...]] = connection.run_on_commit
            if not any(hook[1] is wake.sequencer for hook in hooks):
                connection.on_commit(wake.sequencer, robust=True)
        elif connection.get_autocommit():
            wake.sequencer()

    def _text(self, sql: Any) -> str:
        if isinstance(sql, str):
            return sql
        return sql.as_string(self.connection.connection) if isinstance(sql, Composable) else bytes(sql).decode()


def carrier_of(connection: BaseDatabaseWrapper) -> Carrier:
    """The carrier of a connection, installed on first use.

    It goes first in the list: Django's own `execute_wrapper` blocks take the last one off when they end, and must find
    theirs there.
    """
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, Carrier):
            return wrapper
    carrier = Carrier(connection)
    connection.execute_wrappers.insert(0, carrier)
    return carrier


def carry(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Send the context for what follows in this transaction and passes Django by (COPY, the driver's own cursors).

    Raises TransactionManagementError outside a transaction, where it would be forgotten at once.
    """
    connection = connections[using]
    if connection.get_autocommit():
        raise TransactionManagementError("carry() needs a transaction: use atomic()")
    carrier_of(connection).carry()


def _prefixed(sql: str, params: Any, meaning: Context, expected: Sequence[Expectation]) -> tuple[str, Any]:
    values = [meaning.carried, encode(expected)] if expected else [meaning.carried]
    template = _CARRY if expected else _SET
    if isinstance(params, Mapping):
        names = [f"audit_{position}" for position in range(len(values))]
        prefix = template.format(*(f"%({name})s" for name in names))
        return prefix + sql, {**params, **dict(zip(names, values, strict=True))}
    prefix = template.format("%s", "%s")
    # Without parameters psycopg reads the text as it stands; now that there are some, a literal % needs its double.
    return prefix + (sql.replace("%", "%%") if params is None else sql), (*values, *(params or ()))
