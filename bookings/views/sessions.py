"""What the pages keep in a session: a random id, the codes it waits for, what was proved. Never a contact: its keyed
token, which names nobody."""

import secrets
import time
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, login, logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import patient_accounts as accounts
from bookings import reach
from bookings.models import Appointment, PatientAccount
from bookings.reach import Proven

PROOF_LIVES: Final = timedelta(hours=1)
FINDING: Final = "find"
SIGNING_IN: Final = "me"
CHANGING: Final = "me-contact"
SIGNED_IN_LIVES: Final = 12 * 3600
"""Seconds after which a patient signs in again, however busy they are."""
NOTED_EVERY: Final = 60
"""Seconds between two writes of "still here" into the session."""
_ENTERED: Final = "me_entered"
_SEEN: Final = "me_seen"
_HALF: Final = "me_half"
_HALF_LIVES: Final = timedelta(minutes=10)
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
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


def wait_for(request: HttpRequest, *, what: str, challenge_id: uuid.UUID | None) -> None:
    """Remember which challenge a code will be typed for; None when it was typed."""
    others = {key: value for key, value in request.session.get(_SENT, {}).items() if key != what}
    request.session[_SENT] = others if challenge_id is None else {**others, what: str(challenge_id)}


def remember(request: HttpRequest, *, proven: Proven, now: datetime) -> None:
    """This address is proved, for an hour; the session's own id changes, so nobody prepared it."""
    kept = [one for one in _kept(request, now=now) if one[:2] != [proven.clinic_id, proven.token]]
    request.session[_PROVED] = [*kept, [proven.clinic_id, proven.token, now.isoformat()]]
    request.session.cycle_key()


def proofs(request: HttpRequest, *, now: datetime) -> list[Proven]:
    """The addresses this session may act as: that of the account signed in, and those proved within the hour."""
    signed_in = account_of(request)
    found = [] if signed_in is None else [accounts.proven(signed_in)]
    return found + [Proven(clinic_id, token) for clinic_id, token, _since in _kept(request, now=now)]


def proved(request: HttpRequest, *, appointment: Appointment, now: datetime) -> bool:
    """Whether this session has proved an address that opens the appointment."""
    return any(reach.may_see(appointment, proven=one, now=now) for one in proofs(request, now=now))


def account_of(request: HttpRequest) -> PatientAccount | None:
    """The patient's account signed in; None for everybody else. Asks nothing of a browser without a session.

    A session left alone for PATIENT_IDLE_MINUTES, or older than twelve hours, ends here, and the person is told.
    """
    if SESSION_KEY not in request.session or isinstance(request.user, AnonymousUser):
        return None
    account = accounts.of_user(user=request.user)
    return None if account is None or _ended(request) else account


def enter(request: HttpRequest, *, account: PatientAccount) -> None:
    """Sign the account in. The session gets a new id and keeps what the visitor did in it, unless somebody else was
    signed in; it ends with the browser, as on a shared screen it should."""
    request.session.pop(_HALF, None)
    login(request, account.user, backend=_BACKEND)
    request.session[_ENTERED] = request.session[_SEEN] = int(time.time())
    request.session.set_expiry(0)


def leave(request: HttpRequest) -> None:
    """Sign out and forget all of the session, what was proved and begun in it included."""
    logout(request)


def enter_half(request: HttpRequest, *, account: PatientAccount, now: datetime) -> None:
    """Remember for ten minutes that the code by e-mail was right and the authenticator app is still to be asked."""
    request.session[_HALF] = [account.pk, now.isoformat()]
    request.session.cycle_key()


def half_entered(request: HttpRequest, *, now: datetime) -> PatientAccount | None:
    """Whose app is still to be asked; None when nobody's."""
    kept = request.session.get(_HALF)
    if kept is None or now - datetime.fromisoformat(kept[1]) >= _HALF_LIVES:
        return None
    return accounts.of_id(account_id=kept[0])


def _ended(request: HttpRequest) -> bool:
    """End the session when it is over; otherwise remember that the person is there."""
    now, seen, entered = int(time.time()), request.session.get(_SEEN), request.session.get(_ENTERED)
    minutes = settings.PATIENT_IDLE_MINUTES
    idle = isinstance(seen, int) and now - seen > minutes * 60
    if idle or (isinstance(entered, int) and now - entered >= SIGNED_IN_LIVES):
        logout(request)
        said = ngettext(
            "You were signed out after %(minutes)d minute without use.",
            "You were signed out after %(minutes)d minutes without use.",
            minutes,
        )
        messages.info(request, said % {"minutes": minutes} if idle else _("You were signed out after 12 hours."))
        return True
    if not isinstance(entered, int):
        request.session[_ENTERED] = now
    if not isinstance(seen, int) or now - seen >= NOTED_EVERY:
        request.session[_SEEN] = now
    return False


def _kept(request: HttpRequest, *, now: datetime) -> list[list[Any]]:
    kept: list[list[Any]] = request.session.get(_PROVED, [])
    return [one for one in kept if now - datetime.fromisoformat(one[2]) < PROOF_LIVES]
