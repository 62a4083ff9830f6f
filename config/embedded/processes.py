"""Child processes by pid: is it alive, wait for it, stop it, and die with the parent."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServiceFailed(Exception):
    """A service could not be started; the message is one sentence for the person at the terminal."""


def command_of(*, pid: int) -> str:
    """Return the command line of process `pid`, or "" when there is no such process."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def running(*, pid: int, word: str) -> bool:
    """Tell whether process `pid` lives and is what we think it is: `word` is in its command line.

    A pid is used again by the system, so a pid file alone proves nothing.
    """
    return word in command_of(pid=pid)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait at most `seconds` for `condition` to hold; return whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def stop(*, pid: int, word: str, signals: tuple[tuple[signal.Signals, float], ...]) -> None:
    """Send each signal to `pid` and wait its number of seconds, until the process is gone."""
    for number, seconds in signals:
        if not running(pid=pid, word=word):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        _reap(pid)
        if wait_until(lambda: _reap(pid) or not running(pid=pid, word=word), seconds=seconds):
            return


def _reap(pid: int) -> bool:
    """Collect a dead child of ours, which would otherwise stay as a zombie; True when it was one and is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs before exec so that Linux sends it `number` when its parent dies, however it dies."""
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(0)

    return ask


def unprivileged() -> pwd.struct_passwd | None:
    """Return the account that servers which refuse root run as, or None when we are not root.

    Raises ServiceFailed when the machine has none.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServiceFailed("PostgreSQL cannot run as root, and this machine has no account 'nobody'; run as another user.")
