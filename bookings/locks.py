"""One way to lock: advisory locks of the transaction, all at once, in one order.

Whatever a decision reads is locked before it is read. Since every caller takes its locks in the order of the keys
themselves, two callers can wait for each other only in one direction, and nothing deadlocks.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from bookings.refusals import Refusal

#: How long a transaction waits for any one lock, row locks included, before it gives up.
PATIENCE: Final = timedelta(seconds=3)


class TooBusy(Refusal):
    """Others held what was to be locked for longer than `PATIENCE`: nothing was changed, and trying again is safe."""

    message = _("Many people are booking at this moment. Please try again.")


def lock(
    *,
    schedules: Iterable[int] = (),
    sessions: Iterable[UUID] = (),
    patients: Iterable[int] = (),
    visitor: str | None = None,
    command: UUID | None = None,
    contact: int | None = None,
) -> None:
    """Hold these until the transaction ends: schedule ids, group session ids, patient ids, a visitor's id, a command's
    idempotency key, a contact's keyed token.

    Call it once per transaction, before reading what is to be decided on: a second call would break the order. Raises
    TooBusy after `PATIENCE`, TransactionManagementError outside a transaction (where the locks would be gone at once).
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("bookings.locks.lock() outside a transaction locks nothing")
    keys = sorted(
        {
            *(_key("schedule", schedule) for schedule in schedules),
            *(_key("session", session) for session in sessions),
            *(_key("patient", patient) for patient in patients),
            *([_key("visitor", visitor)] if visitor is not None else []),
            *([_key("command", command)] if command is not None else []),
            *([_key("contact", contact)] if contact is not None else []),
        }
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(PATIENCE.total_seconds() * 1000)}ms"])
        try:
            # A set-returning function in FROM keeps its order: the locks are taken one after the other as sorted here.
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])
        except OperationalError as error:
            if waited_too_long(error):
                raise TooBusy from error
            raise


def waited_too_long(error: OperationalError) -> bool:
    """Whether a statement failed because others held what it would lock, a row included, for longer than `PATIENCE`."""
    return isinstance(error.__cause__, LockNotAvailable)


def _key(kind: str, identity: object) -> int:
    """What is locked, as the signed 64-bit number PostgreSQL wants; a collision only makes a caller wait in vain."""
    return int.from_bytes(hashlib.sha256(f"{kind}:{identity}".encode()).digest()[:8], signed=True)
