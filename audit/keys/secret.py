"""A 256-bit key in memory: it encrypts, decrypts and derives, and never shows itself."""

import os
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


class NotAuthentic(Exception):
    """A ciphertext was not made with this key for this place, or was changed since."""


class SecretKey:
    """AES-256-GCM (NIST SP 800-38D) under one key.

    The nonce is drawn inside `encrypt` and is no argument anywhere, so no caller can use one twice: 96 random bits keep
    the chance of a repeat under 2**-32 for 2**32 messages, and a key here sees thousands.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def generate(cls) -> "SecretKey":
        """A new key from the operating system's random source."""
        return cls(os.urandom(KEY_BYTES))

    def encrypt(self, plaintext: bytes, *, context: bytes) -> tuple[bytes, bytes]:
        """A fresh nonce, and the ciphertext with its tag; `context` is authenticated and not stored."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce, AESGCM(self._key).encrypt(nonce, plaintext, context)

    def decrypt(self, *, nonce: bytes, ciphertext: bytes, context: bytes) -> bytes:
        """The plaintext. Raises NotAuthentic when anything differs from what `encrypt` saw."""
        try:
            return AESGCM(self._key).decrypt(nonce, ciphertext, context)
        except (InvalidTag, ValueError) as error:
            raise NotAuthentic("the ciphertext does not belong to this key and place") from error

    def wrap(self, key: "SecretKey", *, context: bytes) -> bytes:
        """Another key encrypted under this one: nonce, ciphertext and tag in one value."""
        nonce, ciphertext = self.encrypt(key._key, context=context)
        return nonce + ciphertext

    def unwrap(self, wrapped: bytes, *, context: bytes) -> "SecretKey":
        """The key that `wrap` took. Raises NotAuthentic."""
        plaintext = self.decrypt(nonce=wrapped[:NONCE_BYTES], ciphertext=wrapped[NONCE_BYTES:], context=context)
        return SecretKey(plaintext)

    def derive(self, *, info: bytes) -> bytes:
        """32 bytes that depend on this key and on `info` (HKDF-SHA256, RFC 5869)."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._key)

    def reveal(self) -> bytes:
        """The key itself, for a backend that wraps it. Nothing else asks."""
        return self._key

    def __repr__(self) -> str:
        return "<SecretKey>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled: it would leave this process")
