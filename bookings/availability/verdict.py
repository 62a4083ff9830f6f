"""Judging one time: may this service start then, and whom, which room and which device would it take."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from bookings.availability.caps import may_overbook
from bookings.availability.diary import Diary, Place, Post
from bookings.availability.groups import Session, load_sessions
from bookings.availability.load import load
from bookings.availability.questions import (
    about_a_session,
    about_the_wish,
    first_against,
    first_free,
    is_taken,
    open_places,
    seconds_of,
    verdicts,
)
from bookings.availability.rules import SOMEBODY_ELSE, NotOffered, Rule, latest
from bookings.availability.taken import SlotTaken
from bookings.availability.terms import Terms, terms_of
from bookings.availability.wish import NOTHING_SAID, Asking, Wish
from bookings.models import HealthcareService, Location, Practitioner, ServicePractitioner
from bookings.wallclock import instant, local_date


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visit would take: `[start, end)` is what the patient is told, `period` what schedules lose. Aware UTC.

    A seat in a session names the session, with its `capacity`, and takes nothing else. `overbooked` means that
    somebody else has some of the time, and the service's policy allows it.
    """

    practitioner_id: int
    room_id: int | None
    device_id: int | None
    schedules: tuple[int, ...]
    start: datetime
    end: datetime
    period: tuple[datetime, datetime]
    session_id: UUID | None = None
    capacity: int = 0
    overbooked: bool = False


def check(
    *,
    service: HealthcareService,
    now: datetime,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
    online: bool = True,
    asking: Asking = NOTHING_SAID,
) -> None:
    """Raise NotOffered, naming the first rule against it, unless this time can be booked at this moment.

    A time somebody else has is refused by one of `rules.SOMEBODY_ELSE`. Without a practitioner one who can is enough.
    """
    found = judge(
        wish=Wish(
            service=service, location=location, practitioner=practitioner, start=start, online=online, asking=asking
        ),
        now=now,
    )
    if isinstance(found, Rule):
        raise NotOffered(found)


def choose(*, wish: Wish, now: datetime, own_hold: UUID | None = None, promised: bool = False) -> Choice:
    """Who, which room and which device a wish gets: of those free the one least busy that day, then by id; the first
    free room and device by id; in a group, a seat in the session with most places left.

    `own_hold` does not count as taken. What was `promised` by a hold is no longer asked about notice, horizon, step and
    online booking. Raises NotOffered, SlotTaken. The answer stands only while the schedules it read, the session, and a
    patient whose cap counts, are locked.
    """
    found = judge(wish=wish, now=now, own_hold=own_hold, promised=promised)
    if not isinstance(found, Rule):
        return found
    if found in SOMEBODY_ELSE:
        raise SlotTaken(wish=wish, now=now)
    raise NotOffered(found)


def judge(*, wish: Wish, now: datetime, own_hold: UUID | None = None, promised: bool = False) -> Choice | Rule:
    """As `choose`, with the first rule against the wish instead of a refusal."""
    seconds = seconds_of(wish.start)
    terms = terms_of(service=wish.service, asking=wish.asking, length=wish.length)
    refused = first_against(about_the_wish(wish=wish, terms=terms, now=now, seconds=seconds, promised=promised))
    if refused is not None or seconds is None:
        return refused or Rule.TIME
    if wish.seated:
        return _judge_seat(wish=wish, now=now, seconds=seconds, own_hold=own_hold)
    day = local_date(seconds, zone=wish.location.tz)
    diary = diary_of(wish, terms=terms, now=now, day=day, own_hold=own_hold)
    if not diary.posts:
        return Rule.HOURS if givers_of(wish) else Rule.PRACTITIONER
    stepwise = wish.online and not promised
    against = _against(diary, day=day, start=seconds, stepwise=stepwise)
    able = [post for post, rule in against.items() if rule is None]
    if able:
        return _choice(diary, post=min(able, key=lambda post: (_busy(diary, post), post.practitioner)), start=seconds)
    last = latest(*(rule for rule in against.values() if rule is not None))
    if not wish.overbook or last not in SOMEBODY_ELSE:
        return last
    squeezed = [post for post, rule in against.items() if rule in SOMEBODY_ELSE]
    willing = [post for post in squeezed if may_overbook(wish=wish, seconds=seconds, practitioner_id=post.practitioner)]
    if not willing:
        return Rule.OVERBOOKING
    return _choice(diary, post=min(willing, key=lambda post: (_busy(diary, post), post.practitioner)), start=seconds)


def _judge_seat(*, wish: Wish, now: datetime, seconds: int, own_hold: UUID | None) -> Choice | Rule:
    sessions = sessions_of(wish, now=now, seconds=seconds, own_hold=own_hold)
    if not sessions:
        return Rule.SESSION
    against = {session: first_against(about_a_session(session, wish=wish, now=now)) for session in sessions}
    able = [session for session, rule in against.items() if rule is None]
    if able:
        chosen = max(able, key=lambda session: (session.seats, -session.practitioner))
        return _seat(chosen, overbooked=False)
    last = latest(*(rule for rule in against.values() if rule is not None))
    if not wish.overbook or last is not Rule.FULL:
        return last
    for session, rule in against.items():
        if rule is Rule.FULL and may_overbook(wish=wish, seconds=seconds, practitioner_id=session.practitioner):
            return _seat(session, overbooked=True)
    return Rule.OVERBOOKING


def giver_of_all(wishes: Sequence[Wish], *, now: datetime, language: str = "") -> Practitioner | None:
    """Who would give all visits of a series alike: of those who speak `language` and are free at its first visit,
    whoever is at most of them, then the first by id. Where nobody is free at the first, whoever is at most; or None.
    Whoever could only be squeezed in with, where that is wished, counts half.

    The answer stands as long as that of `choose`.
    """
    could: dict[int, dict[int, int]] = defaultdict(dict)
    terms = terms_of(service=wishes[0].service, asking=wishes[0].asking)
    for number, wish in enumerate(wishes):
        seconds = seconds_of(wish.start)
        if seconds is None:
            continue
        day = local_date(seconds, zone=wish.location.tz)
        diary = diary_of(wish.with_practitioner(None), terms=terms, now=now, day=day, own_hold=None, language=language)
        for post, rule in _against(diary, day=day, start=seconds, stepwise=wish.online).items():
            if rule is None:
                could[post.practitioner][number] = 2
            elif wish.overbook and rule in SOMEBODY_ELSE:
                could[post.practitioner][number] = 1
    if not could:
        return None
    best = max(could, key=lambda person: (could[person].get(0, 0), sum(could[person].values()), -person))
    return Practitioner.objects.get(pk=best)


def _against(diary: Diary, *, day: date, start: int, stepwise: bool) -> dict[Post, Rule | None]:
    """For each post the first rule against a visit that starts then."""
    return {
        post: first_against(verdicts(diary, post=post, day=day, start=start, stepwise=stepwise)) for post in diary.posts
    }


def diary_of(wish: Wish, *, terms: Terms, now: datetime, day: date, own_hold: UUID | None, language: str = "") -> Diary:
    """The diary of the one day a wish is about, of all who speak `language`."""
    return load(
        service=wish.service,
        terms=terms,
        now=now,
        since=day,
        until=day + timedelta(days=1),
        location_id=wish.location.pk,
        practitioner_id=wish.practitioner.pk if wish.practitioner else None,
        language=language,
        own_hold=own_hold,
        moved=[appointment.pk for appointment in wish.moved],
    )


def sessions_of(wish: Wish, *, now: datetime, seconds: int, own_hold: UUID | None) -> list[Session]:
    """The sessions that start at the moment a wish is about."""
    return load_sessions(
        service=wish.service,
        now=now,
        between=(seconds, seconds + 1),
        location_id=wish.location.pk,
        practitioner_id=wish.practitioner.pk if wish.practitioner else None,
        own_hold=own_hold,
        moved=[appointment.pk for appointment in wish.moved],
    )


def _busy(diary: Diary, post: Post) -> int:
    """Seconds of this post's schedule already taken around that day."""
    return sum(end - start for start, end in diary.taken.get(post.schedule, ()))


def givers_of(wish: Wish) -> list[int]:
    """Practitioners in use who give the service: the one named, or all."""
    offers = ServicePractitioner.objects.filter(service=wish.service, practitioner__active=True)
    if wish.practitioner is not None:
        offers = offers.filter(practitioner=wish.practitioner)
    return list(offers.order_by("practitioner").values_list("practitioner", flat=True))


def _choice(diary: Diary, *, post: Post, start: int) -> Choice:
    """What this post's visit takes: of each requirement the first free place, else (overbooked) the first open one."""
    visit = start, start + diary.lengths.duration
    places: dict[Rule, Place] = {}
    overbooked = is_taken(diary, schedule=post.schedule, start=start)
    for requirement in diary.requirements:
        free = first_free(diary, requirement, post=post, start=start)
        overbooked = overbooked or free is None
        places[requirement.none_open] = free or next(open_places(diary, requirement, post=post, visit=visit))
    room, device = places.get(Rule.ROOM), places.get(Rule.DEVICE)
    begins, ends = diary.lengths.period(start)
    return Choice(
        practitioner_id=post.practitioner,
        room_id=room.id if room else None,
        device_id=device.id if device else None,
        schedules=(post.schedule, *(place.schedule for place in places.values())),
        start=instant(start),
        end=instant(visit[1]),
        period=(instant(begins), instant(ends)),
        overbooked=overbooked,
    )


def _seat(session: Session, *, overbooked: bool) -> Choice:
    start, end = instant(session.start), instant(session.end)
    return Choice(
        practitioner_id=session.practitioner,
        room_id=None,
        device_id=None,
        schedules=(session.schedule,),
        start=start,
        end=end,
        period=(start, end),
        session_id=session.id,
        capacity=session.capacity,
        overbooked=overbooked,
    )
