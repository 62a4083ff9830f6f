"""Grouping free times by day and place."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bookings.days import Time, by_day


@dataclass(frozen=True)
class Wall:
    """A place with a clock."""

    name: str
    zone: str

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


PARIS = Wall("Bellecour", "Europe/Paris")
VIENNA = Wall("Alsergrund", "Europe/Vienna")
LISBON = Wall("Baixa", "Europe/Lisbon")
NOON = datetime(2027, 6, 1, 10, tzinfo=UTC)


def test_noon_of_the_place_parts_morning_from_afternoon() -> None:
    days, left_out = by_day([Time(NOON - timedelta(minutes=1), PARIS), Time(NOON, PARIS)], places=[PARIS])
    assert [name for name, _ in days[0].sites[0].parts] == ["morning", "afternoon"]
    assert left_out is None


def test_a_start_belongs_to_the_local_date_of_its_place() -> None:
    late = datetime(2027, 6, 1, 22, 30, tzinfo=UTC)
    days, _ = by_day([Time(late, PARIS), Time(late, LISBON)], places=[PARIS, LISBON])
    assert [(day.date, day.sites[0].place) for day in days] == [(date(2027, 6, 1), LISBON), (date(2027, 6, 2), PARIS)]


def test_places_of_a_day_stand_in_the_order_given() -> None:
    days, _ = by_day([Time(NOON, PARIS), Time(NOON - timedelta(hours=1), VIENNA)], places=[PARIS, VIENNA])
    assert [site.place for site in days[0].sites] == [PARIS, VIENNA]


def test_whole_days_are_listed_until_there_are_enough_and_the_next_is_named() -> None:
    starts = [Time(NOON + timedelta(days=number), PARIS) for number in range(4)]
    days, left_out = by_day(starts, places=[PARIS], enough=2)
    assert ([day.date.day for day in days], left_out) == ([1, 2], date(2027, 6, 3))


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([PARIS, VIENNA, LISBON]))))
def test_every_pair_is_listed_exactly_once_and_in_order(picked: list[tuple[int, Wall]]) -> None:
    starts = [(NOON + timedelta(minutes=10 * step), place) for step, place in picked]
    days, left_out = by_day([Time(*pair) for pair in starts], places=[PARIS, VIENNA, LISBON], enough=10**6)
    listed = [(one.start, site.place) for day in days for site in day.sites for _, part in site.parts for one in part]
    assert sorted(listed, key=repr) == sorted(set(starts), key=repr)
    assert left_out is None
    assert [day.date for day in days] == sorted({start.astimezone(place.tz).date() for start, place in starts})


def test_of_two_groups_that_meet_at_once_the_one_with_more_places_is_listed() -> None:
    days, _ = by_day(
        [Time(NOON, PARIS, seats=1), Time(NOON, PARIS, seats=3), Time(NOON, PARIS, seats=2)], places=[PARIS]
    )
    assert [one.seats for one in days[0].sites[0].afternoon] == [3]
