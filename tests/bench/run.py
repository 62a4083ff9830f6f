"""What every part is given: the server, the seed, whether it is a quick run, and somewhere to say how far it is."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.bench.cluster import Server


class NotMeasured(Exception):
    """Measuring itself failed; the message says at what."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the benchmark. `migrated` names a database with Horae's tables and nothing in them."""

    server: Server
    folder: Path
    seed: int
    today: date
    quick: bool
    peers: bool
    say: Callable[[str], None]
    migrated: str = "migrated"

    def held_to(self, limit: float) -> float | None:
        """The limit of a duration; None in a quick run, whose durations say nothing."""
        return None if self.quick else limit


def teller() -> Callable[[str], None]:
    """Says a line on stderr behind the seconds since it was made."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    return say
