"""Part `page`: the page of free times as gunicorn serves it, and the first free time of a diary full for 60 days."""

from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Final

from django.utils import timezone

from bookings.availability import next_free
from bookings.models import HealthcareService
from tests.bench import diary, installation
from tests.bench.availability import scales
from tests.bench.clinic import SERVICE, furnish
from tests.bench.cluster import pointed_at
from tests.bench.diary import Diary
from tests.bench.figures import Figure
from tests.bench.run import NotMeasured, Run
from tests.bench.timing import median, percentile, taking_turns
from tests.bench.visitor import Visitor

FULL_DAYS: Final = 60


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises ServiceFailed, WrongPage."""
    return [*_pages(run), *_first_free(run)]


class WrongPage(NotMeasured):
    """A page that is timed is not the page it should be."""


def _pages(run: Run) -> list[Figure]:
    small, _ = scales(seed=run.seed, today=run.today, quick=run.quick)
    run.say(f"page: loading {small.words}")
    run.server.create("pages", like=run.migrated)
    with pointed_at("pages"):
        clinic = furnish(small.booked)
    run.server.settle("pages")
    weeks = [small.since + timedelta(days=7 * number) for number in range((small.until - small.since).days // 7)]
    home = f"/c/{clinic.clinic.slug}"
    paths = {
        "times": cycle(f"{home}/{SERVICE}/?from={week}" for week in weeks),
        "imprint": cycle([f"{home}/imprint/"]),
        "healthz": cycle(["/healthz"]),
    }
    with (
        installation.running(run, database="pages") as horae,
        Visitor(port=horae.port) as visitor,
    ):
        run.say("page: three pages of one server take turns")

        def opened(name: str) -> None:
            page = visitor.get(next(paths[name]))
            if page.status != 200 or (name == "times" and not page.slots):
                raise WrongPage(f"{page.path} answered {page.status} and shows {len(page.slots)} times")

        methods = {name: partial(opened, name) for name in paths}
        took = taking_turns(methods, rounds=10 if run.quick else 300, warm=12)
    p95 = {name: percentile(seconds, 95) for name, seconds in took.items()}
    what = f"page of a week's free times, {small.words}"
    return [
        Figure.times(f"{what}, p95: against the imprint's", p95["times"], "ms", peer=p95["imprint"]),
        Figure.times(f"{what}, p95: against /healthz", p95["times"], "ms", peer=p95["healthz"]),
        Figure.times(f"{what}, p50: against the imprint's", median(took["times"]), "ms", peer=median(took["imprint"])),
    ]


def _first_free(run: Run) -> list[Figure]:
    """The first free time of a staff whose every quarter-hour of 60 days is booked, and of one with none booked."""
    staff = 5 if run.quick else 50
    now = timezone.now()
    since = run.today
    days = diary.weekdays_in(since, since + timedelta(days=FULL_DAYS))
    full = Diary(run.seed, staff, days, booked=diary.QUARTERS)
    run.say(
        f"page: loading {full.appointments:,} appointments: {staff} practitioners, no free time for {FULL_DAYS} days"
    )
    run.server.create("full", like=run.migrated)
    with pointed_at("full"):
        taken = furnish(full, slug="full").service
        free = furnish(Diary(run.seed, staff, ()), slug="free").service
    run.server.settle("full")
    with pointed_at("full"):
        run.say("page: the full and the free diary take turns")
        if _first(taken, now=now).astimezone(diary.TZ).date() < since + timedelta(days=FULL_DAYS):
            raise WrongPage("the full diary is not full")
        methods = {"full": partial(_first, taken, now=now), "free": partial(_first, free, now=now)}
        took = taking_turns(methods, rounds=3 if run.quick else 20)
    name = f"first free time, {staff} practitioners full for {FULL_DAYS} days: against a free diary"
    return [Figure.times(name, median(took["full"]), "ms", peer=median(took["free"]))]


def _first(service: HealthcareService, *, now: datetime) -> datetime:
    (slot,) = next_free(service=service, now=now, after=now)
    return slot.start
