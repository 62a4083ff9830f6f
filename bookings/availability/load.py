"""Reading a diary: three queries, and one for each room or device the visit needs, whatever there is to read."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q, QuerySet

from bookings.availability.diary import Diary, Hours, Place, Post, Requirement, Site
from bookings.availability.rules import Rule
from bookings.availability.terms import Terms
from bookings.intervals import Interval
from bookings.models import Device, HealthcareService, Room
from bookings.wallclock import DAY, day_number, instant

#: What stands in the way in a window, as epoch seconds: closures (of a schedule, a location, or neither) and every live
#: row that takes a listed schedule's time. A hold takes time until it expires; the hold and the appointments named are
#: the asker's own, and whoever was squeezed in over the asker's hold does not take its time away. What is taken is one
#: index scan: a range operator against a multirange of the schedules.
_UNFREE: Final = """
    SELECT true, closure.schedule_id, closure.location_id,
           floor(date_part('epoch', closure.start))::bigint, ceil(date_part('epoch', closure."end"))::bigint
      FROM bookings_closure closure
     WHERE closure.clinic_id = %(clinic)s AND closure.start < %(end)s AND closure."end" > %(start)s
     UNION ALL
    SELECT false, taken.schedule_id, NULL,
           floor(date_part('epoch', lower(taken.period)))::bigint,
           ceil(date_part('epoch', upper(taken.period)))::bigint
      FROM bookings_occupancy taken
      LEFT JOIN bookings_hold hold ON hold.id = taken.hold_id
     WHERE int8range(taken.schedule_id, taken.schedule_id, '[]') && %(schedules)s::int8multirange
       AND taken.period && tstzrange(%(start)s, %(end)s)
       AND taken.kind <> 'seat'
       AND (taken.hold_id IS NULL
            OR (hold.expires_at > %(now)s AND taken.hold_id IS DISTINCT FROM %(own_hold)s::uuid))
       AND NOT (taken.overbooked AND EXISTS (
            SELECT FROM bookings_occupancy own
             WHERE own.hold_id = %(own_hold)s::uuid AND own.schedule_id = taken.schedule_id
               AND own.period && taken.period))
       AND (taken.appointment_id IS NULL OR NOT taken.appointment_id = ANY(%(moved)s::uuid[]))
"""

#: Who gives a service where, and the hours they keep there; written out because composing it costs as much as asking.
_HOURS: Final = """
    SELECT practitioner.id, practitioner.schedule_id, location.id, location.zone, location.country,
           location.subdivision, location.observes_holidays,
           hours.weekday, hours.opens, hours.closes, hours.valid_from, hours.valid_until, hours.every
      FROM bookings_servicepractitioner offer
      JOIN bookings_healthcareservice service ON service.id = offer.service_id AND service.active
      JOIN bookings_practitioner practitioner ON practitioner.id = offer.practitioner_id AND practitioner.active
      JOIN bookings_openinghours hours ON hours.schedule_id = practitioner.schedule_id
      JOIN bookings_location location ON location.id = hours.location_id AND location.active
      JOIN bookings_clinic clinic ON clinic.id = hours.clinic_id AND clinic.active
     WHERE offer.service_id = %(service)s AND hours.clinic_id = %(clinic)s AND location.clinic_id = %(clinic)s
       AND (hours.valid_from IS NULL OR hours.valid_from < %(until)s)
       AND (hours.valid_until IS NULL OR hours.valid_until >= %(since)s)
       AND (%(location)s::bigint IS NULL OR location.id = %(location)s)
       AND (%(practitioner)s::bigint IS NULL OR practitioner.id = %(practitioner)s)
       AND (%(language)s::text IS NULL OR practitioner.languages ~* %(language)s)
     ORDER BY practitioner.id, location.id, hours.id
"""


def load(
    *,
    service: HealthcareService,
    terms: Terms,
    now: datetime,
    since: date,
    until: date,
    location_id: int | None = None,
    practitioner_id: int | None = None,
    language: str = "",
    own_hold: uuid.UUID | None = None,
    moved: Collection[uuid.UUID] = (),
) -> Diary:
    """The diary of a service for local dates `[since, until)`, at one location or all, with one practitioner or all,
    or those who speak `language`.

    Only what is in use is read: active service, practitioners, locations, rooms and devices of an active clinic.
    `own_hold` and the appointments `moved` do not count as taken, nor does a hold that has expired at `now`.
    """
    diary = Diary(since=since, until=until, lengths=terms.lengths)
    diary.posts = _posts(
        service=service,
        since=since,
        until=diary.last,
        location_id=location_id,
        practitioner_id=practitioner_id,
        language=language,
    )
    if not diary.posts:
        return diary
    diary.requirements = list(
        _requirements(service=service, terms=terms, location_ids={post.site.id for post in diary.posts})
    )
    schedules = {post.schedule for post in diary.posts}
    schedules |= {place.schedule for requirement in diary.requirements for place in requirement.places}
    _read_unfree(diary, clinic_id=service.clinic_id, schedules=schedules, now=now, own_hold=own_hold, moved=moved)
    return diary


def _posts(
    *,
    service: HealthcareService,
    since: date,
    until: date,
    location_id: int | None,
    practitioner_id: int | None,
    language: str,
) -> list[Post]:
    asked: dict[str, Any] = {
        "service": service.pk,
        "clinic": service.clinic_id,
        "since": since,
        "until": until,
        "location": location_id,
        "practitioner": practitioner_id,
        "language": rf"(^|\s){language}(\s|$)" if language else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, asked)
        rows = cursor.fetchall()
    hours: dict[tuple[int, int, int], list[Hours]] = defaultdict(list)
    sites: dict[int, Site] = {}
    for practitioner, schedule, site, zone, country, subdivision, observes, *rule in rows:
        if site not in sites:
            sites[site] = Site(site, ZoneInfo(zone), country, subdivision, observes)
        hours[practitioner, schedule, site].append(_rule(*rule))
    return [
        Post(practitioner, schedule, sites[site], tuple(rules))
        for (practitioner, schedule, site), rules in hours.items()
    ]


def _requirements(*, service: HealthcareService, terms: Terms, location_ids: Collection[int]) -> Iterator[Requirement]:
    """What the visit needs beside its practitioner: a room of a kind, a device of a kind, or one named device."""
    if terms.room_kind:
        rooms = Room.objects.filter(kind=terms.room_kind)
        if terms.step_free:
            rooms = rooms.filter(step_free=True)
        places = _places(rooms, clinic_id=service.clinic_id, location_ids=location_ids)
        yield Requirement(places, none_open=Rule.ROOM, none_free=Rule.ROOM_TAKEN)
    if terms.device_kind or terms.device_id is not None:
        devices = (
            Device.objects.filter(pk=terms.device_id)
            if terms.device_id is not None
            else Device.objects.filter(kind=terms.device_kind)
        )
        places = _places(devices, clinic_id=service.clinic_id, location_ids=location_ids)
        yield Requirement(places, none_open=Rule.DEVICE, none_free=Rule.DEVICE_TAKEN)


def _places(
    rows: "QuerySet[Room] | QuerySet[Device]", *, clinic_id: int, location_ids: Collection[int]
) -> tuple[Place, ...]:
    """Rooms or devices in the order in which they are chosen, by id.

    All their hours are read, valid in the window or not: what has hours is open only then.
    """
    wanted = (
        rows.filter(clinic=clinic_id, active=True, location__in=location_ids)
        .filter(Q(schedule__opening_hours=None) | Q(schedule__opening_hours__location=F("location")))
        .order_by("id")
        .values_list("id", "schedule", "location", *(f"schedule__opening_hours__{name}" for name in _RULE))
    )
    hours: dict[tuple[int, int, int], list[Hours]] = defaultdict(list)
    for identity, schedule, location, *rule in wanted:
        known = hours[identity, schedule, location]
        if rule[0] is not None:
            known.append(_rule(*rule))
    return tuple(
        Place(identity, schedule, location, tuple(rules)) for (identity, schedule, location), rules in hours.items()
    )


_RULE: Final = ("weekday", "opens", "closes", "valid_from", "valid_until", "every")


def _rule(
    weekday: int, opens: time, closes: time, valid_from: date | None, valid_until: date | None, every: int
) -> Hours:
    return Hours(
        weekday=weekday,
        opens=_seconds(opens),
        closes=_seconds(closes) or DAY,
        valid_from=day_number(valid_from or date.min),
        valid_until=day_number(valid_until or date.max),
        every=every,
    )


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _window(diary: Diary) -> Interval:
    """All seconds any visit of the window could take, in any of its sites' zones."""
    away = [offset for post in diary.posts for _, _, offset in diary.offsets(post.site.zone)]
    start = day_number(diary.since) * DAY - max(away)
    end = day_number(diary.until) * DAY - min(away)
    return start - diary.lengths.before, end + diary.lengths.duration + diary.lengths.after


def _read_unfree(
    diary: Diary,
    *,
    clinic_id: int,
    schedules: Collection[int],
    now: datetime,
    own_hold: uuid.UUID | None,
    moved: Collection[uuid.UUID],
) -> None:
    start, end = map(instant, _window(diary))
    asked: dict[str, Any] = {
        "clinic": clinic_id,
        "start": start,
        "end": end,
        "schedules": "{" + ",".join(f"[{schedule},{schedule}]" for schedule in sorted(schedules)) + "}",
        "now": now,
        "own_hold": own_hold,
        "moved": list(moved),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNFREE, asked)
        taken = diary.taken
        for is_closure, schedule, location, begins, ends in cursor.fetchall():
            if not is_closure:
                taken[schedule].append((begins, ends))
            elif schedule is not None:
                diary.schedule_closed.setdefault(schedule, []).append((begins, ends))
            elif location is not None:
                diary.location_closed.setdefault(location, []).append((begins, ends))
            else:
                diary.clinic_closed.append((begins, ends))
