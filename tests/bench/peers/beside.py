"""Running a peer: in its own environment, as a program that reads JSON and writes JSON."""

import json
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config import env
from config.env import ROOT
from tests.bench.diary import Diary
from tests.bench.run import NotMeasured

PYTHON: Final = ROOT / ".data" / "bench" / "venv" / "bin" / "python"  # bin/bench makes it
_MEASURE: Final = "tests.bench.peers.django_appointment.measure"
_PATIENCE: Final = 900.0


class PeerFailed(NotMeasured):
    """A peer's program ended with an error; the message is what it said last."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer found: seconds of each run, queries of one, and the set of (number of the member of staff, local
    start `2026-12-07T08:00`)."""

    version: str
    seconds: list[float]
    queries: int
    slots: frozenset[tuple[int, str]]


class DjangoAppointment:
    """django-appointment on one database of its own."""

    def __init__(self, *, database: str, python: Path = PYTHON) -> None:
        parts = env.database(database, name="database", application="bench")
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C.UTF-8",
            "PGHOST": parts["HOST"],
            "PGUSER": parts["USER"],
            "PGDATABASE": parts["NAME"],
        }
        self._python = python

    def fill(self, booked: Diary) -> None:
        """Make its tables and load the diary into them, in no order of time. Raises PeerFailed."""
        appointments = [(person, day.isoformat(), quarter) for person, day, quarter in booked.taken()]
        random.Random(booked.seed).shuffle(appointments)
        self._run("fill", {"staff": booked.staff, "appointments": appointments})

    def ask(self, *, dates: list[str], runs: int, related: bool = False) -> Answer:
        """All its free starts on these dates, as shipped or with `select_related`. Raises PeerFailed."""
        found = self._run("ask-related" if related else "ask", {"dates": dates, "runs": runs})
        return Answer(
            version=f"{found['version']} on Django {found['django']}",
            seconds=found["seconds"],
            queries=found["queries"],
            slots=frozenset((number, start) for number, start in found["slots"]),
        )

    def _run(self, what: str, asked: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            [str(self._python), "-m", _MEASURE, what],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self._environment,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            raise PeerFailed(f"django-appointment could not {what}: {done.stderr.strip()[-800:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
