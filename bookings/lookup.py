"""“Find my appointment”: lost links come back to whoever proves the contact they were booked with."""

from datetime import datetime, timedelta

from audit.context import Actor
from audit.sealed import KeyDestroyed
from bookings import patients, proof
from bookings.contacts import contact_of, same_email
from bookings.models import TAKES_TIME, Appointment, Clinic, ContactChallenge


def ask(*, actor: Actor, now: datetime, clinic: Clinic, contact: str, visitor: str, language: str) -> ContactChallenge:
    """Make a code for a contact; it is sent only when the clinic knows the contact.

    The answer is the same, by the same work, whether it does or not. Raises proof.TooManyCodes.
    """
    known = bool(patients.by_email(clinic_id=clinic.pk, email=contact, now=now))
    return proof.challenge(
        actor=actor,
        now=now,
        clinic=clinic,
        purpose=ContactChallenge.Purpose.FIND,
        contact=contact,
        visitor=visitor,
        language=language,
        deliver=known,
    )


def found(*, now: datetime, challenge: ContactChallenge) -> list[Appointment]:
    """The appointments whose messages go to the proved contact, those still to come and those whose links still
    live, by start.

    Raises proof.CodeExpired for a challenge that was not proved, or proved over an hour ago.
    """
    if challenge.proved_at is None or now - challenge.proved_at > timedelta(hours=1):
        raise proof.CodeExpired
    people = patients.by_email(clinic_id=challenge.clinic_id, email=challenge.contact, now=now)
    appointments = (
        Appointment.objects.filter(
            clinic_id=challenge.clinic_id,
            patient__in=people,
            status__in=TAKES_TIME,
            end__gt=now - timedelta(days=challenge.clinic.link_days),
        )
        .select_related("clinic", "location", "service", "practitioner", "patient", "contact_person__patient")
        .order_by("start")
    )
    return [
        appointment
        for appointment in appointments
        if _reaches(appointment=appointment, contact=challenge.contact, now=now)
    ]


def _reaches(*, appointment: Appointment, contact: str, now: datetime) -> bool:
    try:
        return same_email(contact_of(appointment, now=now).email, contact)
    except KeyDestroyed:
        return False
