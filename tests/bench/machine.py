"""What was measured, and on what: a figure without these says nothing."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

from config.env import ROOT
from tests.bench.run import Run

_LOCKED: Final = ROOT / "requirements" / "bench-peers.txt"
_CPUS: Final = Path("/proc/cpuinfo")


def about(run: Run) -> dict[str, str]:
    """Seed, versions and machine, in the words of the printed head."""
    return {
        "seed": str(run.seed),
        "size": "quick: shows that it runs, measures nothing" if run.quick else "full",
        "Horae": _revision(),
        "Python": platform.python_version(),
        "Django": metadata.version("django"),
        "psycopg": f"{metadata.version('psycopg')} ({metadata.version('psycopg-binary')} binary)",
        "PostgreSQL": f"{run.server.version()}, default settings (durable), unix socket",
        "django-appointment": _locked("django-appointment") if run.peers else "not asked",
        "machine": f"{os.cpu_count()} cores ({_processor()}), shared by servers and clients",
        "load at the start": load(),
    }


def load() -> str:
    """How many processes wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _revision() -> str:
    """The commit that is checked out, and whether files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "not a git checkout"


def _locked(name: str) -> str:
    lines = _LOCKED.read_text().splitlines()
    return next(line.split("==")[1].rstrip(" \\") for line in lines if line.startswith(f"{name}=="))


def _processor() -> str:
    lines = _CPUS.read_text().splitlines() if _CPUS.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()
