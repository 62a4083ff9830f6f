"""Asking a store whether it really refuses: some accept a lock and do not enforce it.

A small object with a lock of a day is put, and then the store is asked to do what it must not: delete that version, and
shorten its lock. What is told is what it did, not what it says it does.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final

from audit.worm.names import CANARY
from audit.worm.store import RetentionHolds, Worm, WormError, whole_second

LOCKED: Final = timedelta(days=1)


def probe(worm: Worm, *, now: datetime) -> list[str]:
    """What the store did that it must not, each in a sentence; empty when it holds.

    Canaries whose day is over are taken away first. A store that is only watched, such as a folder, is asked what it
    can be asked: to shorten and delete by its own rules. Raises `WormUnavailable`.
    """
    for old in list(worm.list(CANARY)):
        if old.retain_until is not None and old.retain_until <= now:
            worm.delete(old.key, now=now, version=old.version)
    key = f"{CANARY}{uuid.uuid4().hex}"
    until = whole_second(now + LOCKED)
    stored = worm.put(key, b"canary", retain_until=until, content_type="text/plain")
    faults = []
    if stored.retain_until is None or stored.retain_until < until:
        faults.append("It took the object and not the lock.")
    try:
        worm.force_lock(key, version=stored.version, retain_until=until - timedelta(hours=12))
        faults.append("It shortened a lock.")
    except RetentionHolds:
        pass
    try:
        worm.force_delete(key, version=stored.version)
        faults.append("It deleted a locked version.")
    except RetentionHolds:
        pass
    try:
        if worm.get(key, stored.version) != b"canary":
            faults.append("It gave back other bytes.")
    except WormError:
        faults.append("The locked version is gone.")
    return faults
