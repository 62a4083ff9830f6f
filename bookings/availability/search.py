"""Free times: of a window, the next ones, the nearest ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from bookings.availability.bounds import STAFF_HORIZON, earliest_start, end_of_booking, searchable, utc_date
from bookings.availability.load import load
from bookings.availability.slots import Slot
from bookings.intervals import Interval
from bookings.models import HealthcareService, Location, Practitioner
from bookings.wallclock import DAY, epoch, instant

#: How many days are read at a time when looking for the first free times: most searches end with the first.
_STRIDES: Final = (7, 28, 90, STAFF_HORIZON)
#: How many days before and after a time are read when looking for the nearest ones.
_REACHES: Final = (1, 7, 30, STAFF_HORIZON)
_ALWAYS: Final = (-(1 << 40), 1 << 40)


class Start(NamedTuple):
    """A free start, in the order in which answers list them."""

    seconds: int
    location: int
    practitioner: int


def free_slots(
    *,
    service: HealthcareService,
    now: datetime,
    since: date,
    until: date,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    online: bool = True,
) -> list[Slot]:
    """Every time that can be booked on local dates `[since, until)` of the location, by start.

    Without a location all of the clinic's are searched, without a practitioner there is one Slot for each who is free.
    With `online` the answer is for patients: minimum notice and horizon bind, and a service not bookable online has
    none. Staff may start a visit that is already under way and look two years ahead. Dates outside the horizon cost
    nothing.
    """
    search = _Search(service=service, now=now, location=location, practitioner=practitioner, online=online)
    return search.slots(search.starts(since=since, until=until))


def next_free(
    *,
    service: HealthcareService,
    now: datetime,
    after: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    count: int = 1,
    online: bool = True,
) -> list[Slot]:
    """The first `count` free times from `after` on, within the horizon; one Slot per start and location."""
    search = _Search(service=service, now=now, location=location, practitioner=practitioner, online=online)
    first, end = searchable(service=service, now=now, online=online)
    since = max(first, utc_date(after) - timedelta(days=1))
    between = (epoch(after), _ALWAYS[1])
    found: list[Start] = []
    for stride in _STRIDES:
        if len(found) >= count or since >= end:
            break
        until = min(end, since + timedelta(days=stride))
        found += _one_each(search.starts(since=since, until=until, between=between))
        since = until
    return search.slots(found[:count])


def nearest(
    *,
    service: HealthcareService,
    now: datetime,
    to: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    count: int = 6,
    online: bool = True,
) -> list[Slot]:
    """The `count` free times closest to `to`, before and after, by start; one Slot per start and location."""
    search = _Search(service=service, now=now, location=location, practitioner=practitioner, online=online)
    first, end = searchable(service=service, now=now, online=online)
    middle, wanted = min(max(utc_date(to), first), end), epoch(to)
    close: list[Start] = []
    for reach in _REACHES:
        # A day more on either side than is accepted: local dates are not UTC dates.
        since, until = max(first, middle - timedelta(days=reach + 1)), min(end, middle + timedelta(days=reach + 2))
        everything = (since, until) == (first, end)
        between = _ALWAYS if everything else (wanted - reach * DAY, wanted + reach * DAY + 1)
        close = _one_each(search.starts(since=since, until=until, between=between))
        if len(close) >= count or everything:
            break
    chosen = sorted(close, key=lambda start: (abs(start.seconds - wanted), start))[:count]
    return search.slots(sorted(chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What is looked for, by whom and when."""

    service: HealthcareService
    now: datetime
    location: Location | None
    practitioner: Practitioner | None
    online: bool

    def starts(self, *, since: date, until: date, between: Interval = _ALWAYS) -> list[Start]:
        """The free starts on local dates `[since, until)` that lie in `between`, in order."""
        service, now, online = self.service, self.now, self.online
        if online and not service.bookable_online:
            return []
        first, end = searchable(service=service, now=now, online=online)
        since, until = max(since, first), min(until, end)
        if since >= until:
            return []
        diary = load(
            service=service,
            now=now,
            since=since,
            until=until,
            location_id=self.location.pk if self.location else None,
            practitioner_id=self.practitioner.pk if self.practitioner else None,
        )
        earliest = max(between[0], earliest_start(service=service, now=now, online=online))
        zones = {post.site.zone for post in diary.posts}
        latest = {
            zone: min(between[1], end_of_booking(service=service, now=now, zone=zone, online=online)) for zone in zones
        }
        return sorted(
            Start(seconds, post.site.id, post.practitioner)
            for post in diary.posts
            for seconds in diary.starts(post=post, allowed=(earliest, latest[post.site.zone]))
        )

    def slots(self, starts: Iterable[Start]) -> list[Slot]:
        """The starts as people and other modules know them."""
        length = timedelta(minutes=self.service.duration)
        service_id = self.service.pk
        return [
            Slot(
                start=(begins := instant(start.seconds)),
                end=begins + length,
                service_id=service_id,
                location_id=start.location,
                practitioner_id=start.practitioner,
            )
            for start in starts
        ]


def _one_each(starts: Iterable[Start]) -> list[Start]:
    """The first of each moment and location."""
    found: dict[tuple[int, int], Start] = {}
    for start in starts:
        found.setdefault((start.seconds, start.location), start)
    return list(found.values())
