"""Free times of a service, and taking one."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.forms import slots
from bookings.models import Appointment, Draft, Hold
from tests.bookings.views.walk import NINE, NOW, Walk, heading
from tests.factories import (
    AppointmentFactory,
    ClosureFactory,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    open_week,
)

pytestmark = pytest.mark.django_db


def test_times_open_on_the_first_free_day_grouped_by_half_day(walk: Walk) -> None:
    page = walk.client.get(walk.times).content.decode()
    assert (
        page.index(">Friday, 27 November</h2>")
        < page.index(">Morning</p>")
        < page.index(">Afternoon</p>")
        < page.index(">Monday, 30 November</h2>")
    )
    assert "Next free time" in page
    assert "Friday, 27 November 2026, 11:00 (Paris time)" in page
    assert slots.value(start=NINE, location="bellecour") in page


def test_weeks_are_walked_by_links_that_keep_what_was_chosen(walk: Walk) -> None:
    second = PractitionerFactory(clinic=walk.people.clinic, name="Novak")
    OfferFactory(service=walk.people.service, practitioner=second)
    open_week(of=second, at=walk.people.location)
    page = walk.client.get(walk.times, {"practitioner": second.pk}).content.decode()
    assert f'rel="next" href="?practitioner={second.pk}&amp;from=2026-12-04"' in page
    assert 'rel="prev"' not in page
    later = walk.client.get(walk.times, {"practitioner": second.pk, "from": "2026-12-04"}).content.decode()
    assert f'rel="prev" href="?practitioner={second.pk}&amp;from=2026-11-27"' in later
    assert f"bellecour~{second.pk}" in later


def test_an_empty_week_says_when_the_next_free_time_is(walk: Walk) -> None:
    ClosureFactory(clinic=walk.people.clinic, start=NINE + timedelta(days=6), end=NINE + timedelta(days=18))
    page = walk.client.get(walk.times, {"from": "2026-12-07"}).content.decode()
    assert "No free time on these days" in page
    assert "The next free time after them is Friday, 18 December 2026, 09:00 (Paris time)." in page
    assert "from=2026-12-18" in page


def test_a_service_without_any_free_time_says_so_and_gives_the_phone(walk: Walk) -> None:
    ClosureFactory(clinic=walk.people.clinic, start=NOW - timedelta(days=1), end=NOW + timedelta(days=200))
    page = walk.client.get(walk.times).content.decode()
    assert "There is no free time at the moment" in page
    assert "Or call +33 4 72 00 00 00: the desk may find a time." in page


def test_a_day_before_today_or_past_the_horizon_shows_the_first_or_the_last_that_can_be_booked(walk: Walk) -> None:
    assert ">Friday, 27 November</h2>" in walk.client.get(walk.times, {"from": "2020-01-01"}).content.decode()
    last = walk.client.get(walk.times, {"from": "9999-12-31"}).content.decode()
    assert ">Thursday, 25 February</h2>" in last
    assert 'rel="next"' not in last


def test_when_nothing_comes_later_the_page_leads_back_to_the_first_free_time(walk: Walk) -> None:
    ClosureFactory(clinic=walk.people.clinic, start=NOW + timedelta(days=80), end=NOW + timedelta(days=200))
    page = walk.client.get(walk.times, {"from": "2027-02-20"}).content.decode()
    assert "No free time on these days or later" in page
    assert "Times can be booked until Thursday, 25 February 2027." in page


def test_two_places_are_told_apart_and_can_be_chosen(walk: Walk) -> None:
    other = LocationFactory(
        clinic=walk.people.clinic, name="Croix-Rousse", slug="croix-rousse", address="9 rue d'Austerlitz"
    )
    second = PractitionerFactory(clinic=walk.people.clinic, name="Novak")
    OfferFactory(service=walk.people.service, practitioner=second)
    open_week(of=second, at=other)
    both = walk.client.get(walk.times).content.decode()
    assert "~bellecour~" in both
    assert "~croix-rousse~" in both
    assert "9 rue d&#x27;Austerlitz" in both
    one = walk.client.get(walk.times, {"location": "croix-rousse"}).content.decode()
    assert "~bellecour~" not in one
    assert "~croix-rousse~" in one


def test_a_time_two_people_have_free_is_listed_once(walk: Walk) -> None:
    second = PractitionerFactory(clinic=walk.people.clinic)
    OfferFactory(service=walk.people.service, practitioner=second)
    open_week(of=second, at=walk.people.location)
    page = walk.client.get(walk.times).content.decode()
    assert page.count(f'value="{slots.value(start=NINE, location="bellecour")}"') == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_times_take_the_same_queries_however_many_people_give_the_service(
    walk: Walk, django_assert_num_queries: Any, rows: int
) -> None:
    for _ in range(rows - 1):
        offer = OfferFactory(service=walk.people.service)
        open_week(of=offer.practitioner, at=walk.people.location)
    walk.client.get(walk.times)
    with django_assert_num_queries(12):
        walk.client.get(walk.times)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "31.12.2026"}, 400),
        ({"from": "2026-02-30"}, 400),
        ({"from": "\0"}, 400),
        ({"draft": "1"}, 400),
        ({"location": "nowhere"}, 404),
        ({"location": "\0"}, 404),
        ({"practitioner": "999999"}, 404),
        ({"practitioner": "x" * 10_000}, 404),
    ],
)
def test_a_malformed_address_is_a_clear_page(walk: Walk, query: dict[str, str], status: int) -> None:
    response = walk.client.get(walk.times, query)
    assert response.status_code == status
    assert heading(response) == {400: "This request cannot be read", 404: "There is nothing here"}[status]
    assert "+33 4 72 00 00 00" in response.content.decode()


def test_reading_pages_changes_nothing_and_gives_no_session(walk: Walk) -> None:
    for method in (walk.client.get, walk.client.head):
        assert method(walk.times).status_code == 200
    assert "sessionid" not in walk.client.cookies
    response = walk.client.get(walk.hold_address)
    assert (response.status_code, response["Allow"], Hold.objects.count()) == (405, "POST", 0)
    assert heading(response) == "This is not how this page is opened"


def test_a_pressed_time_is_held_and_its_form_opened(walk: Walk) -> None:
    draft = walk.draft()
    assert (draft.start, draft.practitioner) == (NINE, walk.people.demir)
    assert draft.hold is not None


def test_a_second_press_of_the_same_time_holds_it_once(walk: Walk) -> None:
    walk.hold()
    assert walk.hold().status_code == 302
    assert Hold.objects.count() == 1


def test_the_loser_of_a_race_gets_the_nearest_times_each_one_press_away(walk: Walk) -> None:
    Walk(Client(), walk.people).hold()
    response = walk.hold()
    page = response.content.decode()
    assert (response.status_code, heading(response)) == (409, "This time was just taken")
    assert f'name="slot" value="{slots.value(start=NINE + timedelta(minutes=30), location="bellecour")}"' in page
    assert Draft.objects.count() == 1


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (NOW - timedelta(days=7), "This time has passed."),
        (NINE.replace(hour=2), "This time is outside opening hours."),
        (NINE + timedelta(minutes=7), "Visits do not start at this time."),
        (NINE + timedelta(days=365), "This time is too far ahead to book."),
    ],
)
def test_a_time_that_is_not_offered_is_a_409_that_says_why(walk: Walk, start: Any, sentence: str) -> None:
    response = walk.hold(start)
    assert (response.status_code, heading(response)) == (409, "This time is not offered")
    assert sentence in response.content.decode()
    assert (Hold.objects.count(), Draft.objects.count(), Appointment.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("slot", "status"),
    [
        ("", 400),
        ("tomorrow", 400),
        ("2026-13-01T08:00Z~bellecour~", 400),
        ("\0~bellecour~", 400),
        ("x" * 10_000, 400),
        ("2026-11-30T08:00Z~nowhere~", 404),
        ("2026-11-30T08:00Z~bellecour~999", 404),
        ("0001-01-01T00:00Z~bellecour~", 409),
        ("9999-12-31T23:59Z~bellecour~", 409),
    ],
)
def test_a_forged_time_holds_nothing(walk: Walk, slot: str, status: int) -> None:
    response = walk.client.post(walk.hold_address, {"slot": slot})
    assert response.status_code == status
    assert Hold.objects.count() == 0


def test_who_keeps_too_many_times_gives_the_others_back_by_one_press(walk: Walk) -> None:
    drafts = [walk.draft(NINE + timedelta(minutes=30 * half_hours)) for half_hours in range(3)]
    response = walk.hold(NINE + timedelta(hours=3))
    assert (response.status_code, heading(response)) == (429, "You keep several times already")
    assert "Give the others back and keep this one" in response.content.decode()
    assert walk.hold(NINE + timedelta(hours=3), instead="yes").status_code == 302
    assert Hold.objects.get().start == NINE + timedelta(hours=3)
    assert "This time is no longer kept for you." in walk.client.get(walk.address(drafts[0])).content.decode()


def test_a_form_moves_to_another_time_and_keeps_what_was_typed(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft, family_name="Kept", email="not an address")
    assert str(draft.pk) in walk.client.get(walk.times, {"draft": str(draft.pk)}).content.decode()
    response = walk.hold(NINE + timedelta(hours=2), draft=str(draft.pk))
    assert response["Location"] == walk.address(draft)
    draft.refresh_from_db()
    assert draft.start == NINE + timedelta(hours=2)
    assert 'value="Kept"' in walk.client.get(walk.address(draft)).content.decode()
    assert Hold.objects.count() == 1


def test_the_same_time_chosen_again_stays_held(walk: Walk) -> None:
    draft = walk.draft()
    assert walk.hold(draft=str(draft.pk)).status_code == 302
    draft.refresh_from_db()
    assert draft.hold is not None


def test_another_visitors_form_cannot_be_moved(walk: Walk) -> None:
    draft = walk.draft()
    stranger = Walk(Client(), walk.people)
    response = stranger.hold(NINE + timedelta(hours=1), draft=str(draft.pk))
    assert response.status_code == 404
    draft.refresh_from_db()
    assert draft.start == NINE


def test_an_hour_that_comes_twice_says_which_is_which(walk: Walk) -> None:
    open_week(
        of=walk.people.demir,
        at=walk.people.location,
        opens=NOW.time().replace(hour=0),
        closes=NOW.time().replace(hour=5),
        weekdays=[6],
    )
    walk.people.service.horizon = 400
    walk.people.service.save()
    page = walk.client.get(walk.times, {"from": "2027-10-31"}).content.decode()
    assert "02:30 CEST</button>" in page
    assert "02:30 CET</button>" in page


def test_staff_booking_in_between_leaves_the_page_true(walk: Walk, clock: time_machine.Traveller) -> None:
    people = walk.people
    AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        start=NINE,
    )
    page = walk.client.get(
        reverse("bookings:times", args=["parc", "consultation"]), {"from": "2026-11-30"}
    ).content.decode()
    assert slots.value(start=NINE, location="bellecour") not in page
