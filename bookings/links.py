"""Opaque links to one appointment, for its patient and for whoever is invited.

A link's token is derived (HMAC-SHA256 of the row's id under a secret of the clinic), so it can be written again in a
reminder, and only its SHA-256 is stored: a copy of the database opens no appointment.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from audit.keys import keyring
from bookings.models import Appointment, Participant

TOKEN_BYTES = 18


def token(appointment: Appointment) -> str:
    """The 24 URL-safe characters that stand for this appointment. Needs its id and clinic, not a saved row."""
    return _token(appointment.id, secret=_secret(appointment.clinic_id))


def tokens(appointments: Iterable[Appointment]) -> dict[UUID, str]:
    """The tokens of several appointments by id, with one look at each clinic's secret."""
    listed = list(appointments)
    secrets = {clinic_id: _secret(clinic_id) for clinic_id in {appointment.clinic_id for appointment in listed}}
    return {appointment.id: _token(appointment.id, secret=secrets[appointment.clinic_id]) for appointment in listed}


def participant_token(participant: Participant) -> str:
    """The same for somebody invited: it opens their own answer, never the appointment's page."""
    return _token(
        participant.id, secret=keyring.clinic_secret(clinic_id=participant.clinic_id, purpose="participant-link")
    )


def _secret(clinic_id: int) -> bytes:
    return keyring.clinic_secret(clinic_id=clinic_id, purpose="appointment-link")


def _token(identity: UUID, *, secret: bytes) -> str:
    mac = hmac.new(secret, identity.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:TOKEN_BYTES]).decode()


def digest(token: str) -> str:
    """What the database keeps of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def by_token(*, token: str, now: datetime) -> Appointment | None:
    """The appointment a link leads to; None when there is none or the link's days are over (the caller must not tell
    which)."""
    appointment = (
        Appointment.objects.select_related(
            "clinic", "location", "service", "practitioner", "room", "patient", "contact_person__patient"
        )
        .filter(link_digest=digest(token))
        .first()
    )
    return None if appointment is None or _is_over(appointment, now=now) else appointment


def participant_by_token(*, token: str, now: datetime) -> Participant | None:
    """Whom a link was sent to; None as `by_token`."""
    participant = (
        Participant.objects.select_related("appointment__clinic", "appointment__location", "appointment__patient")
        .filter(link_digest=digest(token))
        .first()
    )
    return None if participant is None or _is_over(participant.appointment, now=now) else participant


def _is_over(appointment: Appointment, *, now: datetime) -> bool:
    return now >= appointment.end + timedelta(days=appointment.clinic.link_days)
