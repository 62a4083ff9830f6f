"""Dates and clock times as the reader's language writes them (CLDR, through Babel), and where the clock hangs."""

import re
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton, format_time, get_timezone_location
from django.utils.translation import get_language, gettext

_YEAR_AT_THE_END = re.compile(r"(\s*'de')?[\s,]*y+\s*$")
#: English as Europe writes it: day before month, 24 hours.
REGIONAL = {"en": "en_GB"}


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(REGIONAL.get(language, language))
    except (UnknownLocaleError, ValueError):  # a made-up language of the tests
        return Locale.parse(REGIONAL["en"])


def reader() -> Locale:
    """The locale of the language now active."""
    return _locale((get_language() or "en").split("-")[0])


def day(value: date) -> str:
    """A date with its weekday and year, such as `Tuesday, 1 June 2027`."""
    return format_date(value, format="full", locale=reader())


def born(written: str) -> str:
    """A birth date such as `3 Dec 1985`, which nobody takes for March; as it stands where it is no ISO date."""
    try:
        return format_skeleton("yMMMd", date.fromisoformat(written), locale=reader())
    except ValueError:
        return written


def day_and_month(value: date) -> str:
    """A date with its weekday where the year is clear, such as `Tuesday, 1 June`."""
    pattern = reader().date_formats["full"].pattern
    return format_date(value, format=_YEAR_AT_THE_END.sub("", pattern), locale=reader())


def span(first: date, last: date) -> str:
    """Two dates as one period, such as `1–7 Jun 2027`."""
    return format_interval(first, last, skeleton="yMMMd", locale=reader())


def clock(moment: datetime, *, zone: ZoneInfo) -> str:
    """The wall clock in `zone`, such as `10:30`; in an hour that comes twice, with its offset (`02:30 CEST`)."""
    local = moment.astimezone(zone)
    text = format_time(local, format="short", locale=reader())
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{text} {local.tzname()}" if twice else text


def city(zone: ZoneInfo) -> str:
    """The city a zone is named after, in the reader's language: `Vienna`, `Wien`, `Vienne`."""
    return get_timezone_location(zone, locale=reader(), return_city=True)


def moment(value: datetime, *, zone: ZoneInfo) -> str:
    """Day, clock and where that clock hangs: `Tuesday, 1 June 2027, 10:30 (Paris time)`."""
    return gettext("%(day)s, %(clock)s (%(city)s time)") % {
        "day": day(value.astimezone(zone).date()),
        "clock": clock(value, zone=zone),
        "city": city(zone),
    }
