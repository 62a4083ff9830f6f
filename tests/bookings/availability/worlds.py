"""Random clinics of three days around the nights the clocks change: everything a diary can say, in small."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import strategies as st

from bookings.availability import Asking
from bookings.models import HealthcareService, Hold, Location, Occupancy, Practitioner, VisitKind
from tests.factories import (
    ClinicFactory,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    TermsFactory,
)

SITES: Final = [
    ("Europe/Lisbon", "PT"),
    ("Europe/Vienna", "AT"),
    ("Europe/Helsinki", "FI"),
    ("Atlantic/Reykjavik", "IS"),
    ("Atlantic/Canary", "ES"),
]
#: Both nights of 2027 lie in a window of three days that begins on one of these; so do Easter and All Saints.
FIRST_DAYS: Final = [
    date(2027, 3, 26),
    date(2027, 3, 27),
    date(2027, 3, 28),
    date(2027, 10, 29),
    date(2027, 10, 30),
    date(2027, 10, 31),
]
DAYS: Final = 3
FIVES: Final = 24 * 12
_NEEDS: Final = ["wheelchair", "interpreter", "more-time"]
_SOMEBODY_ELSE: Final = [("standing", "new"), ("coverage", "private"), ("kind", "home"), ("need", "sign-language")]


@dataclass(frozen=True)
class Rule:
    """Opening hours; `valid` is in days after the first, and `every` needs its beginning."""

    weekday: int
    opens: time
    closes: time
    valid: tuple[int | None, int | None]
    every: int


@dataclass(frozen=True)
class Span:
    """`length` five-minutes from `start` five-minutes after the window's first midnight UTC, less a day."""

    start: int
    length: int
    by: str = "external"


@dataclass(frozen=True)
class Thing:
    """A room or a device: its kind, its hours, what takes it."""

    kind: str
    step_free: bool
    rules: list[Rule]
    taken: list[Span]


@dataclass(frozen=True)
class World:
    """Everything random about one example."""

    site: tuple[str, str]
    first: date
    observes: bool
    service: dict[str, Any]
    now: int
    people: tuple[tuple[list[Rule], list[Span]], ...]
    closures: list[tuple[str, Span]]
    rooms: list[Thing]
    devices: list[Thing]
    named: bool
    online: bool
    asked: tuple[Asking, list[dict[str, Any]]]
    weekdays: frozenset[int]
    part: str

    @property
    def asking(self) -> Asking:
        return self.asked[0]

    @property
    def terms(self) -> list[dict[str, Any]]:
        return self.asked[1]


def _wall(number: int) -> time:
    return time(number // 12 % 24, number % 12 * 5)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    opens = draw(st.integers(0, FIVES - 1))
    closes = draw(st.integers(opens + 1, FIVES) | st.just(FIVES))
    every = draw(st.sampled_from([1, 1, 2, 3]))
    since = draw(st.integers(-20, 2)) if every > 1 else draw(st.none() | st.none() | st.integers(0, 1))
    return Rule(
        weekday=draw(st.sampled_from([4, 5, 6, 0, 1])),
        opens=_wall(opens),
        closes=_wall(closes),
        valid=(since, draw(st.none() | st.integers(max(1, since or 0), 3))),
        every=every,
    )


def _fives(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most).map(lambda number: number * 5)


_spans = st.builds(
    Span,
    start=st.integers(0, (DAYS + 2) * FIVES),
    length=st.integers(1, 40),
    by=st.sampled_from(["external", "external", "hold", "expired"]),
)
_things = st.lists(
    st.builds(
        Thing,
        kind=st.sampled_from(["plain", "plain", "special"]),
        step_free=st.booleans(),
        rules=st.just([]) | st.lists(_rules(), max_size=3),
        taken=st.lists(_spans, max_size=3),
    ),
    min_size=2,
    max_size=3,
)
_kinds = st.lists(st.sampled_from(VisitKind.values), min_size=1, max_size=3, unique=True)
_services = st.fixed_dictionaries(
    {
        "duration": st.sampled_from([5, 10, 15, 15, 30, 30, 30, 45, 60, 120, 24 * 60]),
        "step": st.integers(1, 12).map(lambda number: number * 5),
        "buffer_before": _fives(3),
        "buffer_after": _fives(3),
        "minimum_notice": st.sampled_from([0, 0, 1, 60, 1500]),
        "horizon": st.integers(2, 5),
        "room_kind": st.sampled_from(["", "plain", "plain", "special"]),
        "device_kind": st.sampled_from(["", "", "", "plain"]),
        "kinds": _kinds.map(lambda kinds: [VisitKind.ON_SITE.value, *(k for k in kinds if k != VisitKind.ON_SITE)]),
        "travel": _fives(6),
        "referral_needed": st.sampled_from([False, False, False, True]),
    }
)
_askings = st.builds(
    Asking,
    standing=st.sampled_from(["", "new", "known", "known", "known", "known"]),
    coverage=st.sampled_from(["", "statutory", "statutory", "statutory", "private", "self"]),
    referral=st.sampled_from([True, True, False]),
    kind=st.sampled_from(["on-site", "on-site", "on-site", "on-site", *VisitKind.values]),
    needs=st.sampled_from([(), ("wheelchair",), ("wheelchair", "more-time"), ("interpreter",), _NEEDS]).map(frozenset),
)


@st.composite
def _terms_for(draw: st.DrawFn, asking: Asking) -> list[dict[str, Any]]:
    """Terms of which most hold for this asker."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    own = {"standing": asking.standing, "coverage": asking.coverage, "kind": str(asking.kind)}
    needs = ["", *sorted(asking.needs)]
    for _ in range(draw(st.sampled_from([0, 2, 3, 4]))):
        case = {name: draw(st.sampled_from(["", word])) for name, word in own.items()}
        case["need"] = draw(st.sampled_from(needs))
        if draw(st.sampled_from([False, False, True])):  # somebody else is meant
            name, word = draw(st.sampled_from(_SOMEBODY_ELSE))
            case[name] = word
        changes = {
            "offered": draw(st.sampled_from([True] * 5 + [False])),
            "duration": draw(st.none() | st.sampled_from([5, 20, 45, 90])),
            "extra": draw(_fives(4)),
            "room_kind": draw(st.sampled_from(["", "plain", "special"])),
        }
        if any(case.values()):
            rows[tuple(case.values())] = {**case, **changes}
    return list(rows.values())


_asked_and_terms = _askings.flatmap(lambda asking: st.tuples(st.just(asking), _terms_for(asking)))
worlds = st.builds(
    World,
    site=st.sampled_from(SITES),
    first=st.sampled_from(FIRST_DAYS),
    observes=st.booleans(),
    service=_services,
    now=st.integers(0, 3 * 24 * 60) | st.just(0) | st.just(0),
    people=st.tuples(
        st.tuples(st.lists(_rules(), min_size=4, max_size=8), st.lists(_spans, max_size=5)),
        st.tuples(st.lists(_rules(), max_size=4), st.lists(_spans, max_size=3)),
    ),
    closures=st.lists(
        st.tuples(st.sampled_from(["schedule", "location", "clinic", "room", "device"]), _spans), max_size=3
    ),
    rooms=_things,
    devices=_things,
    named=st.sampled_from([False, False, True]),
    online=st.sampled_from([True, True, True, False]),
    asked=_asked_and_terms,
    weekdays=st.just(frozenset()) | st.just(frozenset()) | st.frozensets(st.sampled_from([4, 5, 6, 0]), min_size=1),
    part=st.sampled_from(["", "", "", "morning", "afternoon", "evening"]),
)


@contextmanager
def undone() -> Iterator[None]:
    """Leave no row of an example behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Built:
    """The rows of an example."""

    service: HealthcareService
    location: Location
    people: Sequence[Practitioner]
    now: datetime


def build(world: World) -> Built:
    """Write the rows of an example."""
    clinic = ClinicFactory()
    zone, country = world.site
    location = LocationFactory(clinic=clinic, zone=zone, country=country, observes_holidays=world.observes)
    origin = datetime.combine(world.first - timedelta(days=1), time(0), tzinfo=UTC)
    now = origin + timedelta(minutes=world.now - 24 * 60)
    devices = [DeviceFactory(location=location, kind=thing.kind) for thing in world.devices]
    device = devices[0] if devices and world.named else None
    given = {**world.service, **({"device": device, "device_kind": ""} if device is not None else {})}
    service = ServiceFactory(clinic=clinic, **given)
    for row in world.terms:
        TermsFactory(service=service, **row)

    def period(span: Span) -> dict[str, Any]:
        start = origin + timedelta(minutes=5 * span.start)
        return {"start": start, "end": start + timedelta(minutes=5 * span.length)}

    def furnish(thing: Any, rules: list[Rule], taken: list[Span]) -> None:
        for made in rules:
            valid = {
                name: world.first + timedelta(days=away)
                for name, away in zip(("valid_from", "valid_until"), made.valid, strict=True)
                if away is not None
            }
            OpeningHoursFactory(
                schedule=thing.schedule,
                location=location,
                clinic=clinic,
                weekday=made.weekday,
                opens=made.opens,
                closes=made.closes,
                every=made.every,
                **valid,
            )
        for span in taken:
            _take(thing, span=span, giver=people[0], service=service, location=location, now=now, **period(span))

    people = [PractitionerFactory(clinic=clinic) for _ in world.people]
    for practitioner, (rules, taken) in zip(people, world.people, strict=True):
        OfferFactory(service=service, practitioner=practitioner)
        furnish(practitioner, rules, taken)
    rooms = [RoomFactory(location=location, kind=thing.kind, step_free=thing.step_free) for thing in world.rooms]
    for thing, made in [*zip(rooms, world.rooms, strict=True), *zip(devices, world.devices, strict=True)]:
        furnish(thing, made.rules, made.taken)
    closable: dict[str, dict[str, Any]] = {
        "clinic": {},
        "location": {"location": location},
        "schedule": {"schedule": people[0].schedule},
        **({"room": {"schedule": rooms[0].schedule}} if rooms else {}),
        **({"device": {"schedule": devices[0].schedule}} if devices else {}),
    }
    for what, span in world.closures:
        if what in closable:
            ClosureFactory(clinic=clinic, **closable[what], **period(span))
    return Built(service=service, location=location, people=people, now=now)


def _take(thing: Any, *, span: Span, giver: Practitioner, now: datetime, **held: Any) -> None:
    """Take a thing's time; holds squeeze in, since examples let them overlap."""
    hold = None
    if span.by != "external":
        expires_at = now + timedelta(seconds=1 if span.by == "hold" else 0)
        hold = Hold.objects.create(
            clinic_id=thing.clinic_id, practitioner=giver, visitor_digest="", expires_at=expires_at, **held
        )
    Occupancy.objects.create(
        clinic_id=thing.clinic_id,
        schedule_id=thing.schedule_id,
        period=DateTimeTZRange(held["start"], held["end"]),
        kind="hold" if hold is not None else "external",
        overbooked=True,
        hold=hold,
    )
