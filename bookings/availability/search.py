"""Free times: of a window, the next ones, the nearest ones."""

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from bookings.availability.bounds import STAFF_HORIZON, earliest_start, end_of_booking, searchable, utc_date
from bookings.availability.groups import load_sessions
from bookings.availability.load import load
from bookings.availability.slots import Slot
from bookings.availability.terms import Terms, terms_of
from bookings.availability.wish import NOTHING_SAID, Asking
from bookings.intervals import Interval, intersect, union
from bookings.models import Appointment, HealthcareService, Location, Practitioner
from bookings.wallclock import DAY, day_number, epoch, instant, instants, local_date, regimes

#: How many days are read at a time when looking for the first free times: most searches end with the first.
_STRIDES: Final = (7, 28, 90, STAFF_HORIZON)
#: How many days before and after a time are read when looking for the nearest ones.
_REACHES: Final = (1, 7, 30, STAFF_HORIZON)
_ALWAYS: Final = (-(1 << 40), 1 << 40)


class PartOfDay(enum.StrEnum):
    """Hours of the local day in which a visit starts."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


_PARTS: Final = MappingProxyType(
    {
        PartOfDay.MORNING: (0, 12 * 3600),
        PartOfDay.AFTERNOON: (12 * 3600, 17 * 3600),
        PartOfDay.EVENING: (17 * 3600, DAY),
    }
)


class Start(NamedTuple):
    """A free start, in the order in which answers list them; the last three are a group session's."""

    seconds: int
    location: int
    practitioner: int
    end: int
    session: UUID | None = None
    seats: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What a search is narrowed to: all that is given must hold. `weekdays` are 0 (Monday) to 6, `language` a code
    the practitioner speaks, `part` the part of the local day; `moved` are appointments that would give up their
    time."""

    location: Location | None = None
    practitioner: Practitioner | None = None
    language: str = ""
    weekdays: frozenset[int] = frozenset()
    part: PartOfDay | None = None
    moved: Collection[Appointment] = ()


def free_slots(
    *,
    service: HealthcareService,
    now: datetime,
    since: date,
    until: date,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    online: bool = True,
    asking: Asking = NOTHING_SAID,
    narrowed: Narrowed | None = None,
    length: int | None = None,
) -> list[Slot]:
    """Every time that can be booked on local dates `[since, until)` of the location, by start.

    Without a location all of the clinic's are searched, without a practitioner there is one Slot for each who is free.
    With `online` the answer is for patients: minimum notice and horizon bind, a service not bookable online has none,
    nor has one whose terms refuse `asking` or wait for an answer. Staff may start a visit that is already under way and
    look two years ahead. Dates outside the horizon cost nothing. `narrowed` stands over location and practitioner;
    `length` (seconds) keeps a moved visit as long as it was.
    """
    wanted = narrowed or Narrowed(location=location, practitioner=practitioner)
    search = _Search(service=service, now=now, wanted=wanted, online=online, asking=asking, length=length)
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
    asking: Asking = NOTHING_SAID,
    narrowed: Narrowed | None = None,
    length: int | None = None,
) -> list[Slot]:
    """The first `count` free times from `after` on, within the horizon; one Slot per start and location. The rest as
    `free_slots`."""
    wanted = narrowed or Narrowed(location=location, practitioner=practitioner)
    search = _Search(service=service, now=now, wanted=wanted, online=online, asking=asking, length=length)
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
    asking: Asking = NOTHING_SAID,
    narrowed: Narrowed | None = None,
    length: int | None = None,
) -> list[Slot]:
    """The `count` free times closest to `to`, before and after, by start; one Slot per start and location. The rest as
    `free_slots`."""
    wanted = narrowed or Narrowed(location=location, practitioner=practitioner)
    search = _Search(service=service, now=now, wanted=wanted, online=online, asking=asking, length=length)
    first, end = searchable(service=service, now=now, online=online)
    middle, aim = min(max(utc_date(to), first), end), epoch(to)
    close: list[Start] = []
    for reach in _REACHES:
        # A day more on either side than is accepted: local dates are not UTC dates.
        since, until = max(first, middle - timedelta(days=reach + 1)), min(end, middle + timedelta(days=reach + 2))
        everything = (since, until) == (first, end)
        between = _ALWAYS if everything else (aim - reach * DAY, aim + reach * DAY + 1)
        close = _one_each(search.starts(since=since, until=until, between=between))
        if len(close) >= count or everything:
            break
    chosen = sorted(close, key=lambda start: (abs(start.seconds - aim), start[:3]))[:count]
    return search.slots(sorted(chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What is looked for, by whom and when."""

    service: HealthcareService
    now: datetime
    wanted: Narrowed
    online: bool
    asking: Asking
    length: int | None

    def starts(self, *, since: date, until: date, between: Interval = _ALWAYS) -> list[Start]:
        """The free starts on local dates `[since, until)` that lie in `between`, in order."""
        service, now, online = self.service, self.now, self.online
        if online and not service.bookable_online:
            return []
        first, end = searchable(service=service, now=now, online=online)
        since, until = max(since, first), min(until, end)
        if since >= until or self.asking.kind not in service.kinds:
            return []
        terms = terms_of(service=service, asking=self.asking, length=self.length)
        unasked = terms.unasked and not self.wanted.moved
        if online and (terms.refusing or unasked or (service.referral_needed and not self.asking.referral)):
            return []
        if service.capacity is not None:
            return self._in_groups(since=since, until=until, between=between)
        return self._single(terms=terms, since=since, until=until, between=between)

    def _single(self, *, terms: Terms, since: date, until: date, between: Interval) -> list[Start]:
        wanted = self.wanted
        diary = load(
            service=self.service,
            terms=terms,
            now=self.now,
            since=since,
            until=until,
            location_id=wanted.location.pk if wanted.location else None,
            practitioner_id=wanted.practitioner.pk if wanted.practitioner else None,
            language=wanted.language,
            moved=[appointment.pk for appointment in wanted.moved],
        )
        duration = terms.lengths.duration
        allowed = {
            zone: self._allowed(zone=zone, duration=duration, since=since, until=until, between=between)
            for zone in {post.site.zone for post in diary.posts}
        }
        return sorted(
            Start(seconds, post.site.id, post.practitioner, seconds + duration)
            for post in diary.posts
            for seconds in diary.starts(post=post, allowed=allowed[post.site.zone], weekdays=wanted.weekdays)
        )

    def _in_groups(self, *, since: date, until: date, between: Interval) -> list[Start]:
        wanted, found = self.wanted, []
        window = (day_number(since) * DAY - DAY, day_number(until) * DAY + DAY)
        for session in load_sessions(
            service=self.service,
            now=self.now,
            between=window,
            location_id=wanted.location.pk if wanted.location else None,
            practitioner_id=wanted.practitioner.pk if wanted.practitioner else None,
            language=wanted.language,
            moved=[appointment.pk for appointment in wanted.moved],
        ):
            day, start = local_date(session.start, zone=session.zone), session.start
            if session.closed or not session.seats or not session.can_be_reached(self.asking.needs):
                continue
            if not since <= day < until:
                continue
            if wanted.weekdays and day.weekday() not in wanted.weekdays:
                continue
            duration = session.end - start
            allowed = self._allowed(
                zone=session.zone, duration=duration, since=day, until=day + timedelta(days=1), between=between
            )
            if any(begins <= start < ends for begins, ends in allowed):
                found.append(
                    Start(start, session.location, session.practitioner, session.end, session.id, session.seats)
                )
        return sorted(found, key=lambda start: start[:3])

    def _allowed(self, *, zone: ZoneInfo, duration: int, since: date, until: date, between: Interval) -> list[Interval]:
        """When a visit may start: after the notice, within the horizon, in `between`, in the part of day asked for."""
        service, now, online = self.service, self.now, self.online
        allowed = [
            (
                max(between[0], earliest_start(service=service, duration=duration, now=now, online=online)),
                min(between[1], end_of_booking(service=service, now=now, zone=zone, online=online)),
            )
        ]
        if self.wanted.part is None:
            return union(allowed)
        opens, closes = _PARTS[self.wanted.part]
        offsets = regimes(zone=zone, since=since, until=until)
        parts = (
            interval
            for day in range(day_number(since), day_number(until))
            for interval in instants(day=day, opens=opens, closes=closes, offsets=offsets)
        )
        return intersect(union(allowed), union(parts))

    def slots(self, starts: Iterable[Start]) -> list[Slot]:
        """The starts as people and other modules know them."""
        service_id = self.service.pk
        moments = _Moments()
        return [
            Slot(moments[begins], moments[ends], service_id, location, practitioner, session, seats)
            for begins, location, practitioner, ends, session, seats in starts
        ]


class _Moments(dict[int, datetime]):
    """Epoch seconds as datetimes, each made once: people who are free at the same time share it."""

    def __missing__(self, seconds: int) -> datetime:
        moment = self[seconds] = instant(seconds)
        return moment


def _one_each(starts: Iterable[Start]) -> list[Start]:
    """The first of each moment and location."""
    found: dict[tuple[int, int], Start] = {}
    for start in starts:
        found.setdefault((start.seconds, start.location), start)
    return list(found.values())
