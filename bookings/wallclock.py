"""Local wall time to instants, in whole seconds, exactly on the nights the clocks change.

A time of day is the *set of instants* at which that wall clock shows it: none for a time that is skipped, two for one
that is repeated. So hours `[opens, closes)` of a date are the instants whose local date and time lie in them; no rule
of thumb about "the first" or "the second" 02:30 is needed, and whatever is cut out of the set exists.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from bookings.intervals import Interval, union

DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
#: How often the zone is asked for its offset: since 2000 no zone of the IANA database changed twice within six days.
_PROBE: Final = DAY

Regime = tuple[int, int, int]
"""`[start, end)` in epoch seconds with the UTC offset in seconds that holds throughout."""


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970 UTC of an aware datetime."""
    return int(instant.timestamp())


def instant(seconds: int) -> datetime:
    """The aware UTC datetime of an epoch second."""
    return datetime.fromtimestamp(seconds, UTC)


def day_number(day: date) -> int:
    """Days since 1 January 1970."""
    return day.toordinal() - _EPOCH


def week_number(day: int) -> int:
    """Weeks since the Monday before 1970 of a day number; a week begins on Monday (RFC 5545 WKST=MO)."""
    return (day + 3) // 7


def local_date(seconds: int, *, zone: ZoneInfo) -> date:
    """The date a wall clock of `zone` shows at an epoch second."""
    return datetime.fromtimestamp(seconds, zone).date()


def is_imaginary(moment: datetime) -> bool:
    """Whether an aware datetime names a wall time its own zone skips (02:30 on the night clocks go forward)."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) != moment.replace(tzinfo=None)


def regimes(*, zone: ZoneInfo, since: date, until: date) -> list[Regime]:
    """The UTC offsets in force over all instants that fall on local dates `[since, until)`, in order."""
    return list(_regimes(zone, day_number(since), day_number(until)))


@lru_cache(maxsize=512)
def _regimes(zone: ZoneInfo, first: int, last: int) -> tuple[Regime, ...]:
    start, end = (first - 1) * DAY, (last + 1) * DAY  # offsets lie within a day either way
    found: list[Regime] = []
    begun, offset = start, _offset(start, zone)
    for probe in range(start + _PROBE, end + _PROBE, _PROBE):
        after = _offset(probe, zone)
        if after != offset:
            change = _change(low=probe - _PROBE, high=probe, offset=offset, zone=zone)
            found.append((begun, change, offset))
            begun, offset = change, after
    found.append((begun, end, offset))
    return tuple(found)


def _change(*, low: int, high: int, offset: int, zone: ZoneInfo) -> int:
    """The first second after `low` at which the offset is no longer `offset`."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(seconds: int, zone: ZoneInfo) -> int:
    away = datetime.fromtimestamp(seconds, zone).utcoffset() or timedelta(0)
    return int(away.total_seconds())


def instants(*, day: int, opens: int, closes: int, offsets: Sequence[Regime]) -> list[Interval]:
    """The instants of one date whose wall time lies in `[opens, closes)`, as a set of intervals.

    `day` is a `day_number`, `opens` and `closes` are seconds after midnight (86,400 is the day's end), `offsets` come
    from `regimes` and cover the date. Usually one interval; two when a boundary falls into a repeated hour; none when
    all is skipped.
    """
    midnight = day * DAY
    found = []
    for begun, ended, offset in offsets:
        start, end = max(midnight + opens - offset, begun), min(midnight + closes - offset, ended)
        if start < end:
            found.append((start, end))
    return found if len(found) < 2 else union(found)
