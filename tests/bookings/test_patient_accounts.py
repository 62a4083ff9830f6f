"""Patients' accounts: made once for an address, and moved with it everywhere or nowhere."""

from datetime import timedelta
from typing import Any

import pytest

from audit.context import Actor
from audit.keys import keyring
from audit.models import Fact
from audit.stream import drain
from bookings import own_contact, patient_accounts, patients, proof, reach
from bookings.locks import TooBusy
from bookings.models import (
    AccountIndex,
    Appointment,
    Consent,
    ConsentText,
    ContactChallenge,
    Patient,
    PatientAccount,
    RelatedPerson,
    User,
)
from tests.factories import MONDAY, AppointmentFactory, Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)
NOW = MONDAY - timedelta(days=3)
ACTOR = Actor(kind="visitor", id="", label="")
VISITOR = "somebody"
ADA, NEW = "ada@example.org", "new@example.org"


@pytest.fixture
def people(transactional_db: None) -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    return everyone


def entered(people: Cast, email: str = ADA, **more: Any) -> PatientAccount:
    given = {"clinic": people.clinic, "language": "en", **more}
    return patient_accounts.enter(actor=ACTOR, now=NOW, email=email, **given)


def asked(people: Cast, account: PatientAccount, email: str = NEW) -> ContactChallenge:
    return own_contact.ask_change(actor=ACTOR, now=NOW, account=account, email=email, visitor=VISITOR, language="en")


def changed(people: Cast, account: PatientAccount, email: str = NEW, **more: Any) -> PatientAccount:
    sent = asked(people, account, email)
    given = {"account": account, "visitor": VISITOR, "challenge": sent, "code": sent.code, **more}
    return own_contact.change(actor=ACTOR, now=NOW, **given)


def reached(people: Cast, email: str) -> list[tuple[str, bool]]:
    found = reach.reached(proven=reach.proven(clinic_id=people.clinic.pk, email=email), now=NOW)
    return [(one.patient.code, one.person is None) for one in found]


def everything(people: Cast) -> list[Any]:
    """What a change of address touches, as it stands."""
    return [
        *[row.email for row in Patient.objects.order_by("pk")],
        *[row.email for row in RelatedPerson.objects.order_by("pk")],
        *[row.contact for row in PatientAccount.objects.order_by("pk")],
        *AccountIndex.objects.order_by("pk").values_list("token", flat=True),
    ]


def test_an_address_has_one_account_at_a_clinic_and_another_elsewhere(people: Cast) -> None:
    first = entered(people)
    assert entered(people, " Ada@EXAMPLE.org") == first
    assert entered(people, clinic=people.elsewhere) != first


def test_an_account_is_sealed_under_a_key_of_its_own(people: Cast) -> None:
    account = entered(people)
    assert account.key_id != people.ada.key_id
    assert keyring.open_subject_keys(key_ids=[account.key_id])[account.key_id] is not None
    raw = PatientAccount.objects.values_list("contact", flat=True).get()
    assert ADA not in str(raw)
    assert User.objects.get(pk=account.user_id).username.startswith("p-")


def test_staff_and_closed_accounts_are_nobodys_account(people: Cast) -> None:
    account = entered(people)
    assert patient_accounts.of_user(user=account.user) == account
    assert patient_accounts.of_id(account_id=account.pk) == account
    assert patient_accounts.of_user(user=people.carla) is None
    for field, value in (("is_staff", True), ("is_active", False)):
        User.objects.filter(pk=account.user_id).update(is_staff=False, is_active=True)
        User.objects.filter(pk=account.user_id).update(**{field: value})
        assert patient_accounts.of_user(user=User.objects.get(pk=account.user_id)) is None
        assert patient_accounts.of_id(account_id=account.pk) is None
    with pytest.raises(patient_accounts.AccountClosed):
        entered(people)


def test_an_erasure_that_died_half_way_has_closed_the_account_and_its_codes(people: Cast) -> None:
    account = entered(people)
    sent = asked(people, account)
    named: dict[str, Any] = {"challenge_id": sent.pk, "visitor": VISITOR, "purpose": sent.purpose}
    assert patient_accounts.asked(**named) == sent
    keyring.destroy_subject_keys(key_ids=[account.key_id])
    assert patient_accounts.of_user(user=account.user) is None
    assert patient_accounts.of_id(account_id=account.pk) is None
    assert patient_accounts.asked(**named) is None
    with pytest.raises(patient_accounts.AccountClosed):
        entered(people)


@pytest.mark.parametrize(
    ("email", "told"), [(ADA, True), ("BEN@example.org", True), ("nobody@example.org", False), (NEW, True)]
)
def test_a_code_goes_only_to_whom_the_clinic_knows_or_who_has_an_account(people: Cast, email: str, told: bool) -> None:
    entered(people, NEW)
    sent = patient_accounts.ask(
        actor=ACTOR, now=NOW, clinic=people.clinic, contact=email, visitor=VISITOR, language="en"
    )
    assert (sent.deliver, sent.purpose) == (told, "signin")


def test_a_code_sent_for_something_else_signs_nobody_in(people: Cast) -> None:
    account = entered(people)
    sent = asked(people, account)
    with pytest.raises(proof.CodeExpired):
        patient_accounts.sign_in(actor=ACTOR, now=NOW, visitor=VISITOR, challenge=sent, code=sent.code, language="en")


def test_a_new_address_is_written_everywhere_the_old_one_stood(people: Cast) -> None:
    child = PatientFactory(clinic=people.clinic, given_name="Ida", email="")
    parent = RelatedPersonFactory(clinic=people.clinic, patient=child, email="ADA@example.org", relationship="parent")
    second = PatientFactory(clinic=people.clinic, given_name="Twin")
    for patient in (child, second):
        patients.reindex(patient)
    account = changed(people, entered(people))
    assert account.contact == NEW
    assert reached(people, ADA) == []
    assert reached(people, NEW) == [(people.ada.code, True), (second.code, True), (child.code, False)]
    parent.refresh_from_db()
    assert parent.email == NEW
    assert entered(people, NEW) == account
    assert [one.email for one in (people.ben,)] == ["ben@example.org"]


def test_nothing_of_another_clinic_or_of_another_person_changes(people: Cast) -> None:
    abroad = PatientFactory(clinic=people.elsewhere)
    patients.reindex(abroad)
    changed(people, entered(people))
    abroad.refresh_from_db()
    people.ben.refresh_from_db()
    assert (abroad.email, people.ben.email) == (ADA, "ben@example.org")


def test_a_right_that_is_over_keeps_the_old_address_and_one_that_rests_gets_the_new(people: Cast) -> None:
    over, resting = (PatientFactory(clinic=people.clinic, email="", given_name=name) for name in ("O", "R"))
    ended = RelatedPersonFactory(clinic=people.clinic, patient=over, email=ADA, valid_until=NOW - timedelta(days=1))
    waits = RelatedPersonFactory(clinic=people.clinic, patient=resting, email=ADA)
    resting.confidential = True
    resting.save()
    for patient in (over, resting):
        patients.reindex(patient)
    changed(people, entered(people))
    ended.refresh_from_db()
    waits.refresh_from_db()
    assert (ended.email, waits.email) == (ADA, NEW)


def test_an_address_with_an_account_is_refused_and_nothing_changes(people: Cast) -> None:
    account, _other = entered(people), entered(people, NEW)
    before = everything(people)
    with pytest.raises(own_contact.AddressTaken):
        changed(people, account)
    assert everything(people) == before


def test_a_change_that_fails_half_way_changes_nothing(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    account = entered(people)
    before = everything(people)

    def fails(patient: Patient) -> None:
        raise TooBusy

    monkeypatch.setattr(patients, "reindex", fails)
    with pytest.raises(TooBusy):
        changed(people, account)
    assert everything(people) == before


def test_the_same_address_in_other_letters_is_no_other_account(people: Cast) -> None:
    account = changed(people, entered(people), "Ada@EXAMPLE.org")
    assert account.contact == "Ada@example.org"
    assert reached(people, ADA) == [(people.ada.code, True)]


def test_a_code_sent_for_another_account_or_purpose_changes_nothing(people: Cast) -> None:
    account, other = entered(people), entered(people, "ben@example.org")
    theirs = asked(people, other)
    signing_in = patient_accounts.ask(
        actor=ACTOR, now=NOW, clinic=people.clinic, contact=ADA, visitor=VISITOR, language="en"
    )
    for sent in (theirs, signing_in):
        with pytest.raises(proof.CodeExpired):
            changed(people, account, challenge=sent, code=sent.code)
    with pytest.raises(proof.WrongCode):
        changed(people, account, "third@example.org", code="x")


def test_a_change_made_in_another_window_meanwhile_is_not_built_upon(people: Cast) -> None:
    stale = entered(people)
    changed(people, PatientAccount.objects.get(pk=stale.pk))
    with pytest.raises(proof.CodeExpired):
        changed(people, stale, "third@example.org")
    assert reached(people, NEW) == [(people.ada.code, True)]


def test_somebody_given_the_address_while_the_locks_were_waited_for_stops_the_change(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = entered(people)

    def registered_meanwhile(**_held: object) -> None:
        patients.reindex(PatientFactory(clinic=people.clinic, given_name="Late"))

    monkeypatch.setattr("bookings.own_contact.lock", registered_meanwhile)
    with pytest.raises(TooBusy):
        changed(people, account)
    assert PatientAccount.objects.get().contact == ADA


def test_a_record_whose_erasure_has_begun_does_not_hold_up_the_others(people: Cast) -> None:
    begun = PatientFactory(clinic=people.clinic)
    patients.reindex(begun)
    account = entered(people)
    keyring.destroy_subject_keys(key_ids=[begun.key_id])
    assert changed(people, account).contact == NEW
    assert Patient.objects.get(pk=people.ada.pk).email == NEW


def test_wishes_reach_the_visits_to_come_that_are_written_about_to_the_patient(people: Cast) -> None:
    account = entered(people)
    own = AppointmentFactory(clinic=people.clinic, patient=people.ada, service=people.service)
    bens = AppointmentFactory(
        clinic=people.clinic, patient=people.ada, service=people.service, contact_person=people.ben
    )
    past = AppointmentFactory(
        clinic=people.clinic, patient=people.ada, service=people.service, start=NOW - timedelta(days=9)
    )
    preferred(people, account, language="nl")
    told = [Appointment.objects.get(pk=one.pk).language for one in (own, bens, past)]
    assert told == ["nl", "en", "en"]
    account.refresh_from_db()
    assert account.language == "nl"


def preferred(people: Cast, account: PatientAccount, **more: Any) -> Patient:
    given = {"code": people.ada.code, "phone": "", "language": "en", "remind": True, "safe_contact": False, **more}
    return own_contact.prefer(actor=ACTOR, now=NOW, account=account, **given)


def test_a_new_phone_is_found_by_the_desk(people: Cast) -> None:
    preferred(people, entered(people), phone="+33 6 12 34 56 78")
    assert patients.search(clinic_ids=[people.clinic.pk], query="+33612345678") == [people.ada]


def test_only_ones_own_record_is_written(people: Cast) -> None:
    stranger = PatientFactory(clinic=people.clinic, email="x@example.org")
    patients.reindex(stranger)
    account, helper = entered(people), entered(people, "ben@example.org")
    for given in ({"account": account, "code": stranger.code}, {"account": helper}):
        with pytest.raises(own_contact.NotTheirOwn):
            preferred(people, **{"account": account, **given})


def test_a_yes_beside_the_words_is_kept_as_consent_and_a_no_is_none(people: Cast) -> None:
    account = entered(people)
    text = ConsentText.objects.create(
        clinic=people.clinic, purpose="reminders", language="en", version=1, body="Remind me."
    )
    assert own_contact.reminders_asked(patient=people.ada, language="en") is not None
    preferred(people, account, remind=False, reminders_text=text)
    assert Consent.objects.count() == 0
    preferred(people, account, reminders_text=text)
    assert (Consent.objects.get().source, Consent.objects.get().text) == ("account", text)
    assert own_contact.reminders_asked(patient=people.ada, language="en") is None


def test_what_is_done_is_written_down_as_done_by_a_use_case(people: Cast) -> None:
    account = entered(people)
    drain()
    preferred(people, account, phone="+33 6 12 34 56 78")
    changed(people, account)
    facts = [fact.ctx for fact in Fact.objects.filter(source=Fact.Source.TRIGGER)]
    cases = {case for case in ("account.prefer", "account.change-address") if any(case in (ctx or "") for ctx in facts)}
    assert (cases, None in facts) == ({"account.prefer", "account.change-address"}, False)
