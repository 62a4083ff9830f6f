"""What every command of the house begins with: what it writes is written in the use `command.<name>`."""

import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from audit.context import Actor, acting, use
from audit.models.records import Record


class AuditedCommand(BaseCommand):
    """Runs `handle` as the system, with the account of the machine it was started by as the label."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        with acting(actor=self.actor(), client="command"), use(f"command.{self.name()}"):
            try:
                return super().execute(*args, **options)
            except OperationalError as error:
                first = str(error).strip().splitlines()[0]
                raise CommandError(f"The database does not answer (is Horae running?): {first}") from error

    @classmethod
    def name(cls) -> str:
        """What is typed after `manage.py`."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def actor(cls) -> Actor:
        """Who acts in this command."""
        return Actor(kind="system", id=f"command.{cls.name()}", label=_account())


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        return ""


def found_record(given: str) -> Record | None:
    """The record of that id, or of that chain and number (`clinic/17:4711`); None when there is none."""
    chain, colon, seq = given.rpartition(":")
    if colon:
        return Record.objects.filter(chain=chain, seq=int(seq)).first() if seq.isdecimal() and len(seq) < 19 else None
    try:
        return Record.objects.filter(pk=UUID(given)).first()
    except ValueError:
        return None
