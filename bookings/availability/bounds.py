"""How soon and how far ahead a service can be booked, by patients and by staff."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bookings.models import HealthcareService
from bookings.wallclock import DAY, day_number, instants, local_date, regimes

#: How many days ahead staff may book, whom no service's horizon binds.
STAFF_HORIZON: Final = 730


def earliest_start(*, service: HealthcareService, duration: int, now: datetime, online: bool) -> int:
    """The first epoch second at which a visit of `duration` seconds may start: after the notice; for staff, while it
    is not over yet."""
    current = math.ceil(now.timestamp())
    return current + service.minimum_notice * 60 if online else current - duration + 1


def last_day(*, service: HealthcareService, now: datetime, zone: ZoneInfo, online: bool) -> date:
    """The last local date on which a visit may start: `horizon` days after today there."""
    return local_date(math.floor(now.timestamp()), zone=zone) + timedelta(days=_horizon(service, online=online))


def end_of_booking(*, service: HealthcareService, now: datetime, zone: ZoneInfo, online: bool) -> int:
    """The epoch second at which the last bookable day is over."""
    day = last_day(service=service, now=now, zone=zone, online=online)
    offsets = regimes(zone=zone, since=day, until=day + timedelta(days=1))
    return instants(day=day_number(day), opens=0, closes=DAY, offsets=offsets)[-1][1]


def searchable(*, service: HealthcareService, now: datetime, online: bool) -> tuple[date, date]:
    """Local dates `[first, end)` outside which nothing can be bookable, whatever the zone."""
    today = utc_date(now)
    return today - timedelta(days=2), today + timedelta(days=_horizon(service, online=online) + 2)


def utc_date(moment: datetime) -> date:
    """The date in UTC, also of the first and last moments of the calendar, which a forged link may name."""
    try:
        return moment.astimezone(UTC).date()
    except OverflowError:
        return moment.date()


def _horizon(service: HealthcareService, *, online: bool) -> int:
    return service.horizon if online else STAFF_HORIZON
