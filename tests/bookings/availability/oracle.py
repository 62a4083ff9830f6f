"""What PostgreSQL says is free: one query over multiranges and its own time zones, five minutes at a time.

It shares nothing with the sweep but the tables. It looks at every fifth minute of the window, asks the database what
the wall clock shows, adds the open ones up with `range_agg`, works out the terms from their rows, and tries every
start. All lengths are whole multiples of five.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import holidays
from django.db import connection

from bookings.availability import Asking
from bookings.models import HealthcareService, Location

_FREE: Final = """
WITH asked AS (
    SELECT service.*,
           make_interval(mins => service.step) AS every_minutes,
           make_interval(mins => CASE WHEN %(kind)s = 'home' THEN service.travel ELSE 0 END) AS away
      FROM bookings_healthcareservice service WHERE service.id = %(service)s
), held AS (
    SELECT * FROM bookings_serviceterms
     WHERE service_id = %(service)s
       AND standing IN ('', %(standing)s) AND coverage IN ('', %(coverage)s) AND kind IN ('', %(kind)s)
       AND (need = '' OR need = ANY(%(needs)s))
), terms AS (
    SELECT make_interval(mins => (coalesce((SELECT max(held.duration) FROM held), asked.duration)
                                 + coalesce((SELECT sum(extra) FROM held), 0))::int) AS duration,
           make_interval(mins => asked.buffer_before) + away AS before,
           make_interval(mins => asked.buffer_after) + away AS after,
           CASE WHEN %(kind)s <> 'on-site' THEN NULL
                ELSE nullif(coalesce((SELECT room_kind FROM held WHERE room_kind <> ''
                                       ORDER BY (standing <> '')::int + (coverage <> '')::int + (kind <> '')::int
                                                + (need <> '')::int DESC, id LIMIT 1), asked.room_kind), '')
            END AS room_kind,
           CASE WHEN %(kind)s = 'on-site' THEN nullif(asked.device_kind, '') END AS device_kind,
           CASE WHEN %(kind)s = 'on-site' THEN asked.device_id END AS device_id,
           %(kind)s = ANY(asked.kinds)
           AND (NOT %(online)s OR (
                   NOT EXISTS (SELECT FROM held WHERE NOT offered)
                   AND (%(referral)s OR NOT asked.referral_needed)
                   AND NOT (%(standing)s = '' AND EXISTS (SELECT FROM bookings_serviceterms every
                                                           WHERE every.service_id = asked.id AND standing <> ''))
                   AND NOT (%(coverage)s = '' AND EXISTS (SELECT FROM bookings_serviceterms every
                                                           WHERE every.service_id = asked.id AND coverage <> ''))
               )) AS given
      FROM asked
), minutes AS (
    SELECT at, at AT TIME ZONE %(zone)s AS wall
      FROM generate_series(%(first)s::timestamptz, %(last)s::timestamptz, '5 minutes') AS at
), open_minutes AS (
    SELECT DISTINCT hours.schedule_id, minutes.at, minutes.wall::date AS day
      FROM minutes
      JOIN bookings_openinghours hours
        ON hours.location_id = %(location)s
       AND hours.weekday = extract(isodow FROM minutes.wall) - 1
       AND minutes.wall::time >= hours.opens
       AND (minutes.wall::time < hours.closes OR hours.closes = '00:00')
       AND minutes.wall::date >= coalesce(hours.valid_from, '-infinity')
       AND minutes.wall::date <= coalesce(hours.valid_until, 'infinity')
       AND (hours.every = 1
            OR (date_trunc('week', minutes.wall)::date - date_trunc('week', hours.valid_from)::date)
               %% (7 * hours.every) = 0)
     WHERE NOT minutes.wall::date = ANY(%(holidays)s::date[])
), per_day AS (
    SELECT schedule_id, day, range_agg(tstzrange(at, at + '5 minutes')) AS open FROM open_minutes GROUP BY 1, 2
), opened AS (
    SELECT schedule_id, range_agg(tstzrange(at, at + '5 minutes')) AS open FROM open_minutes GROUP BY 1
), shut AS (
    SELECT schedule_id, location_id, tstzrange(start, "end") AS period
      FROM bookings_closure WHERE clinic_id = %(clinic)s
), busy AS (
    SELECT schedule_id, period FROM bookings_occupancy taken
     WHERE kind <> 'seat'
       AND NOT EXISTS (SELECT FROM bookings_hold hold WHERE hold.id = taken.hold_id AND hold.expires_at <= %(now)s)
), places AS (
    SELECT 'room' AS what, schedule_id FROM bookings_room room, terms
     WHERE room.location_id = %(location)s AND room.active AND room.kind = terms.room_kind
       AND (room.step_free OR NOT 'wheelchair' = ANY(%(needs)s))
     UNION ALL
    SELECT 'device', schedule_id FROM bookings_device device, terms
     WHERE device.location_id = %(location)s AND device.active
       AND (device.kind = terms.device_kind OR device.id = terms.device_id)
), candidates AS (
    SELECT practitioner.id AS practitioner_id, practitioner.schedule_id,
           generate_series(lower(anchor), upper(anchor) - '1 second'::interval, asked.every_minutes) AS start
      FROM asked
      JOIN bookings_servicepractitioner offer ON offer.service_id = asked.id
      JOIN bookings_practitioner practitioner ON practitioner.id = offer.practitioner_id AND practitioner.active
      JOIN per_day
        ON per_day.schedule_id = practitioner.schedule_id AND per_day.day >= %(since)s AND per_day.day < %(until)s,
           unnest(per_day.open) AS anchor
), visits AS (
    SELECT candidates.*, start AT TIME ZONE %(zone)s AS wall,
           tstzrange(start, start + duration) AS visit,
           tstzrange(start - before, start + duration + after) AS period
      FROM candidates, terms WHERE terms.given
), doing AS (
    SELECT visits.start, visits.practitioner_id, what
      FROM visits, places
     WHERE (NOT EXISTS (SELECT FROM bookings_openinghours hours WHERE hours.schedule_id = places.schedule_id)
            OR (SELECT open FROM opened WHERE opened.schedule_id = places.schedule_id) @> visit)
       AND NOT EXISTS (SELECT FROM shut WHERE shut.schedule_id = places.schedule_id AND shut.period && visit)
       AND NOT EXISTS (SELECT FROM busy
                        WHERE busy.schedule_id = places.schedule_id AND busy.period && visits.period)
)
SELECT start, upper(visit), practitioner_id
  FROM visits, terms, asked
 WHERE (SELECT open FROM opened WHERE opened.schedule_id = visits.schedule_id) @> visit
   AND NOT EXISTS (
       SELECT FROM shut
        WHERE shut.period && visit
          AND (shut.schedule_id = visits.schedule_id OR shut.location_id = %(location)s
               OR (shut.schedule_id IS NULL AND shut.location_id IS NULL)))
   AND NOT EXISTS (SELECT FROM busy WHERE busy.schedule_id = visits.schedule_id AND busy.period && visits.period)
   AND (terms.room_kind IS NULL OR (start, practitioner_id, 'room') IN (SELECT * FROM doing))
   AND (coalesce(terms.device_kind, terms.device_id::text) IS NULL
        OR (start, practitioner_id, 'device') IN (SELECT * FROM doing))
   AND CASE WHEN %(online)s THEN start >= %(now)s + make_interval(mins => asked.minimum_notice)
            ELSE upper(visit) > %(now)s END
   AND (NOT %(online)s OR wall::date <= (%(now)s AT TIME ZONE %(zone)s)::date + asked.horizon)
   AND (%(weekdays)s::int[] = '{}' OR extract(isodow FROM wall)::int - 1 = ANY(%(weekdays)s))
   AND (%(part)s = '' OR %(part)s = CASE WHEN extract(hour FROM wall) < 12 THEN 'morning'
                                         WHEN extract(hour FROM wall) < 17 THEN 'afternoon' ELSE 'evening' END)
 ORDER BY start, practitioner_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the database: `free_slots` in its own words. The window is `[since, since + days)`."""

    service: HealthcareService
    location: Location
    now: datetime
    since: date
    days: int
    online: bool
    asking: Asking
    weekdays: Collection[int] = ()
    part: str = ""


def free(question: Question) -> Sequence[tuple[datetime, datetime, int]]:
    """`(start, end, practitioner)` of every free time, by start."""
    origin = datetime.combine(question.since - timedelta(days=2), time(0), tzinfo=UTC)
    location, asking = question.location, question.asking
    closed = (
        holidays.country_holidays(location.country, years=question.since.year) if location.observes_holidays else {}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _FREE,
            {
                "zone": location.zone,
                "first": origin,
                "last": origin + timedelta(days=question.days + 5),
                "location": location.pk,
                "holidays": sorted(closed),
                "clinic": location.clinic_id,
                "service": question.service.pk,
                "since": question.since,
                "until": question.since + timedelta(days=question.days),
                "now": question.now,
                "online": question.online,
                "standing": asking.standing,
                "coverage": asking.coverage,
                "referral": asking.referral,
                "kind": str(asking.kind),
                "needs": sorted(asking.needs),
                "weekdays": sorted(question.weekdays),
                "part": question.part,
            },
        )
        return list(cursor.fetchall())
