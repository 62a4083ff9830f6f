"""Recurrence rules (RFC 5545 RRULE) as a clinic's diary needs them: so many times, every so often, on a wall clock.

Rules repeat the *local* start. An occurrence whose wall time does not exist on its day (the night clocks go forward) is
ignored and not counted, as 3.3.10 says; of a time that comes twice it is the first.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from bookings.wallclock import is_imaginary

#: How many occurrences one series may have.
MOST: Final = 60
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY")
_PARTS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY"})


class BadRule(ValueError):
    """The text is no recurrence rule that can be booked: unknown words, no end, or more than `MOST` occurrences."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of a series: its place in the rule (from 0) and its start in aware UTC."""

    index: int
    start: datetime


def rule(*, frequency: str, interval: int = 1, count: int | None = None, until: date | None = None) -> str:
    """The RRULE of a simple repetition; `until` is the last local date. Raises BadRule."""
    parts = [f"FREQ={frequency}", *([f"INTERVAL={interval}"] if interval != 1 else [])]
    if count is not None:
        parts.append(f"COUNT={count}")
    if until is not None:
        parts.append(f"UNTIL={until:%Y%m%d}T235959")
    written = ";".join(parts)
    check(written)
    return written


def check(rrule: str) -> None:
    """Raise BadRule unless `rrule` is a rule that `occurrences` can expand."""
    parts = dict(part.partition("=")[::2] for part in rrule.split(";"))
    if parts.get("FREQ") not in _FREQUENCIES or not parts.keys() <= _PARTS or len(parts) <= rrule.count(";"):
        raise BadRule(rrule)
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise BadRule(rrule)
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not (parts[name].isdecimal() and 1 <= int(parts[name]) <= MOST):
            raise BadRule(rrule)
    try:
        rrulestr(rrule, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 - rules are of wall time
    except (ValueError, KeyError, TypeError) as error:
        raise BadRule(rrule) from error


def occurrences(*, rrule: str, start: datetime, zone: ZoneInfo) -> list[Occurrence]:
    """Every occurrence of a rule that begins at `start` (aware), by the clock of `zone`; the first is `start` itself.

    Raises BadRule, also for a rule that `start` does not fit (BYDAY=MO from a Tuesday) or with more than `MOST`.
    """
    check(rrule)
    local = start.astimezone(zone).replace(tzinfo=None, fold=0)
    parts = dict(part.split("=") for part in rrule.split(";"))
    most = int(parts.pop("COUNT", MOST + 1))  # counted here: what does not exist is not counted
    naive = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=local)
    walls = (wall.replace(tzinfo=zone) for wall in naive)
    found = list(islice((wall for wall in walls if wall.replace(tzinfo=None) == local or not is_imaginary(wall)), most))
    if not found or len(found) > MOST or found[0].replace(tzinfo=None) != local:
        raise BadRule(rrule)
    real = [start.astimezone(zone), *found[1:]]
    return [Occurrence(index, wall.astimezone(UTC)) for index, wall in enumerate(real)]


def shifted(moment: datetime, *, before: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """Where `moment` lies when the occurrence at `before` moves to `after` and the rest follow, by the clock of `zone`:
    as many days later, at the new time of day. None when that wall time does not exist. Aware UTC."""
    old, new = before.astimezone(zone), after.astimezone(zone)
    day = moment.astimezone(zone).date() + (new.date() - old.date())
    wall = datetime.combine(day, new.time(), tzinfo=zone)
    return None if is_imaginary(wall) else wall.astimezone(UTC)
