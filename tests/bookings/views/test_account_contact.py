"""The address and the wishes: proved first, changed everywhere at once, and only one's own."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import patients
from bookings.models import ConsentText, ContactChallenge, Patient, PatientAccount
from tests.bookings.views.account_walk import CONTACT, ME, NASTY, sign_in
from tests.bookings.views.walk import heading, newest_code, other_than
from tests.factories import Cast, PatientFactory

pytestmark = pytest.mark.django_db
CHANGE, CODE = reverse("bookings:me-contact-change"), reverse("bookings:me-contact-code")
LANGUAGE = reverse("bookings:me-contact-language")
WISHES = {"phone": "+33 6 12 34 56 78", "message_language": "fr", "remind": "on", "safe_contact": "on"}


@pytest.fixture
def ada(people: Cast, client: Client) -> Client:
    patients.reindex(people.ada)
    sign_in(client)
    return client


@pytest.fixture
def ben(people: Cast) -> Client:
    patients.reindex(people.ada)
    browser = Client()
    sign_in(browser, "ben@example.org")
    return browser


def wishes_of(patient: Patient) -> str:
    return reverse("bookings:me-contact-wishes", args=[patient.code])


def changed(browser: Client, email: str) -> Any:
    assert browser.post(CHANGE, {"email": email})["Location"] == CODE
    return browser.post(CODE, {"code": newest_code(purpose="change")})


def test_the_new_address_is_proved_before_anything_changes(people: Cast, ada: Client) -> None:
    assert ada.post(CHANGE, {"email": "new@example.org"})["Location"] == CODE
    sent = ContactChallenge.objects.get(purpose="change")
    assert (sent.contact, sent.deliver, sent.key_id) == ("new@example.org", True, PatientAccount.objects.get().key_id)
    assert ada.post(CODE, {"code": other_than(sent.code)}).status_code == 422
    assert Patient.objects.get(pk=people.ada.pk).email == "ada@example.org"
    page = ada.post(CODE, {"code": sent.code}, follow=True)
    assert page.redirect_chain == [(f"{CONTACT}?said=changed", 302)]
    assert "new@example.org" in page.content.decode()
    assert Patient.objects.get(pk=people.ada.pk).email == "new@example.org"
    assert ada.get(CODE)["Location"] == CONTACT


def test_the_new_address_signs_in_and_the_old_one_reaches_nothing(people: Cast, ada: Client) -> None:
    changed(ada, "new@example.org")
    browser = Client()
    sign_in(browser, "new@example.org")
    assert PatientAccount.objects.count() == 1
    assert heading(browser.get(ME)) == "Your appointments"
    ContactChallenge.objects.all().delete()
    Client().post(ME, {"clinic": "parc", "email": "ada@example.org"})
    assert ContactChallenge.objects.get().deliver is False


def test_asking_for_an_address_that_is_known_tells_nothing(people: Cast, ada: Client, ben: Client) -> None:
    answers = []
    for email in ("ben@example.org", "free@example.org"):
        response = ada.post(CHANGE, {"email": email})
        page = ada.get(CODE).content.decode().replace(email, "…").split("csrfmiddlewaretoken")[0]
        answers.append((response.status_code, response["Location"], page))
    assert answers[0] == answers[1]
    assert [row.deliver for row in ContactChallenge.objects.filter(purpose="change")] == [True, True]


def test_an_address_of_another_account_is_refused_once_it_is_proved(people: Cast, ada: Client, ben: Client) -> None:
    page = changed(ada, "BEN@example.org")
    assert page.status_code == 409
    assert "This address cannot be used for this account." in page.content.decode()
    assert Patient.objects.get(pk=people.ada.pk).email == "ada@example.org"


def test_a_code_goes_again_to_the_same_new_address(ada: Client) -> None:
    ada.post(CHANGE, {"email": "new@example.org"})
    assert ada.post(reverse("bookings:me-contact-send"))["Location"] == f"{CODE}?sent=again"
    assert [row.contact for row in ContactChallenge.objects.filter(purpose="change")] == ["new@example.org"] * 2


def test_wishes_are_saved_and_shown(people: Cast, ada: Client) -> None:
    assert ada.post(wishes_of(people.ada), WISHES)["Location"] == f"{CONTACT}?said=saved"
    found = Patient.objects.get(pk=people.ada.pk)
    assert (found.phone, found.language, found.remind, found.safe_contact) == ("+33 6 12 34 56 78", "fr", True, True)
    ada.post(wishes_of(people.ada), {"message_language": "fr", "phone": ""})
    found.refresh_from_db()
    assert (found.phone, found.remind, found.safe_contact) == ("", False, False)
    page = ada.get(CONTACT).content.decode()
    assert "Good when others read your mail or use your phone." in page


def test_reminders_that_need_a_yes_show_the_words_it_means(people: Cast, ada: Client) -> None:
    text = ConsentText.objects.create(
        clinic=people.clinic, purpose="reminders", language="en", version=1, body="Yes, remind me."
    )
    page = ada.get(CONTACT).content.decode()
    assert f'name="reminders_text" value="{text.pk}"' in page
    assert "Yes, remind me." in page
    assert f'name="remind" id="id_{people.ada.code}_remind" aria-describedby' in page
    ada.post(wishes_of(people.ada), WISHES | {"reminders_text": str(text.pk)})
    assert [consent.text for consent in people.ada.consents.all()] == [text]
    assert f'name="remind" id="id_{people.ada.code}_remind" checked' in ada.get(CONTACT).content.decode()


def test_each_of_several_own_records_has_its_form(people: Cast, ada: Client) -> None:
    child = PatientFactory(clinic=people.clinic, given_name="Ida")
    patients.reindex(child)
    page = ada.get(CONTACT).content.decode()
    for patient in (people.ada, child):
        assert page.count(f'id="id_{patient.code}_phone"') == 1
    ada.post(wishes_of(child), WISHES)
    assert [Patient.objects.get(pk=one.pk).language for one in (people.ada, child)] == ["en", "fr"]


def test_whoever_acts_sees_address_and_language_and_nothing_of_the_patients(people: Cast, ben: Client) -> None:
    page = ben.get(CONTACT).content.decode()
    assert "ben@example.org" in page
    assert people.ada.code not in page
    assert "Nothing without a code" not in page
    assert ben.post(LANGUAGE, {"message_language": "nl"})["Location"] == f"{CONTACT}?said=saved"
    assert PatientAccount.objects.get().language == "nl"


@pytest.mark.parametrize("code", ["nobody", "\u202e", "x" * 300])
def test_a_record_that_is_not_ones_own_is_not_there(people: Cast, ada: Client, ben: Client, code: str) -> None:
    stranger = PatientFactory(clinic=people.elsewhere)
    patients.reindex(stranger)
    for record in (code, stranger.code):
        assert ada.post(reverse("bookings:me-contact-wishes", args=[record]), WISHES).status_code == 404
    assert ben.post(wishes_of(people.ada), WISHES).status_code == 404
    assert ada.post(LANGUAGE, {"message_language": "nl"}).status_code == 404


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("field", ["phone", "message_language", "reminders_text"])
def test_nothing_typed_breaks_the_wishes(people: Cast, ada: Client, field: str, nasty: str) -> None:
    page = ada.post(wishes_of(people.ada), WISHES | {field: nasty})
    assert page.status_code == (302 if field == "reminders_text" else 422)
    if page.status_code == 422:
        assert "<title>Error: " in page.content.decode()
        assert b"<script>alert" not in page.content
        assert heading(page) == "Contact"


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_typed_breaks_the_address_and_its_code(people: Cast, ada: Client, nasty: str) -> None:
    page = ada.post(CHANGE, {"email": nasty})
    assert (page.status_code, b"<script>alert" in page.content) == (422, False)
    ada.post(CHANGE, {"email": "new@example.org"})
    page = ada.post(CODE, {"code": nasty})
    assert (page.status_code, b"<script>alert" in page.content) == (422, False)
