"""`python -m tests.bench [--only availability] [--quick]`: measure, print the table, write `.data/bench/latest.json`.

Exit code 0 when every target holds, 1 when one does not, 2 when measuring itself failed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command
from django.utils import timezone

from config.embedded.places import socket_folder
from config.embedded.processes import ServiceFailed
from config.env import ROOT
from tests.bench import cluster, machine
from tests.bench.figures import Figure, missed, table, write
from tests.bench.run import NotMeasured, Run, teller

PARTS = {
    "availability": "tests.bench.availability",
    "page": "tests.bench.pages",
    "booking": "tests.bench.booking",
    "capture": "tests.bench.capture",
    "evidence": "tests.bench.evidence",
    "chain": "tests.bench.chain",
    "soak": "tests.bench.soak",
}
#: What a run measures that names no part.
USUAL = ("availability", "page", "booking", "capture", "evidence", "chain")
MIGRATED = "migrated"


def main(arguments: list[str]) -> int:
    """Measure what was chosen."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (may be given several times)")
    parser.add_argument("--quick", action="store_true", help="a small version: shows that it runs, measures nothing")
    parser.add_argument("--without-peers", action="store_true", help="Horae and what is asked by hand, nobody else")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same diary (default 1)")
    parser.add_argument("--out", type=Path, default=ROOT / ".data" / "bench" / "latest.json")
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="horae-bench-"))
    folder.chmod(0o755)
    try:
        with cluster.running(folder) as server:
            figures, about = _measure(chosen, folder=folder, server=server)
    except (NotMeasured, ServiceFailed) as wrong:
        print(f"horae: {wrong}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(socket_folder(folder / "postgres"), ignore_errors=True)
    write(figures, to=chosen.out)
    chosen.out.with_name("about.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    print(f"\n{table(figures)}\n")
    for figure in missed(figures):
        print(f"Does not hold: {figure.name}: {figure.target}")
    print(f"Written to {chosen.out}")
    return 1 if missed(figures) else 0


def _measure(
    chosen: argparse.Namespace, *, folder: Path, server: cluster.Server
) -> tuple[list[Figure], dict[str, str]]:
    say = teller()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="tests.bench.settings",
        HORAE_DATA=str(folder / "data"),
        DATABASE_URL=server.create(MIGRATED),
    )
    for name in (
        "REDIS_URL",
        "WORM_URL",
        "KEYS_URL",
        "KEYS_DATABASE_URL",
        "FILES_URL",
        "EMAIL_URL",
        "TSA_URL",
        "TSA_ROOTS",
        "DEBUG",
    ):
        os.environ.pop(name, None)
    django.setup()
    say("migrating")
    call_command("migrate", verbosity=0, interactive=False)
    django.db.connections.close_all()
    run = Run(
        server=server,
        folder=folder,
        seed=chosen.seed,
        today=timezone.now().date(),
        quick=chosen.quick,
        peers=not chosen.without_peers,
        say=say,
        migrated=MIGRATED,
    )
    about = machine.about(run)
    figures: list[Figure] = []
    for part in chosen.only or USUAL:
        figures += import_module(PARTS[part]).measure(run)
    about["load at the end"] = machine.load()
    say("done")
    return figures, about


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
