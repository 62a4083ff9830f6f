"""Whom a proved address reaches: the patients whose own it is, and those for whom somebody with it may act now.

A session or an account holds an address that was proved, as a keyed token, and never a list of what it opened: it is
asked anew each time, so that an address corrected, an authority ended or a patient made confidential closes at once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from dateutil.relativedelta import relativedelta
from django.db.models import QuerySet

from audit import blind
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from bookings.contacts import acts_for
from bookings.models import Appointment, Patient, RelatedPerson

#: Whose age decides what is theirs alone: people act for them because they are young.
_FOR_THE_YOUNG: Final = (RelatedPerson.Relationship.PARENT, RelatedPerson.Relationship.GUARDIAN)


@dataclass(frozen=True, slots=True)
class Proven:
    """An address proved at one clinic, as `email_token` of it."""

    clinic_id: int
    token: int


@dataclass(frozen=True, slots=True)
class Reached:
    """A patient, and as whom: themselves (None) or the person who acts for them."""

    patient: Patient
    person: RelatedPerson | None


def email_token(*, clinic_id: int, email: str) -> int:
    """The keyed token of an address, as the clinic's index of patients holds it; upper and lower case are alike."""
    secret = keyring.clinic_secret(clinic_id=clinic_id, purpose="patient-index")
    return blind.query_tokens(secret=secret, kind="email", value=email)[0]


def proven(*, clinic_id: int, email: str) -> Proven:
    """The address as a session may hold it."""
    return Proven(clinic_id=clinic_id, token=email_token(clinic_id=clinic_id, email=email))


def reached(*, proven: Proven, now: datetime) -> list[Reached]:
    """Everybody the address reaches now, themselves first, in the order of registration."""
    listed = _listed(proven).prefetch_related("related_persons").order_by("pk")
    found = [one for patient in listed for one in _as_whom(patient, proven=proven, day=now.date())]
    return sorted(found, key=lambda one: one.person is not None)


def is_listed(*, proven: Proven) -> bool:
    """Whether a live record names the address, its patient's own or that of somebody who acts or acted for them.

    One query that opens nothing, whatever the answer: before an address is proved, nobody may tell by the time it takes
    whether the clinic knows it.
    """
    return _listed(proven).exists()


def may_see(appointment: Appointment, *, proven: Proven, now: datetime) -> bool:
    """Whether the address opens this appointment now. Needs its clinic, service and patient loaded for no query but
    one."""
    if appointment.clinic_id != proven.clinic_id or appointment.patient.erased_at is not None:
        return False
    found = _as_whom(appointment.patient, proven=proven, day=now.date())
    return any(shows(appointment, to=one, now=now) for one in found)


def shows(appointment: Appointment, *, to: Reached, now: datetime) -> bool:
    """Whether an appointment of a reached patient is shown to whoever reaches them.

    A patient sees all. Who acts for them sees what they booked themselves, and the rest unless the service is
    confidential or the patient is of the age from which the clinic keeps it from parents.
    """
    if to.person is None or appointment.contact_person_id == to.person.pk:
        return True
    return not (appointment.service.confidential or _of_age(to.patient, appointment=appointment, by=to.person, now=now))


def _listed(proven: Proven) -> QuerySet[Patient]:
    return Patient.objects.filter(
        clinic_id=proven.clinic_id, erased_at=None, merged_into=None, index__tokens__contains=[proven.token]
    )


def _of_age(patient: Patient, *, appointment: Appointment, by: RelatedPerson, now: datetime) -> bool:
    age = appointment.clinic.confidential_age
    if age is None or by.relationship not in _FOR_THE_YOUNG:
        return False
    try:
        born = date.fromisoformat(patient.birth_date)
    except ValueError:
        return False
    return born + relativedelta(years=age) <= now.astimezone(appointment.location.tz).date()


def _as_whom(patient: Patient, *, proven: Proven, day: date) -> list[Reached]:
    try:
        people: list[RelatedPerson | None] = [None] if _is(patient.email, proven) else []
        people += [
            person
            for person in patient.related_persons.all()
            if acts_for(person, patient=patient, day=day) and _is(person.email, proven)
        ]
    except KeyDestroyed:
        return []
    return [Reached(patient, person) for person in people]


def _is(email: str, proven: Proven) -> bool:
    return bool(email) and email_token(clinic_id=proven.clinic_id, email=email) == proven.token
