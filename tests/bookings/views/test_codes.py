"""Typing the code, and being booked once."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from bookings import links
from bookings.models import Appointment, ContactChallenge, NoticeShown, PrivacyNotice
from tests.bookings.views.walk import NINE, Walk, heading, newest_code, other_than

pytestmark = pytest.mark.django_db


def test_the_right_code_books_and_opens_the_appointment(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft, notice=str(PrivacyNotice.objects.get().pk))
    response = walk.type_code(draft)
    appointment = Appointment.objects.get()
    assert response["Location"] == f"/a/{links.token(appointment)}/booked/"
    page = walk.client.get(response["Location"])
    assert (page.status_code, heading(page)) == (200, "You are booked")
    assert (appointment.start, appointment.patient.family_name, appointment.reason) == (NINE, "Ångström", "A cough")
    assert NoticeShown.objects.get().appointment == appointment


@pytest.mark.parametrize("written", ["{} {}", " {}-{} ", "{}\u00a0{}", "{}\t{}"])
def test_a_code_pasted_with_spaces_or_dashes_is_right(walk: Walk, written: str) -> None:
    draft = walk.draft()
    walk.fill(draft)
    code = newest_code()
    assert walk.type_code(draft, written.format(code[:3], code[3:])).status_code == 302


def test_the_field_takes_a_code_from_the_keyboard_the_clipboard_and_the_phone(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    page = walk.client.get(walk.address(draft, "code")).content.decode()
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert 'maxlength="6"' not in page
    assert "onpaste" not in page
    assert "zoe@example.org" in page


def test_a_wrong_code_says_how_many_tries_are_left_and_the_fifth_ends_it(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    wrong = other_than(newest_code())
    response = walk.type_code(draft, wrong)
    assert response.status_code == 422
    assert "This is not the code we sent. Check it and try again. 4 tries are left." in response.content.decode()
    for _ in range(3):
        walk.type_code(draft, wrong)
    last = walk.type_code(draft, wrong)
    assert (last.status_code, "no longer valid" in last.content.decode()) == (410, True)
    assert walk.type_code(draft).status_code == 410
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\0", "9" * 10_000])
def test_what_is_no_code_is_not_counted_as_a_try(walk: Walk, code: str) -> None:
    draft = walk.draft()
    walk.fill(draft)
    response = walk.client.post(walk.address(draft, "code"), {"code": code})
    assert response.status_code == 422
    assert ContactChallenge.objects.get().tries_left == 5


def test_a_new_code_replaces_the_old(walk: Walk, clock: time_machine.Traveller) -> None:
    draft = walk.draft()
    walk.fill(draft)
    old = newest_code()
    clock.shift(timedelta(seconds=30))
    response = walk.client.post(walk.address(draft, "send-code"))
    assert response["Location"] == walk.address(draft, "code") + "?sent=again"
    assert "We sent a new code." in walk.client.get(response["Location"]).content.decode()
    assert walk.type_code(draft, old).status_code == 422
    assert walk.type_code(draft).status_code == 302


def test_a_code_that_comes_too_late_is_a_clear_410(walk: Walk, clock: time_machine.Traveller) -> None:
    draft = walk.draft()
    walk.fill(draft)
    clock.shift(timedelta(minutes=11))
    response = walk.type_code(draft)
    assert response.status_code == 410
    assert "This code is no longer valid. Ask for a new one." in response.content.decode()


def test_a_replayed_form_leads_to_the_appointment_booked(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    booked = walk.type_code(draft)["Location"]
    assert walk.type_code(draft)["Location"] == booked
    assert walk.fill(draft)["Location"] == booked
    assert walk.client.get(walk.address(draft))["Location"] == booked
    assert Appointment.objects.count() == 1


def test_a_visitor_who_lost_the_time_after_the_proof_needs_no_second_code(
    walk: Walk, clock: time_machine.Traveller
) -> None:
    draft = walk.draft()
    walk.fill(draft)
    clock.shift(timedelta(minutes=9, seconds=30))
    walk.client.post(walk.address(draft, "send-code"))
    code = newest_code()
    clock.shift(timedelta(minutes=2))
    Walk(Client(), walk.people).hold()
    lost = walk.type_code(draft, code)
    assert (lost.status_code, heading(lost)) == (409, "This time was just taken")
    walk.hold(NINE + timedelta(minutes=30), draft=str(draft.pk))
    page = walk.client.get(walk.address(draft, "code"))
    assert heading(page) == "Book this time"
    assert "id_code" not in page.content.decode()
    assert walk.client.post(walk.address(draft, "code")).status_code == 302
    assert Appointment.objects.get().start == NINE + timedelta(minutes=30)


def test_the_code_page_without_a_form_leads_back_to_it(walk: Walk) -> None:
    draft = walk.draft()
    assert walk.client.get(walk.address(draft, "code"))["Location"] == walk.address(draft) + "?check=1"
    assert walk.client.post(walk.address(draft, "send-code"))["Location"] == walk.address(draft) + "?check=1"


def test_the_session_changes_its_id_once_a_contact_is_proved(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    before = walk.client.cookies["sessionid"].value
    walk.type_code(draft)
    assert walk.client.cookies["sessionid"].value != before
