"""An appointment as a FHIR R4 Appointment (hl7.org/fhir/R4/appointment.html). Our statuses are R4's own."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db import models

from bookings.models import Appointment, AppointmentStatus, Need, Participant

_CANCELLED: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_BY: Final = {
    Appointment.CancelledBy.PATIENT: ("pat", "Patient"),
    Appointment.CancelledBy.CLINIC: ("prov", "Provider"),
    Appointment.CancelledBy.SYSTEM: ("other", "Other"),
}
_NEEDS: Final = dict(Need.choices)

Reference = dict[str, str]


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding]}


def appointment_resource(
    visit: Appointment,
    *,
    patient: Reference,
    practitioner: Reference,
    others: Sequence[Reference],
    booked_by: Reference,
    invited: Sequence[tuple[Participant, Reference]],
    opened: Callable[[models.Model, str], str],
) -> dict[str, Any]:
    """The Appointment with everybody who takes part; `others` are things that always do (service, location), `opened`
    reads a sealed field. Empty values are left for the caller to drop."""
    cancelled = visit.status == AppointmentStatus.CANCELLED
    resource: dict[str, Any] = {
        "resourceType": "Appointment",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{visit.pk}"}],
        "status": visit.status,
        "cancelationReason": _why(visit) if cancelled else {},
        "serviceType": [{"text": visit.service.name}],
        "reasonCode": [{"text": opened(visit, "reason")}],
        "description": str(visit.get_kind_display()),
        "start": visit.start.isoformat(),
        "end": visit.end.isoformat(),
        "minutesDuration": visit.minutes,
        "created": visit.created.isoformat(),
        "comment": "; ".join(filter(None, [_needs(opened(visit, "needs")), opened(visit, "visit_address")])),
        "participant": [
            _part(patient, _patients_word(visit)),
            _part(practitioner, _clinics_word(visit)),
            *(_part(one, "accepted") for one in others),
            *([_part(booked_by, "accepted", required="information-only")] if booked_by else []),
        ],
    }
    for part, who in invited:
        actor = who or {"display": opened(part, "name") or str(part.get_role_display())}
        resource["participant"].append(_part(actor, part.status, required="required" if part.required else "optional"))
    return resource


def _part(actor: Reference, status: str, *, required: str = "required") -> dict[str, Any]:
    return {"actor": actor, "required": required, "status": status}


def _patients_word(visit: Appointment) -> str:
    if visit.status == AppointmentStatus.PROPOSED:
        return "needs-action"
    return "declined" if visit.cancelled_by == Appointment.CancelledBy.PATIENT else "accepted"


def _clinics_word(visit: Appointment) -> str:
    if visit.status == AppointmentStatus.PENDING:
        return "needs-action"
    return "declined" if visit.cancelled_by == Appointment.CancelledBy.CLINIC else "accepted"


def _why(visit: Appointment) -> dict[str, Any]:
    code, display = _BY[Appointment.CancelledBy(visit.cancelled_by)]
    return {**concept(_CANCELLED, code, display), "text": visit.cancellation_reason}


def _needs(words: str) -> str:
    return ", ".join(str(_NEEDS.get(need, need)) for need in words.split())
