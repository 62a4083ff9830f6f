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
import re
import signal
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from contextlib import closing, suppress
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import django
from django.db import connections

from config.embedded.processes import wait_until
from tests.bench.visitor import Failed, Page, Visitor
from tests.faults.sealing import STATES, Sealer, state_at
from tests.running import OVERLAPS, Running, horae

CLIENTS: Final = 3
TAKEN_BACK: Final = 0.8
"""Share of bookings that are cancelled at once."""
CLINIC: Final = "cabinet-des-terreaux"
SERVICE: Final = "blood-test"
DRAINED_SECONDS: Final = 120.0
STALLED_SECONDS: Final = 120.0
ANSWERED_SECONDS: Final = 1.0
"""The web is at work when it answered so lately."""
AHEAD: Final = 4
"""How many of those drawn next are looked at: who is not at work yet is waited for, and comes late, not last."""
MIDST_SECONDS: Final = 0.03
BETWEEN: Final = (0.3, 1.5)
"""Seconds from one kill to the next: as long as work is under way somewhere."""
WEIGHTS: Final = {"web child": 6, "worker child": 5, "sealer": 6, "web": 1, "worker": 1, "beat": 1}
"""How often each kind dies: a server that goes down whole is started again after growing pauses, and books nothing."""
STEADY: Final = {"web child": 0.5, "worker child": 0.5, "web": 4.0, "worker": 4.0, "beat": 4.0}
"""Seconds until something that started is taken to be at work."""
UNCANCELLED: Final = """
    SELECT d.id FROM bookings_draft d JOIN bookings_appointment a ON a.id = d.appointment_id
    WHERE a.status <> 'cancelled' OR NOT EXISTS (SELECT 1 FROM audit_record r
    WHERE r.model = 'bookings.Appointment' AND r.object_pk = a.id::text AND r.operation = 'cancel')"""
"""Drafts whose visit stands, or was cancelled without a record of it."""
UNRECORDED: Final = """
    SELECT a.id::text, count(r.id) FROM bookings_appointment a LEFT JOIN audit_record r
    ON r.model = 'bookings.Appointment' AND r.object_pk = a.id::text AND r.body LIKE '%%"op":"I"%%'
    GROUP BY a.id HAVING count(r.id) <> 1"""


class Wrong(AssertionError):
    """Something is missing, double, or told in two ways."""


class Patients:
    """Book one visit after the other, and take most of them back so that there is always a free time, over HTTP,
    however often a press fails. `sure`: drafts seen as booked; `gone`: those of them seen as cancelled."""

    def __init__(self, *, port: int, seed: int) -> None:
        self.port = port
        self.seed = seed
        self.sure: list[UUID] = []
        self.gone: list[UUID] = []
        self.served = 0.0
        self.failed: Counter[str] = Counter()
        self.troubles: list[str] = []
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
                    self._one(visitor, dice=dice, email=f"k{number}-{visit}@patient.example")
            except Failed as wrong:
                self.failed[str(wrong).split(": ")[-1]] += 1
                time.sleep(0.2)
            except Exception as wrong:  # noqa: BLE001 - a patient who left unnoticed would be no load any more
                self.troubles.append(f"patient {number}: {type(wrong).__name__}: {wrong}")
        connections.close_all()

    def _one(self, visitor: Visitor, *, dice: random.Random, email: str) -> None:
        """Book, and perhaps cancel. Raises Failed when the page of any press does not come."""
        home = f"/c/{CLINIC}/{SERVICE}/"
        page = self._seen(visitor.get(home))
        if not page.slots:
            raise Failed("no free time")
        page = self._seen(visitor.press(page, f"{home}hold/", slot=dice.choice(page.slots)))
        try:
            draft = UUID(page.path.rstrip("/").rsplit("/", 1)[-1])
        except ValueError:
            raise Failed("not held") from None
        form = {"who": "me", "given_name": "Kim", "family_name": f"Berg {email[:8]}", "message_language": "en"}
        page = self._seen(visitor.press(page, page.path, notice=page.notice, email=email, **form))
        codes = import_module("bookings.models").ContactChallenge.objects  # models want Django set up
        sent = codes.filter(draft=draft).order_by("-created").first()
        if sent is None:
            raise Failed("no code")
        page = self._seen(visitor.press(page, page.path, code=sent.code))
        if not page.path.endswith("/booked/"):
            raise Failed("not booked")
        self.sure.append(draft)
        if dice.random() < TAKEN_BACK:
            address = f"{page.path.removesuffix('booked/')}cancel/"
            self._seen(visitor.press(self._seen(visitor.get(address)), address))
            self.gone.append(draft)

    def _seen(self, page: Page) -> Page:
        if page.status != 200:
            raise Failed(f"answered {page.status}")
        self.served = time.monotonic()
        return page


class Victims:
    """Whom to kill next: kinds in a drawn order, each as often as its share of all kills, and only what is at work.

    Shooting at what only starts would leave nobody to book, and meet no work in the midst.
    """

    def __init__(self, running: Running, *, kills: int, dice: random.Random) -> None:
        self._running = running
        self._dice = dice
        wanted = {kind: max(1, kills * weight // sum(WEIGHTS.values())) for kind, weight in WEIGHTS.items()}
        rest = ["sealer"] * (kills - sum(wanted.values()))
        self.order = ([kind for kind, count in wanted.items() for _ in range(count)] + rest)[-kills:]
        dice.shuffle(self.order)
        self._since: dict[int, float] = {}

    def next(self, *, sealer: int, served: float) -> tuple[str, int] | None:
        """Kind and pid of the next to die, taken from the order; None while none of those due is at work.

        `sealer` is its pid, 0 while it starts; `served` is when a page was last answered.
        """
        now = time.monotonic()
        alive = _processes(self._running)
        self._since = {pid: self._since.get(pid, now) for _kind, pid in alive}
        steady = [(kind, pid) for kind, pid in alive if now - self._since[pid] > STEADY[kind]]
        able = [(kind, pid) for kind, pid in steady if not kind.startswith("web") or now - served < ANSWERED_SECONDS]
        able += [("sealer", sealer)] if sealer else []
        for kind in self.order[:AHEAD]:
            if pids := [pid for name, pid in able if name == kind]:
                return kind, self._dice.choice(pids)
        return None


def run(*, kills: int, seed: int) -> dict[str, Any]:
    """Kill so many times, wait until everything was caught up, and check it all; what was done, in numbers.

    Raises Wrong.
    """
    dice = random.Random(seed)
    with horae() as running:
        os.environ.update(running.environment)
        django.setup()
        sealer = Sealer(running)
        victims = Victims(running, kills=kills, dice=dice)
        with Patients(port=int(running.url.rsplit(":", 1)[1]), seed=seed) as patients, closing(sealer):
            if not wait_until(lambda: bool(patients.sure), seconds=STALLED_SECONDS):
                raise Wrong(f"nobody could book: {patients.failed}")
            killed, met, died_at = _kill_all(running, victims, sealer, patients, dice=dice)
        _drained(running)
        _check(running, sure=patients.sure, gone=patients.gone, troubles=[*sealer.troubles, *patients.troubles])
        done = {
            "killed": dict(sorted(killed.items())),
            "unsealed_segments_met": dict(sorted(met.items())),
            "sealer_died_at": dict(sorted(died_at.items())),
            "sealer_died_when": dict(sorted(_by_state(died_at).items())),
            "booked": len(patients.sure),
            "cancelled": len(patients.gone),
            "presses_failed": dict(patients.failed.most_common()),
            "records": running.sql("SELECT count(*) FROM audit_record")[0][0],
            "heads": running.sql("SELECT count(*) FROM audit_segment")[0][0],
        }
    _all_gone(running.data)
    return done


def _kill_all(
    running: Running, victims: Victims, sealer: Sealer, patients: Patients, *, dice: random.Random
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Kill until the order is used up: how many of each kind, the states of segments met, the sealer's last steps."""
    killed: Counter[str] = Counter()
    met: Counter[str] = Counter()
    died_at: Counter[str] = Counter()
    kills = len(victims.order)
    stalled = time.monotonic() + STALLED_SECONDS
    while victims.order:
        time.sleep(dice.uniform(*BETWEEN))
        found = victims.next(sealer=sealer.pid(), served=patients.served)
        if found is None:
            if time.monotonic() > stalled:
                raise Wrong(f"none of {sorted(set(victims.order))} came back to work in {STALLED_SECONDS:.0f} s")
            continue
        kind, pid = found
        if kind == "sealer":
            _in_the_midst(sealer, state=STATES[killed[kind] % len(STATES)], dice=dice)
        states = [state for (state,) in running.sql("SELECT state FROM audit_segment WHERE state <> 'sealed'")]
        if not _kill(pid):
            continue
        victims.order.remove(kind)
        killed[kind] += 1
        met.update(states)
        if kind == "sealer":
            died_at[sealer.last_step()] += 1
        stalled = time.monotonic() + STALLED_SECONDS
        if killed.total() % 10 == 0:
            _say(f"{killed.total()} of {kills} killed, {len(patients.sure)} booked, sealer {dict(_by_state(died_at))}")
    return killed, met, died_at


def _in_the_midst(sealer: Sealer, *, state: str, dice: random.Random) -> None:
    """Wait until a segment the sealer is at stands so, if it does soon, and then a moment longer."""
    until = time.monotonic() + 3.0
    while state_at(sealer.step()) != state and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(dice.uniform(0.0, MIDST_SECONDS))


def _by_state(died_at: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for step, count in died_at.items():
        found[state_at(step)] += count
    return found


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


def _kill(pid: int) -> bool:
    """Whether there was anybody to kill: it may have ended with an earlier one."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _all_gone(data: Path) -> None:
    """Whoever worked on this installation has ended with it, orphans of the killed too. Raises Wrong."""
    mark = f"HORAE_DATA={data}".encode()

    def left() -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    if not wait_until(lambda: not left(), seconds=20):
        raise Wrong(f"processes were left behind: {left()}")


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


def _check(running: Running, *, sure: list[UUID], gone: list[UUID], troubles: list[str]) -> None:
    if troubles:
        raise Wrong(f"{len(troubles)} times in trouble: {troubles[:3]}")
    if refused := re.findall(rb".*(?:sealer\.content\.CannotSeal|sealer\.steps\.Fork).*", running.log):
        raise Wrong(f"the installation's own sealer refused: {refused[:3]}")
    booked = {draft for (draft,) in running.sql("SELECT id FROM bookings_draft WHERE appointment_id IS NOT NULL")}
    if lost := set(sure) - booked:
        raise Wrong(f"{len(lost)} bookings that were seen are gone: {sorted(map(str, lost))[:3]}")
    if kept := set(gone) & {draft for (draft,) in running.sql(UNCANCELLED)}:
        raise Wrong(f"{len(kept)} visits that were seen cancelled stand: {sorted(map(str, kept))[:3]}")
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
    _say(f"{given.kills} kills, --seed {given.seed}")
    try:
        done = run(kills=given.kills, seed=given.seed)
    except Wrong as wrong:
        _say(f"seed {given.seed}: {wrong}")
        return 1
    print(json.dumps(done | {"seed": given.seed, "seconds": round(time.monotonic() - began)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
