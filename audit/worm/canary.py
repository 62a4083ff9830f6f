"""Asking a store whether it really refuses: some accept a lock and do not enforce it.

A small object with a lock of a day is put, and then the store is asked to do what it must not: delete that version, and
shorten its lock. One whose day is over is put under a legal hold and its deletion asked for, before it is taken away.
What is told is what it did, not what it says it does.
"""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from audit.worm.names import CANARY
from audit.worm.store import RetentionHolds, Stored, Worm, WormError, WormUnavailable, whole_second

LOCKED: Final = timedelta(days=1)


def probe(worm: Worm, *, now: datetime) -> list[str]:
    """What the store did that it must not, each in a sentence; empty when it holds.

    Canaries whose day is over are put under a legal hold and their deletion is asked for, then taken away where we may
    delete; so a hold is judged from the second day on. A store that is only watched, such as a folder, is asked what it
    can be asked: to shorten and delete by its own rules. Raises `WormUnavailable`.
    """
    faults: list[str] = []
    for old in list(worm.list(CANARY)):
        if old.retain_until is not None and old.retain_until <= now:
            faults += [fault for fault in _held(worm, old, now=now) if fault not in faults]
    key = f"{CANARY}{uuid.uuid4().hex}"
    until = whole_second(now + LOCKED)
    stored = worm.put(key, b"canary", retain_until=until, content_type="text/plain")
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


def _held(worm: Worm, old: Stored, *, now: datetime) -> list[str]:
    """Ask for the deletion of a version that nothing keeps but a legal hold; then take it away."""
    faults = []
    try:
        if not worm.hold(old.key, held=True, now=now, version=old.version).held:
            faults.append("It took a legal hold and does not show it.")
    except WormUnavailable:
        return ["It does not take a legal hold."]
    try:
        worm.force_delete(old.key, version=old.version)
    except RetentionHolds:
        worm.hold(old.key, held=False, now=now, version=old.version)
        with suppress(RetentionHolds):  # a writer without the right to delete leaves it
            worm.delete(old.key, now=now, version=old.version)
    else:
        faults.append("It deleted a version under a legal hold.")
    return faults
