"""`python -m config.embedded`: `demo`, `stop`, or `throwaway -- COMMAND` (a command beside an empty database)."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from environs import EnvError

from config.embedded import postgres
from config.embedded.output import Merged
from config.embedded.places import socket_folder
from config.embedded.processes import ServiceFailed, running, stop
from config.embedded.supervisor import Supervisor
from config.env import ROOT, data_folder, reader

_WORD = "config.embedded"


def main(arguments: list[str]) -> int:
    """Run the sub-command; a failure is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="serve Horae with everything it needs, in the foreground")
    commands.add_parser("stop", help="stop the demo that runs on this data")
    beside = commands.add_parser("throwaway", help="run a command with DATABASE_URL naming an empty database")
    beside.add_argument("words", nargs="+")
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "demo":
                return demo()
            case "stop":
                return end()
            case _:
                return throwaway(chosen.words)
    except (ServiceFailed, EnvError) as wrong:
        print(f"horae: {wrong}", file=sys.stderr)
        return 1


def demo() -> int:
    """Serve until Ctrl-C or `stop`; return 0 when it ended because it was asked to."""
    env = reader()
    port = env.int("PORT", 8000)
    data = data_folder(env)
    environment = {
        **os.environ,
        "PORT": str(port),
        "HORAE_DEMO": "1",
        "HORAE_DATA": str(data),
        "HORAE_BASE_URL": os.environ.get("HORAE_BASE_URL") or f"http://127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    supervisor = Supervisor(data=data, port=port, environment=environment, output=Merged())
    supervisor.claim()
    supervisor.serve()
    return 0


def end() -> int:
    """Stop the running demo by its pid, and a PostgreSQL that a killed one left behind; say what was done."""
    data = data_folder(reader())
    try:
        pid = int((data / "demo.pid").read_text())
    except (FileNotFoundError, ValueError):
        pid = 0
    said = False
    if pid and running(pid=pid, word=_WORD):
        stop(pid=pid, word=_WORD, signals=((signal.SIGTERM, 90),))
        if running(pid=pid, word=_WORD):
            raise ServiceFailed(f"Process {pid} does not stop; look at its log.")
        print(f"Stopped Horae (pid {pid}).")
        said = True
    if (data / "postgres").exists():
        left = postgres.existing(home=data / "postgres")
        if left.pid is not None:
            print(f"Stopped a PostgreSQL left behind (pid {left.pid}).")
            postgres.halt(left)
            said = True
    if not said:
        print(f"Nothing of Horae runs on {data}.")
    return 0


def throwaway(words: list[str]) -> int:
    """Run the command with an empty PostgreSQL of its own, then remove it; return the command's exit code.

    DATABASE_URL already set is left alone: the command runs against it.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if os.environ.get("DATABASE_URL"):
        return subprocess.run(words, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode
    folder = Path(tempfile.mkdtemp(prefix="horae-"))
    folder.chmod(0o755)
    try:
        made = postgres.cluster(home=folder / "postgres")
        with (folder / "log").open("wb") as log:
            server = postgres.start(made, options={"fsync": "off"}, output=log)
        environment = {
            **os.environ,
            "PATH": path,
            "DATABASE_URL": made.url(database="postgres"),
            "HORAE_DATA": str(folder),
        }
        try:
            return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(socket_folder(folder / "postgres"), ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
