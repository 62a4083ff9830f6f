"""Dates as each language writes them, and where the clock hangs."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from bookings import moments

PARIS = ZoneInfo("Europe/Paris")
VIENNA = ZoneInfo("Europe/Vienna")
JUNE = datetime(2027, 6, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "short", "city"),
    [
        ("en", "Tuesday, 1 June 2027", "Tuesday, 1 June", "Vienna"),
        ("de", "Dienstag, 1. Juni 2027", "Dienstag, 1. Juni", "Wien"),
        ("fr", "mardi 1 juin 2027", "mardi 1 juin", "Vienne"),
        ("es", "martes, 1 de junio de 2027", "martes, 1 de junio", "Viena"),
        ("it", "martedì 1 giugno 2027", "martedì 1 giugno", "Vienna"),
        ("nl", "dinsdag 1 juni 2027", "dinsdag 1 juni", "Wenen"),
    ],
)
def test_each_language_writes_its_own_dates_with_weekday_and_24_hours(
    language: str, day: str, short: str, city: str
) -> None:
    with translation.override(language):
        assert moments.day(JUNE.date()) == day
        assert moments.day_and_month(JUNE.date()) == short
        assert moments.clock(JUNE, zone=VIENNA) == "10:30"
        assert moments.city(VIENNA) == city


def test_a_moment_says_where_its_clock_hangs() -> None:
    assert moments.moment(JUNE, zone=PARIS) == "Tuesday, 1 June 2027, 10:30 (Paris time)"


def test_the_day_is_the_one_of_the_place_and_not_of_utc() -> None:
    assert moments.moment(datetime(2027, 6, 1, 22, 30, tzinfo=UTC), zone=PARIS).startswith("Wednesday, 2 June")


def test_only_an_hour_that_comes_twice_names_its_offset() -> None:
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    clocks = [moments.clock(at, zone=PARIS) for at in (first, second, second.replace(hour=2))]
    assert clocks == ["02:30 CEST", "02:30 CET", "03:30"]


def test_a_language_unknown_to_cldr_reads_as_english() -> None:
    with translation.override("xx"):
        assert moments.day(JUNE.date()) == "Tuesday, 1 June 2027"


@pytest.mark.parametrize(("written", "told"), [("1985-12-03", "3 Dec 1985"), ("around 1950", "around 1950"), ("", "")])
def test_a_birth_date_is_written_out_so_that_nobody_swaps_day_and_month(written: str, told: str) -> None:
    assert moments.born(written) == told


def test_two_dates_are_one_period() -> None:
    assert moments.span(date(2027, 6, 1), date(2027, 6, 7)) == "1–7 Jun 2027"
