"""What is known of a window of dates, loaded once: who works where and when, what is closed, what is taken.

Times are epoch seconds and sets of intervals as in `bookings.intervals`. Hours and closures say when patients may be
seen; buffers are kept clear of whatever else is taken, and may lie outside opening hours.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from bookings import public_holidays
from bookings.availability.rules import Rule
from bookings.intervals import Interval, intersect, starts_forbidden, starts_inside, stepped, subtract, union
from bookings.wallclock import DAY, Regime, day_number, instants, regimes, week_number


@dataclass(frozen=True, slots=True)
class Hours:
    """One weekly rule: Monday is 0, times are seconds after midnight, validity is in day numbers, inclusive; with
    `every` over 1 it holds in each such week only, counted from the week of `valid_from`."""

    weekday: int
    opens: int
    closes: int
    valid_from: int
    valid_until: int
    every: int = 1

    def holds_on(self, number: int) -> bool:
        """Whether it holds on this date of its weekday, given as a day number."""
        if not self.valid_from <= number <= self.valid_until:
            return False
        return self.every == 1 or (week_number(number) - week_number(self.valid_from)) % self.every == 0


@dataclass(frozen=True, slots=True)
class Site:
    """A location as far as time goes there."""

    id: int
    zone: ZoneInfo
    country: str
    subdivision: str
    observes_holidays: bool

    def is_holiday(self, day: date) -> bool:
        """Whether the site is closed on this date because it is a public holiday there."""
        return self.observes_holidays and day in public_holidays.of_year(
            country=self.country, subdivision=self.subdivision, year=day.year
        )


@dataclass(frozen=True, slots=True)
class Post:
    """One practitioner at one site, with the hours they keep there."""

    practitioner: int
    schedule: int
    site: Site
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A room or a device that would do. Without hours of its own it is open whenever its location is used."""

    id: int
    schedule: int
    location: int
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a visit needs beside its practitioner: one of `places`, in the order in which they are chosen.

    `none_open` and `none_free` are the rules that speak when no place is open, or none is free. Two requirements of a
    visit never share a place, so that each can be judged alone.
    """

    places: tuple[Place, ...]
    none_open: Rule
    none_free: Rule


@dataclass(frozen=True, slots=True)
class Lengths:
    """A service's lengths in seconds. The visit is `duration`; `before` and `after` it its schedules stay clear."""

    duration: int
    step: int
    before: int
    after: int

    def period(self, start: int) -> Interval:
        """What a visit at `start` takes of its schedules, buffers included."""
        return start - self.before, start + self.duration + self.after


@dataclass
class Diary:
    """The window `[since, until)` of local dates, for one service."""

    since: date
    until: date
    lengths: Lengths
    posts: list[Post] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    clinic_closed: list[Interval] = field(default_factory=list)
    location_closed: dict[int, list[Interval]] = field(default_factory=dict)
    schedule_closed: dict[int, list[Interval]] = field(default_factory=dict)
    taken: dict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))
    _offsets: dict[ZoneInfo, list[Regime]] = field(default_factory=dict)
    _required: dict[int, list[Interval]] = field(default_factory=dict)

    @cached_property
    def last(self) -> date:
        """The date up to which (exclusive) hours matter: a visit may run past midnight."""
        return self.until + timedelta(days=1 + self.lengths.duration // DAY)

    def offsets(self, zone: ZoneInfo) -> list[Regime]:
        """The UTC offsets of a zone throughout the window."""
        if zone not in self._offsets:
            self._offsets[zone] = regimes(zone=zone, since=self.since, until=self.last)
        return self._offsets[zone]

    def openings(self, *, hours: tuple[Hours, ...], site: Site, day: date) -> list[Interval]:
        """When these hours are open on one local date at a site: the anchors from which starts are counted."""
        number, weekday = day_number(day), day.weekday()
        rules = [rule for rule in hours if rule.weekday == weekday and rule.holds_on(number)]
        if not rules or site.is_holiday(day):
            return []
        offsets = self.offsets(site.zone)
        found = [
            interval
            for rule in rules
            for interval in instants(day=number, opens=rule.opens, closes=rule.closes, offsets=offsets)
        ]
        return found if len(found) < 2 else union(found)

    def openings_by_day(self, *, hours: tuple[Hours, ...], site: Site) -> list[tuple[date, list[Interval]]]:
        """`openings` of each date from `since` to `last`, in order."""
        days = (self.since + timedelta(days=number) for number in range((self.last - self.since).days))
        return [(day, self.openings(hours=hours, site=site, day=day)) for day in days]

    def closed(self, post: Post) -> list[Interval]:
        """When this practitioner, this site or the whole clinic is closed."""
        return union(
            [
                *self.clinic_closed,
                *self.location_closed.get(post.site.id, ()),
                *self.schedule_closed.get(post.schedule, ()),
            ]
        )

    def starts(self, *, post: Post, allowed: Sequence[Interval], weekdays: Collection[int] = ()) -> list[int]:
        """The starts this post can offer on dates `[since, until)` and inside `allowed`, in ascending order; with
        `weekdays` only on those."""
        by_day = self.openings_by_day(hours=post.hours, site=post.site)
        anchors = [
            interval
            for day, intervals in by_day
            if day < self.until and (not weekdays or day.weekday() in weekdays)
            for interval in intervals
        ]
        if not anchors:
            return []
        opened = subtract(union(interval for _, intervals in by_day for interval in intervals), self.closed(post))
        starts = self._free_starts(opened=opened, schedule=post.schedule)
        if self.requirements:
            starts = intersect(starts, self._required_starts(post.site))
        return list(stepped(openings=anchors, step=self.lengths.step, allowed=intersect(starts, allowed)))

    def place_opened(self, *, place: Place, site: Site) -> list[Interval]:
        """When a room or a device is open; closures of its location, which are the practitioner's too, are not
        repeated here."""
        if place.hours:
            by_day = self.openings_by_day(hours=place.hours, site=site)
            opened = union(interval for _, intervals in by_day for interval in intervals)
        else:
            offsets = self.offsets(site.zone)
            opened = [(offsets[0][0], offsets[-1][1])]
        return subtract(opened, union(self.schedule_closed.get(place.schedule, ())))

    def _required_starts(self, site: Site) -> list[Interval]:
        """The starts at which a place of each requirement is open and free at this site."""
        if site.id not in self._required:
            starts: list[Interval] | None = None
            for requirement in self.requirements:
                some = union(
                    interval
                    for place in requirement.places
                    if place.location == site.id
                    for interval in self._free_starts(
                        opened=self.place_opened(place=place, site=site), schedule=place.schedule
                    )
                )
                starts = some if starts is None else intersect(starts, some)
            self._required[site.id] = starts or []
        return self._required[site.id]

    def _free_starts(self, *, opened: list[Interval], schedule: int) -> list[Interval]:
        forbidden = starts_forbidden(
            self.taken.get(schedule, ()),
            before=self.lengths.before,
            after=self.lengths.duration + self.lengths.after,
        )
        return subtract(starts_inside(opened, length=self.lengths.duration), forbidden)
