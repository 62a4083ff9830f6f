"""Where the root of all keys lives: behind `KEYS_URL`, one backend per scheme."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings

from audit.keys.local import LocalKeys


class Signer(Protocol):
    """An Ed25519 key that signs (RFC 8032)."""

    @property
    def name(self) -> str: ...

    @property
    def public_key(self) -> bytes:
        """32 raw bytes."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes over `data` itself, not over a digest of it."""


class DestroyedKey(Protocol):
    """One line of the list of destroyed keys."""

    @property
    def key_id(self) -> UUID: ...

    @property
    def erasure(self) -> str:
        """Reference of the request that destroyed it."""

    @property
    def subject(self) -> str:
        """`app.model:pk` of the person, pseudonymous by construction."""


class KeyBackend(Protocol):
    """Wraps clinic keys, signs checkpoints, and remembers which keys were destroyed whatever a restore brings back."""

    def current_root(self) -> str:
        """Id of the root key that wraps new keys."""

    def wrap(self, *, key_id: str, data: bytes, context: Mapping[str, str]) -> bytes:
        """`data` encrypted under a root key and bound to `context`."""

    def unwrap(self, *, key_id: str, data: bytes, context: Mapping[str, str]) -> bytes:
        """What `wrap` took. Raises KeystoreBroken when the root key is gone or `data` was changed."""

    def signer(self, name: str) -> Signer:
        """The signing key of that name, made on first use."""

    def destroyed(self) -> Mapping[UUID, DestroyedKey]:
        """Every key that was ever destroyed by an erasure."""

    def remember_destroyed(self, *, key_ids: Iterable[UUID], erasure: str, subject: str) -> None:
        """Write keys on that list, durably, before they are destroyed. Listing one twice changes nothing."""


class KeysUnconfigured(Exception):
    """Keys were needed and `KEYS_URL` names no place this version can use: nothing is stored readable instead."""


def backend() -> KeyBackend:
    """The backend that `settings.KEYS_URL` names. Raises KeysUnconfigured."""
    return _open(getattr(settings, "KEYS_URL", "") or "")


@lru_cache(maxsize=8)
def _open(url: str) -> KeyBackend:
    if not url:
        raise KeysUnconfigured("KEYS_URL is empty: name a key store, such as file:///var/lib/horae/keys/keystore.json")
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise KeysUnconfigured(f"KEYS_URL starts with {parts.scheme or url[:12]!r}: this version knows file://")
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise KeysUnconfigured("KEYS_URL must name an absolute path, with three slashes: file:///folder/keystore.json")
    return LocalKeys(Path(unquote(parts.path)))
