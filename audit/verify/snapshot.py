"""One read-only view of the database for a whole check, shared by every process that works on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from audit.verify.tables import image_settings

_VIEW: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_inherited: list[Any] = []
"""Connections of the process this one is a copy of: kept, so that nothing here closes what is not ours."""


@contextmanager
def snapshot() -> Iterator[Callable[[], None]]:
    """Hold one view of the database for the block; gives what another process calls to have the same view.

    Raises RuntimeError inside a transaction.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_VIEW)
        image_settings(cursor)
        cursor.execute("SELECT pg_export_snapshot()")
        name = str(cursor.fetchone()[0])

        def join() -> None:
            _inherited.append(connections[DEFAULT_DB_ALIAS])
            connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)
            # Until the process ends, which is what ends the view.
            transaction.set_autocommit(False)
            with connections[DEFAULT_DB_ALIAS].cursor() as mine:
                mine.execute(_VIEW)
                mine.execute(f"SET TRANSACTION SNAPSHOT '{name}'")
                image_settings(mine)

        yield join
