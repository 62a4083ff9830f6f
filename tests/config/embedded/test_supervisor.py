"""The whole embedded installation, as `make demo` runs it: nothing given, one folder, one port."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.output import Merged
from config.embedded.processes import ServiceFailed, command_of
from config.embedded.supervisor import Supervisor
from config.env import ROOT
from tests.settings import RUN

pytestmark = pytest.mark.real
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HORAE_BASE_URL", "EMAIL_URL", "PYTEST_CURRENT_TEST")
READY = "Horae is ready"


class Demo:
    """One supervisor, its port and what it said."""

    def __init__(self, *, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.log = data.with_name(f"log-{time.monotonic_ns()}")
        environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
        environment |= {"HORAE_DATA": str(data), "PORT": str(port), "HORAE_SEED_PATIENTS": "6", "HORAE_SEED_WEEKS": "0"}
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        self.environment = environment
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.embedded", "demo"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        """Everything it said until now."""
        return self.log.read_text()

    def wait_for(self, words: str, *, seconds: float = 180) -> None:
        """Wait until it says `words`."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def children(self) -> dict[int, str]:
        """The processes it started that live, by pid."""
        listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return {pid: command_of(pid=pid) for pid, parent in pairs if parent == self.process.pid}

    def pid_of(self, word: str) -> int:
        """The pid of the child with `word` in its command line."""
        (pid,) = [pid for pid, command in self.children().items() if word in command]
        return pid

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()

    def stop(self) -> str:
        """`make stop`; returns what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "config.embedded", "stop"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def data() -> Path:
    """A folder of this test alone, reachable for the account the database runs as."""
    folder = Path(tempfile.mkdtemp(prefix="supervised-", dir=RUN))
    folder.chmod(0o755)
    return folder / "data"


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    """Every supervisor a test starts is gone after it."""
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(timeout=60)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_demo_from_nothing_to_stopped(data: Path, demos: list[Demo]) -> None:
    port = free_port()
    demos.append(Demo(data=data, port=port))
    first = demos[0]
    first.wait_for(READY)
    assert f"http://127.0.0.1:{port}/" in first.said
    assert (data / "logins.txt").read_text().splitlines()[0] in first.said
    assert first.get("/")[0] == 200
    assert "ready" in first.get("/readyz")[1]
    assert (data / "secret_key").stat().st_mode & 0o777 == 0o600

    # a second one here, or on the same port, is refused in a sentence and disturbs nothing
    second = Demo(data=data, port=free_port())
    demos.append(second)
    assert second.process.wait(timeout=30) == 1
    assert second.said == f"horae: Horae already runs here (pid {first.process.pid}); `make stop` stops it.\n"
    third = Demo(data=data.with_name("other"), port=port)
    demos.append(third)
    assert third.process.wait(timeout=30) == 1
    assert re.fullmatch(rf"horae: Port {port} cannot be used \(.*\); free it, or choose one: .*\n", third.said)
    assert not (data.with_name("other") / "postgres").exists()

    # a child that dies comes back
    os.kill(first.pid_of("celery --quiet -A config beat"), signal.SIGKILL)
    first.wait_for("beat ended (-9); starting it again")
    time.sleep(3)
    assert first.pid_of("celery --quiet -A config beat")

    pids = list(first.children())
    assert len(pids) == 5
    assert first.stop() == f"Stopped Horae (pid {first.process.pid}).\n"
    assert first.process.wait(timeout=5) == 0
    order = re.findall(r"stopping (\w+)", first.said)
    assert order == ["beat", "worker", "web", "redis", "postgres"]
    assert [command_of(pid=pid) for pid in pids] == [""] * 5
    assert first.stop() == f"Nothing of Horae runs on {data}.\n"

    # again: quick, and with its data; then the supervisor is killed, and nothing is left or in the way
    began = time.monotonic()
    again = Demo(data=data, port=port)
    demos.append(again)
    again.wait_for(READY)
    assert time.monotonic() - began < 25  # the promise is 15 s for a machine that does nothing else
    assert "nothing to do" in again.said
    orphans = list(again.children())
    again.process.kill()
    again.process.wait(timeout=10)
    deadline = time.monotonic() + 30
    while any(command_of(pid=pid) for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [command_of(pid=pid) for pid in orphans] == [""] * 5

    last = Demo(data=data, port=port)
    demos.append(last)
    last.wait_for(READY)
    last.process.send_signal(signal.SIGINT)
    assert last.process.wait(timeout=60) == 0
    assert last.said.rstrip().endswith("stopped")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # root, too, cannot make a folder in a file
    data = tmp_path / "file" / "data"
    supervisor = Supervisor(data=data, port=free_port(), environment={}, output=Merged())
    with pytest.raises(ServiceFailed, match=rf"Cannot write in {data} \(Not a directory\); .*HORAE_DATA"):
        supervisor.claim()
