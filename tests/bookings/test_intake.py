"""From a held slot to a booked appointment: nothing typed is lost, nobody is taken for somebody else."""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from audit.context import Actor
from audit.keys import keyring
from bookings import completing, holds, intake, lapses, links, lookup, parties, patient_accounts, patients, proof
from bookings.availability import Wish
from bookings.contacts import contact_of
from bookings.models import Appointment, ContactChallenge, Draft, Hold, NoticeShown, Patient, RelatedPerson
from tests.bookings.story import records_of
from tests.factories import MONDAY, Cast, NoticeFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)

NOW = MONDAY - timedelta(days=3)
VISITOR = "visitor-of-the-test"
ACTOR = Actor("visitor", "v", "visitor")
FORM = {
    "who": "me",
    "given_name": "Zoë",
    "family_name": "Ångström",
    "birth_date": "1990-02-28",
    "email": "zoe@example.org",
    "phone": "+33 6 12 34 56 78",
    "language": "fr",
    "reason": "A cough",
}


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


def held(people: Cast, *, start: datetime = MONDAY + timedelta(hours=1), visitor: str = VISITOR) -> Hold:
    return holds.hold(
        actor=ACTOR,
        now=NOW,
        visitor=visitor,
        service=people.service,
        location=people.location,
        practitioner=people.demir,
        start=start,
    )


def drafted(people: Cast, **form: str) -> Draft:
    draft = intake.start(actor=ACTOR, now=NOW, visitor=VISITOR, hold=held(people), language="en")
    return intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form={**FORM, **form})


def completed(draft: Draft, *, now: datetime = NOW) -> Appointment:
    sent = completing.send_code(actor=ACTOR, now=now, visitor=VISITOR, draft_id=draft.pk)
    return completing.complete(actor=ACTOR, now=now, visitor=VISITOR, draft_id=draft.pk, code=sent.code)


def test_whoever_looks_again_and_was_booked_meanwhile_gets_that_appointment(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tab finished between this one's looking and its second look."""
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    complete = partial(completing.complete, actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    finish = completing._finish
    others: list[Appointment] = []

    def other_tab(**given: Any) -> Draft:
        monkeypatch.setattr(completing, "find", intake.find)
        others.append(complete())
        return intake.find(**given)

    def late(**given: Any) -> Appointment:
        monkeypatch.setattr(completing, "_finish", finish)
        monkeypatch.setattr(completing, "find", other_tab)
        raise completing._Changed

    monkeypatch.setattr(completing, "_finish", late)
    assert complete(code=sent.code) == others[0]
    assert Appointment.objects.count() == 1


def test_a_draft_becomes_a_booking_of_a_new_patient_under_the_drafts_key(people: Cast) -> None:
    draft = drafted(people)
    appointment = completed(draft)
    patient = Patient.objects.get(pk=appointment.patient_id)
    assert (patient.given_name, patient.family_name, patient.birth_date) == ("Zoë", "Ångström", "1990-02-28")
    assert patient.key_id == draft.key_id
    assert (appointment.status, appointment.start, appointment.reason) == (
        "booked",
        MONDAY + timedelta(hours=1),
        "A cough",
    )
    assert appointment.language == "fr"


def test_completing_twice_gives_the_same_appointment(people: Cast) -> None:
    draft = drafted(people)
    first = completed(draft)
    again = completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, code="000000")
    assert again == first
    assert Appointment.objects.count() == 1


def test_typed_text_right_or_wrong_comes_back_as_typed(people: Cast) -> None:
    draft = drafted(people, email="not an address", birth_date="31.02.1990")
    typed = parties.read(intake.find(now=NOW, visitor=VISITOR, draft_id=draft.pk))
    assert (typed["email"], typed["birth_date"], typed["given_name"]) == ("not an address", "31.02.1990", "Zoë")


@pytest.mark.parametrize(
    "wrong", [{"email": "nobody"}, {"birth_date": "31.02.1990"}, {"family_name": " "}, {"who": "other"}]
)
def test_an_incomplete_form_is_not_booked(people: Cast, wrong: dict[str, str]) -> None:
    draft = drafted(people, **wrong)
    with pytest.raises(completing.Incomplete):
        completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)


def test_a_draft_of_another_visitor_is_gone(people: Cast) -> None:
    draft = drafted(people)
    with pytest.raises(intake.DraftGone):
        intake.find(now=NOW, visitor="somebody else", draft_id=draft.pk)


def test_without_a_code_nothing_is_booked(people: Cast) -> None:
    draft = drafted(people)
    with pytest.raises(completing.NotProved):
        completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    assert not Appointment.objects.exists()


def test_a_proof_of_one_address_is_no_proof_of_another(people: Cast) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form={**FORM, "email": "victim@example.org"})
    with pytest.raises(completing.NotProved):
        completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, code=sent.code)


def test_the_notice_that_was_shown_is_recorded_with_its_version(people: Cast) -> None:
    notice = NoticeFactory(clinic=people.clinic, version=3)
    draft = drafted(people)
    intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form=FORM, notice=notice)
    appointment = completed(draft)
    shown = NoticeShown.objects.get(appointment=appointment)
    assert (shown.notice, shown.shown_at, shown.patient) == (notice, NOW, appointment.patient)
    assert records_of(appointment)[0]["consent"] == [{"kind": "notice", "id": str(notice.pk), "channel": "web"}]


def test_booking_for_somebody_else_keeps_the_helpers_contact_apart(people: Cast) -> None:
    appointment = completed(drafted(people, who="other", helper_name="Ben", relationship="parent"))
    helper = RelatedPerson.objects.get(patient=appointment.patient)
    assert (helper.name, helper.email, appointment.contact_person) == ("Ben", "zoe@example.org", helper)
    assert appointment.patient.email == ""
    assert contact_of(Appointment.objects.get(pk=appointment.pk), now=NOW).email == "zoe@example.org"


def test_a_known_patient_is_recognised_by_proven_contact_name_and_birth_date(people: Cast) -> None:
    first = completed(drafted(people))
    draft = intake.start(
        actor=ACTOR, now=NOW, visitor=VISITOR, hold=held(people, start=MONDAY + timedelta(hours=2)), language="en"
    )
    intake.save(
        actor=ACTOR,
        now=NOW,
        visitor=VISITOR,
        draft_id=draft.pk,
        form={**FORM, "given_name": "ZOË", "email": "Zoe@Example.org"},
    )
    assert completed(draft).patient == first.patient


@pytest.mark.parametrize(
    "other", [{"given_name": "Zita"}, {"birth_date": "1991-02-28"}, {"email": "other@example.org"}]
)
def test_a_person_who_differs_in_anything_is_a_new_patient(people: Cast, other: dict[str, str]) -> None:
    first = completed(drafted(people))
    draft = intake.start(
        actor=ACTOR, now=NOW, visitor=VISITOR, hold=held(people, start=MONDAY + timedelta(hours=2)), language="en"
    )
    intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form={**FORM, **other})
    assert completed(draft).patient != first.patient


def test_another_time_keeps_everything_typed_and_frees_the_first(people: Cast) -> None:
    draft = drafted(people)
    later = MONDAY + timedelta(hours=3)
    moved = intake.rehold(
        actor=ACTOR,
        now=NOW,
        visitor=VISITOR,
        draft_id=draft.pk,
        wishes=[
            Wish(
                service=people.service,
                location=people.location,
                practitioner=people.demir,
                start=later,
            )
        ],
    )
    assert parties.read(moved)["family_name"] == "Ångström"
    assert Hold.objects.count() == 1
    assert completed(moved).start == later


def test_a_draft_outlives_its_hold_while_the_time_is_free(people: Cast) -> None:
    draft = drafted(people)
    later = NOW + timedelta(minutes=30)
    holds.sweep(now=later)
    assert completed(draft, now=later).start == MONDAY + timedelta(hours=1)


def test_a_lapsed_draft_goes_with_its_key(people: Cast) -> None:
    draft = drafted(people)
    assert lapses.sweep(now=NOW + timedelta(hours=3)) == 1
    assert not Draft.objects.exists()
    assert keyring.is_destroyed(key_id=draft.key_id)


def test_a_lapsed_draft_that_became_a_patient_leaves_the_key(people: Cast) -> None:
    draft = drafted(people)
    appointment = completed(draft)
    assert lapses.sweep(now=NOW + timedelta(hours=3)) == 1
    assert not keyring.is_destroyed(key_id=draft.key_id)
    assert Patient.objects.get(pk=appointment.patient_id).family_name == "Ångström"


@pytest.mark.parametrize("ask", [lookup.ask, patient_accounts.ask])
def test_a_code_older_than_a_day_goes_and_takes_the_key_made_for_it_along(people: Cast, ask: Any) -> None:
    asked = ask(actor=ACTOR, now=NOW, clinic=people.clinic, contact="x@example.org", visitor=VISITOR, language="en")
    assert lapses.sweep(now=NOW + timedelta(hours=23)) == 0
    assert lapses.sweep(now=NOW + timedelta(hours=24)) == 1
    assert not ContactChallenge.objects.exists()
    assert keyring.is_destroyed(key_id=asked.key_id)


def test_a_wrong_code_is_counted_and_the_fifth_ends_the_challenge(people: Cast) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    wrong = "000000" if sent.code != "000000" else "111111"
    left = []
    for _ in range(4):
        with pytest.raises(proof.WrongCode) as refused:
            proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=sent.pk, code=wrong)
        left.append(refused.value.tries_left)
    assert left == [4, 3, 2, 1]
    for code in (wrong, sent.code):
        with pytest.raises(proof.CodeExpired):
            proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=sent.pk, code=code)


@pytest.mark.parametrize("typed", ["{} {}", " {}-{} ", "{}\n{}"])
def test_a_code_may_be_typed_with_spaces(people: Cast, typed: str) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    code = typed.format(sent.code[:3], sent.code[3:])
    assert proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=sent.pk, code=code).proved_at == NOW


def test_a_code_lives_ten_minutes_and_only_for_its_visitor(people: Cast) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    with pytest.raises(proof.CodeExpired):
        proof.prove(actor=ACTOR, now=NOW + proof.CODE_LIVES, visitor=VISITOR, challenge_id=sent.pk, code=sent.code)
    with pytest.raises(proof.CodeExpired):
        proof.prove(actor=ACTOR, now=NOW, visitor="thief", challenge_id=sent.pk, code=sent.code)
    with pytest.raises(proof.CodeExpired):
        proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=uuid.uuid4(), code=sent.code)


def test_codes_to_one_contact_are_bounded_whoever_asks(people: Cast) -> None:
    def ask(visitor: str) -> ContactChallenge:
        return lookup.ask(
            actor=ACTOR, now=NOW, clinic=people.clinic, contact="Ada@example.org", visitor=visitor, language="en"
        )

    for number in range(proof.MOST_PER_CONTACT):
        ask(f"visitor {number}")
    with pytest.raises(proof.TooManyCodes):
        ask("one more")


def test_a_code_is_made_for_an_unknown_contact_too_but_not_sent(people: Cast) -> None:
    patients.reindex(people.ada)
    known, unknown = (
        lookup.ask(actor=ACTOR, now=NOW, clinic=people.clinic, contact=contact, visitor=VISITOR, language="en")
        for contact in ("ada@example.org", "nobody@example.org")
    )
    assert (known.deliver, unknown.deliver) == (True, False)
    assert (known.purpose, len(known.code)) == (unknown.purpose, len(unknown.code))


def test_lost_links_come_back_to_the_contact_they_were_booked_with(people: Cast) -> None:
    mine = completed(drafted(people))
    for_child = intake.start(
        actor=ACTOR, now=NOW, visitor=VISITOR, hold=held(people, start=MONDAY + timedelta(hours=2)), language="en"
    )
    intake.save(
        actor=ACTOR,
        now=NOW,
        visitor=VISITOR,
        draft_id=for_child.pk,
        form={**FORM, "who": "other", "given_name": "Kid", "helper_name": "Zoë", "relationship": "parent"},
    )
    childs = completed(for_child)
    asked = lookup.ask(
        actor=ACTOR, now=NOW, clinic=people.clinic, contact="ZOE@example.org", visitor=VISITOR, language="en"
    )
    with pytest.raises(proof.CodeExpired):
        lookup.found(now=NOW, challenge=asked)
    proved = proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=asked.pk, code=asked.code)
    assert lookup.found(now=NOW, challenge=proved) == [mine, childs]


def test_a_link_leads_to_its_appointment_until_its_days_are_over(people: Cast) -> None:
    appointment = completed(drafted(people))
    token = links.token(appointment)
    assert links.by_token(token=token, now=NOW) == appointment
    assert links.by_token(token=token, now=appointment.end + timedelta(days=people.clinic.link_days)) is None
    assert links.by_token(token=token[:-1] + ("A" if token[-1] != "A" else "B"), now=NOW) is None


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("lov", True),
        ("ADA love", True),
        ("ada@example.org", True),
        ("10.12.1985", True),
        ("1985-12-10", True),
        ("bob", False),
        ("ada bob", False),
    ],
)
def test_patients_are_found_by_every_word_of_a_query(people: Cast, query: str, hit: bool) -> None:
    patients.reindex(people.ada)
    found: list[Any] = patients.search(clinic_ids=[people.clinic.pk], query=query)
    assert found == ([people.ada] if hit else [])
    assert patients.search(clinic_ids=[people.elsewhere.pk], query=query) == []
