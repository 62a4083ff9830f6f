"""A patient's data as a HL7 FHIR R4 Bundle of type `collection` (hl7.org/fhir/R4): the copy other programs can read.

Every entry's `fullUrl` is a `urn:uuid:` made of what the resource is here, the same in each copy, and every reference
is one of them. Nothing empty is written, since FHIR forbids it; what has no place in R4 (search tokens, messages,
requests about data) is in the other copy (`bookings.disclosure`).
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import models, transaction

from audit.context import Actor, use_case
from audit.sealed import KeyDestroyed
from bookings.disclosure import EXPORT, noted
from bookings.fhir_appointment import appointment_resource, concept
from bookings.models import Appointment, Clinic, Consent, Location, Patient, RelatedPerson

FORMAT: Final = "hl7.fhir.r4.bundle"
_NAMESPACE: Final = uuid.UUID("5a0c2b0e-1f6b-5d6e-9a57-6f0c1e5d7b44")
_LOINC: Final = "http://loinc.org"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_ROLE: Final = f"{_TERMS}/v3-RoleCode"
_RELATIONSHIPS: Final = {
    RelatedPerson.Relationship.PARENT: concept(_ROLE, "PRN", "parent"),
    RelatedPerson.Relationship.GUARDIAN: concept(_ROLE, "GUARD", "guardian"),
    RelatedPerson.Relationship.PARTNER: concept(_ROLE, "DOMPART", "domestic partner"),
    RelatedPerson.Relationship.CHILD: concept(_ROLE, "CHILD", "child"),
    RelatedPerson.Relationship.CARER: {"text": "carer"},
    RelatedPerson.Relationship.OTHER: concept(f"{_TERMS}/v2-0131", "O", "Other"),
}


@transaction.atomic(durable=True)
@use_case("data.export", operation=EXPORT)
def bundle(*, actor: Actor, now: datetime, clinic: Clinic, patients: Sequence[Patient]) -> dict[str, Any]:
    """The Bundle of these patients of a clinic, in JSON's types; that it was taken is recorded."""
    noted(clinic=clinic, patients=patients, form=FORMAT)
    made = _Bundle(clinic)
    for patient in patients:
        made.add_patient(patient)
    entries = [{"fullUrl": url, "resource": _without_empty(resource)} for url, resource in made.entries.items()]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": now.isoformat(), "entry": entries}


class _Bundle:
    """Resources by their fullUrl; one that is named twice is written once."""

    def __init__(self, clinic: Clinic) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.clinic = clinic
        self.organization = self.put(
            clinic,
            {
                "resourceType": "Organization",
                "active": clinic.active,
                "name": clinic.legal_name,
                "telecom": _telecom(email=clinic.email, phone=clinic.phone),
                "address": [{"text": clinic.address}],
            },
        )

    def put(self, row: models.Model, resource: dict[str, Any], *, also: str = "") -> dict[str, str]:
        """Add a resource made of a row (`also` tells two of one row apart); returns the reference to it."""
        identity = row.pk if isinstance(row.pk, uuid.UUID) and not also else None
        identity = identity or uuid.uuid5(_NAMESPACE, f"{self.clinic.pk}/{row._meta.label}/{row.pk}/{also}")
        self.entries.setdefault(f"urn:uuid:{identity}", {**resource, "id": str(identity)})
        return {"reference": f"urn:uuid:{identity}"}

    def add_patient(self, patient: Patient) -> None:
        """A patient, the people who act for them, their appointments with all that these name, and their consents."""
        subject = self.put(patient, self._patient(patient))
        people = {
            person.pk: self.put(person, _related_person(person, patient=subject))
            for person in patient.related_persons.select_related("patient").order_by("pk")
        }
        visits = (
            Appointment.objects.filter(patient=patient)
            .select_related("patient", "service", "location", "practitioner")
            .prefetch_related(
                models.Prefetch("participants__practitioner"),
                "participants__appointment__patient",
                "answers__appointment__patient",
            )
            .order_by("start", "pk")
        )
        for visit in visits:
            self._add_visit(visit, subject=subject, people=people)
        for consent in patient.consents.select_related("text").order_by("given_at", "pk"):
            by = people.get(consent.given_by_id or 0, subject)
            self.put(consent, _consent(consent, patient=subject, by=by, organization=self.organization))

    def _patient(self, patient: Patient) -> dict[str, Any]:
        given = _opened(patient, "given_name")
        others = [
            {"system": one.system, "value": _opened(one, "value")}
            for one in patient.identifiers.select_related("patient").order_by("pk")
        ]
        return {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:horae:patient-code", "value": patient.code}, *others],
            "active": patient.erased_at is None,
            "name": [{"use": "official", "family": _opened(patient, "family_name"), "given": given.split()}],
            "telecom": _telecom(email=_opened(patient, "email"), phone=_opened(patient, "phone")),
            "birthDate": _iso(_opened(patient, "birth_date")),
            "communication": [{"language": concept("urn:ietf:bcp:47", patient.language), "preferred": True}],
            "managingOrganization": self.organization,
        }

    def _add_visit(self, visit: Appointment, *, subject: dict[str, str], people: dict[int, dict[str, str]]) -> None:
        service = self.put(
            visit.service,
            {
                "resourceType": "HealthcareService",
                "active": visit.service.active,
                "providedBy": self.organization,
                "name": visit.service.name,
            },
        )
        location = self.put(visit.location, _location(visit.location, organization=self.organization))
        invited = [(part, self._practitioner(part.practitioner)) for part in visit.participants.all()]
        self.put(
            visit,
            appointment_resource(
                visit,
                patient=subject,
                practitioner=self._practitioner(visit.practitioner),
                others=[service, location],
                booked_by=people.get(visit.contact_person_id or 0, {}),
                invited=[(part, who or people.get(part.related_person_id or 0, {})) for part, who in invited],
                opened=_opened,
            ),
        )
        answers = [
            {
                "linkId": str(answer.pk),
                "text": _opened(answer, "asked"),
                "answer": [{"valueString": _opened(answer, "value")}],
            }
            for answer in visit.answers.all()
        ]
        if answers:
            item = {
                "linkId": "appointment",
                "text": f"{visit.service.name}, {visit.start.isoformat()}",
                "item": answers,
            }
            self.put(
                visit,
                {
                    "resourceType": "QuestionnaireResponse",
                    "status": "completed",
                    "subject": subject,
                    "authored": visit.created.isoformat(),
                    "author": people.get(visit.contact_person_id or 0, subject),
                    "item": [item],
                },
                also="answers",
            )

    def _practitioner(self, who: Any) -> dict[str, str]:
        if who is None:
            return {}
        name = {"text": str(who), "family": who.name, "prefix": [who.title]}
        return self.put(who, {"resourceType": "Practitioner", "active": who.active, "name": [name]})


def _related_person(person: RelatedPerson, *, patient: dict[str, str]) -> dict[str, Any]:
    until = person.valid_until
    return {
        "resourceType": "RelatedPerson",
        "patient": patient,
        "relationship": [_RELATIONSHIPS[RelatedPerson.Relationship(person.relationship)]],
        "name": [{"text": _opened(person, "name")}],
        "telecom": _telecom(email=_opened(person, "email"), phone=_opened(person, "phone")),
        "period": {"end": until.isoformat() if until else ""},
    }


def _location(place: Location, *, organization: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "status": "active" if place.active else "inactive",
        "name": place.name,
        "telecom": _telecom(email="", phone=place.phone),
        "address": {"text": place.address},
        "managingOrganization": organization,
    }


def _consent(
    consent: Consent, *, patient: dict[str, str], by: dict[str, str], organization: dict[str, str]
) -> dict[str, Any]:
    ended = consent.withdrawn_at
    return {
        "resourceType": "Consent",
        "status": "active" if ended is None else "inactive",
        "scope": concept(f"{_TERMS}/consentscope", "patient-privacy", "Privacy Consent"),
        "category": [concept(_LOINC, "59284-0", "Patient Consent")],
        "patient": patient,
        "dateTime": consent.given_at.isoformat(),
        "performer": [by],
        "organization": [organization],
        "policyRule": {"text": consent.text.body},
        "provision": {
            "type": "permit",
            "period": {"start": consent.given_at.isoformat(), "end": ended.isoformat() if ended else ""},
            "purpose": [{"system": "urn:horae:consent-purpose", "code": consent.purpose}],
        },
    }


def _telecom(*, email: str, phone: str) -> list[dict[str, str]]:
    return [{"system": system, "value": value} for system, value in (("email", email), ("phone", phone)) if value]


def _opened(row: models.Model, name: str) -> str:
    """A sealed value; empty where its key was destroyed."""
    try:
        value: str = getattr(row, name)
    except KeyDestroyed:
        return ""
    return value


def _iso(value: str) -> str:
    """A birth date in FHIR's form; empty for one somebody wrote otherwise."""
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return ""


def _without_empty(value: Any) -> Any:
    """The same without empty texts, lists and objects, as deep as they go."""
    if isinstance(value, dict):
        kept = ((name, _without_empty(part)) for name, part in value.items())
        return {name: part for name, part in kept if not _is_empty(part)}
    if isinstance(value, list):
        return [part for part in _parts(value) if not _is_empty(part)]
    return value


def _parts(values: Iterable[Any]) -> Iterable[Any]:
    return (_without_empty(value) for value in values)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
