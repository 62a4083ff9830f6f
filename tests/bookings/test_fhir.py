"""The FHIR copy is R4: its structure by the published models, its references inside the bundle, its codes R4's own."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from audit.context import Actor
from audit.keys import keyring
from audit.models import Record
from audit.stream import drain
from bookings import fhir
from bookings.models import AppointmentStatus, Consent, Patient, RelatedPerson
from tests.bookings.entering import visit
from tests.bookings.whole_patient import fill
from tests.factories import MONDAY, Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db
ADA = Actor(kind="patient", id="1", label="P")
#: hl7.org/fhir/R4/valueset-appointmentstatus.html
STATUSES: Final = {
    *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled"),
    *("noshow", "entered-in-error", "checked-in", "waitlist"),
}
#: hl7.org/fhir/R4/valueset-participationstatus.html
ANSWERS: Final = {"accepted", "declined", "tentative", "needs-action"}
REQUIRED: Final = {"required", "optional", "information-only"}


@pytest.fixture
def story() -> Cast:
    everyone = cast()
    fill(everyone)
    return everyone


def made(story: Cast, *patients: Patient) -> dict[str, Any]:
    found = fhir.bundle(actor=ADA, now=MONDAY, clinic=story.clinic, patients=patients or [story.ada])
    again: dict[str, Any] = json.loads(json.dumps(found))
    return again


def of_type(bundle: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == name]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def empties(value: Any) -> Iterator[Any]:
    if value in ("", [], {}, None):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from empties(part)


def validated(bundle: dict[str, Any]) -> Any:
    """Read by the published R4B models (fhir.resources), which know no field R4 lacks among those written here."""
    models = pytest.importorskip("fhir.resources.R4B.bundle", reason="fhir.resources is not installed")
    return models.Bundle.model_validate(bundle)


def test_the_published_models_accept_it(story: Cast) -> None:
    found = validated(made(story))
    assert (found.type, len(found.entry)) == ("collection", len(made(story)["entry"]))


@pytest.mark.parametrize("status", AppointmentStatus.values)
def test_they_accept_every_status(story: Cast, status: str) -> None:
    by = {"cancelled_by": "patient"} if status == "cancelled" else {}
    visit(story, start=MONDAY + timedelta(days=3), status=status, **by)
    bundle = made(story)
    validated(bundle)
    visits = of_type(bundle, "Appointment")
    assert status in {one["status"] for one in visits}
    assert {one["status"] for one in visits} <= STATUSES


def test_they_accept_every_relationship(story: Cast) -> None:
    for relationship in RelatedPerson.Relationship.values:
        RelatedPersonFactory(patient=story.ada, relationship=relationship, email="", valid_until=MONDAY.date())
    bundle = made(story)
    validated(bundle)
    assert len(of_type(bundle, "RelatedPerson")) == 1 + len(RelatedPerson.Relationship.values)


def test_every_kind_of_resource_is_there(story: Cast) -> None:
    kinds = [entry["resource"]["resourceType"] for entry in made(story)["entry"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Organization": 1,
        "Patient": 1,
        "RelatedPerson": 1,
        "HealthcareService": 1,
        "Location": 1,
        "Practitioner": 1,
        "Appointment": 2,
        "QuestionnaireResponse": 1,
        "Consent": 1,
    }


def test_every_reference_is_a_full_url_of_the_bundle_and_the_same_each_time(story: Cast) -> None:
    bundle = made(story)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(references(bundle)) <= set(urls)
    assert [f"urn:uuid:{UUID(entry['resource']['id'])}" for entry in bundle["entry"]] == urls
    assert [entry["fullUrl"] for entry in made(story)["entry"]] == urls


def test_nothing_is_empty(story: Cast) -> None:
    PatientFactory(clinic=story.clinic)
    bare: Patient = PatientFactory(clinic=story.clinic, given_name="", email="", phone="", birth_date="")
    bundle = made(story, story.ada, bare)
    assert list(empties(bundle)) == []
    assert of_type(bundle, "Patient")[1]["name"] == [{"use": "official", "family": "Lovelace"}]


def test_an_appointment_says_who_takes_part_and_what_they_said(story: Cast) -> None:
    bundle = made(story)
    first, cancelled = of_type(bundle, "Appointment")
    by_url = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    told = [
        (by_url.get(part["actor"].get("reference"), part["actor"].get("display")), part["status"], part["required"])
        for part in first["participant"]
    ]
    assert told == [
        ("Patient", "accepted", "required"),
        ("Practitioner", "accepted", "required"),
        ("HealthcareService", "accepted", "required"),
        ("Location", "accepted", "required"),
        ("RelatedPerson", "accepted", "information-only"),
        ("Ines Interpreter", "needs-action", "optional"),
    ]
    assert all(part["status"] in ANSWERS and part["required"] in REQUIRED for part in first["participant"])
    assert first["serviceType"] == [{"text": "Consultation"}]
    assert first["reasonCode"] == [{"text": "A cough since Monday"}]
    assert (first["start"], first["minutesDuration"]) == ("2026-11-30T09:00:00+00:00", 30)
    assert "cancelationReason" not in first
    assert cancelled["cancelationReason"]["coding"][0]["code"] == "prov"
    assert cancelled["cancelationReason"]["coding"][0]["system"].endswith("/appointment-cancellation-reason")
    answers = [part["status"] for part in cancelled["participant"][:2]]
    assert answers == ["accepted", "declined"]


def test_who_must_still_answer_is_needs_action(story: Cast) -> None:
    for status, days in (("pending", 4), ("proposed", 5)):
        visit(story, start=MONDAY + timedelta(days=days), status=status)
    visits = of_type(made(story), "Appointment")
    told = {one["status"]: [part["status"] for part in one["participant"][:2]] for one in visits}
    assert (told["pending"], told["proposed"]) == (["accepted", "needs-action"], ["needs-action", "accepted"])


def test_a_consent_is_active_until_it_is_withdrawn(story: Cast) -> None:
    [consent] = of_type(made(story), "Consent")
    assert (consent["status"], consent["policyRule"]) == ("active", {"text": "May we remind you?"})
    Consent.objects.update(withdrawn_at=MONDAY + timedelta(days=1))
    [consent] = of_type(made(story), "Consent")
    assert (consent["status"], consent["provision"]["period"]["end"]) == ("inactive", "2026-12-01T07:00:00+00:00")


def test_what_lost_its_key_is_left_out(story: Cast) -> None:
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    bundle = made(story, Patient.objects.get(pk=story.ada.pk))
    assert list(empties(bundle)) == []
    assert "name" in of_type(bundle, "Practitioner")[0]
    assert "family" not in of_type(bundle, "Patient")[0]["name"][0]


def test_that_it_was_taken_is_recorded(story: Cast) -> None:
    drain()
    made(story)
    drain()
    [record] = Record.objects.filter(operation="export")
    assert json.loads(record.body)["event"]["data"] == {
        "form": "hl7.fhir.r4.bundle",
        "patients": [story.ada.code],
    }


def test_the_number_of_queries_does_not_rise_with_appointments(story: Cast, django_assert_max_num_queries: Any) -> None:
    for days in range(3, 13):
        visit(story, start=MONDAY + timedelta(days=days), reason="Another")
    with django_assert_max_num_queries(16):
        made(story)
