"""Kill -9 under booking load: `python -m tests.faults.kills [--kills 300] [--seed 1]`.

A whole installation of its own is booked at by several patients while processes of it die at random: the web server and
its workers, the Celery worker and its children, beat, and a sequencer and sealer of ours at any step. What supervises
starts them again. In the end nothing may be missing, double, or told in two ways: what a patient saw booked is booked
and recorded once, every chain is gap-free, every signed head is the head of those records, and `audit_verify` agrees.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import django
from django.db import connections

from config.env import ROOT
from tests.bench.visitor import Failed, Page, Visitor
from tests.running import Running, horae

CLIENTS: Final = 3
CLINIC: Final = "cabinet-des-terreaux"
SERVICE: Final = "blood-test"
DRAINED_SECONDS: Final = 120.0
BETWEEN: Final = (0.4, 2.0)
"""Seconds from one kill to the next: as long as work is under way somewhere."""
WEIGHTS: Final = {"web child": 4, "worker child": 4, "sealer": 4, "web": 1, "worker": 1, "beat": 1}
"""How often each kind dies: a server that goes down whole is started again after growing pauses, and books nothing."""
OVERLAPS: Final = """
    SELECT count(*) FROM bookings_occupancy a JOIN bookings_occupancy b
    ON a.schedule_id = b.schedule_id AND a.id < b.id AND a.period && b.period
    WHERE a.kind IN ('appointment', 'session', 'hold') AND NOT a.overbooked
    AND b.kind IN ('appointment', 'session', 'hold') AND NOT b.overbooked"""
UNRECORDED: Final = """
    SELECT a.id::text, count(r.id) FROM bookings_appointment a LEFT JOIN audit_record r
    ON r.model = 'bookings.Appointment' AND r.object_pk = a.id::text AND r.body LIKE '%%"op":"I"%%'
    GROUP BY a.id HAVING count(r.id) <> 1"""


class Wrong(AssertionError):
    """Something is missing, double, or told in two ways."""


class Patients:
    """Book one visit after the other, over HTTP, however often a press fails. `sure`: drafts seen as booked."""

    def __init__(self, *, port: int, seed: int) -> None:
        self.port = port
        self.seed = seed
        self.sure: list[UUID] = []
        self.failed: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._books, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> "Patients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _books(self, number: int) -> None:
        dice, visit = random.Random(f"{self.seed}/{number}"), 0
        while not self._over.is_set():
            visit += 1
            try:
                with Visitor(port=self.port) as visitor:
                    self.sure.append(self._one(visitor, dice=dice, email=f"k{number}-{visit}@patient.example"))
            except Failed as wrong:
                self.failed[str(wrong).split(": ")[-1]] += 1
                time.sleep(0.2)
        connections.close_all()

    def _one(self, visitor: Visitor, *, dice: random.Random, email: str) -> UUID:
        """Book; the draft whose confirmation was seen. Raises Failed when the page of any press does not come."""
        home = f"/c/{CLINIC}/{SERVICE}/"
        page = self._seen(visitor.get(home))
        if not page.slots:
            raise Failed("no free time")
        page = self._seen(visitor.press(page, f"{home}hold/", slot=dice.choice(page.slots)))
        draft = UUID(page.path.rstrip("/").rsplit("/", 1)[-1])
        form = {"who": "me", "given_name": "Kim", "family_name": f"Berg {email[:8]}", "message_language": "en"}
        page = self._seen(visitor.press(page, page.path, notice=page.notice, email=email, **form))
        codes = import_module("bookings.models").ContactChallenge.objects  # models want Django set up
        sent = codes.filter(draft=draft).order_by("-created").first()
        if sent is None:
            raise Failed("no code")
        page = self._seen(visitor.press(page, page.path, code=sent.code))
        if not page.path.endswith("/booked/"):
            raise Failed("not booked")
        return draft

    @staticmethod
    def _seen(page: Page) -> Page:
        if page.status != 200:
            raise Failed(f"answered {page.status}")
        return page


class Sealer:
    """Our own sequencer and sealer, started again whenever it was killed."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._process: subprocess.Popen[str] | None = None

    def pid(self) -> int:
        """Its pid, once it works; 0 while it only starts."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.sealing"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
                env=self._running.environment,
            )
            assert self._process.stdout is not None
            os.set_blocking(self._process.stdout.fileno(), False)
            self._said = ""
        if not self._said:
            assert self._process.stdout is not None
            self._said = self._process.stdout.readline() or ""
        return self._process.pid if self._said else 0

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def run(*, kills: int, seed: int) -> dict[str, Any]:
    """Kill so many times, wait until everything was caught up, and check it all; what was done, in numbers.

    Raises Wrong.
    """
    dice = random.Random(seed)
    with ExitStack() as stack:
        running = stack.enter_context(horae())
        os.environ.update(running.environment)
        django.setup()
        sealer = Sealer(running)
        stack.callback(sealer.end)
        killed: Counter[str] = Counter()
        met: Counter[str] = Counter()
        with Patients(port=int(running.url.rsplit(":", 1)[1]), seed=seed) as patients:
            while killed.total() < kills:
                time.sleep(dice.uniform(*BETWEEN))
                victims = [*_processes(running), *([("sealer", pid)] if (pid := sealer.pid()) else [])]
                kinds = sorted({name for name, _pid in victims})
                if not kinds:
                    continue
                (kind,) = dice.choices(kinds, [WEIGHTS[name] for name in kinds])
                met.update(state for (state,) in running.sql("SELECT state FROM audit_segment WHERE state <> 'sealed'"))
                _kill(dice.choice([pid for name, pid in victims if name == kind]))
                killed[kind] += 1
                if killed.total() % 10 == 0:
                    _say(f"{killed.total()} of {kills} killed, {len(patients.sure)} booked")
        sealer.end()
        _drained(running)
        _check(running, sure=patients.sure)
        return {
            "killed": dict(sorted(killed.items())),
            "segments_met": dict(sorted(met.items())),
            "booked": len(patients.sure),
            "presses_failed": dict(patients.failed.most_common()),
            "records": running.sql("SELECT count(*) FROM audit_record")[0][0],
        }


def _processes(running: Running) -> list[tuple[str, int]]:
    """What may die, by kind: everything below the supervisor but the database."""
    parents: dict[int, int] = {}
    said: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            said[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parents[int(folder.name)] = int(stat[1])
        except (OSError, ValueError, IndexError):
            continue  # gone meanwhile
    found = []
    for pid, command in said.items():
        above = parents.get(pid, 0)
        while above > 1 and above != running.process.pid:
            above = parents.get(above, 0)
        kinds = (("web", "gunicorn"), ("worker", "-A config worker"), ("beat", "-A config beat"))
        kind = next((name for name, word in kinds if word in command), "")
        if above == running.process.pid and kind:
            found.append((kind if parents[pid] == above else f"{kind} child", pid))
    return sorted(found)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it had died of an earlier kill


def _drained(running: Running) -> None:
    """Wait until every fact is a record and every record is sealed, by the processes that were started again."""
    until = time.monotonic() + DRAINED_SECONDS
    owed = "SELECT (SELECT count(*) FROM audit_fact), coalesce(sum(seq - sealed_size), 0)::int FROM audit_chain"
    begun = "SELECT count(*) FROM audit_segment WHERE state <> 'sealed'"
    while time.monotonic() < until:
        if running.sql(owed) == [(0, 0)] and running.sql(begun) == [(0,)]:
            return
        time.sleep(0.5)
    raise Wrong(f"not caught up after {DRAINED_SECONDS:.0f} s: {running.sql(owed)}, {running.sql(begun)} begun")


def _check(running: Running, *, sure: list[UUID]) -> None:
    booked = {draft for (draft,) in running.sql("SELECT id FROM bookings_draft WHERE appointment_id IS NOT NULL")}
    if lost := set(sure) - booked:
        raise Wrong(f"{len(lost)} bookings that were seen are gone: {sorted(map(str, lost))[:3]}")
    if len(set(sure)) != len(sure):
        raise Wrong("one draft was booked for two patients")
    if running.sql(OVERLAPS) != [(0,)]:
        raise Wrong("two appointments overlap")
    if found := running.sql(UNRECORDED):
        raise Wrong(f"appointments without exactly one record of their making: {found[:3]}")
    for chain, count, last in running.sql("SELECT chain, count(*), max(seq) FROM audit_record GROUP BY chain"):
        if count != last:
            raise Wrong(f"chain {chain} has {count} records up to number {last}")
    for chain, sealed in running.sql("SELECT name, sealed_size FROM audit_chain WHERE sealed_size > 0"):
        _heads(running, chain, sealed=sealed)
    verified = running.manage("audit_verify", "--json")
    report = json.loads(verified.stdout or "{}")
    if verified.returncode != 0:
        raise Wrong(f"audit_verify: {report.get('findings') or report.get('unchecked') or verified.stderr[-500:]}")


def _heads(running: Running, chain: str, *, sealed: int) -> None:
    """Each signed head in the store is that of the chain's first records: one history, by arithmetic of our own."""
    heads = sorted((running.data / "worm" / "chains" / chain / "checkpoint").iterdir())
    if int(heads[-1].name) < sealed:  # work goes on meanwhile: there may be more
        raise Wrong(f"chain {chain} is sealed up to {sealed}, and its newest signed head is {heads[-1].name}")
    records = running.sql("SELECT leaf FROM audit_record WHERE chain = %s ORDER BY seq", chain)
    leaves = [bytes(leaf) for (leaf,) in records]
    for head in heads:
        size = int(head.name)
        _origin, said, root = head.read_text().splitlines()[:3]
        if (int(said), root) != (size, b64encode(_root(leaves[:size])).decode()):
            raise Wrong(f"the signed head {size} of chain {chain} is not that of its records")


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, level by level."""
    level = leaves
    while len(level) > 1:
        paired = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run it and print what was done as JSON; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same lots")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        done = run(kills=given.kills, seed=given.seed)
    except Wrong as wrong:
        _say(f"seed {given.seed}: {wrong}")
        return 1
    print(json.dumps(done | {"seed": given.seed, "seconds": round(time.monotonic() - began)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
