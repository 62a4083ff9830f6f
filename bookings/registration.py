"""Patients at the desk: registering somebody who phones or walks in, and correcting what is written about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings.booking import _book, retelling_the_nearest
from bookings.contacts import normalise_email
from bookings.models import Appointment, Clinic, HealthcareService, Location, Patient, Practitioner
from bookings.patients import register, reindex
from bookings.refusals import Refusal

#: What the desk may write about a patient.
WRITTEN = ("given_name", "family_name", "birth_date", "email", "phone", "language")


class Erased(Refusal):
    """The patient's data were erased: nothing can be written about them any more."""

    message = _("This patient’s data were erased.")


@transaction.atomic(durable=True)
def admit(
    *,
    actor: Actor,
    now: datetime,
    clinic: Clinic,
    given_name: str,
    family_name: str,
    birth_date: str = "",
    email: str = "",
    phone: str = "",
    language: str,
) -> Patient:
    """Add a patient of `clinic` under a new data key, at the desk's word. `birth_date` is ISO or empty.

    Raises ValidationError when a value does not fit its field.
    """
    return _admit(
        actor=actor,
        now=now,
        clinic=clinic,
        given_name=given_name,
        family_name=family_name,
        birth_date=birth_date,
        email=email,
        phone=phone,
        language=language,
    )


@use_case("patient.admit", operation="create")
def _admit(
    *,
    actor: Actor,
    now: datetime,
    clinic: Clinic,
    given_name: str,
    family_name: str,
    birth_date: str,
    email: str,
    phone: str,
    language: str,
) -> Patient:
    return register(
        clinic=clinic,
        key_id=keyring.create_subject_key(clinic_id=clinic.pk),
        given_name=given_name,
        family_name=family_name,
        birth_date=birth_date,
        email=email,
        phone=phone,
        language=language,
    )


class _BookedBefore(Exception):
    """This command was carried out already; carries its appointment out of the transaction that is undone."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__(appointment.pk)
        self.appointment = appointment


def admit_and_book(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    person: Mapping[str, str],
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
    language: str,
    reason: str,
) -> Appointment:
    """Register somebody (`person`: what `admit` takes of a person) and book a visit for them: both, or neither.

    The same `key` again gives the first appointment and registers nobody. Raises what `booking.book` and `admit` raise.
    """
    try:
        return retelling_the_nearest(
            _admit_and_book,
            actor=actor,
            now=now,
            key=key,
            person=person,
            service=service,
            location=location,
            practitioner=practitioner,
            start=start,
            language=language,
            reason=reason,
        )
    except _BookedBefore as before:
        return before.appointment


def _admit_and_book(
    *, actor: Actor, now: datetime, person: Mapping[str, str], service: HealthcareService, **wish: Any
) -> Appointment:
    patient = _admit(actor=actor, now=now, clinic=service.clinic, **person)
    appointment = _book(actor=actor, now=now, patient=patient, service=service, online=False, **wish)
    if appointment.patient_id != patient.pk:
        raise _BookedBefore(appointment)
    return appointment


@use_case("patient.correct", operation="update")
def _correct(*, actor: Actor, patient: Patient) -> None:
    """Save what the desk wrote about a patient and index it anew. Raises Erased."""
    if patient.erased_at is not None:
        raise Erased
    patient.email = normalise_email(patient.email)
    patient.save(update_fields=[*WRITTEN, "updated"])
    reindex(patient)


@use_case("patient.reindex", operation="update")
def _reindex(*, actor: Actor, patient: Patient) -> None:
    """Index a patient anew, because the people who act for them changed."""
    reindex(patient)
