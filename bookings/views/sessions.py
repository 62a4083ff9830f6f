"""What the pages keep in a session: a random id, the codes it waits for, what it has proved. Never a contact."""

import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest

from bookings.models import Appointment

PROOF_LIVES: Final = timedelta(hours=1)
FINDING: Final = "find"
_VISITOR: Final = "visitor"
_SENT: Final = "codes"
_PROVED: Final = "proved"


def visitor_of(request: HttpRequest) -> str:
    """The visitor's random id; a new one is put in the session at first need."""
    visitor = visitor_if_known(request)
    if not visitor:
        visitor = request.session[_VISITOR] = secrets.token_urlsafe(18)
    return visitor


def visitor_if_known(request: HttpRequest) -> str:
    """The visitor's id, or an empty string for a browser that never pressed a button here: reading changes nothing."""
    visitor = request.session.get(_VISITOR)
    return visitor if isinstance(visitor, str) else ""


def waiting_for(request: HttpRequest, *, what: str) -> uuid.UUID | None:
    """The challenge whose code this session was sent for `what` (an appointment's id, or FINDING)."""
    sent = request.session.get(_SENT, {}).get(what)
    return uuid.UUID(sent) if sent else None


def wait_for(request: HttpRequest, *, what: str, challenge_id: uuid.UUID) -> None:
    """Remember which challenge a code will be typed for."""
    request.session[_SENT] = {**request.session.get(_SENT, {}), what: str(challenge_id)}


def remember(request: HttpRequest, *, appointments: Iterable[Appointment], now: datetime) -> None:
    """The contact of these appointments is proved, for an hour; the session's own id changes, so nobody prepared it."""
    live = {
        key: at
        for key, at in request.session.get(_PROVED, {}).items()
        if datetime.fromisoformat(at) > now - PROOF_LIVES
    }
    request.session[_PROVED] = live | {str(appointment.pk): now.isoformat() for appointment in appointments}
    request.session.cycle_key()


def proved(request: HttpRequest, *, appointment: Appointment, now: datetime) -> bool:
    """Whether this session proved the appointment's contact within the hour."""
    at = request.session.get(_PROVED, {}).get(str(appointment.pk))
    return at is not None and now - datetime.fromisoformat(at) < PROOF_LIVES
