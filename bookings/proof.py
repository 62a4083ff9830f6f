"""Proving a contact by a one-time code."""

import hmac
import secrets
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import blind
from audit.context import Actor, use_case
from audit.keys import keyring
from bookings.locks import lock
from bookings.models import Appointment, Clinic, CodeQuota, ContactChallenge, Draft
from bookings.refusals import Refusal
from bookings.visitors import visitor_digest

CODE_DIGITS = 6
CODE_LIVES = timedelta(minutes=10)
TRIES = 5
WINDOW = timedelta(hours=1)
MOST_PER_VISITOR = 10
MOST_PER_CONTACT = 5
#: What is asked before anybody is known: such a code is sealed under a key of its own, the others under that of the
#: draft, the patient or the account.
OWN_KEY = (ContactChallenge.Purpose.FIND, ContactChallenge.Purpose.SIGN_IN)


class TooManyCodes(Refusal):
    """This visitor, or this contact, was sent as many codes as an hour allows."""

    message = _("Too many codes were sent. Please wait an hour, or call us.")


class CodeExpired(Refusal):
    """The code is older than ten minutes, was used up by wrong tries, or never existed."""

    message = _("This code is no longer valid. Ask for a new one.")


class WrongCode(Refusal):
    """The code is not the one that was sent; `tries_left` more tries."""

    message = _("This is not the code we sent. Check it and try again.")

    def __init__(self, *, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left


def token_of(*, clinic_id: int, contact: str) -> int:
    """A contact as a keyed token of the clinic's: what is counted and locked instead of it."""
    secret = keyring.clinic_secret(clinic_id=clinic_id, purpose="code-quota")
    return blind.tokens(secret=secret, kind="exact", value=contact.strip().casefold())[0]


@use_case("proof.challenge", operation="create")
def _challenge(
    *,
    actor: Actor,
    now: datetime,
    clinic: Clinic,
    purpose: str,
    contact: str,
    visitor: str,
    language: str,
    key_id: uuid.UUID | None = None,
    draft: Draft | None = None,
    appointment: Appointment | None = None,
    deliver: bool = True,
) -> ContactChallenge:
    token = token_of(clinic_id=clinic.pk, contact=contact)
    lock(visitor=visitor, contact=token)
    since = now - WINDOW
    by_visitor = ContactChallenge.objects.filter(visitor_digest=visitor_digest(visitor), created__gt=since).count()
    to_contact = CodeQuota.objects.filter(token=token, sent_at__gt=since).count()
    if by_visitor >= MOST_PER_VISITOR or to_contact >= MOST_PER_CONTACT:
        raise TooManyCodes
    CodeQuota.objects.create(clinic=clinic, token=token, sent_at=now)
    return ContactChallenge.objects.create(
        clinic=clinic,
        purpose=purpose,
        key_id=key_id or keyring.create_subject_key(clinic_id=clinic.pk),
        visitor_digest=visitor_digest(visitor),
        contact=contact,
        code=f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}",
        language=language,
        draft=draft,
        appointment=appointment,
        deliver=deliver,
        tries_left=TRIES,
        created=now,
        expires_at=now + CODE_LIVES,
    )


@transaction.atomic(durable=True)
def challenge(
    *,
    actor: Actor,
    now: datetime,
    clinic: Clinic,
    purpose: str,
    contact: str,
    visitor: str,
    language: str,
    key_id: uuid.UUID | None = None,
    draft: Draft | None = None,
    appointment: Appointment | None = None,
    deliver: bool = True,
) -> ContactChallenge:
    """Make a code for `contact`, sealed with it under `key_id` (a new key without
    one); the message goes out from the stream when `deliver`.

    Raises TooManyCodes past ten an hour for a visitor or five an hour for a contact.
    """
    return _challenge(
        actor=actor,
        now=now,
        clinic=clinic,
        purpose=purpose,
        contact=contact,
        visitor=visitor,
        language=language,
        key_id=key_id,
        draft=draft,
        appointment=appointment,
        deliver=deliver,
    )


@use_case("proof.prove", operation="confirm")
def _try(
    *, actor: Actor, now: datetime, visitor: str, challenge_id: uuid.UUID, code: str
) -> tuple[ContactChallenge | None, bool]:
    """One counted try: the challenge (None when it is over) and whether the code was right."""
    sent = (
        ContactChallenge.objects.select_for_update()
        .filter(pk=challenge_id, visitor_digest=visitor_digest(visitor), expires_at__gt=now, tries_left__gt=0)
        .first()
    )
    if sent is None or sent.proved_at is not None:
        return sent, sent is not None
    digits = "".join(character for character in code if character.isdecimal())
    if hmac.compare_digest(digits.encode(), sent.code.encode()):
        sent.proved_at = now
        sent.save(update_fields=["proved_at"])
        return sent, True
    sent.tries_left -= 1
    sent.save(update_fields=["tries_left"])
    return sent, False


def prove(*, actor: Actor, now: datetime, visitor: str, challenge_id: uuid.UUID, code: str) -> ContactChallenge:
    """Check a typed code (spaces and dashes are ignored) against the one sent to this visitor.

    A wrong try is counted even though it raises. Raises WrongCode with the tries left, or CodeExpired after ten
    minutes or five
    wrong tries. A challenge proved before stays proved while it lives.
    """
    with transaction.atomic(durable=True):
        sent, right = _try(actor=actor, now=now, visitor=visitor, challenge_id=challenge_id, code=code)
    if sent is None or (not right and sent.tries_left == 0):
        raise CodeExpired
    if not right:
        raise WrongCode(tries_left=sent.tries_left)
    return sent
