"""Erasure: what it reaches, and what it says."""

import datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from audit import erasure, stream, subjects
from audit.keys import keyring
from bookings.models import Appointment, Patient, PatientIndex
from bookings.patients import reindex
from tests.audit.erasure.acts import EVA, NOW, PLAIN, erase, events, readable
from tests.factories import PatientFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_nothing_of_an_erased_person_can_be_read(ada: Patient) -> None:
    assert readable(ada) == ["Lovelace", "Ben Lovelace", "Headache"]
    erase(ada)
    assert readable(ada) == []
    assert not PatientIndex.objects.filter(patient=ada).exists()
    assert Patient.objects.get(pk=ada.pk).erased_at == NOW


def test_links_of_an_erased_person_lead_nowhere(ada: Patient) -> None:
    before = Appointment.objects.get(patient=ada).link_digest
    erase(ada)
    assert Appointment.objects.get(patient=ada).link_digest != before


def test_another_person_stays_readable(ada: Patient) -> None:
    other = PatientFactory(clinic=ada.clinic)
    reindex(other)
    erase(ada)
    assert Patient.objects.get(pk=other.pk).family_name == "Lovelace"
    assert PatientIndex.objects.filter(patient=other).exists()


def test_the_chain_tells_of_an_erasure_by_keys_and_reference_only(ada: Patient) -> None:
    erase(ada)
    [event] = [event for event in events(ada.clinic) if event["name"] == "erasure"]
    assert event["data"] == {"reference": "R-1", "keys": [str(ada.key_id)]}


def test_no_record_holds_a_word_about_the_person(ada: Patient) -> None:
    erase(ada)
    stream.drain()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(body, ''), '') FROM audit_record")
        written = cursor.fetchone()[0]
    assert str(ada.key_id) in written
    assert not [word for word in PLAIN if word in written]


def test_the_certificate_says_what_was_done_and_what_was_not(ada: Patient) -> None:
    certificate = erase(ada)
    assert certificate["reference"] == "R-1"
    assert certificate["keys"] == [str(ada.key_id)]
    assert certificate["rows_deleted"] == {"bookings.PatientIndex": 1}
    assert certificate["unreadable_in_backups_from"] == "2027-01-04"
    assert "Printed day sheets and downtime sheets" in certificate["not_reached"]
    assert "the patient" in certificate["recipients_to_inform"]
    assert "start" in certificate["stays_readable"]["bookings.Appointment"]
    assert "family_name" not in certificate["stays_readable"]["bookings.Patient"]
    assert not [word for word in PLAIN if word in str(certificate)]


def test_the_days_of_backups_are_the_operators(ada: Patient, settings: Settings) -> None:
    settings.KEYS_BACKUP_DAYS = 7
    assert erase(ada)["unreadable_in_backups_from"] == "2026-12-07"


def test_the_same_request_twice_is_one_erasure(ada: Patient) -> None:
    assert erase(ada) == erase(ada)
    assert len([event for event in events(ada.clinic) if event["name"] == "erasure"]) == 1


def test_another_request_for_an_erased_person_finds_nothing_left(ada: Patient) -> None:
    erase(ada, "R-1")
    certificate = erase(ada, "R-2")
    assert certificate["rows_deleted"] == {}
    assert certificate["fields_blanked"] == {}
    assert readable(ada) == []


def test_keys_of_drafts_and_codes_go_too(ada: Patient) -> None:
    extra = keyring.create_subject_key(clinic_id=ada.clinic_id)

    class Elsewhere:
        name = "elsewhere"

        def keys(self, *, subject: object) -> list[Any]:
            return [extra]

        def collect(self, *, subject: object) -> list[Any]:
            return []

        def erase(self, *, subject: object, now: datetime.datetime) -> subjects.Erased:
            return subjects.Erased(deleted={"elsewhere": 2})

    subjects.register(Elsewhere())
    try:
        certificate = erase(ada)
    finally:
        subjects._sources.pop(0)
    assert set(certificate["keys"]) == {str(ada.key_id), str(extra)}
    assert certificate["rows_deleted"]["elsewhere"] == 2
    assert keyring.is_destroyed(key_id=extra)


def test_a_member_of_staff_is_blanked_where_they_stand_in_clear() -> None:
    carla = UserFactory(username="carla", first_name="Carla", last_name="Rossi", email="carla@clinic.example")
    certificate = erasure.erase(actor=EVA, now=NOW, subject=carla, reference="R-3")
    carla.refresh_from_db()
    assert (carla.first_name, carla.last_name, carla.email, carla.password) == ("", "", "", "")
    assert carla.username.startswith("erased-")
    assert certificate["chain"] == "platform"
    assert "username" in certificate["fields_blanked"]["bookings.User"]
