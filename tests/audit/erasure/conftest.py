"""Ada, with everything a clinic knows about her, and a key store of her own."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from audit.keys import keyring
from bookings.models import Patient
from bookings.patients import reindex
from tests.factories import AppointmentFactory, PatientFactory, RelatedPersonFactory


@pytest.fixture(autouse=True)
def own_store(settings: Settings, tmp_path: Path) -> None:
    keyring.opened.forget()
    settings.KEYS_URL = f"file://{tmp_path}/keystore.json"


@pytest.fixture
def ada() -> Patient:
    patient = PatientFactory()
    RelatedPersonFactory(patient=patient, name="Ben Lovelace")
    AppointmentFactory(patient=patient, clinic=patient.clinic, reason="Headache")
    reindex(patient)
    return patient
