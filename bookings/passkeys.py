"""Passkeys (WebAuthn Level 2) of a patient's account: discoverable, with the person verified by their own device.

The ceremonies are allauth's, which keeps the challenge in the session of the request at hand; each is good for one
answer. What a browser sends is kept in the few parts that are needed, and the name somebody gives a passkey is sealed
under the account's own key.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from allauth.account.utils import url_str_to_user_pk
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode, websafe_encode

from audit.context import Actor, use_case
from audit.keys import keyring
from audit.sealed import KeyDestroyed, SealBroken
from bookings import patient_accounts
from bookings.locks import lock
from bookings.models import PatientAccount, User
from bookings.refusals import Refusal

MOST: Final = 10
_FIELD: Final = "mfa.Authenticator.data"
_PARTS: Final = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
#: What the parsers of others raise for bytes that are no answer of an authenticator.
_MALFORMED: Final = (
    ValidationError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    NotImplementedError,
    struct.error,
    InvalidSignature,
    UnsupportedAlgorithm,
)


class NotAccepted(Refusal):
    """The answer is not one of a passkey made or known here for this page."""

    message = _("This passkey was not accepted. Try again, or use a code.")


class TooManyPasskeys(Refusal):
    """The account has as many passkeys as one may have."""

    message = _("There are ten passkeys already. Remove one first.")


class NoSuchPasskey(Refusal):
    """The account has no such passkey."""

    message = _("There is no such passkey.")


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its owner is shown it."""

    pk: int
    name: str
    added: datetime
    used: datetime | None


def listed(*, account: PatientAccount) -> list[Passkey]:
    """The account's passkeys, oldest first."""
    rows = Authenticator.objects.filter(user=account.user_id, type=Authenticator.Type.WEBAUTHN).order_by("pk")
    return [Passkey(row.pk, _name_of(row), row.created_at, row.last_used_at) for row in rows]


def begin_adding(*, user: User) -> dict[str, Any]:
    """What the browser is asked to make a passkey from; its challenge waits in the session."""
    return dict(auth.begin_registration(user, True))


def begin_signing_in() -> dict[str, Any]:
    """What the browser is asked to find a passkey by: any of this site's; its challenge waits in the session."""
    return dict(auth.begin_authentication(user=None))


@transaction.atomic(durable=True)
@use_case("account.add-passkey", operation="create")
def add(*, actor: Actor, now: datetime, account: PatientAccount, name: str, credential: object) -> Passkey:
    """Keep a passkey the browser made, under a name. Raises NotAccepted, TooManyPasskeys."""
    lock(contact=account.index.token)
    if len(listed(account=account)) >= MOST:
        raise TooManyPasskeys
    kept = _made(credential)
    sealed = str(keyring.seal(key_id=account.key_id, field=_FIELD, value=name))
    row = Authenticator.objects.create(
        user=account.user,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": sealed, "credential": kept},
        created_at=now,
    )
    return Passkey(row.pk, name, now, None)


@transaction.atomic(durable=True)
@use_case("account.use-passkey", operation="confirm")
def sign_in(*, actor: Actor, now: datetime, credential: object) -> PatientAccount:
    """The account that a passkey opens. Raises NotAccepted, alike for one that is not known, not valid, or of staff."""
    try:
        answer = _shaped(credential)
        owner = _owner_of(answer)
        account = None if owner is None else patient_accounts.of_user(user=owner)
        if account is None:
            raise NotAccepted
        used = auth.complete_authentication(account.user, answer)
    except _MALFORMED as error:
        raise NotAccepted from error
    finally:
        auth.clear_state()
    used.last_used_at = now
    used.save(update_fields=["last_used_at"])
    return account


@transaction.atomic(durable=True)
@use_case("account.remove-passkey", operation="delete")
def remove(*, actor: Actor, now: datetime, account: PatientAccount, passkey_id: int) -> None:
    """Take a passkey away. Raises NoSuchPasskey."""
    rows = Authenticator.objects.filter(user=account.user_id, type=Authenticator.Type.WEBAUTHN, pk=passkey_id)
    if not rows.delete()[0]:
        raise NoSuchPasskey


def _made(credential: object) -> dict[str, Any]:
    """The parts of a new credential that are needed later, once they are proved to answer this session's challenge."""
    try:
        answer = _shaped(credential)
        auth.complete_registration(answer)
        said = auth.parse_registration_response(answer)
    except _MALFORMED as error:
        raise NotAccepted from error
    finally:
        auth.clear_state()
    if not _is_discoverable(credential):
        raise NotAccepted  # nobody could sign in with it
    return {
        "id": websafe_encode(said.raw_id),
        "rawId": websafe_encode(said.raw_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(said.response.client_data),
            "attestationObject": websafe_encode(said.response.attestation_object),
        },
        "clientExtensionResults": {"credProps": {"rk": True}},
    }


def _shaped(credential: object) -> dict[str, Any]:
    """The parts of an answer that are looked at, each a text. Raises NotAccepted.

    Fido2 reads a number as so many zero bytes: one of eleven digits in the place of a text would take all memory.
    """
    if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
        raise NotAccepted
    outer = {name: credential.get(name) for name in ("id", "rawId", "type")}
    inner = {name: credential["response"][name] for name in _PARTS if credential["response"].get(name) is not None}
    if not all(isinstance(text, str) for text in (*outer.values(), *inner.values())):
        raise NotAccepted
    return {**outer, "response": inner, "clientExtensionResults": {}}


def _is_discoverable(credential: object) -> bool:
    """Whether the browser does not say that the passkey cannot be found again (WebAuthn Level 2, 10.1.4)."""
    try:
        said = credential["clientExtensionResults"]["credProps"]["rk"]  # type: ignore[index]  # whatever was sent
    except (KeyError, TypeError, IndexError):
        return True
    return said is True


def _owner_of(credential: dict[str, Any]) -> User | None:
    """Whom the answer says it is of: the handle that was given to the authenticator with the passkey."""
    handle = websafe_decode(credential["response"]["userHandle"]).decode()
    return User.objects.filter(pk=url_str_to_user_pk(handle)).first() if handle.isascii() and len(handle) < 19 else None


def _name_of(row: Authenticator) -> str:
    """The name its owner gave it; the word for what it is where that cannot be read any more."""
    try:
        return keyring.unseal(token=row.data["name"], field=_FIELD)
    except (KeyDestroyed, SealBroken):
        return gettext("Passkey")
