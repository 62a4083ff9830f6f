"""The rules asked one by one: about the wish itself, about a practitioner's diary, about a group session."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from bookings.availability.bounds import earliest_start, end_of_booking
from bookings.availability.caps import over_cap
from bookings.availability.diary import Diary, Place, Post, Requirement
from bookings.availability.groups import Session
from bookings.availability.rules import Rule
from bookings.availability.terms import Terms
from bookings.availability.wish import Wish
from bookings.intervals import Interval, covers, touches, union
from bookings.wallclock import epoch, is_imaginary


class Verdict(NamedTuple):
    """One rule, and whether it lets the visit be."""

    rule: Rule
    holds: bool


def seconds_of(start: datetime) -> int | None:
    """The epoch second of a start; None if no wall clock shows it, it names no zone, or it is not a whole minute."""
    try:
        if start.utcoffset() is None or is_imaginary(start):
            return None
        return None if start.second or start.microsecond else epoch(start)
    except (OverflowError, ValueError):  # the first and last days of the calendar
        return None


def same_clinic(wish: Wish) -> bool:
    """Whether the place asked for is in use, and of the clinic whose service it is."""
    return wish.location.clinic_id == wish.service.clinic_id and wish.location.active


def about_the_wish(
    *, wish: Wish, terms: Terms, now: datetime, seconds: int | None, promised: bool
) -> Iterator[Verdict]:
    """The rules that can be told without reading a diary, in order."""
    service, practitioner, online = wish.service, wish.practitioner, wish.online
    bound = online and not promised
    yield Verdict(Rule.SERVICE, service.active and service.clinic.active)
    yield Verdict(Rule.LOCATION, same_clinic(wish))
    if practitioner is not None:
        yield Verdict(Rule.PRACTITIONER, practitioner.clinic_id == service.clinic_id and practitioner.active)
    if bound:
        yield Verdict(Rule.ONLINE, service.bookable_online)
    yield Verdict(Rule.KIND, wish.asking.kind in service.kinds)
    if online:
        yield Verdict(Rule.ANSWERS, bool(wish.moved) or not terms.unasked)  # what is moved keeps its length
        yield Verdict(Rule.TERMS, terms.refusing is None)
        yield Verdict(Rule.REFERRAL, wish.asking.referral or not service.referral_needed)
    yield Verdict(Rule.TIME, seconds is not None)
    if seconds is None:
        return
    duration = terms.lengths.duration
    over = epoch(now) if online else earliest_start(service=service, duration=duration, now=now, online=False)
    if online or not wish.seated:  # staff may join somebody while the session lasts, and it has a length of its own
        yield Verdict(Rule.PAST, seconds >= over)
    if bound:
        soonest = earliest_start(service=service, duration=duration, now=now, online=True)
        yield Verdict(Rule.NOTICE, seconds >= soonest)
    end = end_of_booking(service=service, now=now, zone=wish.location.tz, online=bound)
    yield Verdict(Rule.HORIZON, seconds < end)
    if online:
        cap = over_cap(wish=wish, now=now, seconds=seconds) if seconds < end else None
        for rule in (Rule.CAP_OPEN, Rule.CAP_DAY):
            yield Verdict(rule, cap is not rule)


def verdicts(diary: Diary, *, post: Post, day: date, start: int, stepwise: bool) -> Iterator[Verdict]:
    """Each rule that needs the diary, in order, with whether it lets a visit of this post start then."""
    lengths = diary.lengths
    visit = start, start + lengths.duration
    by_day = diary.openings_by_day(hours=post.hours, site=post.site)
    yield Verdict(Rule.HOLIDAY, not post.site.is_holiday(day))
    yield Verdict(Rule.HOURS, covers(union(interval for _, intervals in by_day for interval in intervals), visit))
    yield Verdict(Rule.CLOSURE, not touches(diary.closed(post), visit))
    if stepwise:
        anchors = next(intervals for date_, intervals in by_day if date_ == day)
        on_grid = any(opens <= start < ends and (start - opens) % lengths.step == 0 for opens, ends in anchors)
        yield Verdict(Rule.STEP, on_grid)
    for requirement in diary.requirements:
        yield Verdict(requirement.none_open, any(open_places(diary, requirement, post=post, visit=visit)))
    yield Verdict(Rule.TAKEN, not is_taken(diary, schedule=post.schedule, start=start))
    for requirement in diary.requirements:
        free = first_free(diary, requirement, post=post, start=start)
        yield Verdict(requirement.none_free, free is not None)


def about_a_session(session: Session, *, wish: Wish, now: datetime) -> Iterator[Verdict]:
    """The rules about a seat in one session, in order."""
    over = earliest_start(service=wish.service, duration=session.end - session.start, now=now, online=False)
    yield Verdict(Rule.SESSION, holds=True)
    yield Verdict(Rule.PAST, session.start >= over)
    yield Verdict(Rule.CLOSURE, not session.closed)
    yield Verdict(Rule.ROOM, session.can_be_reached(wish.asking.needs))
    yield Verdict(Rule.FULL, session.seats > 0)


def first_against(judged: Iterator[Verdict]) -> Rule | None:
    """The first rule that does not hold; what comes after it is not asked."""
    return next((rule for rule, holds in judged if not holds), None)


def open_places(diary: Diary, requirement: Requirement, *, post: Post, visit: Interval) -> Iterator[Place]:
    """Places of the site that are open throughout the visit, in the order in which they are chosen."""
    for place in requirement.places:
        if place.location == post.site.id and covers(diary.place_opened(place=place, site=post.site), visit):
            yield place


def first_free(diary: Diary, requirement: Requirement, *, post: Post, start: int) -> Place | None:
    """The first place that is open and free for a visit at `start`, buffers included."""
    visit = start, start + diary.lengths.duration
    for place in open_places(diary, requirement, post=post, visit=visit):
        if not is_taken(diary, schedule=place.schedule, start=start):
            return place
    return None


def is_taken(diary: Diary, *, schedule: int, start: int) -> bool:
    """Whether somebody else has any of the time a visit at `start` would take of this schedule."""
    return touches(union(diary.taken.get(schedule, ())), diary.lengths.period(start))
