"""Reading a diary: three queries, four when the service needs a room, whatever there is to read."""

import math
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q

from bookings.availability.diary import Diary, Hours, Lengths, Place, Post, Site
from bookings.intervals import Interval
from bookings.models import Closure, HealthcareService, OpeningHours, Room
from bookings.wallclock import DAY, day_number, instant

#: Every live row that takes a listed schedule's time in a window, as epoch seconds. A hold takes time until it expires;
#: the hold named last is the asker's own. One index scan: a range operator against a multirange of the schedules.
_TAKEN: Final = """
    SELECT taken.schedule_id,
           floor(date_part('epoch', lower(taken.period)))::bigint,
           ceil(date_part('epoch', upper(taken.period)))::bigint
      FROM bookings_occupancy taken
      LEFT JOIN bookings_hold hold ON hold.id = taken.hold_id
     WHERE int8range(taken.schedule_id, taken.schedule_id, '[]') && %s::int8multirange
       AND taken.period && tstzrange(%s, %s)
       AND (taken.hold_id IS NULL OR (hold.expires_at > %s AND taken.hold_id IS DISTINCT FROM %s))
"""


def load(
    *,
    service: HealthcareService,
    now: datetime,
    since: date,
    until: date,
    location_id: int | None = None,
    practitioner_id: int | None = None,
    own_hold: uuid.UUID | None = None,
) -> Diary:
    """The diary of a service for local dates `[since, until)`, at one location or all, with one practitioner or all.

    Only what is in use is read: active service, practitioners, locations and rooms of an active clinic. `own_hold` does
    not count as taken, nor does a hold that has expired at `now`.
    """
    diary = Diary(
        since=since,
        until=until,
        lengths=lengths_of(service),
        needs_room=bool(service.room_kind),
    )
    diary.posts = _posts(
        service=service, since=since, until=diary.last, location_id=location_id, practitioner_id=practitioner_id
    )
    if not diary.posts:
        return diary
    if diary.needs_room:
        diary.places = _places(service=service, location_ids={post.site.id for post in diary.posts})
    schedules = sorted({post.schedule for post in diary.posts} | {place.schedule for place in diary.places})
    window = _window(diary)
    _read_closures(diary, clinic_id=service.clinic_id, window=window)
    _read_taken(diary, schedules=schedules, window=window, now=now, own_hold=own_hold)
    return diary


def lengths_of(service: HealthcareService) -> Lengths:
    """The service's minutes as seconds."""
    return Lengths(
        duration=service.duration * 60,
        step=service.step * 60,
        before=service.buffer_before * 60,
        after=service.buffer_after * 60,
    )


def _posts(
    *, service: HealthcareService, since: date, until: date, location_id: int | None, practitioner_id: int | None
) -> list[Post]:
    rows = (
        OpeningHours.objects.filter(
            schedule__practitioner__offers__service=service.pk,
            schedule__practitioner__offers__service__active=True,
            schedule__practitioner__active=True,
            clinic=service.clinic_id,
            clinic__active=True,
            location__clinic=service.clinic_id,
            location__active=True,
        )
        .filter(Q(valid_from=None) | Q(valid_from__lt=until), Q(valid_until=None) | Q(valid_until__gte=since))
        .order_by("schedule__practitioner", "location")
    )
    if location_id is not None:
        rows = rows.filter(location=location_id)
    if practitioner_id is not None:
        rows = rows.filter(schedule__practitioner=practitioner_id)
    hours: dict[tuple[int, int, Site], list[Hours]] = defaultdict(list)
    for practitioner, schedule, site, zone, country, subdivision, observes, *rule in rows.values_list(
        "schedule__practitioner",
        "schedule",
        "location",
        "location__zone",
        "location__country",
        "location__subdivision",
        "location__observes_holidays",
        *_RULE,
    ):
        place = Site(site, ZoneInfo(zone), country, subdivision, observes)
        hours[practitioner, schedule, place].append(_rule(*rule))
    return [
        Post(practitioner, schedule, place, tuple(rules)) for (practitioner, schedule, place), rules in hours.items()
    ]


def _places(*, service: HealthcareService, location_ids: Iterable[int]) -> list[Place]:
    """Rooms in the order in which they are chosen, by id.

    All their hours are read, valid in the window or not: a room that has hours is open only then.
    """
    rows = (
        Room.objects.filter(clinic=service.clinic_id, kind=service.room_kind, active=True, location__in=location_ids)
        .filter(Q(schedule__opening_hours=None) | Q(schedule__opening_hours__location=F("location")))
        .order_by("id")
        .values_list("id", "schedule", "location", *(f"schedule__opening_hours__{name}" for name in _RULE))
    )
    hours: dict[tuple[int, int, int], list[Hours]] = defaultdict(list)
    for room, schedule, location, *rule in rows:
        known = hours[room, schedule, location]
        if rule[0] is not None:
            known.append(_rule(*rule))
    return [Place(room, schedule, location, tuple(rules)) for (room, schedule, location), rules in hours.items()]


_RULE: Final = ("weekday", "opens", "closes", "valid_from", "valid_until")


def _rule(weekday: int, opens: time, closes: time, valid_from: date | None, valid_until: date | None) -> Hours:
    return Hours(
        weekday=weekday,
        opens=_seconds(opens),
        closes=_seconds(closes) or DAY,
        valid_from=day_number(valid_from or date.min),
        valid_until=day_number(valid_until or date.max),
    )


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _window(diary: Diary) -> Interval:
    """All seconds any visit of the window could take, in any of its sites' zones."""
    away = [offset for post in diary.posts for _, _, offset in diary.offsets(post.site.zone)]
    start = day_number(diary.since) * DAY - max(away)
    end = day_number(diary.until) * DAY - min(away)
    return start - diary.lengths.before, end + diary.lengths.duration + diary.lengths.after


def _read_closures(diary: Diary, *, clinic_id: int, window: Interval) -> None:
    start, end = map(instant, window)
    rows = Closure.objects.filter(clinic=clinic_id, start__lt=end, end__gt=start).order_by("start")
    for closure in rows.only("schedule", "location", "start", "end"):
        closed = (math.floor(closure.start.timestamp()), math.ceil(closure.end.timestamp()))
        if closure.schedule_id is not None:
            diary.schedule_closed.setdefault(closure.schedule_id, []).append(closed)
        elif closure.location_id is not None:
            diary.location_closed.setdefault(closure.location_id, []).append(closed)
        else:
            diary.clinic_closed.append(closed)


def _read_taken(
    diary: Diary, *, schedules: list[int], window: Interval, now: datetime, own_hold: uuid.UUID | None
) -> None:
    start, end = map(instant, window)
    multirange = "{" + ",".join(f"[{schedule},{schedule}]" for schedule in schedules) + "}"
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [multirange, start, end, now, own_hold])
        for schedule, begins, ends in cursor.fetchall():
            diary.taken.setdefault(schedule, []).append((begins, ends))
