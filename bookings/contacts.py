"""Whom to write to about an appointment."""

from dataclasses import dataclass, field
from datetime import date, datetime

from audit.sealed import KeyDestroyed
from bookings.models import Appointment, DataRequest, Patient, RelatedPerson


@dataclass(frozen=True, slots=True)
class Contact:
    """Where messages about an appointment go, and in which language. Never shown in a log: `repr` hides it."""

    email: str = field(repr=False)
    phone: str = field(repr=False)
    language: str


def contact_of(appointment: Appointment, *, now: datetime) -> Contact:
    """The contact of the person who booked for the patient while they may act for them, else the patient's own; of a
    patient without an address of their own, that of who acts for them.

    Raises audit.sealed.KeyDestroyed when the patient's data were erased.
    """
    person = _spoken_to(appointment.patient, helper=appointment.contact_person, day=now.date())
    return Contact(email=person.email, phone=person.phone, language=appointment.language)


def mail_reaches(appointment: Appointment, *, now: datetime) -> bool:
    """Whether there is an address to write to about an appointment; of an erased patient there is none."""
    try:
        return bool(contact_of(appointment, now=now).email)
    except KeyDestroyed:
        return False


def contact_of_request(request: DataRequest, *, now: datetime) -> Contact:
    """The contact of whoever asked while they may act for the patient, else as of an appointment.

    Raises audit.sealed.KeyDestroyed when the patient's data were erased.
    """
    person = _spoken_to(request.patient, helper=request.asked_by, day=now.date())
    return Contact(email=person.email, phone=person.phone, language=request.patient.language)


def acts_for(person: RelatedPerson, *, patient: Patient, day: date) -> bool:
    """Whether somebody may act for a patient on that day: nobody may for a confidential one."""
    return person.acts_on(day) and not patient.confidential


def _spoken_to(patient: Patient, *, helper: RelatedPerson | None, day: date) -> Patient | RelatedPerson:
    if helper is not None and acts_for(helper, patient=patient, day=day):
        return helper
    if patient.email:
        return patient
    acting = (one for one in patient.related_persons.order_by("pk") if acts_for(one, patient=patient, day=day))
    return next((one for one in acting if one.email), patient)


def normalise_email(value: str) -> str:
    """An address as it is stored and compared: no surrounding space, the domain in lower case (RFC 5321 2.4)."""
    local, at, domain = value.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def same_email(one: str, other: str) -> bool:
    """Whether two addresses reach one mailbox as people mean it: upper and lower case apart, they are equal."""
    return bool(one) and normalise_email(one).casefold() == normalise_email(other).casefold()
