"""How lists of the admin write a moment: short, in the reader's language, on the wall clock of the place."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from bookings import moments


def short_day(value: date) -> str:
    """A date with its weekday, such as `Mon, 23 Nov 2026`."""
    return format_skeleton("yMMMEd", value, locale=moments.reader())


def short(moment: datetime, *, zone: ZoneInfo) -> str:
    """Day and clock on a wall in `zone`, such as `Mon, 23 Nov 2026, 10:30`."""
    return f"{short_day(moment.astimezone(zone).date())}, {moments.clock(moment, zone=zone)}"
