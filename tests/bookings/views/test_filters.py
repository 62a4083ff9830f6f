"""Narrowing the times: by place, person, language, day and part of the day."""

from datetime import timedelta
from typing import Any

import pytest

from bookings.forms import slots
from bookings.models import Draft, Practitioner
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import ClosureFactory, OfferFactory, PractitionerFactory, open_week

pytestmark = pytest.mark.django_db


def page(walk: Walk, **query: Any) -> str:
    return str(walk.client.get(walk.times, query).content.decode())


def starts(shown: str) -> set[str]:
    """The stamps of the times listed."""
    return {piece.split('"')[0][:17] for piece in shown.split('name="slot" value="')[1:]}


@pytest.fixture
def novak(walk: Walk) -> Practitioner:
    """A second person, who speaks German and French, on Wednesdays."""
    made = PractitionerFactory(clinic=walk.people.clinic, name="Novak", languages="de fr")
    OfferFactory(service=walk.people.service, practitioner=made)
    open_week(of=made, at=walk.people.location, weekdays=[2])
    return made


def test_only_languages_that_somebody_of_the_service_speaks_are_offered(walk: Walk, novak: Practitioner) -> None:
    PractitionerFactory(clinic=walk.people.clinic, languages="nl")
    shown = page(walk)
    for code, offered in {"de": True, "fr": True, "en": True, "nl": False}.items():
        assert (f"language={code}" in shown) == offered
    assert walk.client.get(walk.times, {"language": "nl"}).status_code == 404


def test_a_language_narrows_the_times_and_the_button_names_who_speaks_it(walk: Walk, novak: Practitioner) -> None:
    wednesday = NINE + timedelta(days=2)
    shown = page(walk, language="de")
    assert "Wednesday, 2 December 2026, 09:00 (Paris time)" in shown
    assert f'value="{slots.value(start=wednesday, location="bellecour", practitioner=novak)}"' in shown
    assert f'value="{slots.value(start=wednesday, location="bellecour")}"' not in shown


def test_days_of_the_week_add_up_and_next_free_time_respects_them(walk: Walk) -> None:
    shown = page(walk, weekday=["1", "3"])
    assert "Tuesday, 1 December 2026, 09:00 (Paris time)" in shown
    assert {stamp[:10] for stamp in starts(shown)} == {"2026-12-01", "2026-12-03", "2026-12-08"} - {"2026-12-08"}
    assert 'href="?weekday=3"' in shown  # pressing Tuesday again takes it out
    assert 'href="?weekday=1&amp;weekday=3&amp;weekday=4"' in shown


def test_part_of_the_day_is_that_of_the_place(walk: Walk) -> None:
    hours = {stamp[11:13] for stamp in starts(page(walk, part="morning", **{"from": "2026-11-30"}))}
    assert hours == {"08", "09", "10"}  # 9, 10 and 11 in Paris
    assert "There is no free time at the moment" in page(walk, part="evening")


def test_choices_stay_together_and_with_the_day(walk: Walk, novak: Practitioner) -> None:
    shown = page(walk, language="fr", weekday="2", part="morning", **{"from": "2026-12-07"})
    assert 'href="?language=fr&amp;weekday=2&amp;from=2026-12-07"' in shown  # any time of day
    assert 'href="?weekday=2&amp;part=morning&amp;from=2026-12-07"' in shown  # any language
    assert ": <strong>French, Wednesday, Morning</strong>" in shown


def test_an_empty_list_says_what_to_loosen_and_does_it_by_one_press(walk: Walk, novak: Practitioner) -> None:
    ClosureFactory(schedule=novak.schedule, clinic=walk.people.clinic, start=NINE, end=NINE + timedelta(days=200))
    shown = page(walk, practitioner=str(novak.pk), weekday="2")
    assert "There may be time at another place, with another person or on another day." in shown
    assert '<a class="button" href="?">Look at all places, people and days</a>' in shown


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"weekday": "7"}, 400),
        ({"weekday": ["1", "x"]}, 400),
        ({"part": "night"}, 400),
        ({"part": "\0"}, 400),
        ({"language": "fr|de"}, 404),
        ({"language": "\0"}, 404),
    ],
)
def test_forged_choices_are_a_clear_page(walk: Walk, query: dict[str, Any], status: int) -> None:
    response = walk.client.get(walk.times, query)
    assert response.status_code == status
    assert heading(response) == {400: "This request cannot be read", 404: "There is nothing here"}[status]


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("query", "queries"), [({"weekday": "1"}, 12), ({"language": "fr", "part": "morning"}, 12), ({"people": "3"}, 12)]
)
def test_narrowed_times_take_the_same_queries_however_many_people_give_the_service(
    walk: Walk, django_assert_num_queries: Any, rows: int, query: dict[str, str], queries: int
) -> None:
    for _ in range(rows - 1):
        offer = OfferFactory(service=walk.people.service, practitioner__languages="fr de")
        open_week(of=offer.practitioner, at=walk.people.location)
    walk.client.get(walk.times, query)
    with django_assert_num_queries(queries):
        walk.client.get(walk.times, query)


def test_a_person_who_speaks_it_is_who_is_held(walk: Walk, novak: Practitioner) -> None:
    wednesday = NINE + timedelta(days=2)
    value = slots.value(start=wednesday, location="bellecour", practitioner=novak)
    walk.client.post(walk.hold_address, {"slot": value})
    assert Draft.objects.get().practitioner == novak
