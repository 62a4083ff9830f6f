"""Whoever is signed in chooses who the appointment is for, types nothing and needs no code."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from bookings import patients
from bookings.models import Appointment, ContactChallenge, Draft, Patient, PossibleDuplicate, RelatedPerson
from tests.bookings.views.rights.signed_in import signed_in
from tests.bookings.views.walk import DETAILS, NINE, NOW, Walk, heading
from tests.factories import Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db
BEN = "ben@example.org"


@pytest.fixture
def people() -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def entered(people: Cast, email: str = "ada@example.org") -> Walk:
    return Walk(signed_in(people.clinic, email=email), people)


def page_of(walk: Walk, draft: Draft) -> str:
    return str(walk.client.get(walk.address(draft)).content.decode())


def offered(page: str, name: str = "who") -> list[tuple[str, str, bool]]:
    """What a row of radio buttons offers: value, words, whether it is chosen."""
    found = re.findall(rf'<input type="radio" name="{name}" value="([^"]*)"([^>]*)><span>([^<]*)<', page)
    return [(value, words, "checked" in rest) for value, rest, words in found]


def choose(walk: Walk, draft: Draft, who: str, **more: str) -> Any:
    """Send the form as it stands for somebody signed in: nothing about a person is typed."""
    given = {"who": who, "email": "ada@example.org", "message_language": "en", "family_name": "", **more}
    return walk.client.post(walk.address(draft), given)


def test_the_holder_is_chosen_already_and_books_without_typing_or_a_code(people: Cast) -> None:
    walk = entered(people)
    draft = walk.draft()
    page = page_of(walk, draft)
    assert offered(page) == [(people.ada.code, people.ada.full_name, True), ("other", "For someone else", False)]
    assert 'value="ada@example.org"' in page
    assert "Book the appointment</button>" in page
    response = choose(walk, draft, people.ada.code)
    assert response["Location"].endswith("/booked/")
    made = Appointment.objects.get()
    assert (made.patient, made.contact_person, ContactChallenge.objects.count()) == (people.ada, None, 0)
    assert heading(walk.client.get(response["Location"])) == "You are booked"


def test_a_parent_chooses_the_child_and_is_written_to(people: Cast) -> None:
    walk = entered(people, BEN)
    draft = walk.draft()
    assert offered(page_of(walk, draft)) == [
        (people.ada.code, people.ada.full_name, True),
        ("me", "For me", False),
        ("other", "For someone else", False),
    ]
    assert choose(walk, draft, people.ada.code, email=BEN).status_code == 302
    made = Appointment.objects.get()
    assert (made.patient, made.contact_person) == (people.ada, people.ben)
    assert (Patient.objects.count(), RelatedPerson.objects.count()) == (1, 1)


def test_with_several_children_and_no_record_of_ones_own_nobody_is_chosen_beforehand(people: Cast) -> None:
    other = PatientFactory(clinic=people.clinic, given_name="Ida", email="")
    RelatedPersonFactory(patient=other, email=BEN)
    patients.reindex(other)
    walk = entered(people, BEN)
    draft = walk.draft()
    assert [chosen for _, _, chosen in offered(page_of(walk, draft))] == [False] * 4
    refused = choose(walk, draft, "", email=BEN)
    assert refused.status_code == 422
    assert "Say whether the appointment is for you or for someone else." in refused.content.decode()


@pytest.mark.parametrize("change", [{"confidential": True}, {"erased_at": NOW}])
def test_a_patient_the_helper_may_not_see_is_not_named(people: Cast, change: dict[str, Any]) -> None:
    Patient.objects.filter(pk=people.ada.pk).update(**change)
    walk = entered(people, BEN)
    draft = walk.draft()
    assert people.ada.code not in page_of(walk, draft)
    assert choose(walk, draft, people.ada.code, email=BEN).status_code == 422
    assert not Appointment.objects.exists()


def test_an_authority_that_ended_names_nobody(people: Cast) -> None:
    people.ben.valid_until = date(2026, 11, 1)
    people.ben.save()
    walk = entered(people, BEN)
    assert people.ada.code not in page_of(walk, walk.draft())


def test_nobody_chooses_a_patient_the_account_does_not_reach(people: Cast) -> None:
    stranger = PatientFactory(clinic=people.clinic, family_name="Zuse", email="x@example.org")
    patients.reindex(stranger)
    walk = entered(people)
    response = choose(walk, walk.draft(), stranger.code)
    assert response.status_code == 422
    assert stranger.family_name not in response.content.decode()
    guest = Walk(Client(), people)
    assert choose(guest, guest.draft(NINE + timedelta(hours=1)), stranger.code).status_code == 422


def test_an_account_of_another_clinic_is_a_guest_here(people: Cast) -> None:
    walk = Walk(signed_in(people.elsewhere), people)
    draft = walk.draft()
    page = page_of(walk, draft)
    assert offered(page) == [("me", "For me", True), ("other", "For someone else", False)]
    assert walk.fill(draft, email="ada@example.org")["Location"] == walk.address(draft, "code")


def test_another_address_is_proved_by_a_code_first(people: Cast) -> None:
    walk = entered(people)
    draft = walk.draft()
    assert choose(walk, draft, people.ada.code, email="new@example.org")["Location"] == walk.address(draft, "code")
    assert walk.type_code(draft).status_code == 302
    assert Appointment.objects.get().patient != people.ada  # the address on record decides, and the desk is asked
    assert PossibleDuplicate.objects.get().other == people.ada


def test_somebody_not_on_record_is_typed_and_needs_a_name(people: Cast) -> None:
    walk = entered(people)
    draft = walk.draft()
    nameless = choose(walk, draft, "other", helper_name="Ada", relationship="parent")
    assert nameless.status_code == 422
    assert "Write the family name." in nameless.content.decode()
    assert (
        walk.fill(draft, who="other", helper_name="Ada", relationship="parent", email="ada@example.org").status_code
        == 302
    )
    assert Appointment.objects.get().patient.full_name == "Zoë Ångström"


def test_what_is_chosen_comes_back_after_a_change_of_language_and_a_longer_hold(people: Cast) -> None:
    other = PatientFactory(clinic=people.clinic, given_name="Ida", email="")
    RelatedPersonFactory(patient=other, email="ada@example.org")
    patients.reindex(other)
    walk = entered(people)
    draft = walk.draft()
    for step in ("draft-language", "extend"):
        form = {**DETAILS, "who": other.code, "family_name": "", "given_name": "", "language": "en"}
        assert walk.client.post(walk.address(draft, step), form).status_code == 302
        assert (other.code, other.full_name, True) in offered(page_of(walk, draft))
    assert 'name="family_name" value="' not in page_of(walk, draft)


def test_two_people_are_chosen_for_one_form_and_never_the_same_twice(people: Cast) -> None:
    ida = PatientFactory(clinic=people.clinic, given_name="Ida", email="")
    helper = RelatedPersonFactory(patient=ida, email="ada@example.org", relationship="parent")
    patients.reindex(ida)
    walk = entered(people)
    draft = walk.draft()
    Draft.objects.filter(pk=draft.pk).update(
        further=[
            {
                "service": people.service.pk,
                "location": people.location.pk,
                "practitioner": people.demir.pk,
                "start": (NINE + timedelta(minutes=30)).isoformat(),
                "person": 2,
            }
        ]
    )
    page = page_of(walk, draft)
    assert [words for _, words, _ in offered(page, "whom_2")] == [people.ada.full_name, ida.full_name, "Someone else"]
    twice = choose(walk, draft, people.ada.code, whom_2=people.ada.code)
    assert twice.status_code == 422
    assert "This person is chosen already. Choose somebody else." in twice.content.decode()
    assert choose(walk, draft, people.ada.code, whom_2=ida.code).status_code == 302
    first, second = Appointment.objects.order_by("start")
    assert (first.patient, second.patient, second.contact_person) == (people.ada, ida, helper)
    assert Patient.objects.count() == 2


def test_two_of_one_address_are_both_patients_themselves(people: Cast) -> None:
    spouse = PatientFactory(clinic=people.clinic, given_name="Max", email="ada@example.org")
    patients.reindex(spouse)
    walk = entered(people)
    draft = walk.draft()
    assert choose(walk, draft, spouse.code).status_code == 302
    made = Appointment.objects.get()
    assert (made.patient, made.contact_person) == (spouse, None)


def test_a_guest_is_shown_the_way_to_sign_in_and_comes_back_to_the_same_time(people: Cast) -> None:
    walk = Walk(Client(), people)
    draft = walk.draft()
    page = page_of(walk, draft)
    assert f"/me/?clinic=parc&amp;next={walk.address(draft)}" in page
    assert "Go on: get the code</button>" in page
    signed = entered(people)
    assert "Have you been here before?" not in page_of(signed, signed.draft(NINE + timedelta(hours=1)))
