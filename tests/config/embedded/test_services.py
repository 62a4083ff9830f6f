"""PostgreSQL and Redis of one laptop: they start, answer, stop by pid, and survive how they ended."""

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import postgres, redis
from config.embedded.processes import ServiceFailed, running, stop
from tests.settings import RUN

pytestmark = pytest.mark.real


@pytest.fixture
def home() -> Path:
    """A folder the server's account may reach."""
    folder = Path(tempfile.mkdtemp(prefix="embedded-", dir=RUN))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Whatever a test starts is ended by its pid."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)


def test_a_cluster_keeps_its_rows_over_a_restart(home: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    made = postgres.cluster(home=home / "postgres")
    started.append(postgres.start(made, options={"fsync": "off"}, output=subprocess.DEVNULL))
    postgres.ensure_database(made, name="horae")
    postgres.ensure_database(made, name="horae")
    with psycopg.connect(made.url(database="horae")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    postgres.halt(made)
    assert started[0].wait(timeout=20) == 0
    assert made.pid is None

    again = postgres.cluster(home=home / "postgres")
    started.append(postgres.start(again, options={"fsync": "off"}, output=subprocess.DEVNULL))
    with psycopg.connect(again.url(database="horae")) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_cluster_that_was_killed_starts_again(home: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    made = postgres.cluster(home=home / "postgres")
    started.append(postgres.start(made, options={"fsync": "off"}, output=subprocess.DEVNULL))
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].wait(timeout=20)
    assert (made.data / "postmaster.pid").exists()
    assert made.pid is None
    started.append(postgres.start(made, options={"fsync": "off"}, output=subprocess.DEVNULL))
    assert made.pid == started[1].pid


def test_only_the_server_s_account_enters_the_socket_s_folder(home: Path) -> None:
    made = postgres.cluster(home=home / "postgres")
    assert made.sockets.stat().st_mode & 0o777 == 0o700


def test_redis_answers_and_writes_nothing(home: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    place = home / "redis"
    started.append(redis.start(home=place, output=subprocess.DEVNULL))
    assert redis.answers(home=place)
    stop(pid=started[0].pid, word="redis", signals=((signal.SIGTERM, 10.0),))
    assert not redis.answers(home=place)
    assert [path.name for path in place.iterdir()] == ["run"]


def test_a_service_that_cannot_start_says_so(home: Path, started: "list[subprocess.Popen[bytes]]") -> None:
    made = postgres.cluster(home=home / "postgres")
    with pytest.raises(ServiceFailed, match="PostgreSQL did not start"):
        postgres.start(made, options={"shared_buffers": "nonsense"}, output=subprocess.DEVNULL)


def test_a_pid_used_again_by_another_program_is_not_ours() -> None:
    assert running(pid=os.getpid(), word="python")
    assert not running(pid=os.getpid(), word="some-other-program")
    assert not running(pid=2**22 + 1, word="python")


def test_a_folder_closed_later_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "unprivileged", lambda: pwd.getpwnam("nobody"))
    monkeypatch.setattr(postgres, "may_enter", lambda path, account: False)
    with pytest.raises(ServiceFailed, match="PostgreSQL runs as nobody, which may not enter"):
        postgres.cluster(home=home / "postgres")
