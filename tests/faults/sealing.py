"""A sequencer and sealer that never rests, to be killed in the midst: `python -m tests.faults.sealing FILE`.

It notes in FILE what it is at, one line for each step, so that whoever killed it can tell where it died. Small batches
and a look around between all steps make every state one that it can die in.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Final

import django

from config.embedded.processes import die_with_parent
from config.env import ROOT
from tests.running import Running

STATES: Final = ("nothing planned", "planned", "built", "stored", "sealed")
RESTING: Final = "resting"
_TROUBLE: Final = "trouble: "
_PAUSE: Final = 0.02
_STANDS: Final = {
    "": "",
    **dict.fromkeys(("sequence", "plan"), "nothing planned"),
    "build": "planned",
    **dict.fromkeys(("sign", "publish", "grow tiles", "put checkpoint", "note sealed"), "stored"),
    RESTING: "sealed",
}
"""How far a segment has come when a sealer is at a step; at all others, such as a put, it is built."""


class Sealer:
    """Our own sequencer and sealer, started again whenever it was killed. `troubles` is what it met beside deaths."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._file = running.data / "sealing"
        self._process: subprocess.Popen[bytes] | None = None
        self.troubles: list[str] = []

    def pid(self) -> int:
        """Its pid, once it works; 0 while it only starts."""
        if self._process is None or self._process.poll() is not None:
            self._collect()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.sealing", str(self._file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env=self._running.environment,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        return self._process.pid if self._lines() else 0

    def step(self) -> str:
        """What it is at; empty while it starts."""
        return next((line for line in reversed(self._lines()) if not line.startswith(_TROUBLE)), "")

    def last_step(self) -> str:
        """What it was at when it was killed just now."""
        if self._process is not None:
            self._process.wait(timeout=10)
        return self.step()

    def close(self) -> None:
        """Kill it and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._collect()

    def _lines(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []

    def _collect(self) -> None:
        self.troubles += [line.removeprefix(_TROUBLE) for line in self._lines() if line.startswith(_TROUBLE)]
        self._file.unlink(missing_ok=True)


def state_at(step: str) -> str:
    """The state a segment is in while a sealer is at `step`."""
    return _STANDS.get(step, "built")


def main(place: Path) -> None:
    """Sequence and seal until killed, or until whoever started it is gone."""
    django.setup()
    with place.open("a", buffering=1) as said:
        _work(said, parent=os.getppid())


def _work(said: IO[str], *, parent: int) -> None:
    sealer, sequencer = import_module("audit.sealer"), import_module("audit.sequencer")

    def reached(step: str) -> None:
        said.write(f"{step}\n")
        time.sleep(_PAUSE)

    while os.getppid() == parent:
        try:
            if sequencer.facts_wait():
                said.write("sequence\n")
                sequencer.sequence(batch=20)
            sealer.seal(now=datetime.now(UTC), reached=reached)
        except Exception as wrong:  # noqa: BLE001 - told, and a reason for the whole run to fail
            for trouble in _all_of(wrong):
                if not isinstance(trouble, sealer.Superseded):
                    said.write(f"{_TROUBLE}{type(trouble).__name__}: {' '.join(str(trouble).split())}\n")
        reached(RESTING)


def _all_of(wrong: Exception) -> tuple[Exception, ...]:
    return wrong.exceptions if isinstance(wrong, ExceptionGroup) else (wrong,)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
