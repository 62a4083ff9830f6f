"""Asking, seeing how far it is, taking back; and what belongs to others is not there."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.context import Actor
from bookings import patients, rights
from bookings.forms.rights import AskForm
from bookings.models import DataRequest, Patient
from bookings.reach import Reached
from tests.bookings.views.rights.signed_in import ASK, MINE, signed_in
from tests.bookings.views.walk import NOW, heading
from tests.factories import Cast, PatientFactory

pytestmark = pytest.mark.django_db
EVA = Actor(kind="staff", id="42", label="eva")


@pytest.fixture
def ada(people: Cast) -> Client:
    patients.reindex(people.ada)
    return signed_in(people.clinic)


@pytest.fixture
def ben(people: Cast, ada: Client) -> Client:
    return signed_in(people.clinic, email="ben@example.org")


def ask(browser: Client, people: Cast, **changed: str) -> Any:
    given = {"whom": people.ada.code, "kind": "access", "text": "What do you hold?"}
    return browser.post(ASK, {**given, **changed})


def take_back(browser: Client, wanted: DataRequest) -> Any:
    return browser.post(reverse("bookings:my-data-withdraw", args=[wanted.pk]))


def test_a_request_reaches_the_clinic_and_says_until_when_it_is_answered(people: Cast, ada: Client) -> None:
    assert ask(ada, people)["Location"] == f"{MINE}?said=asked"
    wanted = DataRequest.objects.get()
    assert (wanted.patient, wanted.asked_by, wanted.kind, wanted.text) == (
        people.ada,
        None,
        "access",
        "What do you hold?",
    )
    page = ada.get(f"{MINE}?said=asked")
    text = page.content.decode()
    assert heading(page) == "Your requests"
    for told in ("Your request has reached the clinic.", "What do you hold?", "Sunday, 27 December 2026", "open"):
        assert told in text, told


def test_who_acts_for_the_patient_asks_as_who_they_are_and_sees_their_own_only(people: Cast, ben: Client) -> None:
    own = rights.ask(actor=EVA, now=NOW, patient=people.ada, asked_by=None, kind=DataRequest.Kind.ACCESS, text="Secret")
    assert ask(ben, people, kind="erase", text="For Ada").status_code == 302
    wanted = DataRequest.objects.get(kind="erase")
    assert (wanted.patient, wanted.asked_by) == (people.ada, people.ben)
    text = ben.get(MINE).content.decode()
    assert ("For Ada" in text, "Secret" in text) == (True, False)
    assert take_back(ben, own).status_code == 404


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kind": ""}, "Choose what you ask for."),
        ({"kind": "sue"}, "Select a valid choice"),
        ({"whom": ""}, "Choose for whom you ask."),
        ({"kind": "rectify", "text": " "}, "Write what is wrong, and what would be right."),
        ({"text": "x" * 2001}, "at most 2000 characters"),
        ({"text": "a\x00b"}, "This contains characters that cannot be read."),
        ({"text": "a\x07b"}, "This contains characters that cannot be read."),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    people: Cast, ada: Client, changed: dict[str, str], sentence: str
) -> None:
    response = ask(ada, people, **changed)
    text = response.content.decode()
    assert (response.status_code, sentence in text, "<title>Error: " in text) == (422, True, True)
    assert not DataRequest.objects.exists()


def test_for_a_stranger_nothing_is_asked(people: Cast, ada: Client) -> None:
    stranger: Patient = PatientFactory(clinic=people.clinic, email="zelda@example.org")
    for code in (stranger.code, "NOSUCH", "x" * 5000):
        assert ask(ada, people, whom=code).status_code == 404
    assert not DataRequest.objects.exists()


def test_the_sixth_is_refused_in_words(people: Cast, ada: Client) -> None:
    for _number in range(5):
        ask(ada, people)
    response = ask(ada, people)
    assert (response.status_code, "Five of your requests wait" in response.content.decode()) == (409, True)
    assert DataRequest.objects.count() == 5


def test_an_open_one_is_withdrawn_and_a_closed_one_is_not(people: Cast, ada: Client) -> None:
    ask(ada, people)
    wanted = DataRequest.objects.get()
    assert take_back(ada, wanted)["Location"] == f"{MINE}?said=withdrawn"
    assert take_back(ada, wanted)["Location"] == f"{MINE}?said=closed"
    assert DataRequest.objects.get().state == "withdrawn"
    assert "This request is closed already." in ada.get(f"{MINE}?said=closed").content.decode()


def test_requests_of_others_and_ids_that_never_were_are_the_same_404(people: Cast, ada: Client) -> None:
    strangers = [
        PatientFactory(clinic=people.clinic, email="zelda@example.org"),
        PatientFactory(clinic=people.elsewhere),
    ]
    made = [
        rights.ask(actor=EVA, now=NOW, patient=one, asked_by=None, kind=DataRequest.Kind.ACCESS, text="Theirs")
        for one in strangers
    ]
    answers = [take_back(ada, one) for one in made]
    never = ada.post(reverse("bookings:my-data-withdraw", args=[uuid.uuid4()]))
    assert {one.status_code for one in (*answers, never)} == {404}
    assert len({heading(one) for one in (*answers, never)}) == 1
    assert set(DataRequest.objects.values_list("state", flat=True)) == {"open"}
    assert "Theirs" not in ada.get(MINE).content.decode()
    assert take_back(Client(), made[0])["Location"] == "/me/"


def test_a_withdrawal_is_a_press(people: Cast, ada: Client) -> None:
    ask(ada, people)
    assert ada.get(reverse("bookings:my-data-withdraw", args=[DataRequest.objects.get().pk])).status_code == 405


@pytest.mark.parametrize(("way", "complaint"), [("answer", False), ("refuse", True)])
def test_the_answer_is_read_and_after_a_refusal_where_to_complain(
    people: Cast, ada: Client, way: str, complaint: bool
) -> None:
    ask(ada, people)
    wanted = DataRequest.objects.get()
    rights.prolong(actor=EVA, now=NOW, request_id=wanted.pk, reason="Many files")
    assert "Many files" in ada.get(MINE).content.decode()
    getattr(rights, way)(actor=EVA, now=NOW, request_id=wanted.pk, text="Here is\nwhy")
    text = ada.get(MINE).content.decode()
    assert ("Here is<br>why" in text, "data protection authority" in text) == (True, complaint)
    assert "Withdraw this request" not in text


def test_what_was_typed_is_shown_as_text(people: Cast, ada: Client) -> None:
    ask(ada, people, text="<script>alert(1)</script>")
    text = ada.get(MINE).content.decode()
    assert ("<script>alert" in text, "&lt;script&gt;alert(1)" in text) == (False, True)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whom=st.text(max_size=30),
    kind=st.one_of(st.text(max_size=12), st.sampled_from(DataRequest.Kind.values)),
    text=st.text(max_size=2100),
    mine=st.booleans(),
)
def test_whatever_is_typed_is_taken_or_refused_in_words(
    people: Cast, whom: str, kind: str, text: str, mine: bool
) -> None:
    form = AskForm(
        {"whom": people.ada.code if mine else whom, "kind": kind, "text": text},
        reached=[Reached(people.ada, None)],
    )
    if form.is_valid():
        assert form.chosen().patient == people.ada
        assert DataRequest.Kind(form.cleaned_data["kind"]).value == kind
        assert len(form.cleaned_data["text"]) <= 2000
    else:
        assert form.errors
