"""The form of a booking: typed text is never lost, the time held is always said."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import parties
from bookings.models import Appointment, ContactChallenge, Draft, Hold, PrivacyNotice
from tests.bookings.views.walk import DETAILS, NINE, Walk, heading
from tests.factories import NoticeFactory

pytestmark = pytest.mark.django_db


def typed(draft: Draft) -> dict[str, str]:
    """What the draft keeps."""
    return parties.read(Draft.objects.get(pk=draft.pk))


def test_the_form_says_what_is_booked_and_until_when_it_is_kept(walk: Walk) -> None:
    page = walk.client.get(walk.address(walk.draft())).content.decode()
    assert "Monday, 30 November 2026, 09:00 (Paris time)" in page
    assert "Dr Demir" in page
    assert "1 place Bellecour, 69002 Lyon" in page
    assert "We keep this time for you until <strong>09:10</strong> (Paris time)." in page
    assert "Keep it longer" in page


def test_fields_tell_browsers_what_they_are_for(walk: Walk) -> None:
    page = walk.client.get(walk.address(walk.draft())).content.decode()
    for purpose in ("given-name", "family-name", "bday-day", "bday-month", "bday-year", "email", "tel"):
        assert f'autocomplete="{purpose}"' in page


def test_a_complete_form_sends_one_code_and_leads_to_its_page(walk: Walk) -> None:
    draft = walk.draft()
    response = walk.fill(draft)
    assert (response.status_code, response["Location"]) == (302, walk.address(draft, "code"))
    assert ContactChallenge.objects.get().contact == "zoe@example.org"
    assert walk.fill(draft)["Location"] == walk.address(draft, "code")
    assert ContactChallenge.objects.count() == 1


def test_another_address_gets_a_code_of_its_own(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    walk.fill(draft, email="other@example.org")
    assert {sent.contact for sent in ContactChallenge.objects.all()} == {"zoe@example.org", "other@example.org"}


def test_mistakes_are_listed_with_links_to_their_fields_and_nothing_is_lost(walk: Walk) -> None:
    draft = walk.draft()
    response = walk.fill(draft, family_name="", email="zoe@", birth_month="13", reason="Typed")
    page = response.content.decode()
    assert response.status_code == 422
    assert "<title>Error: Your details" in page
    assert 'href="#id_family_name">Write the family name. If there is only one name, write it here.' in page
    assert 'href="#id_email">Write an e-mail address such as name@example.org.' in page
    assert 'href="#id_birth_day">This date does not exist.' in page
    assert 'tabindex="-1" autofocus' in page
    assert 'aria-describedby="id_family_name_helptext id_family_name_error"' in page
    for value in ('value="zoe@"', 'value="13"', ">\nTyped</textarea>"):
        assert value in page
    assert ContactChallenge.objects.count() == 0
    again = walk.client.get(walk.address(draft)).content.decode()
    for value in ('value="zoe@"', 'value="13"', ">\nTyped</textarea>"):
        assert value in again


def test_one_name_without_birth_date_phone_or_reason_is_enough(walk: Walk) -> None:
    draft = walk.draft()
    empty = dict.fromkeys(("given_name", "birth_day", "birth_month", "birth_year", "phone", "reason"), "")
    assert walk.fill(draft, family_name="Suharto", **empty).status_code == 302
    assert typed(draft)["birth_date"] == ""


def test_booking_for_someone_else_asks_who_books(walk: Walk) -> None:
    draft = walk.draft()
    page = walk.fill(draft, who="other").content.decode()
    assert "Write your own name, since you book for someone else." in page
    assert "Say what you are to the patient." in page
    assert walk.fill(draft, who="other", helper_name="Ben", relationship="parent").status_code == 302
    assert (typed(draft)["helper_name"], typed(draft)["relationship"]) == ("Ben", "parent")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("family_name", "x" * 10_000),
        ("family_name", "Nul\0l"),
        ("family_name", "Bell\a"),
        ("family_name", "🙂🙂"),
        ("given_name", "\ue000"),
        ("reason", "x" * 10_000),
        ("reason", "\x1b[31m"),
        ("email", "a@b\0.org"),
        ("phone", "call me"),
        ("birth_year", "9" * 10_000),
        ("birth_year", "85"),
        ("who", "nobody"),
        ("message_language", "tlh"),
        ("relationship", "boss"),
    ],
)
def test_hostile_text_is_a_422_that_writes_nothing_half(walk: Walk, field: str, value: str) -> None:
    draft = walk.draft()
    response = walk.fill(draft, **{field: value})
    assert (response.status_code, heading(response)) == (422, "Your details")
    assert (ContactChallenge.objects.count(), Appointment.objects.count()) == (0, 0)
    assert walk.client.get(walk.address(draft)).status_code == 200


def test_everything_typed_too_long_is_shown_again_in_full(walk: Walk) -> None:
    draft = walk.draft()
    response = walk.fill(
        draft, **dict.fromkeys(("given_name", "family_name", "reason", "phone", "helper_name"), "ß" * 10_000)
    )
    assert response.status_code == 422
    assert "ß" * 10_000 in response.content.decode()


def test_names_of_any_script_pass_and_bidi_controls_fall_away(walk: Walk) -> None:
    draft = walk.draft()
    assert walk.fill(draft, given_name="  Nguyễn  Thị ", family_name="\u202eمحمد\u202c").status_code == 302
    assert (typed(draft)["given_name"], typed(draft)["family_name"]) == ("Nguyễn Thị", "محمد")


def test_markup_in_a_name_is_only_text(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft, family_name="<script>alert(1)</script>")
    assert "<script>alert" not in walk.client.get(walk.address(draft)).content.decode()


def test_the_notice_shown_is_recorded_with_the_version_that_stood_beside_the_form(walk: Walk) -> None:
    draft = walk.draft()
    shown = PrivacyNotice.objects.get()
    assert "What we do with your data." in walk.client.get(walk.address(draft)).content.decode()
    NoticeFactory(clinic=walk.people.clinic, version=2, body="Newer")
    walk.fill(draft, notice=str(shown.pk))
    draft.refresh_from_db()
    assert draft.notice == shown
    assert draft.notice_shown_at is not None
    assert "Newer" in walk.client.get(walk.address(draft)).content.decode()


@pytest.mark.parametrize("forged", ["x", "-1", "9" * 40, "²", "\0"])
def test_a_forged_notice_number_records_none(walk: Walk, forged: str) -> None:
    draft = walk.draft()
    assert walk.fill(draft, notice=forged).status_code == 302
    draft.refresh_from_db()
    assert draft.notice is None


def test_no_box_asks_for_consent(walk: Walk) -> None:
    assert 'type="checkbox"' not in walk.client.get(walk.address(walk.draft())).content.decode()


def test_the_language_changes_midway_and_what_was_typed_stays(walk: Walk) -> None:
    draft = walk.draft()
    response = walk.client.post(
        walk.address(draft, "draft-language"),
        {**DETAILS, "family_name": "Half typ", "language": "de", "next": walk.address(draft)},
    )
    assert (response.status_code, response["Location"]) == (302, walk.address(draft))
    page = walk.client.get(walk.address(draft)).content.decode()
    assert '<html lang="de"' in page
    assert 'value="Half typ"' in page
    assert '<option value="de" selected>' in page


def test_one_press_keeps_the_time_longer_and_what_was_typed(walk: Walk, clock: time_machine.Traveller) -> None:
    draft = walk.draft()
    clock.shift(timedelta(minutes=9))
    response = walk.client.post(walk.address(draft, "extend"), {**DETAILS, "family_name": "Half typ"})
    assert response["Location"] == walk.address(draft)
    page = walk.client.get(walk.address(draft)).content.decode()
    assert "until <strong>09:19</strong>" in page
    assert 'value="Half typ"' in page


def test_the_time_can_be_kept_longer_ten_times_in_a_row(walk: Walk, clock: time_machine.Traveller) -> None:
    draft = walk.draft()
    for _ in range(10):
        clock.shift(timedelta(minutes=9))
        walk.client.post(walk.address(draft, "extend"))
        assert "We keep this time for you until" in walk.client.get(walk.address(draft)).content.decode()
    held = draft.hold
    draft.refresh_from_db()
    assert draft.hold == held
    assert "<strong>10:40</strong>" in walk.client.get(walk.address(draft)).content.decode()


def test_longer_with_a_half_typed_form_asks_for_it_again_before_booking(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    walk.client.post(walk.address(draft, "extend"), {**DETAILS, "family_name": "\a" * 200})
    response = walk.client.get(walk.address(draft, "code"))
    assert response["Location"] == walk.address(draft) + "?check=1"
    assert "Please check what you wrote" in walk.client.get(response["Location"]).content.decode()
    assert walk.type_code(draft)["Location"] == walk.address(draft) + "?check=1"
    assert Appointment.objects.count() == 0


def test_longer_with_a_complete_form_books_without_typing_again(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    walk.client.post(walk.address(draft, "extend"), {**DETAILS, "given_name": "  Zoë   Maria "})
    assert walk.type_code(draft).status_code == 302
    patient = Appointment.objects.get().patient
    assert (patient.given_name, patient.birth_date) == ("Zoë Maria", "1990-02-28")


def test_longer_from_the_code_page_comes_back_there(walk: Walk) -> None:
    draft = walk.draft()
    response = walk.client.post(walk.address(draft, "extend"), {"back": "code"})
    assert response["Location"] == walk.address(draft, "code")


def test_a_hold_that_ran_out_is_taken_up_again_when_the_time_is_free(walk: Walk, clock: time_machine.Traveller) -> None:
    draft = walk.draft()
    clock.shift(timedelta(minutes=11))
    assert "This time is no longer kept for you." in walk.client.get(walk.address(draft)).content.decode()
    assert walk.client.post(walk.address(draft, "extend")).status_code == 302
    assert (
        "We keep this time for you until <strong>09:21</strong>"
        in walk.client.get(walk.address(draft)).content.decode()
    )


@pytest.mark.parametrize("step", ["details", "extend"])
def test_a_hold_that_ran_out_and_went_to_another_shows_the_nearest_times(
    walk: Walk, clock: time_machine.Traveller, step: str
) -> None:
    draft = walk.draft()
    clock.shift(timedelta(minutes=11))
    assert Walk(Client(), walk.people).hold().status_code == 302
    response = walk.client.post(walk.address(draft, step), {**DETAILS, "family_name": "Kept"})
    page = response.content.decode()
    assert (response.status_code, heading(response)) == (409, "This time was just taken")
    assert f'name="draft" value="{draft.pk}"' in page
    assert "nothing you typed is lost" in page
    assert walk.hold(NINE + timedelta(minutes=30), draft=str(draft.pk))["Location"] == walk.address(draft)
    assert 'value="Kept"' in walk.client.get(walk.address(draft)).content.decode()


@pytest.mark.parametrize("step", ["details", "code"])
def test_a_form_of_another_visitor_clinic_or_time_is_not_there(
    walk: Walk, clock: time_machine.Traveller, step: str
) -> None:
    draft = walk.draft()
    assert Client().get(walk.address(draft, step)).status_code == 404
    assert walk.client.get(reverse(f"bookings:{step}", args=["ring", draft.pk])).status_code == 404
    clock.shift(timedelta(hours=3))
    response = walk.client.get(walk.address(draft, step))
    assert response.status_code == 404
    assert "This form is no longer open. Please choose a time again." in response.content.decode()


def test_reading_the_form_changes_nothing(walk: Walk) -> None:
    draft = walk.draft()
    before = Draft.objects.values().get(pk=draft.pk)
    for method in (walk.client.get, walk.client.head):
        method(walk.address(draft))
    assert Draft.objects.values().get(pk=draft.pk) == before
    for step in ("extend", "draft-language", "send-code"):
        assert walk.client.get(walk.address(draft, step)).status_code == 405
    assert Hold.objects.get().extended == 0


def test_too_many_codes_are_refused_and_the_form_kept(walk: Walk) -> None:
    draft = walk.draft()
    for number in range(10):
        walk.fill(draft, email=f"zoe{number}@example.org")
    response = walk.fill(draft, email="zoe@example.org", family_name="Kept")
    assert (response.status_code, heading(response)) == (429, "Please wait a little")
    assert 'value="Kept"' in walk.client.get(walk.address(draft)).content.decode()


def test_personal_pages_are_kept_by_no_cache_and_no_search_engine(walk: Walk) -> None:
    response: Any = walk.client.get(walk.address(walk.draft()))
    assert "no-store" in response["Cache-Control"]
    assert '<meta name="robots" content="noindex">' in response.content.decode()
