"""What is held, as a person reads it and as they take it away."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from audit.context import Actor
from audit.declare import declarations
from audit.keys import keyring
from audit.models import Record
from audit.stream import drain
from audit.subjects import subject_model
from bookings import disclosure, held
from bookings.admin.steps import ENDED, OVERBOOK_REASONS, REASONS
from bookings.declared import WORDS
from bookings.held import CODED, Purpose
from bookings.models import Patient, PatientAccount, ServiceText
from tests.bookings.entering import counted, visit
from tests.bookings.whole_patient import fill
from tests.factories import MONDAY, Cast, cast

pytestmark = pytest.mark.django_db
ADA = Actor(kind="patient", id="1", label="P")


@pytest.fixture
def story() -> Cast:
    everyone = cast()
    fill(everyone)
    return everyone


def kinds(purposes: list[Purpose]) -> dict[str, list[dict[str, str]]]:
    """What is told, by kind: each row as label and value, what it is called by under no label."""
    return {
        kind.name: [{"": entry.title} | {line.label: line.value for line in entry.lines} for entry in kind.entries]
        for purpose in purposes
        for kind in purpose.kinds
    }


def copied(story: Cast) -> dict[str, Any]:
    made = disclosure.copy(actor=ADA, now=MONDAY, clinic=story.clinic, patients=[story.ada])
    again: dict[str, Any] = json.loads(json.dumps(made))
    return again


def test_every_kind_is_told_under_what_it_is_held_for(story: Cast) -> None:
    told = held.readable(patient=story.ada)
    assert {purpose.activity: {kind.name for kind in purpose.kinds} for purpose in told} == {
        "Booking and keeping appointments": {
            *("Patient", "Identifier", "Related person", "Appointments", "Participant", "Answer"),
        },
        "Proof of information given": {"Notice shown"},
        "Consents": {"Consent"},
        "Answering requests of data subjects": {"Request about data"},
        "Messages about appointments": {"Message"},
    }
    booking = told[0]
    assert (booking.basis, booking.source) == (
        "Art. 6(1)(b), 9(2)(h) GDPR",
        "the patient, or the person who booked for the patient",
    )
    assert booking.kept.startswith("12 months after the appointment")
    assert booking.recipients == ("clinic staff", "the patient", "the person who booked for the patient")


def test_values_are_in_words(story: Cast) -> None:
    told = kinds(held.readable(patient=story.ada))
    second, first = told["Appointments"]
    assert (first[""], first["Practitioner"], first["Location"]) == (
        "Consultation, Monday, 30 November 2026, 10:00 (Paris time)",
        "Dr Demir",
        "Bellecour",
    )
    assert second[""] == "Consultation, Wednesday, 2 December 2026, 08:00 (Paris time)"  # the newest first
    assert (first["Status"], first["Reason"], first["Booked by"]) == ("booked", "A cough since Monday", "Ben Lovelace")
    assert (first["Needs"], first["Has a referral"]) == ("step-free access, an interpreter", "no")
    assert (second["Status"], second["Why cancelled"]) == ("cancelled", "The practitioner is away")
    assert told["Patient"][0]["Birth date"] == "10 Dec 1985"
    assert told["Related person"] == [
        {**told["Related person"][0], "": "Ben Lovelace", "Relationship": "legal guardian"}
    ]
    assert told["Consent"][0]["Words shown"] == "reminders of appointments v1 (en)"
    assert told["Answer"][0]["Answer"] == "Penicillin"


def test_no_technical_number_is_read_by_a_person(story: Cast) -> None:
    told = [row for rows in kinds(held.readable(patient=story.ada)).values() for row in rows]
    text = " ".join(value for row in told for value in row.values())
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)
    assert str(story.ada.key_id) not in text
    labels = {label for row in told for label in row}
    assert {"ID", "Key", "Clinic", "Tokens", "Idempotency key", "Last error", "Revision"} & labels == set()


def test_another_record_that_may_be_of_the_same_person_is_told_to_nobody(story: Cast) -> None:
    whole = json.dumps(copied(story))
    assert "PossibleDuplicate" not in whole
    assert "possible duplicate" not in str(kinds(held.readable(patient=story.ada))).lower()


def test_what_lost_its_key_is_said_to_be_unreadable(story: Cast) -> None:
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    told = kinds(held.readable(patient=Patient.objects.get(pk=story.ada.pk)))
    assert told["Patient"][0]["Family name"] == "no longer readable"
    assert told["Answer"] == [{**told["Answer"][0], "Answer": "no longer readable"}]


def test_it_is_told_in_the_readers_language(story: Cast) -> None:
    ServiceText.objects.create(clinic=story.clinic, service=story.service, language="de", name="Sprechstunde")
    with translation.override("de"):
        told = kinds(held.readable(patient=story.ada))
    assert told["Termine"][0][""].startswith("Sprechstunde, Mittwoch, 2. Dezember 2026")


def test_the_number_of_queries_does_not_rise_with_appointments(story: Cast) -> None:
    with counted() as few:
        held.readable(patient=story.ada)
    for day in range(3, 8):
        visit(story, start=MONDAY + timedelta(days=day), reason="Another")
    with counted() as many:
        held.readable(patient=story.ada)
    assert len(few) == len(many)


def test_the_copy_has_everything_but_credentials_in_the_shape_it_promises(story: Cast) -> None:
    made = copied(story)
    assert (made["format"], made["version"], made["made_at"]) == ("horae.subject-copy", 1, MONDAY.isoformat())
    assert made["controller"]["name"] == story.clinic.legal_name
    [record] = made["records"]
    assert record["code"] == story.ada.code
    data = {row["what"]: row for purpose in record["purposes"] for row in purpose["data"]}
    assert set(data) == {
        *("bookings.Patient", "bookings.PatientIndex", "bookings.PatientIdentifier", "bookings.RelatedPerson"),
        *("bookings.NoticeShown", "bookings.Appointment", "bookings.Consent", "bookings.Participant"),
        *("bookings.Answer", "bookings.DataRequest", "notifications.Message"),
    }
    assert data["bookings.Patient"]["fields"]["family_name"] == {
        "label": "family name",
        "category": "identity",
        "value": "Lovelace",
        "readable": True,
    }
    assert data["bookings.Patient"]["id"] == str(story.ada.pk)
    assert "link_digest" not in json.dumps(made)
    for purpose in record["purposes"]:
        assert set(purpose) == {"activity", "purpose", "basis", "source", "kept", "recipients", "data"}


def test_that_a_copy_was_taken_is_recorded(story: Cast) -> None:
    drain()
    copied(story)
    drain()
    [record] = Record.objects.filter(operation="export")
    said = json.loads(record.body)
    assert record.chain == f"clinic/{story.clinic.pk}"
    assert said["event"] == {"name": "export", "data": {"form": "horae.subject-copy", "patients": [story.ada.code]}}
    assert (said["actor"]["kind"], said["use"]["case"], said["capture"]) == ("patient", "data.export", "application")


def test_every_word_a_patient_reads_of_a_declaration_is_translated_somewhere() -> None:
    uses = [
        declaration.use
        for declaration in declarations().values()
        if declaration.use is not None
        and not declaration.label.startswith("audit_sample.")
        and (subject_model(declaration) is Patient or declaration.model is PatientAccount)
    ]
    said = {
        word for use in uses for word in (use.activity, use.purpose, use.duration, use.source, *use.recipients) if word
    }
    assert said == WORDS


def test_the_desks_codes_are_all_in_words() -> None:
    assert set(CODED["cancellation_reason"]) == {*REASONS, *ENDED}
    assert set(CODED["overbook_reason"]) == set(OVERBOOK_REASONS)
