"""Part `evidence`: what evidence takes of the rate of bookings, and of the cores.

Two installations on copies of one database take turns: Horae as it is, and Horae without triggers, carrier and signal
layer (`tests.bench.bare`). While one is measured the other has nothing to do, and has caught up before. First only web
and PostgreSQL run: that is what the booking itself pays. Then everything runs: without facts there are no records, so
that the worker of the second also sequences nothing, seals nothing and sends no message, and the difference is all that
follows from evidence, messages included.
"""

import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from django.db import connection
from psycopg.sql import SQL, Identifier

from audit.models import Fact
from tests.bench import installation
from tests.bench.booking import half_full, told, weeks
from tests.bench.clinic import SERVICE, furnish
from tests.bench.cluster import pointed_at
from tests.bench.cores import Meter, between
from tests.bench.crowd import Crowd, Round, reading_codes
from tests.bench.figures import Figure
from tests.bench.run import NotMeasured, Run
from tests.bench.timing import MILLI, percentile

CLIENTS: Final = 8
SECONDS: Final = 15.0
ROUNDS: Final = 4
MOST_PERCENT: Final = 15
MOST_TIMES: Final = 1.10
"""As long as without evidence, may 99 of 100 bookings take."""
WITH, WITHOUT = "with_evidence", "without_evidence"
_APPLICATIONS: Final = {WITH: installation.WEB, WITHOUT: installation.BARE}


class StillRecording(NotMeasured):
    """The installation without evidence wrote facts."""


@dataclass(slots=True)
class Side:
    """One of the two installations, and what was measured of it."""

    crowd: Crowd
    meter: Meter
    rounds: list[Round] = field(default_factory=list)
    used: list[Mapping[str, float]] = field(default_factory=list)

    def measure(self, *, seconds: float, seed: int) -> Round:
        """One round, and the processor time of it and of what it left to be done."""
        before = self.meter.read()
        found = self.crowd.book(clients=CLIENTS, seconds=seconds, seed=seed)
        self.meter.wait_until_idle()
        self.rounds.append(found)
        self.used.append(between(before, self.meter.read()))
        return found

    @property
    def rate(self) -> float:
        """Bookings a second, the median of the rounds."""
        return statistics.median(found.rate for found in self.rounds)

    def slowest(self) -> float:
        """Milliseconds within which 99 of 100 bookings of all rounds were confirmed."""
        return percentile([took for found in self.rounds for took in found.books], 99)

    def cost(self, *names: str) -> float:
        """Milliseconds of processor time a booking took of these kinds of process."""
        booked = sum(len(found.books) for found in self.rounds)
        return sum(used.get(name, 0.0) for used in self.used for name in names) / booked * MILLI


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises ServiceFailed, StillRecording."""
    booked = half_full(run)
    run.say(f"evidence: loading {booked.staff} practitioners, {booked.appointments:,} appointments, twice")
    run.server.create(WITH, like=run.migrated)
    with pointed_at(WITH):
        slug = furnish(booked).clinic.slug
    run.server.create(WITHOUT, like=WITH)
    with pointed_at(WITHOUT):
        _disable_triggers()
        Fact.objects.all().delete()
    for name in (WITH, WITHOUT):
        run.server.settle(name)
    figures: list[Figure] = []
    for workers, where in ((False, "web and PostgreSQL alone"), (True, "everything running")):
        sides = _take_turns(run, slug=slug, workers=workers, where=where)
        figures += _compared(run, sides[WITH], sides[WITHOUT], where=where)
        figures += _by_process(sides[WITH], sides[WITHOUT], where=where)
        with pointed_at(WITH):
            Fact.objects.all().delete()  # what was left undone on purpose
    with pointed_at(WITHOUT):
        if written := Fact.objects.count():
            raise StillRecording(f"the installation without evidence wrote {written} facts")
    return figures


def _take_turns(run: Run, *, slug: str, workers: bool, where: str) -> dict[str, Side]:
    with ExitStack() as running:
        sides = {}
        for name, application in _APPLICATIONS.items():
            horae = running.enter_context(
                installation.running(run, database=name, application=application, workers=workers)
            )
            codes = running.enter_context(reading_codes(name))
            sides[name] = Side(Crowd(horae.port, slug, SERVICE, weeks(half_full(run)), codes), horae.meter)
            sides[name].crowd.book(clients=2, seconds=3, seed=0 if workers else 1000)
            horae.meter.wait_until_idle()
        for number in range(1 if run.quick else ROUNDS):
            for name in sorted(sides, reverse=bool(number % 2)):
                seed = number + 1 if workers else number + 1001
                found = sides[name].measure(seconds=3 if run.quick else SECONDS, seed=seed)
                run.say(f"evidence: {where}, {name.replace('_', ' ')}: {told(found)}")
        return sides


def _compared(run: Run, with_: Side, without: Side, *, where: str) -> list[Figure]:
    what = f"evidence, {where}"
    takes = 100 * (1 - with_.rate / without.rate)
    return [
        Figure.plain(f"{what}: takes of the rate of bookings", takes, "%", at_most=run.held_to(MOST_PERCENT)),
        Figure.times(f"{what}: rate, {CLIENTS} clients, against without", with_.rate, "bookings/s", peer=without.rate),
        Figure.times(
            f"{what}: book, p99, {CLIENTS} clients, against without",
            with_.slowest(),
            "ms",
            peer=without.slowest(),
            at_most=run.held_to(MOST_TIMES),
        ),
    ]


def _by_process(with_: Side, without: Side, *, where: str) -> list[Figure]:
    """Processor time says the same when other programs want the cores too."""
    kinds = {
        "all servers": ("web", "PostgreSQL", "worker", "beat", "Redis"),
        "web": ("web",),
        "PostgreSQL": ("PostgreSQL",),
        "worker, beat and Redis": ("worker", "beat", "Redis"),
    }
    what = f"evidence, {where}: processor time of a booking"
    return [
        Figure.times(f"{what}, {kind}, against without", with_.cost(*names), "ms", peer=without.cost(*names))
        for kind, names in kinds.items()
        if without.cost(*names) > 0
    ]


def _disable_triggers() -> None:
    """Every trigger that calls a function of the evidence, on every table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal AND proname LIKE 'audit%'"
        )
        for table, name in cursor.fetchall():
            cursor.execute(SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(Identifier(table), Identifier(name)))
