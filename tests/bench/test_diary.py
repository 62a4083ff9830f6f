"""The diary of the benchmark: how much there is, that a seed repeats it, and which window is asked for."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import diary
from tests.bench.availability import scales
from tests.bench.diary import Diary

MONDAY = date(2026, 11, 30)
dates = st.dates(date(2026, 1, 1), date(2030, 12, 31))


def test_the_data_sets_are_as_large_as_they_say() -> None:
    small, large = scales(seed=1, today=MONDAY, quick=False)
    assert (small.booked.staff, small.booked.appointments) == (10, 12_320)
    assert (large.booked.staff, large.booked.appointments) == (20, 146_160)


def test_a_staff_day_has_28_of_40_quarter_hours_booked_each_once() -> None:
    taken = list(Diary(1, 2, diary.weekdays(MONDAY, 3)).taken())
    assert len(set(taken)) == len(taken)
    assert set(Counter((person, day) for person, day, _ in taken).values()) == {28}
    assert {quarter for _, _, quarter in taken} <= set(range(40))


def test_the_same_seed_gives_the_same_diary_and_another_seed_another() -> None:
    days = diary.weekdays(MONDAY, 3)
    assert list(Diary(1, 2, days).taken()) == list(Diary(1, 2, days).taken())
    assert list(Diary(1, 2, days).taken()) != list(Diary(2, 2, days).taken())


def test_a_larger_diary_repeats_the_smaller_one() -> None:
    small = Diary(1, 2, diary.weekdays(MONDAY, 3))
    large = Diary(1, 4, diary.weekdays_around(MONDAY, before=5, count=13))
    kept = [(person, day, quarter) for person, day, quarter in large.taken() if person < 2 and day in small.days]
    assert kept == list(small.taken())


@given(dates)
def test_the_window_is_30_days_from_a_monday_with_22_weekdays(today: date) -> None:
    since, until = diary.window(today)
    assert (since.weekday(), (until - since).days, len(diary.weekdays_in(since, until))) == (0, 30, 22)
    assert timedelta(days=1) < since - today < timedelta(days=50)


@given(dates)
def test_no_clock_changes_inside_the_window(today: date) -> None:
    since, until = diary.window(today)
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    assert len({diary.instant(day, 0).utcoffset() for day in days}) == 1


@pytest.mark.parametrize("before", [0, 5, 110])
def test_weekdays_around_begin_so_many_weekdays_before(before: int) -> None:
    days = diary.weekdays_around(MONDAY, before=before, count=261)
    assert (len(days), days.index(MONDAY)) == (261, before)


def test_quarter_hours_are_counted_from_eight_in_paris() -> None:
    assert diary.instant(MONDAY, 3).astimezone(UTC) == datetime(2026, 11, 30, 7, 45, tzinfo=UTC)
