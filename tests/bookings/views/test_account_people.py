"""Who acts for whom, said by the people themselves."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import patients
from bookings.models import Patient, RelatedPerson
from tests.bookings.views.account_walk import ME, NASTY, PEOPLE, sign_in, visit
from tests.bookings.views.walk import NOW, heading
from tests.factories import Cast, PatientFactory, RelatedPersonFactory

pytestmark = pytest.mark.django_db


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


def form(people: Cast, **changed: str) -> dict[str, str]:
    return {
        "whose": people.ada.code,
        "name": "Kim Park",
        "relationship": "carer",
        "email": "kim@example.org",
        "phone": "",
        "valid_until": "",
    } | changed


def at(what: str, person: RelatedPerson) -> str:
    return reverse(f"bookings:me-people-{what}", args=[person.pk])


def test_somebody_named_may_act_at_once(people: Cast, ada: Client) -> None:
    appointment = visit(people, people.ada)
    page = ada.post(PEOPLE, form(people, valid_until="2027-06-30"), follow=True)
    assert page.redirect_chain == [(f"{PEOPLE}?said=named", 302)]
    assert "until Wednesday, 30 June 2027" in page.content.decode()
    assert "kim@example.org" in page.content.decode()  # a slip of the finger shows
    kim = Client()
    sign_in(kim, "kim@example.org")
    assert [row["appointment"] for row in kim.get(ME).context["coming"]] == [appointment]
    assert RelatedPerson.objects.latest("pk").authority == "given"


def test_what_ends_ends_at_once_after_asking_once_more(people: Cast, ada: Client, ben: Client) -> None:
    visit(people, people.ada)
    page = ada.get(at("end", people.ben))
    assert heading(page) == "Shall Ben Lovelace act for you no longer?"
    assert len(ben.get(ME).context["coming"]) == 1
    assert ada.post(at("end", people.ben))["Location"] == f"{PEOPLE}?said=ended"
    assert ben.get(ME).context["coming"] == []
    assert "Ben Lovelace" not in ada.get(PEOPLE).content.decode()


def test_whoever_acts_may_stop(people: Cast, ben: Client) -> None:
    page = ben.get(PEOPLE).content.decode()
    assert "I no longer act for Ada Lovelace" in page
    assert "Let somebody act for you" not in page
    assert heading(ben.get(at("leave", people.ben))) == "Do you no longer act for Ada Lovelace?"
    assert ben.post(at("leave", people.ben))["Location"] == f"{PEOPLE}?said=left"
    assert "Nobody, with this e-mail address." in ben.get(PEOPLE).content.decode()


def test_a_patient_whom_nobody_else_can_reach_is_spoken_of(people: Cast, ben: Client) -> None:
    assert "The clinic knows no other e-mail address" not in ben.get(at("leave", people.ben)).content.decode()
    child = PatientFactory(clinic=people.clinic, email="")
    father = RelatedPersonFactory(clinic=people.clinic, patient=child)
    patients.reindex(child)
    assert "The clinic knows no other e-mail address" in ben.get(at("leave", father)).content.decode()


@pytest.mark.parametrize("authority", ["parental", "court"])
def test_a_right_the_patient_did_not_give_is_ended_by_the_clinic(people: Cast, ada: Client, authority: str) -> None:
    people.ben.authority = authority
    people.ben.save()
    assert "This right was given by law or by a court." in ada.get(PEOPLE).content.decode()
    assert ada.get(at("end", people.ben)).status_code == 404
    assert ada.post(at("end", people.ben)).status_code == 404
    people.ben.refresh_from_db()
    assert people.ben.valid_until is None


def test_nobody_ends_what_is_not_theirs(people: Cast, ada: Client, ben: Client) -> None:
    stranger: Patient = PatientFactory(clinic=people.elsewhere, email="x@example.org")
    person = RelatedPersonFactory(patient=stranger, clinic=people.elsewhere)
    patients.reindex(stranger)
    for browser in (ada, ben):
        for what in ("end", "leave"):
            assert browser.post(at(what, person)).status_code == 404
    assert ben.post(at("end", people.ben)).status_code == 404
    assert ada.post(at("leave", people.ben)).status_code == 404
    assert ada.post(reverse("bookings:me-people-end", args=[10**30])).status_code == 404
    assert ben.post(PEOPLE, form(people)).status_code == 404
    assert ada.post(PEOPLE, form(people, whose=stranger.code)).status_code == 404
    assert RelatedPerson.objects.filter(valid_until=None).count() == RelatedPerson.objects.count()


def test_a_confidential_record_says_that_nobody_is_shown_anything(people: Cast, ada: Client, ben: Client) -> None:
    people.ada.confidential = True
    people.ada.save()
    assert "nobody who acts for you is shown or written anything" in ada.get(PEOPLE).content.decode()
    assert "Ada Lovelace" not in ben.get(PEOPLE).content.decode()
    assert ben.post(at("leave", people.ben)).status_code == 404


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"email": "Ada@Example.org"}, "This is your own e-mail address."),
        ({"email": "BEN@example.org"}, "Somebody with this e-mail address acts for you already."),
        ({"email": ""}, "Write an e-mail address such as name@example.org."),
        ({"name": ""}, "Write the name."),
        ({"relationship": ""}, "Say what this person is to you."),
        ({"relationship": "king"}, "Select a valid choice."),
        ({"phone": "call me"}, "Write the phone number with digits"),
        ({"valid_until": "tomorrow"}, "Write the date as year-month-day"),
        ({"valid_until": "2026-11-26"}, "This day is over."),
        ({"whose": ""}, "Choose for whom."),
    ],
)
def test_mistakes_are_said_beside_their_field(
    people: Cast, ada: Client, changed: dict[str, str], sentence: str
) -> None:
    page = ada.post(PEOPLE, form(people, **changed))
    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert "<title>Error: " in page.content.decode()
    assert RelatedPerson.objects.count() == 1


def test_a_last_day_of_today_is_a_day_still(people: Cast, ada: Client) -> None:
    assert ada.post(PEOPLE, form(people, valid_until=NOW.date().isoformat())).status_code == 302
    assert ada.post(PEOPLE, form(people, valid_until=(NOW - timedelta(days=1)).date().isoformat())).status_code == 422


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("field", ["whose", "name", "relationship", "email", "phone", "valid_until"])
def test_nothing_typed_breaks_the_form(people: Cast, ada: Client, field: str, nasty: str) -> None:
    page: Any = ada.post(PEOPLE, form(people, **{field: nasty}))
    assert page.status_code == {"whose": 404}.get(field, page.status_code)
    assert page.status_code in (302, 404, 422)
    assert b"<script>alert" not in ada.get(PEOPLE).content
    assert b"\xe2\x80\xae" not in ada.get(PEOPLE).content
