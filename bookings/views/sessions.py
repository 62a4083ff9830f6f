"""What the pages keep in a session: a random id, the codes it waits for, what was proved. Never a contact: its keyed
token, which names nobody."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest

from bookings import reach
from bookings.models import Appointment
from bookings.reach import Proven

PROOF_LIVES: Final = timedelta(hours=1)
FINDING: Final = "find"
_VISITOR: Final = "visitor"
_SENT: Final = "codes"
_PROVED: Final = "proven"


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


def remember(request: HttpRequest, *, proven: Proven, now: datetime) -> None:
    """This address is proved, for an hour; the session's own id changes, so nobody prepared it."""
    kept = [one for one in _kept(request, now=now) if one[:2] != [proven.clinic_id, proven.token]]
    request.session[_PROVED] = [*kept, [proven.clinic_id, proven.token, now.isoformat()]]
    request.session.cycle_key()


def proofs(request: HttpRequest, *, now: datetime) -> list[Proven]:
    """The addresses this session proved within the hour."""
    return [Proven(clinic_id, token) for clinic_id, token, _at in _kept(request, now=now)]


def proved(request: HttpRequest, *, appointment: Appointment, now: datetime) -> bool:
    """Whether this session has proved an address that opens the appointment."""
    return any(reach.may_see(appointment, proven=one, now=now) for one in proofs(request, now=now))


def _kept(request: HttpRequest, *, now: datetime) -> list[list[Any]]:
    kept: list[list[Any]] = request.session.get(_PROVED, [])
    return [one for one in kept if now - datetime.fromisoformat(one[2]) < PROOF_LIVES]
