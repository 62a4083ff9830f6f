"""Patients' accounts: made at the first sign-in with an address the clinic knows; found by its keyed token.

Asking for a code never tells whether the clinic knows the address: the answer is the same, by the same work. Whoever
typed the code has proved the address, and is told the rest.
"""

import secrets
import uuid
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings import proof, reach
from bookings.contacts import normalise_email
from bookings.locks import lock
from bookings.models import AccountIndex, Clinic, ContactChallenge, PatientAccount, User
from bookings.reach import Proven
from bookings.refusals import Refusal
from bookings.visitors import visitor_digest


class AccountClosed(Refusal):
    """The account of a proved address was switched off by the clinic."""

    message = _("This account is closed. Please call us.")


def of_user(*, user: User) -> PatientAccount | None:
    """The account this user signs in with; None for staff, and for one whose key was destroyed: an erasure that died
    half-way still closes every page."""
    if user.is_staff or not user.is_active:
        return None
    found = PatientAccount.objects.select_related("clinic", "index", "user").filter(user=user).first()
    return found if found is not None and not keyring.is_destroyed(key_id=found.key_id) else None


def of_id(*, account_id: int) -> PatientAccount | None:
    """The account of that number, while it may be signed in with."""
    found = PatientAccount.objects.select_related("user").filter(pk=account_id).first()
    return None if found is None else of_user(user=found.user)


def actor_of(account: PatientAccount) -> Actor:
    """The account's holder, whoever that is to a patient."""
    return Actor(kind="patient", id=str(account.user_id), label="")


def proven(account: PatientAccount) -> Proven:
    """The account's address, as a session may hold it."""
    return Proven(clinic_id=account.clinic_id, token=account.index.token)


@transaction.atomic(durable=True)
@use_case("account.enter", operation="create")
def enter(*, actor: Actor, now: datetime, clinic: Clinic, email: str, language: str) -> PatientAccount:
    """The account of an address proved a moment ago, made at the first time.

    Its user has a random name, no e-mail and no password: nothing of the person stands in clear. Raises AccountClosed.
    """
    token = reach.email_token(clinic_id=clinic.pk, email=email)
    lock(contact=token)
    found = (
        AccountIndex.objects.select_related("account__user", "account__clinic")
        .filter(clinic=clinic, token=token)
        .first()
    )
    if found is not None:
        if not found.account.user.is_active or keyring.is_destroyed(key_id=found.account.key_id):
            raise AccountClosed
        return found.account
    user = User(username=f"p-{secrets.token_hex(12)}", language=language)
    user.set_unusable_password()
    user.save()
    account = PatientAccount.objects.create(
        clinic=clinic,
        user=user,
        key_id=keyring.create_subject_key(clinic_id=clinic.pk),
        contact=normalise_email(email),
        language=language,
    )
    AccountIndex.objects.create(account=account, clinic=clinic, token=token)
    return account


def ask(*, actor: Actor, now: datetime, clinic: Clinic, contact: str, visitor: str, language: str) -> ContactChallenge:
    """Make a code to sign in with; it is sent only when the clinic knows the address, or it has an account.

    The answer is the same, by the same work, whether it is known or not. Raises proof.TooManyCodes.
    """
    token = reach.email_token(clinic_id=clinic.pk, email=contact)
    has_account = AccountIndex.objects.filter(clinic=clinic, token=token).exists()
    is_known = reach.is_listed(proven=Proven(clinic_id=clinic.pk, token=token))
    return proof.challenge(
        actor=actor,
        now=now,
        clinic=clinic,
        purpose=ContactChallenge.Purpose.SIGN_IN,
        contact=contact,
        visitor=visitor,
        language=language,
        deliver=has_account or is_known,
    )


def asked(
    *, challenge_id: uuid.UUID | None, visitor: str, purpose: ContactChallenge.Purpose
) -> ContactChallenge | None:
    """The code this visitor was sent for this purpose; None for any other, and once its address was erased."""
    if challenge_id is None or not visitor:
        return None
    found = (
        ContactChallenge.objects.select_related("clinic")
        .filter(pk=challenge_id, purpose=purpose, visitor_digest=visitor_digest(visitor))
        .first()
    )
    return found if found is not None and not keyring.is_destroyed(key_id=found.key_id) else None


def sign_in(
    *, actor: Actor, now: datetime, visitor: str, challenge: ContactChallenge, code: str, language: str
) -> PatientAccount:
    """Check the code typed, and give the account of the address it was sent to.

    A wrong try is counted even though it raises. Raises proof.WrongCode, proof.CodeExpired (also for a code that was
    sent for anything else), AccountClosed.
    """
    if challenge.purpose != ContactChallenge.Purpose.SIGN_IN:
        raise proof.CodeExpired
    proved = proof.prove(actor=actor, now=now, visitor=visitor, challenge_id=challenge.pk, code=code)
    return enter(actor=actor, now=now, clinic=challenge.clinic, email=proved.contact, language=language)
