"""Horae: row triggers that write facts, the carrier that brings their meaning, the signal layer that expects them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection
from django.db.models import Model

from audit.context import Actor, use
from audit.context import acting as acts
from audit.declare import PLATFORM, Retention, Use, audited, declare_audited
from audit.models import Fact
from audit.sequencer import sequence
from audit.triggers import Spec, audited_tables, trigger_statements

INSTALLED: Final[tuple[str, ...]] = ()
LOG: Final = ("audit_record",)
"""Facts go when they are sequenced."""
USE: Final = Use(
    activity="Benchmark",
    purpose="Measure what evidence takes",
    basis="none: only in the benchmark",
    retention=Retention.TRANSACTIONAL,
    duration="one run",
    source="benchmark",
    subjects=("nobody",),
)
CLERK: Final = Actor(kind="staff", id="1", label="Carla", roles=("reception",))


def record(entry: type[Model], tag: type[Model], remark: type[Model]) -> None:
    """Declare the models evidence, as Horae's own are."""
    columns = " ".join(field.name for field in entry._meta.concrete_fields)
    audited(chain="clinic", use=USE, technical=columns)(entry)
    audited(chain=PLATFORM, use=USE, technical="id name")(tag)
    audited(chain=PLATFORM, use=USE, technical="id entry text")(remark)
    declare_audited(f"{entry._meta.label}.tags", chain=PLATFORM, use=USE, technical="id entry tag")


def install() -> None:
    """Put the triggers on, as migrations do for Horae's own tables."""
    with connection.cursor() as cursor:
        for table, declaration in audited_tables().items():
            if table.startswith("recorders_"):
                for statement in trigger_statements(Spec.of(declaration)):
                    cursor.execute(statement)


def recorded() -> list[str]:
    """The facts."""
    rows = Fact.objects.filter(source=Fact.Source.TRIGGER, tbl__startswith="recorders_").order_by("id")
    return [f"{fact.op} {(fact.tbl or '').removeprefix('recorders_')}" for fact in rows]


def forget() -> None:
    """Take the facts away."""
    Fact.objects.all().delete()


@contextmanager
def acting() -> Iterator[None]:
    """Reception in a use case."""
    with acts(actor=CLERK, purpose="booking", request_id="0f6a", client="web"), use("bench.write"):
        yield


def settled() -> None:
    """Make records of the facts."""
    sequence()
