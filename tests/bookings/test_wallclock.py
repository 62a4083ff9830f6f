"""Wall time to instants, checked second by second against the zone itself."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.intervals import Interval
from bookings.wallclock import DAY, day_number, epoch, instant, instants, is_imaginary, local_date, regimes

PARIS = ZoneInfo("Europe/Paris")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Paris",
        "Europe/Lisbon",
        "Europe/Vienna",
        "Europe/Helsinki",
        "Atlantic/Reykjavik",
        "Atlantic/Canary",
        "Atlantic/Azores",  # changes at local midnight: a day without a 00:00
        "America/Havana",
    )
]
#: Around both nights on which the clocks change in Europe in 2027, and in Cuba.
NIGHTS = [
    day + timedelta(days=away)
    for day in (date(2027, 3, 14), date(2027, 3, 28), date(2027, 10, 31), date(2027, 11, 7), date(2027, 6, 15))
    for away in (-1, 0, 1)
]
minutes = st.integers(min_value=0, max_value=24 * 12).map(lambda number: number * 300)


def hours(day: date, opens: int, closes: int, zone: ZoneInfo) -> list[Interval]:
    offsets = regimes(zone=zone, since=day, until=day + timedelta(days=1))
    return instants(day=day_number(day), opens=opens, closes=closes, offsets=offsets)


@given(st.sampled_from(NIGHTS), minutes, minutes, st.sampled_from(ZONES))
def test_hours_are_the_instants_whose_wall_clock_lies_in_them(day: date, one: int, other: int, zone: ZoneInfo) -> None:
    opens, closes = min(one, other), max(one, other)
    found = hours(day, opens, closes, zone)
    for seconds in range((day_number(day) - 1) * DAY, (day_number(day) + 2) * DAY, 300):
        local = datetime.fromtimestamp(seconds, zone)
        shown = local.hour * 3600 + local.minute * 60
        inside = local.date() == day and opens <= shown < closes
        assert inside == any(start <= seconds < end for start, end in found), local


@pytest.mark.parametrize(("day", "length"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)])
def test_a_whole_day_is_one_interval_of_its_true_length(day: date, length: int) -> None:
    ((start, end),) = hours(day, 0, DAY, PARIS)
    assert (end - start) // 3600 == length
    assert local_date(start, zone=PARIS) == day
    assert local_date(end, zone=PARIS) == day + timedelta(days=1)


def test_an_opening_in_the_skipped_hour_begins_when_the_clock_goes_on() -> None:
    ((start, _),) = hours(date(2027, 3, 28), 9000, 5 * 3600, PARIS)
    assert instant(start).astimezone(PARIS).strftime("%H:%M %Z") == "03:00 CEST"


def test_hours_wholly_inside_the_skipped_hour_do_not_exist() -> None:
    assert hours(date(2027, 3, 28), 2 * 3600, 3 * 3600, PARIS) == []


def test_hours_inside_the_repeated_hour_come_twice() -> None:
    found = hours(date(2027, 10, 31), 9000, 9900, PARIS)
    assert [instant(start).astimezone(PARIS).strftime("%H:%M %Z") for start, _ in found] == ["02:30 CEST", "02:30 CET"]


def test_a_skipped_wall_time_is_imaginary_and_a_repeated_one_is_not() -> None:
    assert is_imaginary(datetime(2027, 3, 28, 2, 30, tzinfo=PARIS))
    assert not is_imaginary(datetime(2027, 10, 31, 2, 30, tzinfo=PARIS))
    assert not is_imaginary(datetime(2027, 10, 31, 2, 30, tzinfo=PARIS, fold=1))
    assert not is_imaginary(datetime(2027, 3, 28, 2, 30, tzinfo=UTC))


def test_epoch_and_instant_are_inverse() -> None:
    assert epoch(instant(1_900_000_000)) == 1_900_000_000
    assert instant(0) == datetime(1970, 1, 1, tzinfo=UTC)
