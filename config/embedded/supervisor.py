"""`make demo`: start what is not given, prepare, serve, restart what dies, and stop everything by its own pid."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from config.embedded import postgres, redis
from config.embedded.output import Merged
from config.embedded.processes import ServiceFailed, die_with_parent, wait_until
from config.env import ROOT, locales, reader
from config.messages.catalogues import compile_all

Process = subprocess.Popen[bytes]
_CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "config")
#: On the same few cores whoever presses a button comes before the worker.
WORKER = (
    *("nice", "-n", "5", *_CELERY, "worker", "--queues", "default,evidence,messages,calendars", "--concurrency", "3"),
    *("--without-gossip", "--without-mingle"),
)
BEAT = (*_CELERY, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", "", "--loglevel", "WARNING")
_STEADY = 60.0  # seconds a child must live for its earlier deaths to be forgotten
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Child:
    """One child: how to start it, how to stop it (signal and seconds of patience, in turn), and how it fares."""

    name: str
    start: Callable[[], Process]
    signals: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
    process: Process | None = None
    began: float = 0.0
    deaths: int = 0
    due: float = field(default=0.0)


class Supervisor:
    """The embedded installation in one folder, served on one port."""

    def __init__(self, *, data: Path, port: int, environment: dict[str, str], output: Merged) -> None:
        self.data = data
        self.port = port
        self.environment = environment
        self.output = output
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self._preparing: Process | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """The public origin."""
        return self.environment["HORAE_BASE_URL"]

    def claim(self) -> None:
        """Make sure that we are the only one here and that the port is free. Raises ServiceFailed with one sentence."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self._lock = (self.data / "demo.pid").open("a+")
        except OSError as wrong:
            raise ServiceFailed(
                f"Cannot write in {self.data} ({wrong.strerror}); run from a folder you own, or set HORAE_DATA to one."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            raise ServiceFailed(
                f"Horae already runs here (pid {self._lock.read().strip() or 'unknown'}); `make stop` stops it."
            ) from None
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.environment.get("HORAE_BIND", "127.0.0.1"), self.port))
            except (OSError, OverflowError) as wrong:
                why = getattr(wrong, "strerror", None) or wrong
                raise ServiceFailed(
                    f"Port {self.port} cannot be used ({why}); free it, or choose one: PORT=8001 make demo."
                ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def serve(self) -> None:
        """Start everything, keep it running until asked to stop, and stop it. Raises ServiceFailed."""
        signal.signal(signal.SIGINT, self._asked)
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGHUP, self._asked)
        try:
            self._services()
            self._prepare()
            self._house()
            self._announce()
            while not self.stopping.wait(0.3):
                self._look_after()
        except _Stopped:
            pass
        finally:
            self._stop_all()

    def _asked(self, number: int, frame: object) -> None:
        """Remember that we were asked to stop; a second time changes nothing."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.output.say("horae", "stopping")

    def _services(self) -> None:
        if not self.environment.get("DATABASE_URL"):
            made = postgres.cluster(home=self.data / "postgres")
            self._begin(
                Child(
                    "postgres",
                    lambda: self._piped("postgres", lambda pipe: postgres.start(made, options={}, output=pipe)),
                    signals=((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)),
                )
            )
            postgres.ensure_database(made, name="horae")
            self.environment["DATABASE_URL"] = made.url(database="horae")
        if not self.environment.get("REDIS_URL"):
            home = self.data / "redis"
            self._begin(Child("redis", lambda: self._piped("redis", lambda pipe: redis.start(home=home, output=pipe))))
            self.environment["REDIS_URL"] = redis.address(home=home)

    def _prepare(self) -> None:
        compiled = compile_all(locales(reader()))
        if compiled:
            self.output.say("horae", f"translations compiled: {compiled}")
        self._preparing = self._popen([sys.executable, "manage.py", "prepare_demo"], name="prepare")
        while self._preparing.poll() is None:
            if self.stopping.wait(0.05):
                raise _Stopped
        if self._preparing.returncode:
            raise ServiceFailed("The demo could not be prepared; the lines above say why.")

    def _house(self) -> None:
        python = sys.executable
        commands = {
            "web": [python, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"],
            "worker": [*WORKER, "--loglevel", "INFO", "--hostname", f"horae-{os.getpid()}@%h"],
            "beat": list(BEAT),
        }
        for name, command in commands.items():
            self._begin(Child(name, partial(self._popen, command, name=name)))
        if not wait_until(lambda: self.stopping.is_set() or self._answers(), seconds=60):
            raise ServiceFailed("The web server did not answer within a minute; the lines above say why.")

    def _announce(self) -> None:
        if self.stopping.is_set():
            return
        lines = [
            "",
            f"Horae is ready:  {self.url}/",
            f"Staff sign in:   {self.url}/admin/",
            f"Mail sent:       {self.url}/demo/mail/",
        ]
        logins = self.data / "logins.txt"
        if logins.exists():
            lines += ["", *logins.read_text().splitlines()]
        lines += ["", "Ctrl-C or `make stop` ends it; the data stay.", ""]
        for line in lines:
            self.output.say("horae", line)

    def _look_after(self) -> None:
        """Notice who died, say so, and start it again after a pause that doubles with every death."""
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now >= child.due:
                    self._restart(child)
            elif child.process.poll() is not None:
                child.deaths = 1 if now - child.began > _STEADY else child.deaths + 1
                pause = min(2.0 ** (child.deaths - 1), _LONGEST_PAUSE)
                how = child.process.returncode
                self.output.say("horae", f"{child.name} ended ({how}); starting it again in {pause:.0f} s")
                child.process, child.due = None, now + pause

    def _restart(self, child: Child) -> None:
        try:
            child.process = child.start()
        except ServiceFailed as wrong:
            child.deaths += 1
            child.due = time.monotonic() + min(2.0 ** (child.deaths - 1), _LONGEST_PAUSE)
            self.output.say("horae", str(wrong))
        child.began = time.monotonic()

    def _stop_all(self) -> None:
        if self._preparing is not None:
            _end(self._preparing, ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)))
        for child in reversed(self.children):
            if child.process is not None and child.process.poll() is None:
                self.output.say("horae", f"stopping {child.name}")
                _end(child.process, child.signals)
        self.output.finish()
        self.output.say("horae", "stopped")
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()

    def _begin(self, child: Child) -> None:
        self.children.append(child)
        child.process, child.began = child.start(), time.monotonic()
        if self.stopping.is_set():
            raise _Stopped

    def _popen(self, command: list[str], *, name: str) -> Process:
        return self._piped(
            name,
            lambda pipe: subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**self.environment, "HORAE_PROCESS": f"horae-{name}"},
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            ),
        )

    def _piped(self, name: str, start: Callable[[int], Process]) -> Process:
        """Start a child that writes into a pipe we follow; our own writing end is closed, so that its end is seen."""
        reading, writing = os.pipe()
        self.output.follow(name, os.fdopen(reading, "rb"))
        try:
            return start(writing)
        finally:
            os.close(writing)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class _Stopped(Exception):
    """Asked to stop while still starting."""


def _end(process: Process, signals: tuple[tuple[signal.Signals, float], ...]) -> None:
    """Send each signal in turn and wait its seconds, until the process has ended."""
    for number, seconds in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
