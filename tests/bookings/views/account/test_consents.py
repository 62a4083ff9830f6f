"""What the holder of an account agreed to: seen in the words that were shown, taken back and given by one press."""

from typing import Any

import pytest
from django.test import Client

from bookings import consents
from bookings.models import Consent, Patient
from bookings.patients import reindex
from tests.bookings.asking import wording
from tests.bookings.entering import settled_count
from tests.bookings.story import CARLA
from tests.bookings.views.rights.signed_in import signed_in
from tests.bookings.views.walk import NOW, heading
from tests.factories import Cast, PatientFactory

pytestmark = pytest.mark.django_db
HERE = "/me/consents/"


@pytest.fixture
def ada(people: Cast) -> Client:
    """Ada's browser."""
    reindex(people.ada)
    return signed_in(people.clinic)


def given(people: Cast, **how: Any) -> Consent:
    """What Ada agreed to at the desk."""
    text = how.pop("text", None) or wording(people.clinic)
    return consents.give(
        actor=CARLA, now=NOW, source=Consent.Source.DESK, **{"patient": people.ada, "text": text, **how}
    )


def press(client: Client, people: Cast, **button: Any) -> Any:
    return client.post(HERE, {"record": people.ada.pk, **button})


def test_whoever_is_signed_out_is_sent_to_sign_in_and_back(client: Client, people: Cast) -> None:
    assert client.get(HERE)["Location"] == "/me/?next=%2Fme%2Fconsents%2F"
    assert press(client, people, give="1")["Location"] == "/me/"


def test_what_stands_is_shown_in_the_words_agreed_to_with_when_and_where(ada: Client, people: Cast) -> None:
    given(people, text=wording(people.clinic, "Erinnern Sie mich.", language="de"))
    response = ada.get(HERE)
    page = response.content.decode()
    assert heading(response) == "What you agreed to"
    assert '<p lang="de">Erinnern Sie mich.</p>' in page
    assert "You agreed on Friday, 27 November 2026, at the desk or by phone." in page
    assert ("Take it back" in page, "I agree" in page) == (True, False)
    assert '<meta name="robots" content="noindex' in page


def test_a_press_takes_back_and_another_gives_anew(ada: Client, people: Cast) -> None:
    first = given(people)
    assert press(ada, people, withdraw=first.pk)["Location"] == HERE
    assert consents.standing(people.ada) == []
    page = ada.get(HERE).content.decode()
    assert "Reminders of appointments: from Friday, 27 November 2026 until Friday, 27 November 2026" in page
    press(ada, people, give=first.text.pk)
    (again,) = consents.standing(people.ada)
    assert (again.source, again.given_by, again.given_at) == ("account", None, NOW)
    assert again.pk != first.pk


def test_pressing_twice_changes_nothing_more(ada: Client, people: Cast) -> None:
    first = given(people)
    for _ in range(2):
        assert press(ada, people, withdraw=first.pk).status_code == 302
    for _ in range(2):
        assert press(ada, people, give=first.text.pk).status_code == 302
    assert Consent.objects.count() == 2


def test_the_words_the_button_stood_beside_are_those_agreed_to(ada: Client, people: Cast) -> None:
    shown = wording(people.clinic)
    wording(people.clinic, "Newer", version=2)
    press(ada, people, give=shown.pk)
    assert Consent.objects.get().text == shown


@pytest.mark.parametrize("forged", ["", "x", "-1", "²", "9" * 40, "\0"])
def test_what_is_not_the_clinics_or_the_holders_is_the_same_404(ada: Client, people: Cast, forged: str) -> None:
    other = PatientFactory(clinic=people.clinic, email="other@example.org")
    theirs = given(people, patient=other)
    elsewhere = wording(people.elsewhere)
    for button in (
        {"give": forged},
        {"withdraw": forged},
        {"give": elsewhere.pk},
        {"withdraw": theirs.pk},
        {"withdraw": theirs.pk, "record": other.pk},
        {"give": theirs.text.pk, "record": other.pk},
        {"give": theirs.text.pk, "record": forged},
    ):
        assert press(ada, people, **button).status_code == 404
    assert list(Consent.objects.values_list("withdrawn_at", flat=True)) == [None]


def test_a_record_joined_while_the_page_was_read_is_not_there(
    ada: Client, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = wording(people.clinic)
    kept = PatientFactory(clinic=people.clinic)

    def joined_meanwhile(**_held: object) -> None:
        Patient.objects.filter(pk=people.ada.pk).update(merged_into=kept)

    monkeypatch.setattr(consents, "lock", joined_meanwhile)
    assert press(ada, people, give=text.pk).status_code == 404
    assert not Consent.objects.exists()


def test_whoever_acts_for_a_patient_agrees_to_nothing_here(people: Cast) -> None:
    reindex(people.ada)
    text = wording(people.clinic)
    ben = signed_in(people.clinic, email="ben@example.org")
    assert "Only patients themselves agree here." in ben.get(HERE).content.decode()
    assert press(ben, people, give=text.pk).status_code == 404


def test_looking_changes_nothing(ada: Client, people: Cast) -> None:
    text = wording(people.clinic)
    ada.get(HERE, {"give": text.pk, "record": people.ada.pk})
    assert Consent.objects.count() == 0


def test_the_page_takes_as_many_queries_for_three_consents_as_for_one(ada: Client, people: Cast) -> None:
    text = wording(people.clinic)
    given(people, text=wording(people.clinic, purpose="recall"))

    def taken() -> int:
        consents.withdraw(actor=CARLA, now=NOW, consent=given(people, text=text))
        return settled_count(ada, HERE)

    one = taken()
    assert [taken(), taken()] == [one, one]
