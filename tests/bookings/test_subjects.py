"""Drafts and codes of a patient end with the patient."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from audit import erasure
from audit.context import Actor
from audit.declare import Category
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from audit.subjects import sources
from bookings import patient_accounts, patients
from bookings.models import AccountIndex, ContactChallenge, Draft, Patient, PatientAccount, User
from bookings.subjects import BookingTraces
from tests.factories import MONDAY, AppointmentFactory, PatientFactory, RelatedPersonFactory, UserFactory

pytestmark = pytest.mark.django_db


def draft_of(patient: Patient, *, key_id: uuid.UUID) -> Draft:
    visit = AppointmentFactory(patient=patient, clinic=patient.clinic)
    return Draft.objects.create(
        clinic=patient.clinic,
        service=visit.service,
        location=visit.location,
        practitioner=visit.practitioner,
        start=visit.start,
        key_id=key_id,
        visitor_digest="0" * 64,
        form="{}",
        language="en",
        appointment=visit,
        expires_at=MONDAY,
    )


def code_of(patient: Patient, *, key_id: uuid.UUID, **about: object) -> ContactChallenge:
    return ContactChallenge.objects.create(
        clinic=patient.clinic,
        purpose=ContactChallenge.Purpose.MANAGE,
        key_id=key_id,
        visitor_digest="0" * 64,
        contact="ada@example.org",
        code="123456",
        language="en",
        created=MONDAY,
        expires_at=MONDAY + timedelta(minutes=10),
        **about,
    )


def test_drafts_and_codes_of_an_erased_patient_cannot_be_read() -> None:
    ada: Patient = PatientFactory()
    keys = [keyring.create_subject_key(clinic_id=ada.clinic_id) for _ in range(3)]
    draft = draft_of(ada, key_id=keys[0])
    codes = [
        code_of(ada, key_id=keys[1], draft=draft),
        code_of(ada, key_id=keys[2], appointment=draft.appointment),
        code_of(ada, key_id=ada.key_id),
    ]
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    with pytest.raises(KeyDestroyed):
        _ = Draft.objects.get().form
    for code in codes:
        with pytest.raises(KeyDestroyed):
            _ = ContactChallenge.objects.get(pk=code.pk).contact
    ada.refresh_from_db()
    assert ada.erased_at == MONDAY


def test_drafts_and_codes_of_another_patient_stay() -> None:
    ada: Patient = PatientFactory()
    other: Patient = PatientFactory(clinic=ada.clinic)
    draft_of(other, key_id=keyring.create_subject_key(clinic_id=ada.clinic_id))
    code_of(other, key_id=other.key_id)
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert Draft.objects.get().form == "{}"
    assert ContactChallenge.objects.get().contact == "ada@example.org"


def test_a_member_of_staff_has_no_drafts() -> None:
    [source] = [source for source in sources() if source.name == "bookings"]
    assert list(source.keys(subject=UserFactory())) == []


def account_of(patient: Patient, *, email: str = "ada@example.org") -> tuple[PatientAccount, Client]:
    """The account of an address, signed in."""
    account = patient_accounts.enter(
        actor=Actor.system("test"), now=MONDAY, clinic=patient.clinic, email=email, language="en"
    )
    browser = Client()
    browser.force_login(account.user, backend="django.contrib.auth.backends.ModelBackend")
    return account, browser


def test_the_account_of_an_erased_patient_goes_with_its_key_and_its_sessions() -> None:
    ada: Patient = PatientFactory()
    patients.reindex(ada)
    account, browser = account_of(ada)
    stranger = Client()
    stranger.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    certificate = erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert (str(account.key_id) in certificate["keys"], keyring.is_destroyed(key_id=account.key_id)) == (True, True)
    assert (PatientAccount.objects.count(), AccountIndex.objects.count()) == (0, 0)
    assert not User.objects.filter(pk=account.user_id).exists()
    assert list(Session.objects.values_list("pk", flat=True)) == [stranger.session.session_key]
    assert not browser.session.keys()


@pytest.mark.parametrize("as_whom", ["own", "helper"])
def test_an_account_that_is_somebody_elses_way_too_stays(as_whom: str) -> None:
    ada: Patient = PatientFactory()
    child: Patient = PatientFactory(clinic=ada.clinic, email="ada@example.org" if as_whom == "own" else "")
    if as_whom == "helper":
        RelatedPersonFactory(patient=child, email="ada@example.org")
    for patient in (ada, child):
        patients.reindex(patient)
    account, _browser = account_of(ada)
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert PatientAccount.objects.get().contact == "ada@example.org"
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=child, reference="R-2")
    assert PatientAccount.objects.count() == (0 if as_whom == "own" else 1)
    assert keyring.is_destroyed(key_id=account.key_id) == (as_whom == "own")


def test_the_account_of_somebody_who_acts_for_an_erased_patient_stays() -> None:
    ada: Patient = PatientFactory()
    RelatedPersonFactory(patient=ada)
    patients.reindex(ada)
    account_of(ada, email="ben@example.org")
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert PatientAccount.objects.get().contact == "ben@example.org"


def test_an_account_of_the_same_address_at_another_clinic_stays() -> None:
    ada: Patient = PatientFactory()
    abroad: Patient = PatientFactory()
    for patient in (ada, abroad):
        patients.reindex(patient)
        account_of(patient)
    erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert PatientAccount.objects.get().clinic == abroad.clinic


def test_an_erasure_that_died_after_the_keys_still_takes_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    ada: Patient = PatientFactory()
    patients.reindex(ada)
    account_of(ada)

    def die(self: object, **given: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(BookingTraces, "erase", die)
        with pytest.raises(RuntimeError):
            erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert PatientAccount.objects.count() == 1
    assert erasure.resume(now=MONDAY) == 1
    assert PatientAccount.objects.count() == 0


@pytest.mark.parametrize("dies", [False, True])
def test_the_account_of_a_joined_records_address_goes_too(dies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ada: Patient = PatientFactory()
    PatientFactory(clinic=ada.clinic, merged_into=ada, email="old@example.org")
    patients.reindex(ada)
    account_of(ada, email="old@example.org")
    if dies:
        with monkeypatch.context() as broken:
            broken.setattr(BookingTraces, "erase", lambda self, **given: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
        assert (PatientAccount.objects.count(), erasure.resume(now=MONDAY)) == (1, 1)
    else:
        erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    assert (PatientAccount.objects.count(), User.objects.filter(is_staff=False).count()) == (0, 0)


def test_an_account_opened_between_plan_and_erasure_goes_with_it_after_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    ada: Patient = PatientFactory()
    patients.reindex(ada)
    erasure._plan(now=MONDAY, subject=ada, reference="R-1")
    account_of(ada)
    with monkeypatch.context() as broken:
        broken.setattr(BookingTraces, "erase", lambda self, **given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erasure.erase(actor=Actor.system("test"), now=MONDAY, subject=ada, reference="R-1")
    erasure.resume(now=MONDAY)
    assert PatientAccount.objects.count() == 0


def test_what_is_held_names_the_account_and_joined_records() -> None:
    ada: Patient = PatientFactory()
    PatientFactory(clinic=ada.clinic, merged_into=ada, phone="+33 1")
    patients.reindex(ada)
    account_of(ada)
    [source] = [source for source in sources() if source.name == "bookings"]
    told = {held.model: held.fields for held in source.collect(subject=ada)}
    assert told["bookings.PatientAccount"]["contact"] == (Category.CONTACT, "ada@example.org")
    assert told["bookings.Patient"]["phone"] == (Category.CONTACT, "+33 1")
