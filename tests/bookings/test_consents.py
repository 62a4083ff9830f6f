"""Consents: asked in the clinic's words, given once, proved by what was shown, taken back at any time."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit import stream
from audit.context import Actor
from audit.erasure import erase
from audit.models import Record
from bookings import consents, reminders
from bookings.models import Appointment, Consent, ConsentText, Patient, RelatedPerson
from bookings.patients import reindex
from tests.bookings.asking import wording
from tests.bookings.story import HOUR, NOW, TEN, book, operations_of, records_of, wished
from tests.bookings.test_intake import ACTOR, completed
from tests.bookings.test_intake_together import SIBLING, drafted
from tests.factories import Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)
WEB, DESK, ACCOUNT = Consent.Source.WEB, Consent.Source.DESK, Consent.Source.ACCOUNT


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


def ticked(text: ConsentText, *, beside: str | None = None) -> dict[str, str]:
    """A tick as a form keeps it."""
    shown = str(text.pk) if beside is None else beside
    return {f"consent_{text.purpose}": "1", f"consent_{text.purpose}_text": shown}


def as_ada(people: Cast) -> dict[str, str]:
    """What a form says of Ada, whom the clinic knows."""
    reindex(people.ada)
    return {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1985-12-10", "email": "ada@example.org"}


def give(people: Cast, text: ConsentText, **how: Any) -> Consent:
    return consents.give(**{"actor": ACTOR, "now": NOW, "patient": people.ada, "text": text, "source": DESK, **how})


# --- what is asked


def test_each_purpose_is_asked_in_its_newest_words_the_readers_before_the_clinics(people: Cast) -> None:
    wording(people.clinic, "Old words")
    english, german = wording(people.clinic, version=2), wording(people.clinic, language="de", version=2)
    recall = wording(people.clinic, "Rappel", purpose="recall", language="fr")
    wording(people.elsewhere, version=9)

    def found(language: str) -> list[ConsentText]:
        return [ask.text for ask in consents.asked(clinic=people.clinic, language=language)]

    assert found("de") == [german, recall]
    assert found("nl") == [english, recall]
    (first, _) = consents.asked(clinic=people.clinic, language="de")
    assert first.alike == {str(english.pk), str(german.pk)}
    assert first.words.language == "de"


def test_a_clinic_without_words_asks_nothing(people: Cast) -> None:
    assert consents.asked(clinic=people.clinic, language="en") == []


def test_only_a_patient_who_is_known_is_not_asked_again(people: Cast) -> None:
    give(people, wording(people.clinic))
    assert len(consents.asked(clinic=people.clinic, language="en")) == 1
    assert consents.asked(clinic=people.clinic, language="en", patient=people.ada) == []
    other = PatientFactory(clinic=people.clinic)
    assert len(consents.asked(clinic=people.clinic, language="en", patient=other)) == 1


# --- giving and taking back


def test_a_consent_says_in_which_words_when_where_and_by_whom(people: Cast) -> None:
    text = wording(people.clinic)
    given = give(people, text, source=ACCOUNT, given_by=people.ben)
    assert (given.text, given.purpose, given.source, given.given_by) == (text, "reminders", "account", people.ben)
    assert (given.given_at, given.withdrawn_at, given.clinic) == (NOW, None, people.clinic)
    assert consents.standing(people.ada) == [given]


def test_giving_twice_is_one_consent(people: Cast) -> None:
    text = wording(people.clinic)
    first = give(people, text)
    again = give(people, wording(people.clinic, "Newer", version=2), now=NOW + HOUR, source=WEB)
    assert again == first
    assert Consent.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(
            clinic=people.clinic, patient=people.ada, purpose="reminders", text=text, source=WEB, given_at=NOW
        )


def test_taking_back_ends_it_and_giving_again_makes_a_new_one(people: Cast) -> None:
    text = wording(people.clinic)
    first = give(people, text)
    gone = consents.withdraw(actor=ACTOR, now=NOW + HOUR, consent=first)
    assert consents.standing(people.ada) == []
    assert consents.withdraw(actor=ACTOR, now=NOW + 2 * HOUR, consent=first).withdrawn_at == gone.withdrawn_at
    second = give(people, text, now=NOW + 3 * HOUR)
    assert consents.standing(people.ada) == [second]
    assert [one.withdrawn_at for one in Consent.objects.order_by("pk")] == [NOW + HOUR, None]


@pytest.mark.parametrize("wrong", ["text", "person", "erased", "joined meanwhile"])
def test_words_of_another_clinic_and_people_of_another_patient_give_nothing(people: Cast, wrong: str) -> None:
    text = wording(people.elsewhere if wrong == "text" else people.clinic)
    stranger = PatientFactory(clinic=people.clinic)
    if wrong == "erased":
        erase(actor=ACTOR, now=NOW, subject=people.ada)
        people.ada.refresh_from_db()
    if wrong == "joined meanwhile":
        Patient.objects.filter(pk=people.ada.pk).update(merged_into=stranger)
    with pytest.raises(consents.NotTheirs):
        give(
            people,
            text,
            patient=stranger if wrong == "person" else people.ada,
            given_by=people.ben if wrong == "person" else None,
        )
    assert Consent.objects.count() == 0


def test_both_leave_evidence_that_names_who_did_it(people: Cast) -> None:
    carla = Actor(kind="staff", id="7", label="carla")
    given = give(people, wording(people.clinic), actor=carla)
    consents.withdraw(actor=carla, now=NOW, consent=given)
    stream.drain()
    assert [(one["operation"], one["actor"]["label"]) for one in _records()] == [
        ("create", "carla"),
        ("withdraw", "carla"),
    ]


def _records() -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in Record.objects.filter(model="bookings.Consent").order_by("seq")]


# --- with a booking


def test_a_tick_becomes_a_consent_to_the_words_shown_in_the_bookings_transaction(people: Cast) -> None:
    shown = wording(people.clinic)
    draft = drafted(people, wished(people), form=ticked(shown))
    wording(people.clinic, "Newer", version=2)
    appointment = completed(draft)
    given = Consent.objects.get()
    assert (given.patient, given.text, given.source, given.given_by) == (appointment.patient, shown, "web", None)
    assert given.given_at == NOW
    assert operations_of(appointment) == ["create"]
    assert records_of(appointment)[0]["use"]["case"] == "booking.book"
    assert [(one["use"]["case"], one["capture"]) for one in _records()] == [("intake.complete", "trigger+signal")]
    agreed = [{"kind": "consent", "id": str(shown.pk), "channel": "web"}]
    assert records_of(appointment)[0]["consent"] == agreed
    assert [one["consent"] for one in _records()] == [agreed]


def test_no_tick_gives_nothing_and_changes_nothing(people: Cast) -> None:
    text = wording(people.clinic)
    standing = give(people, text)
    appointment = completed(
        drafted(people, wished(people), form={**as_ada(people), "consent_reminders_text": str(text.pk)})
    )
    assert appointment.patient == people.ada
    assert consents.standing(people.ada) == [standing]


def test_who_consented_before_and_ticks_again_has_one_consent(people: Cast) -> None:
    text = wording(people.clinic)
    give(people, text)
    completed(drafted(people, wished(people), form={**as_ada(people), **ticked(text)}))
    assert Consent.objects.count() == 1


@pytest.mark.parametrize("forged", ["", "x", "-1", "²", "9" * 40, "other clinic", "other purpose"])
def test_a_tick_beside_words_that_are_not_the_clinics_for_that_purpose_is_none(people: Cast, forged: str) -> None:
    text = wording(people.clinic)
    others = {"other clinic": wording(people.elsewhere), "other purpose": wording(people.clinic, purpose="recall")}
    beside = str(others[forged].pk) if forged in others else forged
    completed(drafted(people, wished(people), form=ticked(text, beside=beside)))
    assert Consent.objects.count() == 0


def test_whoever_books_for_others_agrees_for_each_of_them_by_name(people: Cast) -> None:
    helper = {"who": "other", "helper_name": "Ben", "relationship": "parent"}
    form = {**SIBLING, **helper, **ticked(wording(people.clinic))}
    completed(drafted(people, wished(people), wished(people, start=TEN + HOUR), persons=[2], form=form))
    given = {one.patient.given_name: one.given_by for one in Consent.objects.all()}
    assert set(given) == {"Zoë", "Yann"}
    for name, person in given.items():
        assert person == RelatedPerson.objects.get(patient__in=Patient.objects.filter(pk=_pk(name)))


def _pk(name: str) -> int:
    return next(visit.patient_id for visit in Appointment.objects.all() if visit.patient.given_name == name)


# --- reminders


@pytest.mark.parametrize(
    ("asks", "said", "remind", "expected"),
    [
        (False, False, True, True),
        (False, False, False, False),
        (True, False, True, False),
        (True, True, True, True),
        (True, True, False, False),
    ],
)
def test_reminders_heed_the_switch_and_the_consent_where_one_is_asked(
    people: Cast, asks: bool, said: bool, remind: bool, expected: bool
) -> None:
    wording(people.elsewhere)
    wording(people.clinic, purpose="recall")
    if asks:
        text = wording(people.clinic)
        if said:
            give(people, text)
    people.ada.remind = remind
    people.ada.save()
    assert reminders.wanted(book(people, patient=people.ada)) is expected


def test_a_consent_taken_back_or_of_another_reminds_nobody(people: Cast) -> None:
    text = wording(people.clinic)
    given = give(people, text)
    consents.withdraw(actor=ACTOR, now=NOW, consent=given)
    give(people, text, patient=PatientFactory(clinic=people.clinic))
    appointment = book(people, start=TEN + timedelta(hours=2))
    assert not reminders.wanted(appointment)
