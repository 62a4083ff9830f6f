"""Patients at the desk: registering somebody who phones or walks in, and correcting what is written about them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings.availability import Wish
from bookings.booking import Leg, Made, Told, _book_together, retelling_the_nearest
from bookings.contacts import normalise_email
from bookings.locks import lock
from bookings.models import Clinic, Patient
from bookings.patients import register, reindex
from bookings.refusals import Refusal
from bookings.series import _book_series

#: What the desk may write about a patient.
WRITTEN = ("given_name", "family_name", "birth_date", "email", "phone", "language")


class Closed(Refusal):
    """The record was erased, or joined to another: nothing can be written about it any more."""

    message = _("This record is closed: it was erased, or joined to another.")


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
    """This command was carried out already; carries what it made out of the transaction that is undone."""

    def __init__(self, made: Made) -> None:
        super().__init__(len(made.appointments))
        self.made = made


def admit_and_book(
    *, actor: Actor, now: datetime, key: UUID, person: Mapping[str, str], wishes: Sequence[Wish], told: Told
) -> Made:
    """Register somebody (`person`: what `admit` takes of a person) and book visits for them: all of it, or nothing.

    The same `key` again gives the first appointments and registers nobody. Raises what `booking.book_together` and
    `admit` raise.
    """

    def book(patient: Patient) -> Made:
        legs = [Leg(wish=wish, patient=patient) for wish in wishes]
        return _book_together(actor=actor, now=now, key=key, legs=legs, told=told)

    return _both_or_neither(actor=actor, now=now, clinic=wishes[0].service.clinic, person=person, book=book)


def admit_and_book_series(
    *,
    actor: Actor,
    now: datetime,
    key: UUID,
    person: Mapping[str, str],
    wish: Wish,
    rrule: str,
    skipping: bool,
    told: Told,
) -> Made:
    """Register somebody and book a series for them: both, or neither. Otherwise as `admit_and_book` and
    `series.book_series`."""

    def book(patient: Patient) -> Made:
        return _book_series(
            actor=actor, now=now, key=key, patient=patient, wish=wish, rrule=rrule, skipping=skipping, told=told
        )

    return _both_or_neither(actor=actor, now=now, clinic=wish.service.clinic, person=person, book=book)


def _both_or_neither(
    *, actor: Actor, now: datetime, clinic: Clinic, person: Mapping[str, str], book: Callable[[Patient], Made]
) -> Made:
    def both() -> Made:
        patient = _admit(actor=actor, now=now, clinic=clinic, **person)
        made = book(patient)
        if made.appointments[0].patient_id != patient.pk:
            raise _BookedBefore(made)
        return made

    try:
        return retelling_the_nearest(both)
    except _BookedBefore as before:
        return before.made


@use_case("patient.correct", operation="update")
def _correct(*, actor: Actor, patient: Patient, kept: Collection[str] = ()) -> None:
    """Save what the desk wrote about a patient, with how they are `kept` (such as `confidential`), and index it anew.

    Raises Closed, also for a record that was joined or erased while the page was open, and locks.TooBusy.
    """
    lock(patients=[patient.pk])
    patient.refresh_from_db(fields=["merged_into", "erased_at"])
    if patient.is_closed:
        raise Closed
    patient.email = normalise_email(patient.email)
    patient.save(update_fields=[*WRITTEN, *kept, "updated"])
    reindex(patient)


@use_case("patient.reindex", operation="update")
def _reindex(*, actor: Actor, patient: Patient) -> None:
    """Index a patient anew, because the people who act for them changed."""
    reindex(patient)
