"""The diary every method is asked about: who is booked when, from one seed. No Django, so that peers get the same.

A staff-day has 40 quarter-hours from 8 to 18 o'clock in Paris, 28 of them booked. What is booked on a day depends on
the seed, the member of staff and the day alone: a diary of more days, or of more staff, repeats the smaller one.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = "Europe/Paris"
TZ: Final = ZoneInfo(ZONE)
OPENS: Final = time(8)
CLOSES: Final = time(18)
QUARTER: Final = timedelta(minutes=15)
QUARTERS: Final = 40
BOOKED: Final = 28
WINDOW_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Diary:
    """`staff` people who work on `days`, of whose `QUARTERS` a day `booked` are taken."""

    seed: int
    staff: int
    days: tuple[date, ...]
    booked: int = BOOKED

    @property
    def appointments(self) -> int:
        """How many there are."""
        return self.staff * len(self.days) * self.booked

    def taken(self) -> Iterator[tuple[int, date, int]]:
        """Each appointment: which of the staff, the date, which quarter-hour of the day (0 is the first)."""
        for person in range(self.staff):
            for day in self.days:
                dice = random.Random(f"{self.seed}/{person}/{day}")
                for quarter in sorted(dice.sample(range(QUARTERS), self.booked)):
                    yield person, day, quarter


def wall(day: date, quarter: int) -> datetime:
    """The local start of a quarter-hour, as a clock on the wall shows it."""
    return datetime.combine(day, OPENS) + quarter * QUARTER


def instant(day: date, quarter: int) -> datetime:
    """The same, aware."""
    return wall(day, quarter).replace(tzinfo=TZ)


def window(today: date, *, days: int = WINDOW_DAYS) -> tuple[date, date]:
    """`[since, until)`: `days` days from the next Monday that is not tomorrow, clear of the nights clocks change.

    From a Monday 30 days hold 22 weekdays, whatever the date of the run.
    """
    since = today + timedelta(days=2)
    while since.weekday() != 0 or _offset(since) != _offset(since + timedelta(days=days + 1)):
        since += timedelta(days=1)
    return since, since + timedelta(days=days)


def weekdays(since: date, count: int) -> tuple[date, ...]:
    """The first `count` days from Monday to Friday from `since` on."""
    return tuple(islice((day for day in _onwards(since) if day.weekday() < 5), count))


def weekdays_around(since: date, *, before: int, count: int) -> tuple[date, ...]:
    """`count` weekdays in a row, `before` of them before the Monday `since`."""
    return weekdays(since - timedelta(days=before // 5 * 7), count)


def weekdays_in(since: date, until: date) -> tuple[date, ...]:
    """The weekdays of `[since, until)`."""
    return tuple(day for day in _days(since, until) if day.weekday() < 5)


def _days(since: date, until: date) -> Iterable[date]:
    return (since + timedelta(days=number) for number in range((until - since).days))


def _onwards(since: date) -> Iterator[date]:
    while True:
        yield since
        since += timedelta(days=1)


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(0), tzinfo=TZ).utcoffset()
