"""Where the pages of times begin and end, and where their links lead."""

from datetime import date, timedelta

import pytest

from bookings import offers
from bookings.agenda import Agenda, agenda
from bookings.plans import Plan
from tests.factories import MONDAY, Cast, ClosureFactory, cast

pytestmark = pytest.mark.django_db
NOW = MONDAY + timedelta(days=4, hours=12)  # Friday evening: nothing is free before next Monday
NEXT = date(2026, 12, 7)


@pytest.fixture
def people(db: None) -> Cast:
    return cast()


def week(people: Cast, *, since: date | None = None) -> Agenda:
    found = offers.offer(clinic=people.clinic, slug="consultation", language="en", today=NOW.date())
    assert found is not None
    return agenda(
        plan=Plan(service=found.service), places=found.locations, people=found.practitioners, now=NOW, since=since
    )


def test_the_first_page_begins_with_the_first_free_day_and_nothing_is_earlier(people: Cast) -> None:
    shown = week(people)
    assert (shown.since, shown.days[0].date, shown.earlier, shown.later) == (NEXT, NEXT, None, NEXT + timedelta(days=7))
    assert shown.first is not None
    assert shown.following is None


def test_pages_walk_by_weeks_and_stop_at_the_horizon(people: Cast) -> None:
    seen, since = [], week(people).later
    while since is not None:
        shown = week(people, since=since)
        seen.append(shown.since)
        since = shown.later
    assert seen == [NEXT + timedelta(days=7 * number) for number in range(1, 13)]
    last = week(people, since=seen[-1])
    assert (last.last, last.shown_until, last.earlier) == (
        NOW.date() + timedelta(days=90),
        NOW.date() + timedelta(days=90),
        seen[-2],
    )


def test_an_empty_week_names_the_next_free_time_and_its_day(people: Cast) -> None:
    ClosureFactory(clinic=people.clinic, start=MONDAY + timedelta(days=14), end=MONDAY + timedelta(days=28))
    shown = week(people, since=NEXT + timedelta(days=7))
    assert (shown.days, shown.following_day) == ([], NEXT + timedelta(days=21))


def test_a_full_diary_has_neither_first_nor_following(people: Cast) -> None:
    ClosureFactory(clinic=people.clinic, start=MONDAY, end=MONDAY + timedelta(days=400))
    shown = week(people)
    assert (shown.first, shown.following, shown.days, shown.since) == (None, None, [], NOW.date())
