"""Processes die at random while patients book, and nothing is lost: a short run of `tests.faults.kills`."""

import json
import subprocess
import sys

import pytest

from config.env import ROOT

KILLS = 20
SEED = "7"
"""The same lots every time; longer runs by hand draw others."""


@pytest.mark.fault
def test_whatever_dies_under_load_nothing_is_lost_doubled_or_told_in_two_ways() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", "--kills", str(KILLS), "--seed", SEED],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert sum(told["killed"].values()) == KILLS
    assert set(told["killed"]) >= {"web child", "worker child", "sealer"}
    assert len(told["sealer_died_when"]) >= 2
    assert told["booked"] >= 3  # how many depends on how busy the machine is
