"""A command that cannot reach the database says so in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

from config.env import ROOT


def test_a_command_without_its_database_ends_with_one_sentence(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HORAE_DATA": str(tmp_path),
        "DATABASE_URL": f"postgresql://nobody@/none?host={tmp_path}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("CommandError: The database does not answer")
