"""Who used the cores: processor time by kind of process, read from Linux.

A rate falls when other programs want the same cores; the processor time of one booking does not.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_IDLE: Final = 0.12
"""Seconds of processor time a second that the sweeps of an installation with nothing to do may take."""


@dataclass(frozen=True, slots=True)
class Meter:
    """`sessions` are processes that lead a session, with all that belong to it; `postmaster` has its children."""

    sessions: Mapping[str, int]
    postmaster: int

    def read(self) -> dict[str, float]:
        """Seconds of processor time so far: of each session, of PostgreSQL, and of this process (the clients)."""
        found = dict.fromkeys([*self.sessions, "PostgreSQL"], 0.0)
        leads = {pid: name for name, pid in self.sessions.items()}
        for process in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = process.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
            pid, parent, session = int(process.parent.name), int(fields[1]), int(fields[3])
            own, waited_for = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (11, 13))
            if session in leads:
                found[leads[session]] += own
            elif parent == self.postmaster:
                found["PostgreSQL"] += own
            elif pid == self.postmaster:
                found["PostgreSQL"] += own + waited_for  # of backends that have ended
        return {**found, "clients": sum(os.times()[:2])}

    def wait_until_idle(self, *, patience: float = 120.0) -> float:
        """Wait until the servers hardly do anything for a second; how many seconds that took, without this second."""
        began = time.monotonic()
        while time.monotonic() - began < patience:
            before = self.read()
            time.sleep(1)
            used = between(before, self.read())
            if sum(used.values()) - used["clients"] < _IDLE:
                break
        return time.monotonic() - began - 1


def between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used from one reading to the next."""
    return {name: after[name] - before[name] for name in after}
