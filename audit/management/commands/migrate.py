"""Django's migrate, which also says when an evidence trigger waits for a migration, and announces what it changes."""

from contextlib import suppress
from typing import Any

from django.core.management.commands import migrate
from django.db import DatabaseError, connections

from audit import watch
from audit.autodetector import EvidenceAutodetector
from audit.context import Actor, acting, use


class Command(migrate.Command):
    """What it does to the structure, and to rows, is done by the system in the use `command.migrate`."""

    autodetector = EvidenceAutodetector

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with acting(actor=Actor.system("command.migrate"), client="command"), use("command.migrate") as context:
            watch.announce(connection, context.carried)
            try:
                super().handle(*args, **options)
            finally:
                with suppress(DatabaseError):
                    watch.announce(connection, "")
