"""Free times as a page lists them: by day, by place, morning and afternoon."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from bookings.models import Practitioner

NOON: Final = time(12)
#: A page lists whole days until it has this many times, so that it stays light.
ENOUGH: Final = 180
#: Days are unfolded until this many times stand in sight.
IN_SIGHT: Final = 24


class Place(Protocol):
    """What has a clock on its wall: a location."""

    @property
    def tz(self) -> ZoneInfo:
        """The zone of that clock."""


P = TypeVar("P", bound=Place)


@dataclass(frozen=True, slots=True)
class Time(Generic[P]):
    """A free start at a place. `end` is told when several visits follow one another, `seats` are the places left in a
    group, `who` is the only person it is offered with."""

    start: datetime
    place: P
    end: datetime | None = None
    seats: int | None = None
    who: Practitioner | None = None


@dataclass(slots=True)
class Site(Generic[P]):
    """The times at one place on one day, each start once whoever is free."""

    place: P
    morning: list[Time[P]] = field(default_factory=list)
    afternoon: list[Time[P]] = field(default_factory=list)

    @property
    def parts(self) -> list[tuple[str, list[Time[P]]]]:
        """`morning` and `afternoon` with their times, those that have any."""
        return [(name, times) for name, times in (("morning", self.morning), ("afternoon", self.afternoon)) if times]

    @property
    def size(self) -> int:
        """How many times it lists."""
        return len(self.morning) + len(self.afternoon)


@dataclass(slots=True)
class Day(Generic[P]):
    """One local date with the places that have time."""

    date: date
    sites: list[Site[P]]
    in_sight: bool

    @property
    def size(self) -> int:
        """How many times it lists."""
        return sum(site.size for site in self.sites)


def by_day(times: Iterable[Time[P]], *, places: Sequence[P], enough: int = ENOUGH) -> tuple[list[Day[P]], date | None]:
    """Group times by local date, then by place in the order of `places`; name the first date left out.

    Of those that start together at one place (two people free at once) one is listed: that with most seats, else the
    first. A day is listed whole or not at all; the first is always listed.
    """
    single: dict[tuple[datetime, int], Time[P]] = {}
    for one in times:
        key = (one.start, places.index(one.place))
        if key not in single or (single[key].seats or 0) < (one.seats or 0):
            single[key] = one
    days: dict[date, dict[int, Site[P]]] = {}
    for (start, order), one in sorted(single.items(), key=lambda item: item[0]):
        local = start.astimezone(one.place.tz)
        site = days.setdefault(local.date(), {}).setdefault(order, Site(one.place))
        (site.morning if local.time() < NOON else site.afternoon).append(one)
    listed: list[Day[P]] = []
    count = 0
    for local_date, sites in sorted(days.items()):
        if count >= enough:
            return listed, local_date
        in_order = [site for _, site in sorted(sites.items(), key=lambda item: item[0])]
        listed.append(Day(local_date, in_order, in_sight=count < IN_SIGHT))
        count += listed[-1].size
    return listed, None
