"""All of Horae, running as `make demo` runs it, on a database of the run's server: Redis, web, worker, beat."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.management import call_command

from config.embedded import redis
from config.embedded.processes import ServiceFailed, die_with_parent, wait_until
from config.embedded.static import collected
from config.embedded.supervisor import BEAT, WORKER
from config.env import ROOT
from config.messages.catalogues import compile_all
from tests.bench.cores import Meter
from tests.bench.run import Run

WEB: Final = "config.wsgi"
BARE: Final = "tests.bench.bare"
_PATIENCE: Final = 90.0
_PYTHON: Final = (sys.executable, "-m")

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Installation:
    """One that answers on 127.0.0.1 at `port`; everything its processes say is in `log`."""

    port: int
    log: Path
    meter: Meter

    def answers(self, path: str = "/healthz") -> bool:
        """Whether a page comes with status 200."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", path)
            return line.getresponse().status == 200
        except OSError:
            return False
        finally:
            line.close()


@contextlib.contextmanager
def running(run: Run, *, database: str, application: str = WEB, workers: bool = True) -> Iterator[Installation]:
    """Start everything on a database of the run's server, with a copy of this process's own keys and secrets.

    Without `workers` only Redis and the web: what is to be done later stays undone. Every process is ours, ends with
    us, and is stopped by its handle. Raises ServiceFailed when the web does not answer.
    """
    if not collected():
        compile_all([ROOT / "locale"])
        call_command("collectstatic", interactive=False, verbosity=0)
    data = Path(tempfile.mkdtemp(prefix=f"{database}-", dir=run.folder))
    shutil.copytree(settings.DATA, data, dirs_exist_ok=True)
    port = _free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HORAE_DATA": str(data),
        "HORAE_DEMO": "1",
        "HORAE_BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "HORAE_FORMS_A_MINUTE": "10000000",  # fifty people behind one address: counted, never refused
        "DATABASE_URL": run.server.url(database),
        "REDIS_URL": redis.address(home=data / "redis"),
    }
    commands: dict[str, tuple[str, ...]] = {
        "web": (*_PYTHON, "gunicorn", "--config", "python:config.gunicorn", application)
    }
    if workers:
        commands |= {"worker": (*WORKER, "--loglevel", "WARNING"), "beat": BEAT}
    pids: dict[str, int] = {}
    made = Installation(port=port, log=data / "log", meter=Meter(pids, postmaster=run.server.pid))
    with made.log.open("wb") as log, contextlib.ExitStack() as started:
        broker = redis.start(home=data / "redis", output=log)
        started.callback(_end, broker)
        pids["Redis"] = broker.pid
        for name, command in commands.items():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**environment, "HORAE_PROCESS": f"horae-{name}"},
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
            started.callback(_end, process)
            pids[name] = process.pid
        if not wait_until(made.answers, seconds=_PATIENCE):
            raise ServiceFailed(f"Horae did not answer:\n{made.log.read_text(errors='replace')[-2000:]}")
        yield made


def _end(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
