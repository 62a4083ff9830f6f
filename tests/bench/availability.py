"""Part `availability`: 30 days of free times of a whole staff, by Horae and by others, who must all find the same.

Horae, the raw sweep and the SQL statement take turns in one process, each on a connection of its own to the same
database; a figure is the median of its turns.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.availability import Slot, free_slots
from bookings.models import HealthcareService
from bookings.wallclock import epoch
from tests.bench import diary, sweeps
from tests.bench.clinic import Furnished, furnish, offer
from tests.bench.cluster import pointed_at, through, way_to
from tests.bench.diary import Diary
from tests.bench.figures import Figure
from tests.bench.peers.beside import Answer, DjangoAppointment
from tests.bench.run import NotMeasured, Run
from tests.bench.timing import MILLI, median, taking_turns

FASTER_THAN_PEER: Final = 150
TIMES_RAW: Final = 2
MOST_QUERIES: Final = 3
TIMES_MORE_OUTSIDE: Final = 1.2
FEW: Final = "few"
"""The large clinic's service that only as many people give as the small clinic has."""

Connection = psycopg.Connection[Any]


class Disagreement(NotMeasured):
    """Two methods found different free times, so comparing how fast they are says nothing."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One data set, in a database of this name: a staff and the days of their diary, asked about `[since, until)`."""

    name: str
    booked: Diary
    since: date
    until: date

    @property
    def words(self) -> str:
        """How figures name it."""
        return f"{self.booked.staff} practitioners, {self.booked.appointments:,} appointments"

    def slots(self, service: HealthcareService, *, now: datetime) -> list[Slot]:
        """What Horae finds."""
        return free_slots(service=service, now=now, since=self.since, until=self.until)

    def by_hand(self, service: HealthcareService, *, raw: Connection, now: datetime) -> dict[str, Callable[[], object]]:
        """The two other ways to ask the same tables."""
        asked: dict[str, Any] = {"service_id": service.pk, "now": now, "since": self.since, "until": self.until}
        return {"raw": lambda: sweeps.swept(raw, **asked), "sql": lambda: sweeps.in_sql(raw, **asked)}


def scales(*, seed: int, today: date, quick: bool) -> tuple[Scale, Scale]:
    """The small and the large data set: inside the window the first people of both have the same diary."""
    since, until = diary.window(today, days=7 if quick else diary.WINDOW_DAYS)
    inside = len(diary.weekdays_in(since, until))
    small = Diary(seed, 2 if quick else 10, diary.weekdays(since, 2 * inside))
    large = Diary(seed, 4 if quick else 20, diary.weekdays_around(since, before=5 * inside, count=61 if quick else 261))
    return Scale("small", small, since, until), Scale("large", large, since, until)


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises Disagreement, PeerFailed."""
    small, large = scales(seed=run.seed, today=run.today, quick=run.quick)
    now = timezone.now()
    found: list[Figure] = []
    services = []
    for scale in (small, large):
        run.say(f"availability: loading {scale.words}")
        database = run.server.create(scale.name, like=run.migrated)
        with pointed_at(scale.name):
            clinic = furnish(scale.booked)
            few = offer(clinic=clinic.clinic, slug=FEW, practitioners=clinic.practitioners[: small.booked.staff])
        run.server.settle(scale.name)
        services.append(few)
        with pointed_at(scale.name), contextlib.closing(psycopg.connect(database, autocommit=True)) as raw:
            found += _of_scale(run, scale, clinic=clinic, raw=raw, now=now)
    return [*found, _outside(run, small, large, services=(services[0], services[1]), now=now)]


def agree(scale: Scale, service: HealthcareService, *, raw: Connection, now: datetime) -> list[Slot]:
    """The free times, once Horae, the raw sweep and SQL have found the same. Raises Disagreement."""
    slots = scale.slots(service, now=now)
    mine = sorted((epoch(slot.start), slot.practitioner_id) for slot in slots)
    for name, method in scale.by_hand(service, raw=raw, now=now).items():
        if method() != mine:
            raise Disagreement(f"{scale.words}: the method {name} finds other free times than Horae")
    return slots


def _of_scale(run: Run, scale: Scale, *, clinic: Furnished, raw: Connection, now: datetime) -> list[Figure]:
    slots = agree(scale, clinic.service, raw=raw, now=now)
    with CaptureQueriesContext(connection) as queries:
        scale.slots(clinic.service, now=now)
    run.say(f"availability: {len(slots):,} free times, found alike by Horae, the raw sweep and SQL; they take turns")
    took = taking_turns(
        {
            "horae": lambda: scale.slots(clinic.service, now=now),
            **scale.by_hand(clinic.service, raw=raw, now=now),
        },
        rounds=5 if run.quick else 40,
    )
    horae = median(took["horae"])
    what = f"{(scale.until - scale.since).days} days of free times, {scale.words}"
    figures = [
        Figure.plain(f"{what}: queries", len(queries), "queries", at_most=MOST_QUERIES),
        Figure.times(
            f"{what}: against a raw psycopg sweep",
            horae,
            "ms",
            peer=median(took["raw"]),
            at_most=run.held_to(TIMES_RAW),
        ),
        Figure.times(f"{what}: against one SQL statement", horae, "ms", peer=median(took["sql"])),
    ]
    if run.peers:
        ask = partial(scale.slots, clinic.service, now=now)
        figures += _beside_peer(run, scale, ask=ask, mine=_local(slots, clinic), what=what)
    return figures


def _beside_peer(
    run: Run, scale: Scale, *, ask: Callable[[], object], mine: frozenset[tuple[int, str]], what: str
) -> list[Figure]:
    """Horae is timed anew before and after each of the peer's runs: between them the machine may change."""
    peer = DjangoAppointment(database=run.server.create(f"{scale.name}_peer"))
    run.say(f"availability: loading {scale.words} into django-appointment")
    peer.fill(scale.booked)
    run.server.settle(f"{scale.name}_peer")
    dates = [day.isoformat() for day in diary.weekdays_in(scale.since, scale.until)]
    figures = []
    for related, how in ((False, "as shipped"), (True, "with select_related put in")):
        before = taking_turns({"horae": ask}, rounds=3 if run.quick else 20)["horae"]
        answer = peer.ask(dates=dates, runs=2, related=related)
        horae = median(before + taking_turns({"horae": ask}, rounds=len(before))["horae"])
        run.say(f"availability: django-appointment {answer.version} {how}: {_words(answer)}")
        if answer.slots != mine:
            raise Disagreement(f"{scale.words}: django-appointment {how} finds other free times than Horae")
        name = f"{what}: against django-appointment {how}"
        target = None if related else run.held_to(FASTER_THAN_PEER)
        figures.append(Figure.faster(name, horae, "ms", peer=median(answer.seconds), at_least=target))
    return figures


def _words(answer: Answer) -> str:
    runs = ", ".join(f"{seconds * MILLI:,.0f} ms" for seconds in answer.seconds)
    return f"{runs}; {answer.queries:,} queries, {len(answer.slots):,} free times"


def _outside(
    run: Run, small: Scale, large: Scale, *, services: tuple[HealthcareService, HealthcareService], now: datetime
) -> Figure:
    """The same people and the same window, in the small diary and in the large one."""
    with contextlib.closing(way_to(small.name)) as near, contextlib.closing(way_to(large.name)) as far:

        def ask(scale: Scale, service: HealthcareService) -> list[Slot]:
            with through(near if scale is small else far):
                return scale.slots(service, now=now)

        found = [
            [epoch(slot.start) for slot in ask(scale, service)]
            for scale, service in zip((small, large), services, strict=True)
        ]
        if found[0] != found[1]:
            raise Disagreement("what lies outside the window changed what is free inside it")
        took = taking_turns(
            {"near": lambda: ask(small, services[0]), "far": lambda: ask(large, services[1])},
            rounds=10 if run.quick else 60,
        )
    inside = small.booked.staff * len(diary.weekdays_in(small.since, small.until)) * small.booked.booked
    more = (small.booked.staff * len(large.booked.days) * large.booked.booked - inside) / (
        small.booked.appointments - inside
    )
    name = (
        f"free times with {more:.1f} times the appointments of these people outside the window: against the small diary"
    )
    return Figure.times(
        name, median(took["far"]), "ms", peer=median(took["near"]), at_most=run.held_to(TIMES_MORE_OUTSIDE)
    )


def _local(slots: list[Slot], clinic: Furnished) -> frozenset[tuple[int, str]]:
    """Free times as a peer words them: the number of the member of staff, and the wall clock in Paris."""
    numbers = clinic.numbered()
    return frozenset(
        (numbers[slot.practitioner_id], slot.start.astimezone(diary.TZ).strftime("%Y-%m-%dT%H:%M")) for slot in slots
    )
