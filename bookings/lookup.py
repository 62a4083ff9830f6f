"""“Find my appointment”: lost links come back to whoever proves the contact they were booked with."""

from collections.abc import Collection
from datetime import datetime, timedelta

from audit.context import Actor
from bookings import proof, reach
from bookings.models import TAKES_TIME, Appointment, Clinic, ContactChallenge
from bookings.reach import Proven, Reached


def ask(*, actor: Actor, now: datetime, clinic: Clinic, contact: str, visitor: str, language: str) -> ContactChallenge:
    """Make a code for a contact; it is sent only when the clinic knows the contact.

    The answer is the same, by the same work, whether it does or not. Raises proof.TooManyCodes.
    """
    known = reach.is_listed(proven=reach.proven(clinic_id=clinic.pk, email=contact))
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
    """The appointments shown to the proved contact, those still to come and those whose links still
    live, by start.

    Raises proof.CodeExpired for a challenge that was not proved, or proved over an hour ago.
    """
    if challenge.proved_at is None or now - challenge.proved_at > timedelta(hours=1):
        raise proof.CodeExpired
    clinic = challenge.clinic
    since = now - timedelta(days=clinic.link_days)
    return reached_by(proven=reach.proven(clinic_id=clinic.pk, email=challenge.contact), now=now, since=since)


def reached_by(
    *, proven: Proven, now: datetime, since: datetime, statuses: Collection[str] = TAKES_TIME
) -> list[Appointment]:
    """The appointments of these statuses that end after `since` and are shown to a proved address, by start."""
    people: dict[int, list[Reached]] = {}
    for one in reach.reached(proven=proven, now=now):
        people.setdefault(one.patient.pk, []).append(one)
    appointments = (
        Appointment.objects.filter(clinic_id=proven.clinic_id, patient__in=people, status__in=statuses, end__gt=since)
        .select_related("clinic", "location", "service", "practitioner", "contact_person")
        .order_by("start", "pk")
    )
    shown = []
    for appointment in appointments:
        as_whom = people[appointment.patient_id]
        appointment.patient = as_whom[0].patient  # read and unsealed already
        if any(reach.shows(appointment, to=one, now=now) for one in as_whom):
            shown.append(appointment)
    return shown
