"""Whom to write to about an appointment."""

from dataclasses import dataclass, field
from datetime import date, datetime

from bookings.models import Appointment, DataRequest, Patient, RelatedPerson


@dataclass(frozen=True, slots=True)
class Contact:
    """Where messages about an appointment go, and in which language. Never shown in a log: `repr` hides it."""

    email: str = field(repr=False)
    phone: str = field(repr=False)
    language: str


def contact_of(appointment: Appointment, *, now: datetime) -> Contact:
    """The contact of the person who booked for the patient while they may act for them, else the patient's own.

    Raises audit.sealed.KeyDestroyed when the patient's data were erased.
    """
    helper = appointment.contact_person
    acting = helper is not None and acts_for(helper, patient=appointment.patient, day=now.date())
    person = helper if helper is not None and acting else appointment.patient
    return Contact(email=person.email, phone=person.phone, language=appointment.language)


def contact_of_request(request: DataRequest, *, now: datetime) -> Contact:
    """The contact of whoever asked while they may act for the patient, else the patient's own.

    Raises audit.sealed.KeyDestroyed when the patient's data were erased.
    """
    helper = request.asked_by
    acting = helper is not None and acts_for(helper, patient=request.patient, day=now.date())
    person = helper if helper is not None and acting else request.patient
    return Contact(email=person.email, phone=person.phone, language=request.patient.language)


def acts_for(person: RelatedPerson, *, patient: Patient, day: date) -> bool:
    """Whether somebody may act for a patient on that day: nobody may for a confidential one."""
    return person.acts_on(day) and not patient.confidential


def normalise_email(value: str) -> str:
    """An address as it is stored and compared: no surrounding space, the domain in lower case (RFC 5321 2.4)."""
    local, at, domain = value.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def same_email(one: str, other: str) -> bool:
    """Whether two addresses reach one mailbox as people mean it: upper and lower case apart, they are equal."""
    return bool(one) and normalise_email(one).casefold() == normalise_email(other).casefold()
