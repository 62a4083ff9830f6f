"""Two records become one patient: everything moves, both keys are kept, and erasing takes both."""

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps

from audit import erasure
from audit.context import Actor
from audit.declare import Category, declarations
from audit.keys import keyring
from audit.models import Record, SubjectKey
from audit.sealed import KeyDestroyed, SealedTextField
from audit.stream import drain
from audit.subjects import collect, subject_model
from bookings import duplicates, merging, patients, reach
from bookings.merging import CannotJoin, join, moved
from bookings.models import (
    Answer,
    Appointment,
    Consent,
    ConsentText,
    DataRequest,
    Notice,
    NoticeShown,
    Participant,
    Patient,
    PatientIdentifier,
    PatientIndex,
    PossibleDuplicate,
    Question,
    RelatedPerson,
)
from notifications.models import Message
from tests.bookings.entering import visit
from tests.factories import MONDAY, Cast, NoticeFactory, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db
ACTOR = Actor(kind="staff", id="7", label="carla", roles=("reception",))
NOW = MONDAY


@pytest.fixture
def story() -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    return everyone


def other_record(story: Cast, **fields: Any) -> Patient:
    """A second record of Ada, with one row of everything that can be about a patient."""
    other: Patient = PatientFactory(clinic=story.clinic, **{"email": "ada@new.example", **fields})
    ben = RelatedPersonFactory(patient=other, name="Ben the second", email="ben@new.example")
    appointment = visit(
        story, patient=other, start=MONDAY + timedelta(hours=3), contact_person=ben, reason="Cough", needs="wheelchair"
    )
    question = Question.objects.create(clinic=story.clinic, service=story.service, text="Allergies?")
    Answer.objects.create(
        clinic=story.clinic,
        appointment=appointment,
        question=question,
        asked="Allergies?",
        value="None",
        language="en",
    )
    Participant.objects.create(
        clinic=story.clinic, appointment=appointment, role="interpreter", name="Ines", link_digest="1" * 64
    )
    PatientIdentifier.objects.create(clinic=story.clinic, patient=other, system="urn:example", value="77")
    NoticeShown.objects.create(
        clinic=story.clinic,
        patient=other,
        appointment=appointment,
        notice=NoticeFactory(clinic=story.clinic),
        shown_at=MONDAY,
    )
    DataRequest.objects.create(
        clinic=story.clinic, patient=other, kind="access", text="Mine, please", received_at=MONDAY, due_at=MONDAY
    )
    consent(story, other, given_at=MONDAY)
    patients.reindex(other)
    return other


def consent(story: Cast, patient: Patient, *, given_at: datetime, **fields: Any) -> Consent:
    text, _made = ConsentText.objects.get_or_create(
        clinic=story.clinic, purpose="reminders", version=1, language="en", defaults={"body": "May we remind you?"}
    )
    return Consent.objects.create(
        clinic=story.clinic,
        patient=patient,
        purpose="reminders",
        text=text,
        source="web",
        given_at=given_at,
        **fields,
    )


def joined(story: Cast, gone: Patient) -> Patient:
    return join(actor=ACTOR, now=NOW, keep=story.ada, gone=gone)


def sealed_about_patients() -> list[tuple[type[Any], list[str]]]:
    """Models with sealed fields whose rows are about a patient, without the patient's own row."""
    found = []
    for declaration in declarations().values():
        names = [one.name for one in declaration.model._meta.concrete_fields if isinstance(one, SealedTextField)]
        if names and declaration.model is not Patient and subject_model(declaration) is Patient:
            found.append((declaration.model, names))
    return found


def test_every_model_that_names_a_patient_is_handled() -> None:
    """A new one must be thought about: does it simply move, or may only one row of it stand?"""
    assert {(model._meta.label, field) for model, field in moved()} == {
        ("bookings.Patient", "merged_into"),
        ("bookings.PatientIndex", "patient"),
        ("bookings.PatientIdentifier", "patient"),
        ("bookings.RelatedPerson", "patient"),
        ("bookings.NoticeShown", "patient"),
        ("bookings.Appointment", "patient"),
        ("bookings.Consent", "patient"),
        ("bookings.PossibleDuplicate", "patient"),
        ("bookings.PossibleDuplicate", "other"),
        ("bookings.DataRequest", "patient"),
    }


def test_nothing_names_the_record_that_went_but_the_record_itself(story: Cast) -> None:
    gone = other_record(story)
    PossibleDuplicate.objects.create(clinic=story.clinic, patient=gone, other=story.ada)
    joined(story, gone)
    left = {
        (model._meta.label, field): model._base_manager.filter(**{field: gone.pk}).count() for model, field in moved()
    }
    assert {key: count for key, count in left.items() if count} == {("bookings.PossibleDuplicate", "patient"): 1}
    gone.refresh_from_db()
    assert gone.merged_into == story.ada
    assert set(Appointment.objects.values_list("patient", flat=True)) == {story.ada.pk}


def test_everything_that_moved_is_still_read(story: Cast) -> None:
    joined(story, other_record(story))
    appointment = Appointment.objects.get()
    assert (appointment.reason, appointment.needs) == ("Cough", "wheelchair")
    assert Answer.objects.get().value == "None"
    assert Participant.objects.get().name == "Ines"
    assert PatientIdentifier.objects.get().value == "77"
    assert DataRequest.objects.get().text == "Mine, please"
    assert [one.name for one in story.ada.related_persons.order_by("pk")] == ["Ben Lovelace", "Ben the second"]
    told = {held.model: held.fields for held in collect(subject=story.ada)}
    assert told["bookings.Appointment"]["reason"] == (Category.HEALTH, "Cough")


def test_what_moved_can_be_saved_again_changed_or_not(story: Cast) -> None:
    gone = other_record(story)
    joined(story, gone)
    Appointment.objects.get().save()
    assert key_of(Appointment, "reason") == gone.key_id
    changes: list[tuple[type[Any], str, str]] = [
        (Appointment, "reason", "Fever"),
        (Answer, "value", "Nuts"),
        (Participant, "name", "Ida"),
        (PatientIdentifier, "value", "78"),
        (DataRequest, "text", "Everything"),
        (RelatedPerson, "name", "Benjamin"),
    ]
    for model, name, value in changes:
        row = model.objects.order_by("-pk").first()
        setattr(row, name, value)
        row.save()
        row = model.objects.get(pk=row.pk)
        assert getattr(row, name) == value
        assert key_of(model, name) == story.ada.key_id


def key_of(model: type[Any], name: str) -> uuid.UUID:
    """Under which key the newest row's value is sealed."""
    token = model.objects.order_by("-pk").values_list(name, flat=True).first()
    key_id: uuid.UUID = token.key_id
    return key_id


def test_every_sealed_model_about_a_patient_knows_the_keys_of_joined_records() -> None:
    assert {model._meta.label for model, _names in sealed_about_patients()} == {
        "bookings.Answer",
        "bookings.Appointment",
        "bookings.DataRequest",
        "bookings.Participant",
        "bookings.PatientIdentifier",
        "bookings.RelatedPerson",
    }
    assert all(hasattr(model, "former_sealing_key_ids") for model, _names in sealed_about_patients())


def test_erasing_the_kept_patient_destroys_both_keys(story: Cast) -> None:
    gone = other_record(story)
    joined(story, gone)
    erasure.erase(actor=ACTOR, now=NOW, subject=Patient.objects.get(pk=story.ada.pk), reference="R-1")
    assert [keyring.is_destroyed(key_id=one.key_id) for one in (story.ada, gone)] == [True, True]
    for model, names in sealed_about_patients():
        for row in model.objects.all():
            for name in names:
                if model.objects.filter(pk=row.pk, **{name: ""}).exists():
                    continue
                with pytest.raises(KeyDestroyed):
                    getattr(row, name)
    for record in (story.ada, gone):
        again = Patient.objects.get(pk=record.pk)
        assert again.erased_at == NOW
        with pytest.raises(KeyDestroyed):
            _ = again.family_name


def test_an_empty_record_takes_its_key_with_the_kept_one_too(story: Cast) -> None:
    gone: Patient = PatientFactory(clinic=story.clinic)
    joined(story, gone)
    erasure.erase(actor=ACTOR, now=NOW, subject=Patient.objects.get(pk=story.ada.pk), reference="R-1")
    assert not SubjectKey.objects.filter(pk=gone.key_id, destroyed_at=None).exists()


def test_a_record_joined_twice_still_opens_and_still_goes(story: Cast) -> None:
    third: Patient = PatientFactory(clinic=story.clinic, email="third@example.org")
    gone = other_record(story)
    join(actor=ACTOR, now=NOW, keep=third, gone=gone)
    joined(story, third)
    assert Appointment.objects.get().reason == "Cough"
    assert set(Patient.objects.filter(merged_into=story.ada)) == {third, gone}
    erasure.erase(actor=ACTOR, now=NOW, subject=Patient.objects.get(pk=story.ada.pk), reference="R-1")
    assert [keyring.is_destroyed(key_id=one.key_id) for one in (third, gone)] == [True, True]


def test_search_and_sign_in_find_the_kept_record_only(story: Cast) -> None:
    gone = other_record(story)
    joined(story, gone)
    assert patients.search(clinic_ids=[story.clinic.pk], query="lovelace") == [story.ada]
    assert not PatientIndex.objects.filter(patient=gone).exists()

    def reached(email: str) -> list[tuple[Patient, bool]]:
        found = reach.reached(proven=reach.proven(clinic_id=story.clinic.pk, email=email), now=NOW)
        return [(one.patient, one.person is None) for one in found]

    assert reached("ada@new.example") == []
    assert reached("ada@example.org") == [(story.ada, True)]
    assert reached("ben@new.example") == [(story.ada, False)]


def test_the_kept_record_takes_what_it_lacks_and_the_stricter_of_two_wishes(story: Cast) -> None:
    Patient.objects.filter(pk=story.ada.pk).update(known_since=date(2020, 1, 1))
    stricter = {"remind": False, "confidential": True, "safe_contact": True}
    gone = other_record(story, phone="+33 6 00 00 00 00", known_since=date(2019, 1, 1), **stricter)
    kept = joined(story, gone)
    assert (kept.email, kept.phone, kept.known_since) == ("ada@example.org", "+33 6 00 00 00 00", date(2019, 1, 1))
    assert (kept.remind, kept.confidential, kept.safe_contact) == (False, True, True)


def test_of_two_standing_consents_the_later_stands(story: Cast) -> None:
    first = consent(story, story.ada, given_at=NOW - timedelta(days=3))
    gone: Patient = PatientFactory(clinic=story.clinic)
    second = consent(story, gone, given_at=NOW - timedelta(days=2))
    joined(story, gone)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.withdrawn_at, second.withdrawn_at) == (second.given_at, None)
    assert (first.patient, second.patient) == (story.ada, story.ada)


@pytest.mark.parametrize(("withdrawn", "stands"), [(1, False), (5, True)])
def test_a_consent_taken_back_later_than_the_other_was_given_stays_taken_back(
    story: Cast, withdrawn: int, stands: bool
) -> None:
    gone: Patient = PatientFactory(clinic=story.clinic)
    consent(story, gone, given_at=NOW - timedelta(days=9), withdrawn_at=NOW - timedelta(days=withdrawn))
    standing = consent(story, story.ada, given_at=NOW - timedelta(days=3))
    joined(story, gone)
    standing.refresh_from_db()
    assert (standing.withdrawn_at is None) == stands


def test_the_task_is_done_and_open_ones_move_to_the_kept_record(story: Cast) -> None:
    first: Patient = PatientFactory(clinic=story.clinic)
    second: Patient = PatientFactory(clinic=story.clinic)
    for new, old in ((first, story.ada), (second, story.ada), (second, first)):
        PossibleDuplicate.objects.create(clinic=story.clinic, patient=new, other=old)
    Notice.objects.create(clinic=story.clinic, kind="perhaps-same")
    joined(story, first)
    states = PossibleDuplicate.objects.order_by("pk").values_list("patient", "other", "state")
    assert list(states) == [
        (first.pk, story.ada.pk, "joined"),
        (second.pk, story.ada.pk, "open"),
        (second.pk, first.pk, "joined"),
    ]
    assert Notice.objects.get().resolved_at is None
    joined(story, second)
    assert Notice.objects.get().resolved_at == NOW
    assert not duplicates.waiting(clinic_id=story.clinic.pk).exists()


def test_an_open_task_with_a_third_record_names_the_kept_one(story: Cast) -> None:
    first: Patient = PatientFactory(clinic=story.clinic)
    third: Patient = PatientFactory(clinic=story.clinic)
    task = PossibleDuplicate.objects.create(clinic=story.clinic, patient=third, other=first)
    joined(story, first)
    task.refresh_from_db()
    assert (task.patient, task.other, task.state) == (third, story.ada, "open")


@pytest.mark.parametrize("case", ["same", "elsewhere", "erased", "merged", "key"])
def test_what_is_no_pair_of_live_records_of_one_clinic_is_not_joined(story: Cast, case: str) -> None:
    gone: Patient = PatientFactory(clinic=story.elsewhere if case == "elsewhere" else story.clinic)
    match case:
        case "same":
            gone = story.ada
        case "erased":
            Patient.objects.filter(pk=gone.pk).update(erased_at=NOW)
        case "merged":
            Patient.objects.filter(pk=gone.pk).update(merged_into=PatientFactory(clinic=story.clinic))
        case "key":
            Patient.objects.filter(pk=story.ada.pk).update(phone="")
            keyring.destroy_subject_keys(key_ids=[gone.key_id])
    with pytest.raises(CannotJoin):
        joined(story, gone)
    assert story.ada.related_persons.count() == 1


def test_joining_is_recorded_as_one_use_and_writes_to_nobody(story: Cast) -> None:
    gone = other_record(story)
    drain()
    told = Message.objects.count()
    joined(story, gone)
    drain()
    rows = Record.objects.filter(chain=f"clinic/{story.clinic.pk}")
    records = [json.loads(body) for body in rows.values_list("body", flat=True)]
    merged = [record for record in records if (record["use"] or {}).get("case") == "patient.join"]
    assert {record["operation"] for record in merged} == {"merge"}
    assert {"bookings.Appointment", "bookings.Consent", "bookings.Patient"} <= {record["model"] for record in merged}
    assert not Record.objects.filter(capture__in=("bypass", "alarm")).exists()
    assert Message.objects.count() == told


def test_the_ways_that_are_not_plain_are_of_models_that_exist() -> None:
    assert {(model._meta.label, field) for model, field in merging._SPECIAL} <= {
        (model._meta.label, field) for model, field in moved()
    }
    assert apps.get_model("bookings.Patient") is Patient
