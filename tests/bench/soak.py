"""Part `soak`: many people book, move and cancel for minutes; then tables, records and messages are counted.

Not part of a run that names no part: five minutes, and it measures nothing but soundness.
"""

import random
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum

from audit.models import Record
from bookings.models import Appointment
from notifications.models import OWED, Message
from tests.bench import installation
from tests.bench.booking import half_full, weeks
from tests.bench.clinic import SERVICE, furnish
from tests.bench.cluster import pointed_at
from tests.bench.crowd import Crowd, Round, reading_codes
from tests.bench.figures import Figure
from tests.bench.run import Run
from tests.bench.visitor import Page, Visitor
from tests.running import OVERLAPS

#: Clients, seconds each of them looks at a page, seconds of the round.
ROUND: Final = (50, 2.0, 300.0)
QUICK: Final = (4, 0.0, 8.0)
MOVING: Final = 0.5
CANCELLING: Final = 0.3
_DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises ServiceFailed, NotMeasured."""
    booked = half_full(run)
    run.server.create("soak", like=run.migrated)
    with pointed_at("soak"):
        clinic = furnish(booked)
        loaded = set(Appointment.objects.values_list("pk", flat=True))
    run.server.settle("soak")
    with (
        installation.running(run, database="soak") as horae,
        reading_codes("soak") as codes,
        pointed_at("soak"),
    ):
        crowd = Crowd(horae.port, clinic.clinic.slug, SERVICE, weeks(booked), codes)
        clients, pause, seconds = QUICK if run.quick else ROUND
        found = crowd.book(clients=clients, pause=pause, seconds=seconds, seed=run.seed, afterwards=change_mind)
        run.say(f"soak: {len(found.books)} booked, {len(found.moves)} moved, {len(found.cancellations)} cancelled")
        horae.meter.wait_until_idle()
        return _counted(found, loaded=loaded)


def change_mind(visitor: Visitor, page: Page, dice: random.Random, found: Round) -> None:
    """Whoever has just booked may move the appointment, and may cancel it. Raises Failed."""
    link = page.path.removesuffix("booked/")
    if dice.random() < MOVING:
        times = found.seen(visitor.get(f"{link}move/"), 200)
        slot = dice.choice(times.slots) if times.slots else ""
        asked = found.seen(visitor.get(f"{link}move/?{urlencode({'slot': slot})}"), 200) if slot else times
        if slot and asked.path.startswith(f"{link}move/"):  # not the time it has already
            moved = found.seen(visitor.press(asked, f"{link}move/", slot=slot), 200, 409)
            if moved.status == 200:
                found.moves.append(link)
    if dice.random() < CANCELLING:
        asked = found.seen(visitor.get(f"{link}cancel/"), 200)
        found.seen(visitor.press(asked, f"{link}cancel/"), 200)
        found.cancellations.append(link)


def _counted(found: Round, *, loaded: set[UUID]) -> list[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        (overlaps,) = cursor.fetchone()
        cursor.execute(_DEADLOCKS)
        (deadlocks,) = cursor.fetchone()
    made = set(Appointment.objects.exclude(pk__in=loaded).values_list("pk", flat=True))
    cancelled = Appointment.objects.filter(pk__in=made, status="cancelled").count()
    revisions = Appointment.objects.filter(pk__in=made).aggregate(all=Sum("sequence", default=0))["all"]
    by_operation = dict(
        Record.objects.filter(model="bookings.Appointment", object_pk__in=[str(pk) for pk in made])
        .order_by()
        .values_list("operation")
        .annotate(Count("pk"))
    )
    told = Message.objects.filter(appointment__in=made).order_by().values("appointment").distinct().count()
    owed = Message.objects.filter(appointment__in=made, state__in=OWED, kind__in=("confirmation", "moved")).count()
    return [
        Figure.plain("soak: booked", len(found.books), "appointments"),
        Figure.plain("soak: moved", len(found.moves), "appointments"),
        Figure.plain("soak: cancelled", len(found.cancellations), "appointments"),
        Figure.plain("soak: overlapping occupancies", overlaps, "pairs", at_most=0),
        Figure.plain("soak: deadlocks", deadlocks, "deadlocks", at_most=0),
        Figure.plain("soak: answers of 500", found.statuses[500], "answers", at_most=0),
        Figure.plain("soak: answers of 503 (too busy, try again)", found.statuses[503], "answers"),
        Figure.plain("soak: appointments against bookings", abs(len(made) - len(found.books)), "too many", at_most=0),
        Figure.plain(
            "soak: records of bookings against appointments",
            abs(by_operation.get("create", 0) - len(made)),
            "too many",
            at_most=0,
        ),
        Figure.plain(
            "soak: records of moves against moves",
            abs(by_operation.get("reschedule", 0) - len(found.moves)),
            "too many",
            at_most=0,
        ),
        Figure.plain(
            "soak: records of cancellations against those cancelled",
            abs(by_operation.get("cancel", 0) - cancelled),
            "too many",
            at_most=0,
        ),
        Figure.plain(
            "soak: revisions in the tables against moves and cancellations",
            abs(revisions - len(found.moves) - cancelled),
            "too many",
            at_most=0,
        ),
        Figure.plain("soak: appointments nobody was told of", len(made) - told, "appointments", at_most=0),
        Figure.plain("soak: messages still owed", owed, "messages", at_most=0),
    ]
