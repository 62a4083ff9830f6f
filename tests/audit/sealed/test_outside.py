"""What leaves the process carries ciphertext only."""

import copy
import pickle

import pytest
from django.core import serializers

from audit.sealed import (
    SealedLookup,
)
from bookings.models import Patient
from tests.audit.sealed.people import column, stored

pytestmark = pytest.mark.django_db


def test_serialised_data_hold_ciphertext_and_come_back(ada: Patient) -> None:
    written = serializers.serialize("json", Patient.objects.all())
    assert "ada@example.org" not in written
    assert column(ada) in written
    before = column(ada)
    Patient.objects.update(email="")
    for entry in serializers.deserialize("json", written):
        entry.save()
    assert column(ada) == before
    assert stored(ada).email == "ada@example.org"


def test_a_fixture_with_plain_text_is_refused(ada: Patient) -> None:
    written = serializers.serialize("json", Patient.objects.all()).replace(column(ada), "ada@example.org")
    [entry] = serializers.deserialize("json", written)
    with pytest.raises(SealedLookup):
        entry.save()


def test_an_unsaved_text_is_not_serialised(ada: Patient) -> None:
    ada.email = "new@example.org"
    with pytest.raises(SealedLookup):
        serializers.serialize("json", [ada])


def test_a_pickled_instance_carries_ciphertext_only(ada: Patient) -> None:
    patient = stored(ada)
    assert patient.email == "ada@example.org"
    written = pickle.dumps(patient)
    assert b"example.org" not in written
    assert pickle.loads(written).email == "ada@example.org"
    patient.email = "new@example.org"
    with pytest.raises(TypeError, match="sealed only"):
        pickle.dumps(patient)


def test_copies_of_an_instance_do_not_share_changes(ada: Patient) -> None:
    patient = stored(ada)
    for other in (copy.copy(patient), copy.deepcopy(patient)):
        other.email = "other@example.org"
        assert patient.email == "ada@example.org"


def test_an_instance_shows_no_text_in_its_state(ada: Patient) -> None:
    patient = stored(ada)
    assert patient.email
    assert "example.org" not in repr(vars(patient)) + repr(patient) + str(patient)
