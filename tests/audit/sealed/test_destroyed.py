"""After a key is destroyed."""

import threading

import pytest
from django.core import serializers
from django.db import connection, connections
from django.forms.models import model_to_dict
from django.template import Context, Template

from audit.keys import keyring
from audit.sealed import (
    KeyDestroyed,
    KeyMissing,
)
from audit.sealed_rows import reveal
from bookings.models import Patient
from tests.audit.sealed.people import column, several, stored
from tests.factories import PatientFactory

pytestmark = pytest.mark.django_db


def test_a_destroyed_key_opens_nothing(ada: Patient) -> None:
    assert keyring.destroy_subject_keys(key_ids=[ada.key_id]) == 1
    with pytest.raises(KeyDestroyed):
        _ = stored(ada).email
    with pytest.raises(KeyDestroyed):
        keyring.unseal(token=column(ada), field="bookings.Patient.email")
    assert keyring.is_destroyed(key_id=ada.key_id)
    assert keyring.destroy_subject_keys(key_ids=[ada.key_id]) == 0
    assert reveal(field="bookings.Patient.email", tokens=[column(ada)]) == [""]


def test_an_erased_person_stops_nobody_elses_list() -> None:
    one, other = several(2)
    keyring.destroy_subject_keys(key_ids=[one.key_id])
    found = {patient.pk: patient for patient in Patient.objects.all()}
    assert found[other.pk].email == "ada@example.org"
    with pytest.raises(KeyDestroyed):
        _ = found[one.pk].email


def test_an_erased_person_is_loaded_refreshed_saved_and_serialised_without_being_read(ada: Patient) -> None:
    before = column(ada)
    keyring.destroy_subject_keys(key_ids=[ada.key_id])
    patient = stored(ada)
    patient.refresh_from_db()
    patient.language = "fr"
    patient.save()
    assert before in serializers.serialize("json", [patient])
    assert model_to_dict(patient)["email"] == ""
    assert column(ada) == before


def test_nothing_new_is_sealed_for_an_erased_person(ada: Patient) -> None:
    keyring.destroy_subject_keys(key_ids=[ada.key_id])
    patient = stored(ada)
    patient.phone = "+33 4 72 00 00 01"
    with pytest.raises(KeyDestroyed):
        patient.save()


def test_a_template_shows_nothing_where_an_erased_name_stood(ada: Patient) -> None:
    keyring.destroy_subject_keys(key_ids=[ada.key_id])
    assert Template("[{{ patient.email }}]").render(Context({"patient": stored(ada)})) == "[]"


def test_a_key_the_database_does_not_know_is_missing_not_destroyed(ada: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_subjectkey")
    with pytest.raises(KeyMissing, match="restore both"):
        _ = stored(ada).email
    assert not keyring.is_destroyed(key_id=ada.key_id)


@pytest.mark.django_db(transaction=True)
def test_another_process_cannot_read_a_destroyed_key_from_its_memory() -> None:
    ada = PatientFactory()
    reads: list[object] = []
    read, destroyed = threading.Event(), threading.Event()

    def other_process() -> None:
        try:
            reads.append(Patient.objects.get(pk=ada.pk).email)
            read.set()
            destroyed.wait(10)
            Patient.objects.get(pk=ada.pk).email  # noqa: B018 - reading unseals
        except KeyDestroyed as error:
            reads.append(type(error))
        finally:
            read.set()
            connections.close_all()

    thread = threading.Thread(target=other_process)
    thread.start()
    read.wait(10)
    keyring.destroy_subject_keys(key_ids=[ada.key_id])
    destroyed.set()
    thread.join()
    assert reads == ["ada@example.org", KeyDestroyed]
