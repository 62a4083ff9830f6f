"""What a write-once store must do, and the ways it says no.

No Django here: the single-file verifier carries this package.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class WormError(Exception):
    """The store could not do what was asked."""


class WormUnavailable(WormError):
    """The store cannot be reached or is not known, so nothing can be said about its content."""


class ObjectMissing(WormError):
    """There is no object under this key, or not in this version."""


class AlreadyWritten(WormError):
    """The key holds other bytes. Nothing was overwritten; whoever sees this sees two histories."""


class RetentionHolds(WormError):
    """The object is still locked: it can be neither deleted nor released earlier."""


class LegallyHeld(RetentionHolds):
    """A legal hold stands on the object: it cannot be deleted, not even after its lock ended, until it is lifted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one object as the store holds it. `retain_until` is None when the store cannot tell.

    `held`: whether a legal hold stands on this version.
    """

    key: str
    version: str
    size: int
    retain_until: datetime | None
    held: bool = False


class Worm(Protocol):
    """A store in which every object is written once and locked until a date that can only move later.

    Keys are relative paths of `A-Z a-z 0-9 . _ -`, no part beginning with a dot. Moments are aware.
    """

    def put(self, key: str, data: bytes, *, retain_until: datetime, content_type: str) -> Stored:
        """Store `data` durably under `key`, locked until `retain_until`.

        The same bytes again change nothing but, if later, the lock, and give the version already there; so a caller
        that does not know whether it succeeded asks again. Raises `AlreadyWritten` for other bytes, `WormUnavailable`.
        """
        ...

    def get(self, key: str, version: str | None = None) -> bytes:
        """The bytes of the object. Raises `ObjectMissing`, `WormUnavailable`."""
        ...

    def look(self, key: str, version: str | None = None) -> Stored:
        """What is known of the object without reading it. Raises `ObjectMissing`, `WormUnavailable`."""
        ...

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """Every version of every object whose key begins with `prefix` and sorts after `after`, in the order of keys.

        Lists what is there, not what should be: a file that nobody put through `put` is listed too.
        """
        ...

    def extend(self, key: str, *, retain_until: datetime, version: str | None = None) -> Stored:
        """Move the lock to a later date. Raises `RetentionHolds` for an earlier one, `ObjectMissing`."""
        ...

    def delete(self, key: str, *, now: datetime, version: str | None = None) -> None:
        """Remove an object whose lock has run out at `now` and which nobody holds.

        Raises `LegallyHeld` while a legal hold stands on it, `RetentionHolds` before its lock ends, `ObjectMissing`.
        """
        ...

    def hold(self, key: str, *, held: bool, now: datetime, version: str | None = None) -> Stored:
        """Place a legal hold on one version, or lift it. What is so already stays as it is; locks are not touched.

        `now` dates it where the store keeps a history of its own. Raises `ObjectMissing`, `WormUnavailable`.
        """
        ...

    def force_delete(self, key: str, *, version: str) -> None:
        """Ask the store itself to delete a locked version, for the canary. Raises `RetentionHolds`, as it must."""
        ...

    def force_lock(self, key: str, *, version: str, retain_until: datetime) -> None:
        """Ask the store itself to move a lock, earlier too, for the canary. Raises `RetentionHolds`, as it must."""
        ...


def check_key(key: str) -> str:
    """`key`, if it is one a store accepts; raises `ValueError` otherwise."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key of a write-once store: {key!r}")
    return key


def check_moment(moment: datetime) -> datetime:
    """`moment`, if it is aware; raises `ValueError` otherwise."""
    if moment.tzinfo is None:
        raise ValueError("a lock needs an aware moment")
    return moment


def whole_second(moment: datetime) -> datetime:
    """`moment` in UTC, rounded up to the second: a lock never ends early."""
    moment = moment.astimezone(UTC)
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)
