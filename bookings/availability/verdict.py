"""Judging one time: may this service start then, and whom and which room would it take."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from bookings.availability.bounds import earliest_start, end_of_booking
from bookings.availability.diary import Diary, Place, Post
from bookings.availability.load import load
from bookings.availability.rules import SOMEBODY_ELSE, NotOffered, Rule, latest
from bookings.availability.taken import SlotTaken, Wish
from bookings.intervals import Interval, covers, touches, union
from bookings.models import HealthcareService, Location, Practitioner, ServicePractitioner
from bookings.wallclock import epoch, instant, is_imaginary, local_date


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visit would take: `[start, end)` is what the patient is told, `period` what schedules lose. Aware UTC."""

    practitioner_id: int
    room_id: int | None
    schedules: tuple[int, ...]
    start: datetime
    end: datetime
    period: tuple[datetime, datetime]


def check(
    *,
    service: HealthcareService,
    now: datetime,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
    online: bool = True,
) -> None:
    """Raise NotOffered, naming the first rule against it, unless this time can be booked at this moment.

    A time somebody else has is refused by the rules `taken` and `room-taken`. Without a practitioner one who can is
    enough.
    """
    wish = Wish(service=service, location=location, practitioner=practitioner, start=start, online=online)
    found = _judge(wish=wish, now=now, own_hold=None, promised=False)
    if isinstance(found, Rule):
        raise NotOffered(found)


def choose(*, wish: Wish, now: datetime, own_hold: UUID | None = None, promised: bool = False) -> Choice:
    """Who and which room a wish gets: of those free the one least busy that day, then by id; the first free room by id.

    `own_hold` does not count as taken. What was `promised` by a hold is no longer asked about notice, horizon, step and
    online booking. Raises NotOffered, SlotTaken. The answer stands only while the schedules it read are locked.
    """
    found = _judge(wish=wish, now=now, own_hold=own_hold, promised=promised)
    if not isinstance(found, Rule):
        return found
    if found in SOMEBODY_ELSE:
        raise SlotTaken(wish=wish, now=now)
    raise NotOffered(found)


def _judge(*, wish: Wish, now: datetime, own_hold: UUID | None, promised: bool) -> Choice | Rule:
    seconds = _seconds(wish.start)
    bound = wish.online and not promised
    refused = _refused_unread(wish=wish, now=now, seconds=seconds, bound=bound)
    if refused is not None or seconds is None:
        return refused or Rule.TIME
    day = local_date(seconds, zone=wish.location.tz)
    diary = load(
        service=wish.service,
        now=now,
        since=day,
        until=day + timedelta(days=1),
        location_id=wish.location.pk,
        practitioner_id=wish.practitioner.pk if wish.practitioner else None,
        own_hold=own_hold,
    )
    if not diary.posts:
        return Rule.HOURS if _gives(wish) else Rule.PRACTITIONER
    against = {post: _first_against(diary, post=post, day=day, start=seconds, stepwise=bound) for post in diary.posts}
    able = [post for post, rule in against.items() if rule is None]
    if not able:
        return latest(*(rule for rule in against.values() if rule is not None))
    chosen = min(able, key=lambda post: (_busy(diary, post), post.practitioner))
    return _choice(diary, post=chosen, start=seconds)


def _seconds(start: datetime) -> int | None:
    """The epoch second of a start; None if no wall clock shows it, it names no zone, or it is not a whole minute."""
    try:
        if start.utcoffset() is None or is_imaginary(start):
            return None
        return None if start.second or start.microsecond else epoch(start)
    except (OverflowError, ValueError):  # the first and last days of the calendar
        return None


def _refused_unread(*, wish: Wish, now: datetime, seconds: int | None, bound: bool) -> Rule | None:
    """The first rule against a wish that can be told without reading a diary."""
    service, location, practitioner = wish.service, wish.location, wish.practitioner
    if not (service.active and service.clinic.active):
        return Rule.SERVICE
    if location.clinic_id != service.clinic_id or not location.active:
        return Rule.LOCATION
    if practitioner is not None and (practitioner.clinic_id != service.clinic_id or not practitioner.active):
        return Rule.PRACTITIONER
    if bound and not service.bookable_online:
        return Rule.ONLINE
    if seconds is None:
        return Rule.TIME
    if seconds < (epoch(now) if wish.online else earliest_start(service=service, now=now, online=False)):
        return Rule.PAST
    if bound and seconds < earliest_start(service=service, now=now, online=True):
        return Rule.NOTICE
    if seconds >= end_of_booking(service=service, now=now, zone=location.tz, online=bound):
        return Rule.HORIZON
    return None


def verdicts(diary: Diary, *, post: Post, day: date, start: int, stepwise: bool) -> Iterator[tuple[Rule, bool]]:
    """Each rule that needs the diary, in order, with whether it lets a visit of this post start then."""
    lengths = diary.lengths
    visit = start, start + lengths.duration
    by_day = diary.openings_by_day(hours=post.hours, site=post.site)
    yield Rule.HOLIDAY, not post.site.is_holiday(day)
    yield Rule.HOURS, covers(union(interval for _, intervals in by_day for interval in intervals), visit)
    yield Rule.CLOSURE, not touches(diary.closed(post), visit)
    if stepwise:
        anchors = next(intervals for date_, intervals in by_day if date_ == day)
        yield Rule.STEP, any(opens <= start < ends and (start - opens) % lengths.step == 0 for opens, ends in anchors)
    if diary.needs_room:
        yield Rule.ROOM, any(_rooms_open(diary, post=post, visit=visit))
    yield Rule.TAKEN, not _is_taken(diary, schedule=post.schedule, start=start)
    if diary.needs_room:
        yield Rule.ROOM_TAKEN, _free_room(diary, post=post, start=start) is not None


def _first_against(diary: Diary, *, post: Post, day: date, start: int, stepwise: bool) -> Rule | None:
    judged = verdicts(diary, post=post, day=day, start=start, stepwise=stepwise)
    return next((rule for rule, holds in judged if not holds), None)


def _rooms_open(diary: Diary, *, post: Post, visit: Interval) -> Iterator[Place]:
    """Rooms of the site that are open throughout the visit, in the order in which they are chosen."""
    for place in diary.places:
        if place.location == post.site.id and covers(diary.room_opened(place=place, site=post.site), visit):
            yield place


def _free_room(diary: Diary, *, post: Post, start: int) -> Place | None:
    visit = start, start + diary.lengths.duration
    for place in _rooms_open(diary, post=post, visit=visit):
        if not _is_taken(diary, schedule=place.schedule, start=start):
            return place
    return None


def _is_taken(diary: Diary, *, schedule: int, start: int) -> bool:
    return touches(union(diary.taken.get(schedule, ())), diary.lengths.period(start))


def _busy(diary: Diary, post: Post) -> int:
    """Seconds of this post's schedule already taken around that day."""
    return sum(end - start for start, end in diary.taken.get(post.schedule, ()))


def _gives(wish: Wish) -> bool:
    offers = ServicePractitioner.objects.filter(service=wish.service, practitioner__active=True)
    if wish.practitioner is not None:
        offers = offers.filter(practitioner=wish.practitioner)
    return offers.exists()


def _choice(diary: Diary, *, post: Post, start: int) -> Choice:
    place = _free_room(diary, post=post, start=start) if diary.needs_room else None
    begins, ends = diary.lengths.period(start)
    return Choice(
        practitioner_id=post.practitioner,
        room_id=place.room if place else None,
        schedules=(post.schedule, *([place.schedule] if place else [])),
        start=instant(start),
        end=instant(start + diary.lengths.duration),
        period=(instant(begins), instant(ends)),
    )
