"""Part `booking`: how many bookings a second, and how long a press takes, with everything running on the same cores."""

from datetime import date, timedelta
from typing import Final

from django.db import connection

from bookings.models import Appointment
from tests.bench import diary, installation
from tests.bench.clinic import SERVICE, furnish
from tests.bench.cluster import pointed_at
from tests.bench.crowd import Crowd, Round, reading_codes
from tests.bench.diary import Diary
from tests.bench.figures import Figure
from tests.bench.run import Run
from tests.bench.timing import percentile
from tests.running import OVERLAPS

#: Clients, seconds each of them looks at a page, seconds of the round.
ROUNDS: Final = ((1, 0.0, 30.0), (16, 0.0, 30.0), (50, 0.0, 30.0), (50, 5.0, 60.0))
QUICK: Final = ((1, 0.0, 3.0), (4, 0.0, 3.0), (4, 0.5, 4.0))
MANY: Final = 50
SLOWEST: Final = 1000
"""Milliseconds that 99 of 100 presses may take with `MANY` clients."""
WEEKS: Final = 12


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises ServiceFailed."""
    booked = half_full(run)
    run.say(f"booking: loading {booked.staff} practitioners, {booked.appointments:,} appointments")
    run.server.create("booking", like=run.migrated)
    with pointed_at("booking"):
        clinic = furnish(booked)
        before = Appointment.objects.count()
    run.server.settle("booking")
    with (
        installation.running(run, database="booking") as horae,
        reading_codes("booking") as codes,
        pointed_at("booking"),
    ):
        crowd = Crowd(horae.port, clinic.clinic.slug, SERVICE, weeks(booked), codes)
        behind: list[float] = []
        rounds = [crowd.book(clients=2, seconds=3, seed=0)]  # what is compiled and cached at first use
        for seed, (clients, pause, seconds) in enumerate(QUICK if run.quick else ROUNDS, start=1):
            rounds.append(crowd.book(clients=clients, pause=pause, seconds=seconds, seed=seed))
            run.say(f"booking: {told(rounds[-1])}")
            behind.append(horae.meter.wait_until_idle())
        made = Appointment.objects.count() - before
        figures = [figure for found in rounds[1:] for figure in _of_round(run, found)]
        return [
            *figures,
            *_sound(rounds, made=made),
            Figure.plain("all is recorded and sent, after the last booking of a round", max(behind), "s"),
        ]


def told(found: Round) -> str:
    """A round in one line, with what went wrong."""
    wrong = f", {len(found.gone_wrong)} broken off: {'; '.join(found.gone_wrong[:3])}" if found.gone_wrong else ""
    return f"{found.who}: {len(found.books)} bookings, {found.rate:.1f} a second, {found.taken} taken meanwhile{wrong}"


def half_full(run: Run) -> Diary:
    """The small diary of the part `availability`: its 44 days are two thirds booked, those after them empty."""
    since, until = diary.window(run.today)
    return Diary(run.seed, 3 if run.quick else 10, diary.weekdays(since, 2 * len(diary.weekdays_in(since, until))))


def weeks(booked: Diary) -> list[date]:
    """The days on which visitors open the page: Mondays, from the first booked week on."""
    return [booked.days[0] + timedelta(days=7 * number) for number in range(WEEKS)]


def _sound(rounds: list[Round], *, made: int) -> list[Figure]:
    confirmed = sum(len(found.books) for found in rounds)
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        (overlaps,) = cursor.fetchone()
    return [
        Figure.plain("booking over HTTP: overlapping occupancies", overlaps, "pairs", at_most=0),
        Figure.plain(
            "booking over HTTP: appointments nobody was told of, or told of in vain",
            abs(made - confirmed),
            "appointments",
            at_most=0,
        ),
        Figure.plain(
            "booking over HTTP: answers of 500 and above",
            sum(found.server_errors for found in rounds),
            "answers",
            at_most=0,
        ),
        Figure.plain(
            "booking over HTTP: bookings that ended before their confirmation",
            sum(len(found.gone_wrong) for found in rounds),
            "bookings",
            at_most=0,
        ),
    ]


def _of_round(run: Run, found: Round) -> list[Figure]:
    limit = run.held_to(SLOWEST) if found.clients == MANY else None
    return [
        Figure.plain(f"booking over HTTP, {found.who}: rate", found.rate, "bookings/s"),
        *(
            Figure.plain(
                f"booking over HTTP, {found.who}: {what}, {name}", percentile(took, percent), "ms", at_most=most
            )
            for what, took in (("hold", found.holds), ("book", found.books))
            for name, percent, most in (("p50", 50, None), ("p99", 99, limit))
        ),
    ]
