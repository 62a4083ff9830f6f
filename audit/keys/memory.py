"""Opened clinic keys, in this process only and for minutes only."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final

from audit.keys.secret import SecretKey

SECONDS: Final = 300.0
"""How long an opened clinic key may stay in memory before the backend is asked again."""


class OpenedKeys:
    """Keys by the digest of their wrapped form, so that a key can never answer for a row it was not opened from."""

    def __init__(self, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[bytes, tuple[float, SecretKey]] = {}

    def get(self, wrapped: bytes, open_key: Callable[[], SecretKey]) -> SecretKey:
        """The key that `wrapped` holds; `open_key` is called when it is not in memory, or was for too long."""
        name = hashlib.sha256(wrapped).digest()
        now = self._clock()
        with self._lock:
            self._held = {held: entry for held, entry in self._held.items() if entry[0] > now}
            entry = self._held.get(name)
        if entry is not None:
            return entry[1]
        key = open_key()
        with self._lock:
            self._held[name] = (now + self._seconds, key)
        return key

    def forget(self) -> None:
        """Drop every key now."""
        with self._lock:
            self._held.clear()

    def __repr__(self) -> str:
        return f"<OpenedKeys {len(self._held)}>"
