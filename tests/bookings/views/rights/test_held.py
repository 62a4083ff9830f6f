"""What is held and who looked: for the holder's own record, and for nobody else's."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client

from audit import reads
from audit.context import Actor
from audit.models import Fact
from audit.stream import drain
from bookings import looked, patients
from bookings.admin.reading import ReadRecorded
from bookings.models import Patient
from bookings.roles import staff_actor
from config.env import ROOT
from tests.bookings.entering import enter, url, visit
from tests.bookings.views.rights.signed_in import ASK, FHIR, HELD, JSON, LOOKS, MINE, signed_in
from tests.bookings.views.walk import NOW, heading
from tests.bookings.whole_patient import fill
from tests.factories import Cast, MembershipFactory, PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(people: Cast) -> Client:
    patients.reindex(people.ada)
    return signed_in(people.clinic)


@pytest.fixture
def ben(people: Cast) -> Client:
    """Ben's browser: he acts for Ada, and is no patient himself."""
    patients.reindex(people.ada)
    return signed_in(people.clinic, email="ben@example.org")


@pytest.mark.parametrize("address", [HELD, LOOKS, ASK, MINE])
def test_without_an_account_one_is_sent_to_sign_in_and_back(people: Cast, address: str) -> None:
    staff = Client()
    staff.force_login(people.carla, backend="django.contrib.auth.backends.ModelBackend")
    for browser in (Client(), staff):
        response = browser.get(address)
        assert (response.status_code, response["Location"]) == (302, f"/me/?next={address.replace('/', '%2F')}")


@pytest.mark.parametrize("address", [JSON, FHIR])
def test_a_copy_without_an_account_leads_to_the_page(people: Cast, address: str) -> None:
    assert Client().post(address)["Location"] == "/me/"


def test_everything_held_is_told_with_what_it_is_for(people: Cast, ada: Client) -> None:
    fill(people)
    response = ada.get(HELD)
    text = response.content.decode()
    assert heading(response) == "Your data"
    for told in ("A cough since Monday", "Ben Lovelace", "Penicillin", "Art. 6(1)(b), 9(2)(h) GDPR", "clinic staff"):
        assert told in text, told
    assert (response["Cache-Control"], "noindex" in text) == ("private, no-store", True)
    assert "style=" not in text


def test_whoever_only_acts_for_somebody_is_shown_a_sentence_and_may_ask(people: Cast, ben: Client) -> None:
    fill(people)
    for address in (HELD, LOOKS):
        text = ben.get(address).content.decode()
        assert "You act for somebody else here" in text
        for secret in ("Lovelace", "Penicillin", "cough", people.ada.code):
            assert secret not in text
        assert f'href="{ASK}"' in text


def test_an_address_that_reaches_nobody_any_more_is_told_so(people: Cast) -> None:
    browser = signed_in(people.clinic)  # Ada was never indexed
    assert "Nothing is held about you at this address" in browser.get(HELD).content.decode()
    assert heading(browser.get(ASK)) == "Ask about data"


def test_two_records_of_one_address_are_both_told_by_name(people: Cast, ada: Client) -> None:
    child: Patient = PatientFactory(clinic=people.clinic, given_name="Ida")
    patients.reindex(child)
    text = ada.get(HELD).content.decode()
    assert ("Ada Lovelace" in text, "Ida Lovelace" in text) == (True, True)


def test_a_namesake_and_another_clinic_are_not_told(people: Cast, ada: Client) -> None:
    for stranger in (
        PatientFactory(clinic=people.clinic, given_name="Zelda", email="zelda@example.org"),
        PatientFactory(clinic=people.elsewhere, given_name="Xenia"),
    ):
        patients.reindex(stranger)
    text = ada.get(HELD).content.decode()
    assert ("Zelda" in text, "Xenia" in text) == (False, False)


@pytest.mark.parametrize("address", [HELD, LOOKS, ASK, MINE])
def test_reading_changes_nothing(people: Cast, ada: Client, address: str) -> None:
    drain()
    Fact.objects.all().delete()
    assert ada.get(address).status_code == 200
    assert Fact.objects.count() == 0


# --- who looked


def look(people: Cast, view: str, *, minutes: int = 0, patient: Patient | None = None) -> None:
    actor = staff_actor(user=people.carla, clinic_id=people.clinic.pk)
    codes = [(patient or people.ada).code]
    reads.record(
        actor=actor,
        now=NOW + timedelta(minutes=minutes),
        chain=f"clinic/{people.clinic.pk}",
        view=view,
        patients=codes,
    )


def test_a_look_of_the_desk_is_told_with_purpose_and_role_and_without_the_name(people: Cast, ada: Client) -> None:
    visit(people)
    desk = enter(people.carla)
    assert desk.get(url(people.ada)).status_code == 200
    drain()
    text = ada.get(LOOKS).content.decode()
    assert "Patient record · reception" in text
    assert re.search(r"<h2>[A-Z][a-z]+, \d+ [A-Z][a-z]+ \d{4}</h2>", text)
    for secret in ("carla", "Carla", "Rossi"):
        assert secret not in text


def test_a_look_at_a_joined_record_is_told_too_and_at_another_patient_not(people: Cast, ada: Client) -> None:
    old: Patient = PatientFactory(clinic=people.clinic, merged_into=people.ada)
    look(people, "desk", patient=old)
    look(people, "phone-booking", patient=PatientFactory(clinic=people.clinic))
    drain()
    text = ada.get(LOOKS).content.decode()
    assert ("Day sheet" in text, "Booking at the desk" in text) == (True, False)


def test_many_looks_come_by_pages(people: Cast, ada: Client) -> None:
    for number in range(looked.PAGE + 1):
        look(people, f"view.{number}")
    drain()
    first = ada.get(LOOKS)
    found = re.search(r"\?before=(\d+)", first.content.decode())
    assert found is not None
    assert first.content.decode().count("Another page of the clinic") == looked.PAGE
    second = ada.get(f"{LOOKS}?before={found[1]}").content.decode()
    assert (second.count("Another page of the clinic"), "?before=" in second) == (1, False)


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "٣", "9" * 19, "1%00"])
def test_a_page_that_cannot_be_is_not_there(ada: Client, given: str) -> None:
    assert ada.get(f"{LOOKS}?before={given}").status_code == 404


def test_every_view_that_records_reads_has_words() -> None:
    """Every name a page of the admin records itself under: those written out, and those of lists and pages."""
    written = [
        name
        for room in ("bookings", "notifications", "calendars")
        for file in (ROOT / room).rglob("*.py")
        for name in re.findall(r'\bview="([\w.-]+)"', file.read_text())
    ]
    made = [
        f"{model._meta.model_name}.{what}"
        for model, page in admin.site._registry.items()
        if isinstance(page, ReadRecorded)
        for what in ("list", "page", "history")
    ]
    assert len(written) > 5
    assert len(made) > 5
    assert {*written, *made, "appointment.move", "appointment.offer"} - set(looked.PURPOSES) == set()
    assert looked.purpose_of("no.such.view") == "Another page of the clinic’s desk"


def test_the_roles_are_those_held_at_this_clinic(people: Cast, ada: Client) -> None:
    MembershipFactory(user=people.carla, clinic=people.elsewhere, role="manager")
    look(people, "desk")
    reads.record(
        actor=Actor.system("export"),
        now=NOW,
        chain=f"clinic/{people.clinic.pk}",
        view="other",
        patients=[people.ada.code],
    )
    drain()
    text = ada.get(LOOKS).content.decode()
    assert ("manager" in text, "Day sheet · reception" in text, "the software itself" in text) == (False, True, True)
