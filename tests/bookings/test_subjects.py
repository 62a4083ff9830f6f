"""Drafts and codes of a patient end with the patient."""

import uuid
from datetime import timedelta

import pytest

from audit import erasure
from audit.context import Actor
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from audit.subjects import sources
from bookings.models import ContactChallenge, Draft, Patient
from tests.factories import MONDAY, AppointmentFactory, PatientFactory, UserFactory

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
