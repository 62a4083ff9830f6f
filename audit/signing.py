"""Who signs, in whose name, and which keys are trusted: those of the key store, never those found in evidence."""

from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from audit import canonical
from audit.keys.backend import backend
from audit.locks import commitments_locked_until
from audit.note import Signer, Statement, sign_note
from audit.segment import is_keyring_entry, keyring_entry
from audit.verify.trust import Trust
from audit.worm import AlreadyWritten, ObjectMissing, Worm
from audit.worm.names import KEYRING, keyring_key, origin, statement_key

PURPOSE: Final = "checkpoint"
"""What the key is for, and its name in the key store."""


def log_name() -> str:
    """The name of this installation's log: first part of every origin, the same for as long as the evidence lives."""
    return str(settings.LOG_NAME)


def origin_of(chain: str) -> str:
    """The name of one chain of this installation's log: first line of its heads."""
    return origin(log=log_name(), chain=chain)


def signer() -> Signer:
    """The key that signs heads and lists, made on first use by the key store behind `KEYS_URL`."""
    return backend().signer(PURPOSE)


def trust() -> Trust:
    """What `audit_verify` believes: the key held in the key store under this log's name."""
    return Trust(log_name(), [signer().public_key], ed25519_verify)


def ed25519_verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` is by `public_key` (RFC 8032). A malformed one is not."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def publish_key(*, worm: Worm, key: Signer, now: datetime) -> None:
    """Put the public key into the evidence store, with when it began, signed by itself. Once; again it lengthens locks.

    Raises what the store raises, `AlreadyWritten` when another entry lies in its place.
    """
    name = keyring_key(key.public_key)
    try:
        entry = worm.get(name)
        if not is_keyring_entry(entry, log=log_name(), public_key=key.public_key):
            raise AlreadyWritten(f"{name} does not hold this log's key")
    except ObjectMissing:
        began = canonical.moment(now)
        entry = keyring_entry(log=log_name(), public_key=key.public_key, purpose=PURPOSE, not_before=began)
    until = commitments_locked_until(since=now)
    worm.put(name, entry, retain_until=until, content_type="application/json")
    note = sign_statement(key_of_object=name, data=entry, chain=KEYRING, key=key)
    worm.put(statement_key(name), note, retain_until=until, content_type="text/plain")


def sign_statement(*, key_of_object: str, data: bytes, chain: str, key: Signer) -> bytes:
    """The signed note that the object stored under `key_of_object` is `data`."""
    name = origin_of(chain)
    return sign_note(text=Statement.over(origin=name, key=key_of_object, data=data).text, name=name, signer=key)
