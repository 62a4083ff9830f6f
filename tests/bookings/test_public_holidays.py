"""Public holidays by region, and what happens with a region nobody knows."""

from datetime import date

from bookings import public_holidays


def test_regions_of_one_country_differ() -> None:
    assumption = date(2026, 8, 15)
    assert assumption in public_holidays.of_year(country="DE", subdivision="SL", year=2026)
    assert assumption not in public_holidays.of_year(country="DE", subdivision="BE", year=2026)


def test_movable_feasts_are_known() -> None:
    assert date(2027, 3, 29) in public_holidays.of_year(country="AT", subdivision="9", year=2027)  # Easter Monday


def test_an_unknown_region_counts_as_the_whole_country() -> None:
    whole = public_holidays.of_year(country="FR", subdivision="", year=2026)
    assert date(2026, 7, 14) in whole
    assert public_holidays.of_year(country="FR", subdivision="nowhere", year=2026) == whole


def test_an_unknown_country_has_none() -> None:
    assert public_holidays.of_year(country="XX", subdivision="", year=2026) == frozenset()
