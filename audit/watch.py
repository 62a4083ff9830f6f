"""The watch over the database's structure: event triggers that make each DDL command a fact, as row changes are.

Whoever may switch off a table's trigger may do so between two checks and leave nothing behind; the switch itself is a
command, and this sees it. Only a superuser may make event triggers, and taking one away or switching it off leaves no
trace in it: that is what `state` looks for.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import functions
from audit.chains import PLATFORM_CHAIN
from audit.context import note, use
from audit.models import Fact, Record

INSTALLED: Final = "ddl.watch"
"""Name of the event that says that the watch began; what is gone later was taken away."""


@dataclass(frozen=True, slots=True)
class State:
    """What of the watch is there. `missing` and `off` are names of event triggers."""

    missing: tuple[str, ...]
    off: tuple[str, ...]
    may: bool
    """Whether our role could make them."""
    wanted: bool
    began: bool
    """Whether the evidence says that there was a watch."""


def state(*, using: str = DEFAULT_DB_ALIAS) -> State:
    """How the watch stands in a database."""
    with connections[using].cursor() as cursor:
        cursor.execute(_INSTALLED)
        found = {name: enabled for name, event, enabled in cursor.fetchall() if functions.WATCHES.get(event) == name}
        may = _may(cursor)
    return State(
        missing=tuple(name for name in _NAMES if name not in found),
        off=tuple(name for name in _NAMES if found.get(name, "A") != "A"),
        may=may,
        wanted=bool(settings.DDL_WATCH),
        began=_told(using),
    )


def install(*, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Begin to watch, if that is wanted, our role may, and the functions are there; returns whether it is watched."""
    connection = connections[using]
    if not settings.DDL_WATCH or functions.altered(connection):
        return False
    found = state(using=using)
    if not (found.missing or found.off):
        return True
    if not found.may:
        return False
    with use("ddl.watch"), connection.cursor() as cursor:
        for statement in _statements(found):
            cursor.execute(statement)
        note(chain=PLATFORM_CHAIN, event=INSTALLED, about=INSTALLED, data={"triggers": list(_NAMES)}, using=using)
    return True


def after_migrations(*, using: str, **kwargs: Any) -> None:
    """Listens to Django's `post_migrate`: what the migrations themselves do to an empty database is not watched."""
    connection = connections[using]
    if connection.vendor == "postgresql" and router.allow_migrate(using, "audit", model_name="fact"):
        install(using=using)


def announce(connection: BaseDatabaseWrapper, carried: str) -> None:
    """Give what follows on this connection the meaning `carried`, until it is announced anew; empty: none.

    For commands that are no part of a transaction, which the carrier's setting would not outlive.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('audit.ctx', %s, false)", [carried])


_NAMES: Final = tuple(sorted(functions.WATCHES.values()))
_INSTALLED: Final = """
    SELECT t.evtname, t.evtevent, t.evtenabled::text FROM pg_event_trigger t
    JOIN pg_proc p ON p.oid = t.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proname = 'audit_ddl' AND n.nspname = current_schema() AND t.evttags IS NULL
"""


def _statements(found: State) -> list[str]:
    events = {name: event for event, name in functions.WATCHES.items()}
    cleared = [f"DROP EVENT TRIGGER IF EXISTS {name}" for name in found.missing]
    made = [f"CREATE EVENT TRIGGER {name} ON {events[name]} EXECUTE FUNCTION audit_ddl()" for name in found.missing]
    return cleared + made + [f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS" for name in (*found.missing, *found.off)]


def _may(cursor: Any) -> bool:
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return bool(cursor.fetchone()[0])


def _told(using: str) -> bool:
    records = Record.objects.using(using).filter(model="", object_pk=INSTALLED, operation=INSTALLED)
    facts = Fact.objects.using(using).filter(source=Fact.Source.APPLICATION, new__name=INSTALLED)
    return records.exists() or facts.exists()
