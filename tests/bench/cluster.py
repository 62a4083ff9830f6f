"""The one PostgreSQL of a run: started durable as it comes, its databases, and pointing Django at one of them."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from config.embedded import postgres


@contextlib.contextmanager
def running(folder: Path) -> Iterator["Server"]:
    """A new cluster below `folder` with PostgreSQL's own defaults (a commit is on disk), stopped at the end."""
    made = postgres.cluster(home=folder / "postgres")
    with (folder / "postgres.log").open("wb") as log:
        process = postgres.start(made, options={}, output=log)
    try:
        yield Server(made, pid=process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)  # nothing in it is worth a checkpoint
        process.wait(timeout=60)


class Server:
    """The running server: its databases by name."""

    def __init__(self, made: postgres.Cluster, *, pid: int) -> None:
        self._made = made
        self.pid = pid

    def url(self, database: str) -> str:
        """The address of a database, as DATABASE_URL takes it."""
        return self._made.url(database=database)

    def create(self, database: str, *, like: str = "template0") -> str:
        """Make a database, empty or a copy of one nobody is connected to; returns its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(like))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
        return self.url(database)

    def settle(self, database: str) -> None:
        """Leave nothing for later: statistics and visibility as after a quiet night, and what was written on disk."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def version(self) -> str:
        """Such as 18.1."""
        with psycopg.connect(self.url("postgres")) as connection:
            return str(connection.info.parameter_status("server_version"))


def way_to(database: str) -> BaseDatabaseWrapper:
    """A connection of Django's to another database of the same server, not yet opened; the caller closes it."""
    wrapper = connections.create_connection("default")
    wrapper.settings_dict = {**connections["default"].settings_dict, "NAME": database}
    return wrapper


@contextlib.contextmanager
def through(way: BaseDatabaseWrapper) -> Iterator[None]:
    """Django's default connection is this one meanwhile."""
    before = connections["default"]
    connections["default"] = way
    try:
        yield
    finally:
        connections["default"] = before


@contextlib.contextmanager
def pointed_at(database: str) -> Iterator[None]:
    """Django's default connection leads to this database meanwhile, and is closed afterwards."""
    with contextlib.closing(way_to(database)) as way, through(way):
        yield
