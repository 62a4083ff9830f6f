"""The text form of one sealed value: `1.<key id>.<nonce>.<ciphertext>.<digest>`.

Key id: 32 hex digits. Nonce, ciphertext (with its tag) and digest: base64url without padding (RFC 4648 section 5).
The plaintext is a 16-byte random salt followed by the value in UTF-8; the digest is SHA-256 over the same bytes, so it
commits to the value without helping to guess it, and a reader given salt and value alone can check that one field.
Pure: no Django, no database.
"""

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from audit.keys.secret import NotAuthentic, SecretKey

VERSION: Final = "1"
SALT_BYTES: Final = 16
PATTERN: Final = r"^1\.[0-9a-f]{32}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43,}\.[A-Za-z0-9_-]{43}$"
"""Also the column's CHECK: PostgreSQL reads this regular expression the same way."""

_SHAPE: Final = re.compile(PATTERN.removesuffix("$") + r"\Z")


class SealBroken(Exception):
    """A sealed value is not what was stored for this field of this person."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token holds: enough to show this one value and its proof to somebody else."""

    salt: bytes
    value: str

    def __repr__(self) -> str:
        return "<Opened>"


class SealedToken(str):
    """Ciphertext, told apart from a plain text by its type."""

    __slots__ = ()

    @property
    def key_id(self) -> UUID:
        """The key the token needs. Raises SealBroken when the text is no token."""
        if not looks_sealed(self):
            raise SealBroken("a sealed column holds text that is no sealed value")
        return UUID(self[2:34])


def looks_sealed(text: str) -> bool:
    """Whether a text has the shape of a token. Says nothing about whether it opens."""
    return _SHAPE.match(text) is not None


def seal(*, key: SecretKey, key_id: UUID, field: str, value: str) -> SealedToken:
    """A new token for `value` in `field` (`app.Model.field`); two calls never give the same one."""
    salted = os.urandom(SALT_BYTES) + value.encode()
    nonce, ciphertext = key.encrypt(salted, context=_context(key_id, field))
    digest = hashlib.sha256(salted).digest()
    return SealedToken(".".join((VERSION, key_id.hex, _encode(nonce), _encode(ciphertext), _encode(digest))))


def unseal(*, key: SecretKey, token: str, field: str) -> Opened:
    """Salt and value of a token. Raises SealBroken when it was changed, or sealed for another field or key."""
    sealed = SealedToken(token)
    key_id = sealed.key_id
    parts = sealed.split(".")[2:]
    nonce, ciphertext, digest = (_decode(part) for part in parts)
    if [_encode(nonce), _encode(ciphertext), _encode(digest)] != parts:
        raise SealBroken(f"a sealed value of {field} is not in its one canonical form")
    try:
        salted = key.decrypt(nonce=nonce, ciphertext=ciphertext, context=_context(key_id, field))
    except NotAuthentic as error:
        raise SealBroken(f"a sealed value of {field} does not open: it was changed, or belongs elsewhere") from error
    if not hmac.compare_digest(hashlib.sha256(salted).digest(), digest):
        raise SealBroken(f"a sealed value of {field} does not match its digest")
    return Opened(salt=salted[:SALT_BYTES], value=salted[SALT_BYTES:].decode())


def _context(key_id: UUID, field: str) -> bytes:
    return b"horae/1|" + key_id.hex.encode() + b"|" + field.encode()


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
