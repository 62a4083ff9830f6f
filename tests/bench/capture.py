"""Part `capture`: what recording a change costs, and which changes are recorded, beside plain Django and three others.

Each recorder is a program of its own with the same tables on the same server (`tests.bench.recorders`). They take
turns in an order drawn anew for each write and round; all connections are open and warm, every commit is on disk, and
somebody acts who is recorded with the change where the recorder can. What is shown of a recorder is the median on top
of plain Django's. Horae's sequencer and sealer do not run meanwhile: parts `chain` and `evidence` measure them.
"""

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from config import env
from config.env import ROOT
from tests.audit.writes import MATRIX
from tests.bench.figures import Figure, Target, columns
from tests.bench.peers.beside import PYTHON
from tests.bench.run import NotMeasured, Run
from tests.bench.timing import MILLI

PLAIN: Final = "plain"
HORAE: Final = "horae"
NEAREST: Final = "pghistory"
PEERS: Final = ("auditlog", "simple_history", NEAREST)
SINGLE: Final = ("create", "save", "save update_fields", "delete", "transaction of three")
BULK: Final = ("bulk_create", "queryset.update")
ROUNDS: Final = 100
RUNS: Final = 5
"""Of a write in one turn."""
BULK_ROUNDS: Final = 25
"""Of one run each."""
ROWS: Final = 1000
ROW: Final = 45.0
"""Microseconds a row of a bulk write may take more, or pghistory's if that is more."""
BY_CALL: Final = {"many to many": 3}
"""Writes a recorder has all of when it keeps one entry for each call."""
_MODULE: Final = "tests.bench.recorders.subject"


class RecorderFailed(NotMeasured):
    """A recorder's program ended; the message is what it said last."""


class Subject:
    """One recorder, running."""

    def __init__(self, process: subprocess.Popen[str], *, name: str, log: Path) -> None:
        self._process, self.name, self._log = process, name, log

    def ask(self, question: str, **more: Any) -> dict[str, Any]:
        """Its answer. Raises RecorderFailed."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"ask": question, **more}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RecorderFailed(f"{self.name} could not {question}: {self._log.read_text(errors='replace')[-800:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises RecorderFailed."""
    names = (PLAIN, HORAE, *(PEERS if run.peers else ()))
    with contextlib.ExitStack() as stack:
        subjects = [stack.enter_context(_running(run, name)) for name in names]
        for subject in subjects:
            versions = subject.ask("about")["versions"]
            run.say(f"capture: {subject.name} with {', '.join(' '.join(pair) for pair in versions.items())}")
        matrices = {subject.name: subject.ask("matrix") for subject in subjects[1:]}
        run.say(f"capture: which changes are recorded\n{matrix(matrices)}")
        figures = [
            Figure(
                f"capture: writes recorded rightly, of {len(MATRIX)}: {name}",
                sum(verdict(write, found) == "ok" for write, found in found_of.items()),
                "writes",
                target=Target("value", "at least", len(MATRIX)) if name == HORAE else None,
            )
            for name, found_of in matrices.items()
        ]
        figures += _single(run, subjects)
        figures += _bulk(run, subjects)
        figures += [_trips(subjects[0], subject, what) for subject in subjects[1:] for what in SINGLE]
        figures += [
            Figure.plain(f"capture: kept for a change: {subject.name}", subject.ask("kept")["bytes"], "bytes")
            for subject in subjects[1:]
        ]
        return figures


def verdict(write: str, found: Sequence[str] | str) -> str:
    """What is said of one write in the matrix: `ok`, the error it ended with, or how many of its changes are there.

    A table that was emptied may be said by the table or by its rows.
    """
    expected = MATRIX[write][1]
    if isinstance(found, str):
        return found
    if sorted(found) == sorted(expected) or (expected and len(found) == BY_CALL.get(write)):
        return "ok"
    if write == "TRUNCATE" and found:
        return "ok"
    return f"{len(found)} for {len(expected)}"


def matrix(matrices: Mapping[str, Mapping[str, Sequence[str] | str]]) -> str:
    """The table people read: a line for each write, a column for each recorder."""
    rows = [("write", *matrices)]
    rows += [(write, *(verdict(write, found[write]) for found in matrices.values())) for write in MATRIX]
    return columns(rows)


def _single(run: Run, subjects: Sequence[Subject]) -> list[Figure]:
    took = _turns(run, subjects, SINGLE, rounds=2 if run.quick else ROUNDS, runs=RUNS)
    figures = []
    for what in SINGLE:
        plain = statistics.median(took[PLAIN, what]) * MILLI
        over = {one.name: statistics.median(took[one.name, what]) * MILLI - plain for one in subjects[1:]}
        figures.append(Figure.plain(f"capture: {what}: {PLAIN}", plain, "ms"))
        figures += [_over(run, what, name, value, nearest=over.get(NEAREST)) for name, value in over.items()]
    return figures


def _over(run: Run, what: str, name: str, value: float, *, nearest: float | None) -> Figure:
    title = f"capture: {what}, on top of plain: {name}"
    if name != HORAE or nearest is None:
        return Figure.plain(title, value, "ms")
    return Figure.times(f"{title}, against {NEAREST}", value, "ms", peer=nearest, at_most=run.held_to(1.0))


def _bulk(run: Run, subjects: Sequence[Subject]) -> list[Figure]:
    took = _turns(run, subjects, BULK, rounds=2 if run.quick else BULK_ROUNDS, runs=1)
    figures = []
    for what in BULK:
        plain = statistics.median(took[PLAIN, what]) / ROWS * MILLI**2
        over = {one.name: statistics.median(took[one.name, what]) / ROWS * MILLI**2 - plain for one in subjects[1:]}
        limit = max(ROW, over.get(NEAREST, 0.0))
        figures.append(Figure.plain(f"capture: a row of {what}: {PLAIN}", plain, "µs"))
        figures += [
            Figure.plain(
                f"capture: a row of {what}, on top of plain: {name}",
                value,
                "µs",
                at_most=run.held_to(limit) if name == HORAE else None,
            )
            for name, value in over.items()
        ]
    return figures


def _trips(plain: Subject, subject: Subject, what: str) -> Figure:
    more = subject.ask("trips", what=what)["trips"] - plain.ask("trips", what=what)["trips"]
    return Figure.plain(
        f"capture: {what}, statements more than plain: {subject.name}",
        more,
        "statements",
        at_most=1 if subject.name == HORAE else None,
    )


def _turns(
    run: Run, subjects: Sequence[Subject], writes: Sequence[str], *, rounds: int, runs: int
) -> dict[tuple[str, str], list[float]]:
    """Seconds of each run by recorder and write; the first round warms and does not count."""
    drawn = random.Random(run.seed)
    took: dict[tuple[str, str], list[float]] = {(one.name, what): [] for one in subjects for what in writes}
    turns = [(one, what) for one in subjects for what in writes]
    for number in range(-1, rounds):
        drawn.shuffle(turns)
        for one, what in turns:
            seconds = one.ask("time", what=what, runs=runs)["seconds"]
            if number >= 0:
                took[one.name, what] += seconds
    run.say(f"capture: {', '.join(writes)}: {rounds * runs} runs of each")
    return took


@contextlib.contextmanager
def _running(run: Run, name: str) -> Iterator[Subject]:
    database = f"recorder_{name}"
    url = run.server.create(database, like=run.migrated if name == HORAE else "template0")
    own = name in (PLAIN, HORAE)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "RECORDER": name,
        "DJANGO_SETTINGS_MODULE": f"tests.bench.recorders.{'horae_settings' if name == HORAE else 'settings'}",
        "DATABASE": json.dumps(env.database(url, name="database", application="bench")),
        "DATABASE_URL": url,
        "HORAE_DATA": os.environ["HORAE_DATA"],
    }
    log = run.folder / f"{database}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable if own else str(PYTHON), "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )
    try:
        yield Subject(process, name=name, log=log)
    finally:
        process.kill()
        process.communicate()
