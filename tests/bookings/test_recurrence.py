"""Recurrence rules: on a wall clock, bounded, and as RFC 5545 counts them."""

from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.recurrence import MOST, BadRule, check, occurrences, rule, shifted
from bookings.wallclock import is_imaginary

PARIS = ZoneInfo("Europe/Paris")
ZONES = ["Europe/Lisbon", "Europe/Vienna", "Europe/Helsinki", "Atlantic/Reykjavik", "Atlantic/Canary"]
MONDAY = datetime(2027, 3, 1, 10, tzinfo=PARIS)


def local(rrule: str, start: datetime, zone: ZoneInfo = PARIS) -> list[datetime]:
    """The wall times of a rule, as people read them."""
    found = occurrences(rrule=rrule, start=start, zone=zone)
    return [one.start.astimezone(zone).replace(tzinfo=None) for one in found]


starts = st.builds(
    lambda day, minute, zone: datetime.combine(day, time(minute // 60, minute % 60), tzinfo=ZoneInfo(zone)),
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(ZONES),
).filter(lambda start: not is_imaginary(start))


@given(
    start=starts,
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 4),
    count=st.integers(1, 20),
)
def test_every_occurrence_shows_the_same_wall_time_and_there_are_as_many_as_said(
    start: datetime, frequency: str, interval: int, count: int
) -> None:
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    found = occurrences(rrule=rule(frequency=frequency, interval=interval, count=count), start=start, zone=zone)
    assert [one.index for one in found] == list(range(count))
    assert found[0].start == start.astimezone(UTC)
    assert [one.start for one in found] == sorted({one.start for one in found})
    walls = [one.start.astimezone(zone) for one in found]
    assert {wall.time() for wall in walls} == {start.time()}
    days = [wall.date() for wall in walls]
    if frequency == "MONTHLY":
        assert {day.day for day in days} == {start.day}
        assert all(((day.year - start.year) * 12 + day.month - start.month) % interval == 0 for day in days)
    else:
        step = interval * (1 if frequency == "DAILY" else 7)
        assert all((day - start.date()).days % step == 0 for day in days)


def test_the_local_time_is_kept_over_the_night_the_clocks_change() -> None:
    found = occurrences(rrule="FREQ=WEEKLY;COUNT=6", start=MONDAY, zone=PARIS)
    assert [one.start.hour for one in found] == [9, 9, 9, 9, 8, 8]


def test_a_wall_time_that_is_skipped_is_no_occurrence_and_is_not_counted() -> None:
    days = [wall.day for wall in local("FREQ=DAILY;COUNT=4", datetime(2027, 3, 26, 2, 30, tzinfo=PARIS))]
    assert days == [26, 27, 29, 30]  # 02:30 does not exist on the 28th


def test_of_a_time_that_comes_twice_it_is_the_first() -> None:
    found = occurrences(rrule="FREQ=DAILY;COUNT=3", start=datetime(2027, 10, 30, 2, 30, tzinfo=PARIS), zone=PARIS)
    assert [one.start.hour for one in found] == [0, 0, 1]
    second = datetime(2027, 10, 31, 2, 30, tzinfo=PARIS, fold=1)
    assert occurrences(rrule="FREQ=DAILY;COUNT=1", start=second, zone=PARIS)[0].start == second.astimezone(UTC)


def test_a_month_without_that_day_is_left_out() -> None:
    walls = local("FREQ=MONTHLY;COUNT=4", datetime(2027, 1, 31, 9, tzinfo=PARIS))
    assert [(wall.month, wall.day) for wall in walls] == [(1, 31), (3, 31), (5, 31), (7, 31)]


def test_until_names_the_last_local_day_and_includes_it() -> None:
    late = datetime(2027, 3, 1, 23, 30, tzinfo=PARIS)
    assert len(local(rule(frequency="WEEKLY", until=date(2027, 3, 15)), late)) == 3
    assert len(local(rule(frequency="WEEKLY", until=date(2027, 3, 14)), late)) == 2


def test_several_days_a_week() -> None:
    days = [wall.day for wall in local("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=5", MONDAY)]
    assert days == [1, 4, 8, 11, 15]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=YEARLY;COUNT=3",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;COUNT=3;UNTIL=20270401T000000",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=61",
        "FREQ=WEEKLY;COUNT=-1",
        "FREQ=WEEKLY;COUNT=",
        "FREQ=WEEKLY;COUNT=²",
        "FREQ=WEEKLY;INTERVAL=0;COUNT=3",
        "FREQ=WEEKLY;COUNT=3;BYHOUR=9",
        "FREQ=WEEKLY;COUNT=3;BYDAY=XX",
        "FREQ=WEEKLY;COUNT=3;BYDAY=",
        "FREQ=WEEKLY;UNTIL=tomorrow",
        "FREQ=WEEKLY;COUNT=3;COUNT=4",
        "freq=weekly;count=3",
        "FREQ=WEEKLY;COUNT=3\nEXDATE:20270308T100000",
        "FREQ=WEEKLY;COUNT=3;",
    ],
)
def test_what_is_no_rule_is_refused(bad: str) -> None:
    with pytest.raises(BadRule):
        occurrences(rrule=bad, start=MONDAY, zone=PARIS)


@pytest.mark.parametrize(
    "endless",
    [
        f"FREQ=DAILY;UNTIL={date.max:%Y%m%d}T235959",
        "FREQ=WEEKLY;BYDAY=TU;COUNT=3",  # the first visit is on a Monday
        "FREQ=MONTHLY;BYDAY=6MO;COUNT=3",  # no month has six
    ],
)
def test_a_rule_that_does_not_fit_or_does_not_end_is_refused_soon(endless: str) -> None:
    began = perf_counter()
    with pytest.raises(BadRule):
        occurrences(rrule=endless, start=MONDAY, zone=PARIS)
    assert perf_counter() - began < 2


@given(st.text(max_size=40) | st.from_regex(r"FREQ=(DAILY|WEEKLY|MONTHLY);[A-Z]{3,8}=[-+0-9A-Z,]{0,8}", fullmatch=True))
def test_any_text_is_a_rule_or_is_refused_as_one(text: str) -> None:
    try:
        check(text)
    except BadRule:
        return
    try:
        assert 1 <= len(occurrences(rrule=text, start=MONDAY, zone=PARIS)) <= MOST
    except BadRule:
        return


@given(start=starts, days=st.integers(-400, 400), weeks=st.integers(0, 30), minute=st.integers(0, 24 * 60 - 1))
def test_what_follows_moves_by_as_many_days_to_the_same_time_of_day(
    start: datetime, days: int, weeks: int, minute: int
) -> None:
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    after = datetime.combine(start.date() + timedelta(days=days), time(minute // 60, minute % 60), tzinfo=zone)
    moment = datetime.combine(start.date() + timedelta(weeks=weeks), start.time(), tzinfo=zone)
    if is_imaginary(after):
        return
    aimed = shifted(moment.astimezone(UTC), before=start.astimezone(UTC), after=after.astimezone(UTC), zone=zone)
    day = moment.astimezone(UTC).astimezone(zone).date() + timedelta(days=days)
    wall = datetime.combine(day, after.time(), tzinfo=zone)
    if is_imaginary(wall):
        assert aimed is None
    else:
        assert aimed is not None
        assert aimed.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
