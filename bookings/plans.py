"""What somebody wants at once: one visit, one each for several people, two services in a row, or one visit again and
again. From that to the times that fit, and from a time to the wishes that are held."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from bookings import series
from bookings.availability import (
    NOTHING_SAID,
    Asking,
    Narrowed,
    PartOfDay,
    Slot,
    SlotTaken,
    Wish,
    free_slots,
    next_free,
)
from bookings.availability.combined import Part, combined_slots
from bookings.models import HealthcareService, Hold, Location, Practitioner
from bookings.recurrence import occurrences, rule
from bookings.visitors import visitor_digest

#: How often a visit can be repeated: RFC 5545 FREQ and INTERVAL, and the most days from one to the next.
EVERY: Final = MappingProxyType({"week": ("WEEKLY", 1, 7), "fortnight": ("WEEKLY", 2, 14), "month": ("MONTHLY", 1, 31)})
_STRIDES: Final = (7, 28, 90, 730)
_DAY: Final = timedelta(days=1)

#: The visits of a plan at one time, in order; of a series the first only.
Chain = tuple[Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A visit again and again: a word of `EVERY`, how many visits in all, whether dates that are taken are left out."""

    every: str
    times: int
    skipping: bool = False

    @property
    def rrule(self) -> str:
        """The same as RFC 5545 writes it."""
        frequency, interval, _ = EVERY[self.every]
        return rule(frequency=frequency, interval=interval, count=self.times)

    @classmethod
    def of(cls, *, rrule: str, skipping: bool) -> "Repeat | None":
        """The repetition a draft keeps; None when it has none."""
        parts = dict(part.partition("=")[::2] for part in rrule.split(";"))
        wanted = (parts.get("FREQ"), int(parts.get("INTERVAL", "1")))
        every = next((word for word, (frequency, interval, _) in EVERY.items() if (frequency, interval) == wanted), "")
        return cls(every=every, times=int(parts.get("COUNT", "1")), skipping=skipping) if every else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One visit to `service` under what is said of it, within what the search is narrowed to. At most one of the rest
    makes it more: several `people`, a second service `then`, or `repeat`. `length` (seconds) is a moved visit's."""

    service: HealthcareService
    asking: Asking = NOTHING_SAID
    narrowed: Narrowed = field(default_factory=Narrowed)
    people: int = 1
    then: HealthcareService | None = None
    repeat: Repeat | None = None
    length: int | None = None

    @property
    def services(self) -> list[HealthcareService]:
        """The services of the visits that follow one another, in order."""
        return [self.service] * self.people if self.then is None else [self.service, self.then]

    @property
    def persons(self) -> list[int]:
        """For each visit after the first the number of the person it is for; a series needs none said."""
        return list(range(2, self.people + 1)) if self.then is None else [1]

    @property
    def rrule(self) -> str:
        """The RFC 5545 rule it repeats by, empty when it does not."""
        return self.repeat.rrule if self.repeat else ""

    @property
    def skipping(self) -> bool:
        """Whether dates that are taken are left out."""
        return self.repeat is not None and self.repeat.skipping


def chains(*, plan: Plan, places: Sequence[Location], now: datetime, since: date, until: date) -> list[Chain]:
    """The times at which a plan fits whose first visit begins on local dates `[since, until)`, by start."""
    if len(plan.services) > 1:
        return list(_combined(plan, places=places, now=now, since=since, until=until))
    if plan.repeat is not None and not plan.repeat.skipping:
        return list(_repeated(plan, places=places, now=now, since=since, until=until))
    return [(slot,) for slot in _free(plan, plan.narrowed, now=now, since=since, until=until)]


def first_chain(*, plan: Plan, places: Sequence[Location], now: datetime, after: datetime) -> Chain | None:
    """The first time from `after` on at which a plan fits, within the service's horizon."""
    if len(plan.services) == 1 and (plan.repeat is None or plan.repeat.skipping):
        found = next_free(
            service=plan.service,
            now=now,
            after=after,
            asking=plan.asking,
            narrowed=plan.narrowed,
            length=plan.length,
        )
        return (found[0],) if found else None
    since, end = after.date() - _DAY, now.date() + timedelta(days=plan.service.horizon + 2)
    for stride in _STRIDES:
        until = min(end, since + timedelta(days=stride))
        for chain in chains(plan=plan, places=places, now=now, since=since, until=until):
            if chain[0].start >= after:
                return chain
        since = until
        if since >= end:
            break
    return None


def wishes(*, plan: Plan, visitor: str, start: datetime, location: Location, now: datetime) -> list[Wish]:
    """What is to be held for a plan whose first visit begins at `start`; what the visitor keeps for it already is what
    they wish. Raises SlotTaken, series.NoSuchRule, series.TooMany."""
    first = Wish(
        service=plan.service,
        location=location,
        practitioner=plan.narrowed.practitioner,
        start=start,
        asking=plan.asking,
    )
    if len(plan.services) == 1 and plan.repeat is None:
        return [first]
    again = series.series_of(first, rrule=plan.rrule) if plan.repeat else []
    kept = _kept(plan, first, visitor=visitor, now=now, starts=[wish.start for wish in again])
    if kept and again:  # the whole of it, with whoever keeps its first; `holds` knows what is kept already
        who = None if plan.service.capacity is not None else kept[0].practitioner
        return [wish.with_practitioner(who) for wish in again]
    if kept:
        return [replace(first, service=hold.service, start=hold.start, practitioner=hold.practitioner) for hold in kept]
    if again:
        return series.with_one_practitioner(again, now=now, language=plan.narrowed.language)
    day = start.astimezone(location.tz).date()
    there = replace(plan, narrowed=Narrowed(location=location, practitioner=plan.narrowed.practitioner))
    found = _combined(there, places=[location], now=now, since=day, until=day + _DAY)
    chain = next((chain for chain in found if chain[0].start == start), None)
    if chain is None:
        raise SlotTaken(wish=first, now=now)
    people = Practitioner.objects.in_bulk({slot.practitioner_id for slot in chain})
    return [
        replace(first, service=service, start=slot.start, practitioner=people[slot.practitioner_id])
        for service, slot in zip(plan.services, chain, strict=True)
    ]


def _free(plan: Plan, narrowed: Narrowed, *, now: datetime, since: date, until: date) -> list[Slot]:
    return free_slots(
        service=plan.service,
        now=now,
        since=since,
        until=until,
        asking=plan.asking,
        narrowed=narrowed,
        length=plan.length,
    )


def _combined(plan: Plan, *, places: Sequence[Location], now: datetime, since: date, until: date) -> Iterator[Chain]:
    """Chains whose first visit begins in the window and in what the plan is narrowed to; later ones may end after."""
    by_id = {place.pk: place for place in places}
    practitioner = plan.narrowed.practitioner if plan.then is None else None
    for chain in combined_slots(
        parts=[Part(service=service, practitioner=practitioner) for service in plan.services],
        now=now,
        since=since,
        until=until + _DAY,
        location=plan.narrowed.location,
        asking=plan.asking,
    ):
        place = by_id.get(chain[0].location_id)
        if place is None:
            continue
        local = chain[0].start.astimezone(place.tz)
        if local.date() < until and _is_wanted(plan.narrowed, local):
            yield chain


def _is_wanted(narrowed: Narrowed, local: datetime) -> bool:
    if narrowed.weekdays and local.weekday() not in narrowed.weekdays:
        return False
    part = PartOfDay.MORNING if local.hour < 12 else PartOfDay.AFTERNOON if local.hour < 17 else PartOfDay.EVENING
    return narrowed.part in (None, part)


def _repeated(plan: Plan, *, places: Sequence[Location], now: datetime, since: date, until: date) -> Iterator[Chain]:
    """First visits of a series all of whose visits one person (of a group: anyone) can give."""
    assert plan.repeat is not None
    reach = timedelta(days=EVERY[plan.repeat.every][2] * plan.repeat.times)
    zones = {place.pk: place.tz for place in places}
    wide = replace(plan.narrowed, weekdays=frozenset(), part=None)
    free: dict[tuple[int, int], set[datetime]] = defaultdict(set)
    firsts = []
    for slot in _free(plan, wide, now=now, since=since, until=until + reach):
        free[_whose(plan, slot)].add(slot.start)
        zone = zones.get(slot.location_id)
        if zone is not None:
            local = slot.start.astimezone(zone)
            if local.date() < until and _is_wanted(plan.narrowed, local):
                firsts.append((slot, zone))
    for slot, zone in firsts:
        mine = free[_whose(plan, slot)]
        if all(one.start in mine for one in occurrences(rrule=plan.rrule, start=slot.start, zone=zone)):
            yield (slot,)


def _whose(plan: Plan, slot: Slot) -> tuple[int, int]:
    return slot.location_id, slot.practitioner_id if plan.service.capacity is None else 0


def _kept(plan: Plan, first: Wish, *, visitor: str, now: datetime, starts: Sequence[datetime]) -> list[Hold] | None:
    """The holds this visitor keeps for exactly this plan at this time: a second press holds nothing twice."""
    mine = Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now)
    related = mine.select_related("service__clinic", "practitioner").order_by("start", "created", "pk")
    kept: dict[object, list[Hold]] = defaultdict(list)
    for hold in related.filter(clinic=plan.service.clinic_id, location=first.location):
        kept[hold.together].append(hold)
    for holds in kept.values():
        if holds[0].start != first.start:
            continue
        if starts:
            same = all(hold.service_id == plan.service.pk and hold.start in starts for hold in holds)
            if same and (plan.skipping or len(holds) == len(starts)):
                return holds
        elif [hold.service_id for hold in holds] == [service.pk for service in plan.services]:
            return holds
    return None
