"""The sweep against an oracle: PostgreSQL's own multiranges and time zones, asked five minutes at a time.

The oracle shares nothing with the sweep but the tables. It looks at every fifth minute of the window, asks the database
what the wall clock shows, adds the open ones up with `range_agg`, and tries every start. All lengths here are whole
multiples of five.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.availability import NotOffered, check, free_slots
from bookings.models import HealthcareService, Location, Practitioner
from tests.factories import (
    ClinicFactory,
    ClosureFactory,
    LocationFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    occupy,
)

pytestmark = pytest.mark.django_db

ORACLE = """
WITH minutes AS (
    SELECT at, at AT TIME ZONE %(zone)s AS wall
      FROM generate_series(%(first)s::timestamptz, %(last)s::timestamptz, '5 minutes') AS at
), open_minutes AS (
    SELECT DISTINCT hours.schedule_id, minutes.at, minutes.wall::date AS day
      FROM minutes
      JOIN bookings_openinghours hours
        ON hours.location_id = %(location)s
       AND hours.weekday = extract(isodow FROM minutes.wall) - 1
       AND minutes.wall::time >= hours.opens
       AND (minutes.wall::time < hours.closes OR hours.closes = '00:00')
       AND minutes.wall::date >= coalesce(hours.valid_from, '-infinity')
       AND minutes.wall::date <= coalesce(hours.valid_until, 'infinity')
     WHERE NOT minutes.wall::date = ANY(%(holidays)s::date[])
), per_day AS (
    SELECT schedule_id, day, range_agg(tstzrange(at, at + '5 minutes')) AS open FROM open_minutes GROUP BY 1, 2
), opened AS (
    SELECT schedule_id, range_agg(tstzrange(at, at + '5 minutes')) AS open FROM open_minutes GROUP BY 1
), shut AS (
    SELECT schedule_id, location_id, tstzrange(start, "end") AS period
      FROM bookings_closure WHERE clinic_id = %(clinic)s
), candidates AS (
    SELECT practitioner.id AS practitioner_id, practitioner.schedule_id,
           generate_series(lower(anchor), upper(anchor) - '1 second'::interval, %(step)s) AS start
      FROM bookings_practitioner practitioner
      JOIN bookings_servicepractitioner offer
        ON offer.practitioner_id = practitioner.id AND offer.service_id = %(service)s
      JOIN per_day
        ON per_day.schedule_id = practitioner.schedule_id AND per_day.day >= %(since)s AND per_day.day < %(until)s,
           unnest(per_day.open) AS anchor
), visits AS (
    SELECT *, tstzrange(start, start + %(duration)s) AS visit,
           tstzrange(start - %(before)s, start + %(duration)s + %(after)s) AS period
      FROM candidates
)
SELECT start, practitioner_id
  FROM visits
 WHERE (SELECT open FROM opened WHERE opened.schedule_id = visits.schedule_id) @> visit
   AND NOT EXISTS (
       SELECT FROM shut
        WHERE shut.period && visit
          AND (shut.schedule_id = visits.schedule_id OR shut.location_id = %(location)s
               OR (shut.schedule_id IS NULL AND shut.location_id IS NULL)))
   AND NOT EXISTS (
       SELECT FROM bookings_occupancy taken
        WHERE taken.schedule_id = visits.schedule_id AND taken.period && visits.period)
   AND (%(kind)s = '' OR EXISTS (
       SELECT FROM bookings_room room
        WHERE room.location_id = %(location)s AND room.kind = %(kind)s
          AND (NOT EXISTS (SELECT FROM bookings_openinghours hours WHERE hours.schedule_id = room.schedule_id)
               OR (SELECT open FROM opened WHERE opened.schedule_id = room.schedule_id) @> visit)
          AND NOT EXISTS (SELECT FROM shut WHERE shut.schedule_id = room.schedule_id AND shut.period && visit)
          AND NOT EXISTS (
              SELECT FROM bookings_occupancy taken
               WHERE taken.schedule_id = room.schedule_id AND taken.period && visits.period)))
   AND start >= %(now)s + %(notice)s
   AND (start AT TIME ZONE %(zone)s)::date <= (%(now)s AT TIME ZONE %(zone)s)::date + %(horizon)s
 ORDER BY start, practitioner_id
"""

SITES = [
    ("Europe/Lisbon", "PT"),
    ("Europe/Vienna", "AT"),
    ("Europe/Helsinki", "FI"),
    ("Atlantic/Reykjavik", "IS"),
    ("Atlantic/Canary", "ES"),
]
#: Both nights of 2027 lie in a window of three days that begins on one of these; so do Easter and All Saints.
FIRST_DAYS = [
    date(2027, 3, 26),
    date(2027, 3, 27),
    date(2027, 3, 28),
    date(2027, 10, 29),
    date(2027, 10, 30),
    date(2027, 10, 31),
]
DAYS = 3

FIVES = 24 * 12


@dataclass(frozen=True)
class Rule:
    weekday: int
    opens: time
    closes: time
    valid: tuple[int, int] | None
    """Days after the first."""


@dataclass(frozen=True)
class Span:
    """`length` five-minutes from `start` five-minutes after the window's first midnight UTC, less a day."""

    start: int
    length: int


def wall(number: int) -> time:
    return time(number // 12 % 24, number % 12 * 5)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    opens = draw(st.integers(0, FIVES - 1))
    closes = draw(st.integers(opens + 1, FIVES) | st.just(FIVES))
    return Rule(
        weekday=draw(st.sampled_from([4, 5, 6, 0, 1])),
        opens=wall(opens),
        closes=wall(closes),
        valid=draw(st.none() | st.none() | st.tuples(st.integers(0, 1), st.integers(1, 2))),
    )


spans = st.builds(Span, start=st.integers(0, (DAYS + 2) * 288), length=st.integers(1, 40))


@dataclass(frozen=True)
class World:
    """Everything random about one example."""

    site: tuple[str, str]
    first: date
    observes: bool
    duration: int
    step: int
    before: int
    after: int
    notice: int
    horizon: int
    now: int
    rules: tuple[list[Rule], list[Rule]]
    taken: tuple[list[Span], list[Span]]
    closures: list[tuple[str, Span]]
    rooms: tuple[tuple[list[Rule], list[Span]], ...] | None


worlds = st.builds(
    World,
    site=st.sampled_from(SITES),
    first=st.sampled_from(FIRST_DAYS),
    observes=st.booleans(),
    duration=st.sampled_from([5, 10, 15, 30, 30, 45, 60, 120, 24 * 60]),
    step=st.integers(1, 12).map(lambda number: number * 5),
    before=st.integers(0, 3).map(lambda number: number * 5),
    after=st.integers(0, 3).map(lambda number: number * 5),
    notice=st.sampled_from([0, 1, 60, 1500]),
    horizon=st.integers(2, 5),
    now=st.integers(0, 3 * 24 * 60) | st.just(0),
    rules=st.tuples(st.lists(rules(), min_size=4, max_size=8), st.lists(rules(), max_size=4)),
    taken=st.tuples(st.lists(spans, max_size=5), st.lists(spans, max_size=3)),
    closures=st.lists(st.tuples(st.sampled_from(["schedule", "location", "clinic", "room"]), spans), max_size=3),
    rooms=st.none()
    | st.lists(st.tuples(st.lists(rules(), max_size=4), st.lists(spans, max_size=3)), min_size=1, max_size=3).map(
        tuple
    ),
)


@contextmanager
def undone() -> Iterator[None]:
    """Leave no row of an example behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Built:
    service: HealthcareService
    location: Location
    people: Sequence[Practitioner]
    now: datetime


def build(world: World) -> Built:
    """The rows of an example."""
    clinic = ClinicFactory()
    zone, country = world.site
    location = LocationFactory(clinic=clinic, zone=zone, country=country, observes_holidays=world.observes)
    service = ServiceFactory(
        clinic=clinic,
        duration=world.duration,
        step=world.step,
        buffer_before=world.before,
        buffer_after=world.after,
        minimum_notice=world.notice,
        horizon=world.horizon,
        room_kind="" if world.rooms is None else "room",
    )
    origin = datetime.combine(world.first - timedelta(days=1), time(0), tzinfo=UTC)

    def period(span: Span) -> dict[str, Any]:
        start = origin + timedelta(minutes=5 * span.start)
        return {"start": start, "end": start + timedelta(minutes=5 * span.length)}

    def furnish(thing: Practitioner, rules: list[Rule], taken: list[Span]) -> None:
        for made in rules:
            valid = {}
            if made.valid is not None:
                names = ("valid_from", "valid_until")
                valid = {name: world.first + timedelta(days=away) for name, away in zip(names, made.valid, strict=True)}
            OpeningHoursFactory(
                schedule=thing.schedule,
                location=location,
                weekday=made.weekday,
                opens=made.opens,
                closes=made.closes,
                **valid,
            )
        for span in taken:
            occupy(schedules=[thing.schedule_id], **period(span))

    people = [PractitionerFactory(clinic=clinic) for _ in world.rules]
    for practitioner, rules, taken in zip(people, world.rules, world.taken, strict=True):
        OfferFactory(service=service, practitioner=practitioner)
        furnish(practitioner, rules, taken)
    rooms = [RoomFactory(location=location, kind="room") for _ in world.rooms or ()]
    for room, (rules, taken) in zip(rooms, world.rooms or (), strict=True):
        furnish(room, rules, taken)
    for what, span in world.closures:
        closed = (
            {"location": location}
            if what == "location"
            else {"schedule": people[0].schedule}
            if what == "schedule"
            else {}
        )
        if what == "room":
            if not rooms:
                continue
            closed = {"schedule": rooms[0].schedule}
        ClosureFactory(clinic=clinic, **closed, **period(span))
    return Built(service=service, location=location, people=people, now=origin + timedelta(minutes=world.now - 24 * 60))


def asked_of_postgresql(world: World, built: Built) -> list[tuple[datetime, int]]:
    minutes: dict[str, Any] = {
        name: timedelta(minutes=value)
        for name, value in (
            ("duration", world.duration),
            ("step", world.step),
            ("before", world.before),
            ("after", world.after),
            ("notice", world.notice),
        )
    }
    origin = datetime.combine(world.first - timedelta(days=2), time(0), tzinfo=UTC)
    days = holidays.country_holidays(world.site[1], years=world.first.year) if world.observes else {}
    with connection.cursor() as cursor:
        cursor.execute(
            ORACLE,
            {
                **minutes,
                "zone": world.site[0],
                "first": origin,
                "last": origin + timedelta(days=DAYS + 5),
                "location": built.location.pk,
                "holidays": sorted(days),
                "clinic": built.location.clinic_id,
                "service": built.service.pk,
                "since": world.first,
                "until": world.first + timedelta(days=DAYS),
                "kind": built.service.room_kind,
                "now": built.now,
                "horizon": world.horizon,
            },
        )
        return list(cursor.fetchall())


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(worlds)
def test_the_sweep_offers_what_postgresql_says(world: World) -> None:
    with undone():
        built = build(world)
        slots = free_slots(
            service=built.service, now=built.now, since=world.first, until=world.first + timedelta(days=DAYS)
        )
        assert [(slot.start, slot.practitioner_id) for slot in slots] == asked_of_postgresql(world, built)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(worlds, st.lists(st.integers(0, DAYS * 288), max_size=12))
def test_check_says_the_same_as_the_list(world: World, probes: list[int]) -> None:
    """A time is in the list exactly when `check` has nothing against it, on the grid and off it."""
    with undone():
        built = build(world)
        until = world.first + timedelta(days=DAYS)
        slots = free_slots(service=built.service, now=built.now, since=world.first, until=until)
        offered = {(slot.start, slot.practitioner_id) for slot in slots}
        midnight = datetime.combine(world.first, time(0), tzinfo=ZoneInfo(world.site[0])).astimezone(UTC)
        tried = [start for start, _ in sorted(offered)[::7]]
        tried += [midnight + timedelta(minutes=5 * probe) for probe in probes]
        for start in tried:
            if start.astimezone(built.location.tz).date() >= until:
                continue
            for practitioner in built.people:
                assert is_offered(built, practitioner, start) == ((start, practitioner.pk) in offered)


def is_offered(built: Built, practitioner: Practitioner, start: datetime) -> bool:
    try:
        check(service=built.service, now=built.now, location=built.location, practitioner=practitioner, start=start)
    except NotOffered:
        return False
    return True
