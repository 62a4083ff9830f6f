"""The same question asked by hand: how fast can PostgreSQL and Python answer when nothing of Horae stands between?

Both know what holds for the data set and no more: no closures, no holidays, no buffers, no rooms, no night on which
clocks change; visits and the time between starts of one length. Each gives `(start in epoch seconds, practitioner id)`
in ascending order.
"""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

Answer = list[tuple[int, int]]

_NEVER: Final = (1 << 40, 1 << 41)

_HOURS: Final = """
    SELECT practitioner.id, practitioner.schedule_id, location.zone, service.duration * 60, service.minimum_notice * 60,
           hours.weekday, hours.opens, hours.closes
      FROM bookings_healthcareservice service
      JOIN bookings_servicepractitioner offer ON offer.service_id = service.id
      JOIN bookings_practitioner practitioner ON practitioner.id = offer.practitioner_id
      JOIN bookings_openinghours hours ON hours.schedule_id = practitioner.schedule_id
      JOIN bookings_location location ON location.id = hours.location_id
     WHERE service.id = %s
"""
_TAKEN: Final = """
    SELECT schedule_id, date_part('epoch', lower(period))::bigint, date_part('epoch', upper(period))::bigint
      FROM bookings_occupancy
     WHERE int8range(schedule_id, schedule_id, '[]') && %s::int8multirange AND period && tstzrange(%s, %s)
"""
_ALL_IN_SQL: Final = """
    WITH hours AS MATERIALIZED (
        SELECT practitioner.id AS practitioner_id, practitioner.schedule_id,
               service.duration * interval '1 minute' AS length,
               tstzrange((day + hours.opens) AT TIME ZONE location.zone,
                         (day + hours.closes) AT TIME ZONE location.zone) AS open
          FROM bookings_healthcareservice service
          JOIN bookings_servicepractitioner offer ON offer.service_id = service.id
          JOIN bookings_practitioner practitioner ON practitioner.id = offer.practitioner_id
          JOIN bookings_openinghours hours ON hours.schedule_id = practitioner.schedule_id
          JOIN bookings_location location ON location.id = hours.location_id
          JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp - interval '1 day', '1 day') AS day
            ON extract(isodow FROM day) - 1 = hours.weekday
         WHERE service.id = %(service)s
    ), opened AS (
        SELECT practitioner_id, schedule_id, length, range_agg(open) AS open FROM hours GROUP BY 1, 2, 3
    ), taken AS (
        SELECT schedule_id, range_agg(period) AS taken
          FROM bookings_occupancy
         WHERE int8range(schedule_id, schedule_id, '[]')
               && (SELECT range_agg(int8range(schedule_id, schedule_id, '[]')) FROM opened)
           AND period && (SELECT range_merge(range_agg(open)) FROM hours)
         GROUP BY 1
    )
    SELECT date_part('epoch', start)::bigint, practitioner_id
      FROM opened
      LEFT JOIN taken USING (schedule_id)
     CROSS JOIN LATERAL unnest(open - coalesce(taken, '{}')) AS free
     CROSS JOIN LATERAL generate_series(lower(free), upper(free) - length, length) AS start
     WHERE start >= %(earliest)s
     ORDER BY 1, 2
"""


def swept(connection: "psycopg.Connection[Any]", *, service_id: int, now: datetime, since: date, until: date) -> Answer:
    """Two queries, the second by the index on schedule and period; then one pass over whole seconds for each person."""
    hours: dict[tuple[int, int], list[tuple[int, time, time]]] = defaultdict(list)
    for practitioner, schedule, zone, length, notice, weekday, opens, closes in connection.execute(
        _HOURS, [service_id]
    ):
        hours[practitioner, schedule].append((weekday, opens, closes))
        tz, visit, earliest = ZoneInfo(zone), length, int(now.timestamp()) + notice
    if not hours:
        return []
    busy: dict[int, list[tuple[int, int]]] = defaultdict(list)
    first, last = (datetime.combine(day, time(0), tzinfo=tz) for day in (since, until))
    schedules = "{" + ",".join(f"[{schedule},{schedule}]" for _, schedule in sorted(hours)) + "}"
    for schedule, start, end in connection.execute(_TAKEN, [schedules, first, last]).fetchall():
        busy[schedule].append((start, end))
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    midnights = [(day.weekday(), int(datetime.combine(day, time(0), tzinfo=tz).timestamp())) for day in days]
    found: Answer = []
    for (practitioner, schedule), rules in hours.items():
        opened = sorted(
            (midnight + _seconds(opens), midnight + _seconds(closes))
            for weekday, midnight in midnights
            for rule, opens, closes in rules
            if rule == weekday
        )
        taken = iter([*sorted(busy[schedule]), _NEVER])
        begins, ends = next(taken)
        for opens_at, closes_at in opened:
            for start in range(opens_at, closes_at - visit + 1, visit):
                while ends <= start:
                    begins, ends = next(taken)
                if begins >= start + visit and start >= earliest:
                    found.append((start, practitioner))
    return sorted(found)


def in_sql(
    connection: "psycopg.Connection[Any]", *, service_id: int, now: datetime, since: date, until: date
) -> Answer:
    """One statement: opening hours less what is taken, as multiranges, cut into starts.

    What is free begins on the grid here, since everything taken lies on it.
    """
    values = {"service": service_id, "since": since, "until": until, "earliest": now + timedelta(minutes=120)}
    return connection.execute(_ALL_IN_SQL, values).fetchall()


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60
