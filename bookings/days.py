"""Free times as a page lists them: by day, by place, morning and afternoon."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

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


@dataclass(slots=True)
class Site(Generic[P]):
    """The starts at one place on one day, each once whoever is free."""

    place: P
    morning: list[datetime] = field(default_factory=list)
    afternoon: list[datetime] = field(default_factory=list)

    @property
    def parts(self) -> list[tuple[str, list[datetime]]]:
        """`morning` and `afternoon` with their starts, those that have any."""
        return [(name, starts) for name, starts in (("morning", self.morning), ("afternoon", self.afternoon)) if starts]

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


def by_day(
    starts: Iterable[tuple[datetime, P]], *, places: Sequence[P], enough: int = ENOUGH
) -> tuple[list[Day[P]], date | None]:
    """Group `(start, place)` pairs by local date, then by place in the order of `places`; name the first date left out.

    Equal pairs (two people free at once) are one. A day is listed whole or not at all; the first is always listed.
    """
    days: dict[date, dict[int, Site[P]]] = {}
    for start, order in sorted({(start, places.index(place)) for start, place in starts}):
        local = start.astimezone(places[order].tz)
        site = days.setdefault(local.date(), {}).setdefault(order, Site(places[order]))
        (site.morning if local.time() < NOON else site.afternoon).append(start)
    listed: list[Day[P]] = []
    count = 0
    for local_date, sites in sorted(days.items()):
        if count >= enough:
            return listed, local_date
        in_order = [site for _, site in sorted(sites.items(), key=lambda item: item[0])]
        listed.append(Day(local_date, in_order, in_sight=count < IN_SIGHT))
        count += listed[-1].size
    return listed, None
