"""What is asked before times are shown, and how the answers travel."""

from datetime import timedelta
from typing import Any

import pytest

from bookings import parties
from bookings.models import Appointment, Draft, Hold
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import TermsFactory

pytestmark = pytest.mark.django_db


def page(walk: Walk, **query: Any) -> str:
    return str(walk.client.get(walk.times, query).content.decode())


def change(walk: Walk, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(walk.people.service, name, value)
    walk.people.service.save()


def test_a_service_that_asks_nothing_shows_times_at_once_and_offers_to_say_needs(walk: Walk) -> None:
    shown = page(walk)
    assert "Next free time" in shown
    assert shown.count('name="needs"') == 5
    for name in ("standing", "coverage", "referral", "kind"):
        assert f'name="{name}"' not in shown


def test_only_what_the_terms_depend_on_is_asked_and_no_time_is_shown_before(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", duration=60)
    shown = page(walk)
    assert "Have you been here before?" in shown
    assert "Who pays?" not in shown
    assert 'name="slot"' not in shown
    assert 'class="mistake"' not in shown


def test_a_question_left_open_is_named_and_the_other_answer_stays(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", coverage="private", duration=60)
    shown = page(walk, standing="known", sent="1")
    assert "<title>Error: " in shown
    assert '<a href="#q-coverage">Who pays?</a>' in shown
    assert '<a href="#q-standing">' not in shown
    assert 'name="standing" value="known" checked' in shown


def test_the_answer_decides_the_length_and_travels_to_the_booking(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", duration=60)
    shown = page(walk, standing="new")
    assert "60 minutes" in shown
    assert '<input type="hidden" name="standing" value="new">' in shown
    draft = walk.draft(standing="new", needs=["interpreter", "companion"])
    assert Hold.objects.get().end - NINE == timedelta(minutes=60)
    walk.fill(draft)
    walk.type_code(draft)
    appointment = Appointment.objects.get()
    assert (appointment.standing, appointment.needs) == ("new", "interpreter companion")
    assert appointment.end - appointment.start == timedelta(minutes=60)


def test_what_a_service_does_not_ask_is_not_kept(walk: Walk) -> None:
    draft = walk.draft(standing="new", coverage="private", referral="yes")
    kept = parties.read(draft)
    assert (kept["standing"], kept["coverage"], kept["referral"]) == ("", "", "")


def test_a_case_that_is_not_booked_online_is_told_with_the_phone_and_can_be_changed(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", offered=False)
    shown = page(walk, standing="new")
    assert "With these answers this service cannot be booked online." in shown
    assert "Please call +33 4 72 00 00 00." in shown
    assert 'name="standing" value="new" checked' in shown
    assert 'name="slot"' not in shown
    assert 'name="slot"' in page(walk, standing="known")


def test_who_has_no_referral_is_told_whom_to_call(walk: Walk) -> None:
    change(walk, referral_needed=True)
    assert "Do you have a referral?" in page(walk)
    assert "This service needs a referral." in page(walk, referral="no")
    assert 'name="slot"' in page(walk, referral="yes")
    draft = walk.draft(referral="yes")
    assert parties.asking_of(parties.read(draft)).referral


@pytest.mark.parametrize("answers", [{}, {"standing": "new"}])
def test_a_time_pressed_without_or_against_the_answers_holds_nothing_and_asks(
    walk: Walk, answers: dict[str, Any]
) -> None:
    TermsFactory(service=walk.people.service, standing="new", offered=False)
    response = walk.hold(**answers)
    assert response.status_code == 409
    assert "Have you been here before?" in response.content.decode()
    assert (Hold.objects.count(), Draft.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "query",
    [
        {"standing": "old"},
        {"coverage": "\0"},
        {"referral": "perhaps"},
        {"kind": "telepathy"},
        {"needs": "x" * 10_000},
        {"needs": ["wheelchair", "champagne"]},
    ],
)
def test_words_that_are_no_answer_are_a_400(walk: Walk, query: dict[str, Any]) -> None:
    TermsFactory(service=walk.people.service, standing="new", coverage="private", offered=False)
    response = walk.client.get(walk.times, query)
    assert (response.status_code, heading(response)) == (400, "This request cannot be read")
    assert walk.hold(**query).status_code == 400
    assert Hold.objects.count() == 0


def test_a_way_the_service_is_not_given_in_is_asked_again(walk: Walk) -> None:
    change(walk, kinds=["on-site", "phone"])
    shown = page(walk, kind="home")
    assert "How would you like to meet?" in shown
    assert ("By phone" in shown, "At home" in shown, 'name="slot"' in shown) == (True, False, False)


def test_a_visit_by_phone_needs_a_number_and_is_told_as_one(walk: Walk) -> None:
    change(walk, kinds=["on-site", "phone"])
    draft = walk.draft(kind="phone")
    refused = walk.fill(draft, phone="").content.decode()
    assert "Write the number on which we can call you." in refused
    assert "We call the number you gave." in refused
    assert "1 place Bellecour" not in refused
    assert walk.fill(draft).status_code == 302
    walk.type_code(draft)
    assert Appointment.objects.get().kind == "phone"


def test_a_visit_at_home_needs_its_address_and_keeps_what_was_typed(walk: Walk) -> None:
    change(walk, kinds=["home"], travel=30)
    shown = page(walk)
    assert ("· At home" in shown, "1 place Bellecour" in shown) == (True, False)
    draft = walk.draft()
    assert "Write the address we should come to." in walk.fill(draft, visit_address="").content.decode()
    assert walk.fill(draft, visit_address="3 rue Basse\n69001 Lyon").status_code == 302
    walk.type_code(draft)
    appointment = Appointment.objects.get()
    assert (appointment.kind, appointment.visit_address) == ("home", "3 rue Basse\n69001 Lyon")


def test_moving_a_form_to_another_time_keeps_the_answers(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", duration=60)
    draft = walk.draft(standing="new", needs="more-time")
    details = walk.client.get(walk.address(draft)).content.decode()
    assert f"{walk.times}?kind=on-site&amp;standing=new&amp;needs=more-time&amp;draft={draft.pk}" in details
    walk.hold(NINE + timedelta(hours=2), draft=str(draft.pk), standing="new", needs="more-time")
    draft.refresh_from_db()
    assert draft.start == NINE + timedelta(hours=2)
    assert parties.read(draft)["standing"] == "new"


def test_the_loser_of_a_race_keeps_the_answers(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", duration=60)
    Walk(type(walk.client)(), walk.people).hold(standing="new")
    shown = walk.hold(standing="new").content.decode()
    assert "This time was just taken" in shown
    assert '<input type="hidden" name="standing" value="new">' in shown
    assert "?standing=new" in shown


def test_who_says_to_be_known_and_is_not_is_told_so_and_not_shown_other_times(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", offered=False)
    draft = walk.draft(standing="known")
    walk.fill(draft)
    response = walk.type_code(draft)
    shown = response.content.decode()
    assert (response.status_code, heading(response)) == (409, "This is not possible")
    assert "With these answers this service cannot be booked online." in shown
    assert "Or call +33 4 72 00 00 00." in shown
    assert f'href="{walk.times}?draft={draft.pk}"' in shown
    assert 'name="slot"' not in shown
    assert Appointment.objects.count() == 0


def test_who_has_as_many_as_one_may_is_told_to_call(walk: Walk) -> None:
    change(walk, cap_open=1)
    walk.booked()
    draft = walk.draft(NINE + timedelta(hours=1))
    response = walk.fill(draft)
    assert (response.status_code, heading(response)) == (409, "This is not possible")
    assert "This patient already has enough appointments to come for this service." in response.content.decode()


def test_who_has_as_many_on_a_day_as_one_may_is_led_to_the_next_day(walk: Walk) -> None:
    change(walk, cap_day=1)
    walk.booked()
    draft = walk.draft(NINE + timedelta(hours=1))
    shown = walk.fill(draft).content.decode()
    assert "This patient already has enough appointments on this day." in shown
    assert f'href="{walk.times}?draft={draft.pk}&amp;from=2026-12-01"' in shown
    assert 'name="slot"' not in shown
