"""How far the clock that dates records can be relied on, measured whenever records are written.

`at` and `recorded` come from the database's clock. Beside them stands what was measured: how far that clock is ahead of
the one of the machine that writes records, and what this machine's kernel says of its own (adjtimex(2): whether a time
service keeps it, and within which bounds). Nothing here waits for a network.
"""

import ctypes
import time
from dataclasses import dataclass
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

_NOW: Final = """SELECT to_char(now, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), (extract(epoch FROM now) * 1000000)::bigint
    FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC') AS read (now)"""
_UNSYNCHRONISED: Final = 5
"""What adjtimex(2) returns (TIME_ERROR) when nothing keeps the clock."""
_MAXERROR: Final = 3
"""Place of `maxerror` in `struct timex`, counted in longs on the machines Horae runs on (LP64)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks."""

    moment: str
    """The database's time, RFC 3339 in UTC."""
    ahead_us: int
    """Microseconds by which the database's clock is ahead of this machine's; negative when behind. Right to within
    half the time the question took, as NTP reckons it (RFC 5905, section 8)."""
    synchronised: bool | None
    """Whether a time service keeps this machine's clock; None where the kernel does not say."""
    error_us: int | None
    """The most this machine's clock is wrong by, as its kernel reckons; None where nothing keeps it."""

    def as_record(self) -> dict[str, int | bool | None]:
        """As it stands in a record."""
        return {"ahead_us": self.ahead_us, "synchronised": self.synchronised, "error_us": self.error_us}


def read(connection: BaseDatabaseWrapper) -> Reading:
    """Ask the database for its time and hold it against this machine's."""
    with connection.cursor() as cursor:
        before = time.time_ns()
        cursor.execute(_NOW)
        after = time.time_ns()
        moment, theirs = cursor.fetchone()
    synchronised, error_us = kernel()
    return Reading(str(moment), int(theirs) - (before + after) // 2_000, synchronised, error_us)


def kernel() -> tuple[bool | None, int | None]:
    """Whether this machine's clock is kept, and the most it is wrong by in microseconds; None for what is not known."""
    buffer = (ctypes.c_long * 64)()  # struct timex is 208 bytes; `modes` 0 only reads
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(buffer))
    except (AttributeError, OSError):  # not Linux
        return None, None
    if state < 0:
        return None, None
    kept = state != _UNSYNCHRONISED
    return kept, int(buffer[_MAXERROR]) if kept else None
