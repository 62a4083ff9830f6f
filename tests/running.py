"""All of Horae, running: the supervisor as `make demo` starts it, on data of its own, and hands to look into it.

PostgreSQL, web, worker and beat are the supervisor's; Redis is ours, so that a test may take it away.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from config.embedded import postgres, redis
from config.env import ROOT

START_SECONDS = 240
PATIENTS = "24"
WEEKS = "1"
OVERLAPS = """
    SELECT count(*) FROM bookings_occupancy a JOIN bookings_occupancy b
    ON a.schedule_id = b.schedule_id AND a.id < b.id AND a.period && b.period
    WHERE a.kind IN ('appointment', 'session', 'hold') AND NOT a.overbooked
    AND b.kind IN ('appointment', 'session', 'hold') AND NOT b.overbooked
"""
"""Pairs of rows that take one schedule at one time, by a query that trusts no constraint."""


@dataclass(slots=True)
class Running:
    """One installation. `url` is its origin, `data` its folder (WORM, keys, logs lie there)."""

    url: str
    data: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"
    redis_server: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def redis_home(self) -> Path:
        return self.data / "broker"

    @property
    def log(self) -> bytes:
        """Everything any process wrote."""
        return (self.data / "log").read_bytes()

    def manage(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a management command on this installation's data; look at `.returncode` and `.stdout`."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment,
            timeout=180,
            check=False,
        )

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL as somebody with `psql` would: no Django, no context."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def psql(self, script: str, *, unseen: bool = False) -> str:
        """Run a script through the real `psql`; `unseen` by the watch over the structure, as a superuser may."""
        script = f"SET event_triggers = off; {script}" if unseen else script
        cluster = postgres.existing(home=self.data / "postgres")
        return cluster.run("psql", "--set", "ON_ERROR_STOP=1", "-AtXc", script, self.environment["DATABASE_URL"])

    def dump(self) -> bytes:
        """The whole database as `pg_dump` writes it."""
        cluster = postgres.existing(home=self.data / "postgres")
        return cluster.run("pg_dump", "--inserts", self.environment["DATABASE_URL"]).encode()

    def start_redis(self) -> None:
        """Bring the broker (back)."""
        with (self.data / "redis.log").open("ab") as log:
            self.redis_server = redis.start(home=self.redis_home, output=log)

    def stop_redis(self) -> None:
        """Take the broker away, as a crash would."""
        if self.redis_server is not None:
            self.redis_server.kill()
            self.redis_server.wait()
            self.redis_server = None


def wait_for(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Poll until `condition` gives something true, and return it. Fails the test, naming `what`, when it does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@contextlib.contextmanager
def horae(**environment: str) -> Iterator[Running]:
    """Start an installation with a small demo group, yield it when it answers, stop it and remove its data."""
    data = Path(tempfile.mkdtemp(prefix="horae-journey-"))
    data.chmod(0o755)
    port = _free_port()
    broker = data / "broker"
    own = {
        name: value for name, value in os.environ.items() if not name.startswith("HORAE_") and not name.endswith("_URL")
    }
    own.pop("SECRET_KEY", None)
    settings = {
        **own,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HORAE_DATA": str(data),
        "PORT": str(port),
        "REDIS_URL": redis.address(home=broker),
        "HORAE_SEED_PATIENTS": PATIENTS,
        "HORAE_SEED_WEEKS": WEEKS,
        "HORAE_FORMS_A_MINUTE": "100000",  # every browser of a journey comes from one address
        **environment,
    }
    with (data / "log").open("wb") as log:
        running = Running(url=f"http://127.0.0.1:{port}", data=data, environment=settings, process=None)  # type: ignore[arg-type]
        running.start_redis()
        running.process = subprocess.Popen(
            [sys.executable, "-m", "config.embedded", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=settings,
            start_new_session=True,
        )
        try:
            wait_for(
                lambda: _answers(running),
                seconds=START_SECONDS,
                what=f"Horae to start; its log:\n{running.log.decode()[-3000:]}",
            )
            # Commands of the tests talk to the same parts as the running processes.
            running.environment = {
                **settings,
                "HORAE_DEMO": "1",
                "HORAE_BASE_URL": running.url,
                "DATABASE_URL": postgres.address(home=data / "postgres", database="horae"),
            }
            yield running
        finally:
            running.process.send_signal(signal.SIGTERM)
            try:
                running.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(running.process.pid, signal.SIGKILL)
            running.stop_redis()
            shutil.rmtree(data, ignore_errors=True)


def _answers(running: Running) -> bool:
    if running.process.poll() is not None:
        raise AssertionError(f"Horae ended before it answered:\n{running.log.decode()[-3000:]}")
    try:
        return httpx.get(f"{running.url}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
