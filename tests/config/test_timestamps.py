"""The settings of time stamps: an authority without roots to believe it by stops the process."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.env import ROOT
from config.residency import Refused
from config.timestamps import fault, guard


def settings_with(**changed: str) -> Any:
    return SimpleNamespace(**{"TSA_URL": "http://127.0.0.1:1/tsa", "TSA_ROOTS": "", **changed})


def test_without_an_authority_nothing_is_wanted() -> None:
    assert fault(settings_with(TSA_URL="")) == ""


@pytest.mark.parametrize(
    ("roots", "sentence"),
    [
        ("", "TSA_URL is set but TSA_ROOTS is not; give the path of a PEM file"),
        ("/nowhere/roots.pem", "TSA_ROOTS names /nowhere/roots.pem, which cannot be read (No such file or directory);"),
        (__file__, f"TSA_ROOTS names {__file__}, in which there is no certificate;"),
    ],
)
def test_roots_that_are_missing_are_a_sentence_naming_setting_and_remedy(roots: str, sentence: str) -> None:
    settings = settings_with(TSA_ROOTS=roots)
    assert fault(settings).startswith(sentence)
    assert fault(settings).endswith("with the root certificates of the time-stamping authority.")
    with pytest.raises(Refused, match="TSA_ROOTS"):
        guard(settings, arguments=["manage.py", "migrate"])
    guard(settings, arguments=["manage.py", "check"])


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    changed = {"DJANGO_SETTINGS_MODULE": "config.settings", "TSA_URL": "http://127.0.0.1:1/tsa", "TSA_ROOTS": ""}
    environment = {**os.environ, **changed}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_process_refuses_to_start_with_one_sentence() -> None:
    refused = run("manage.py", "migrate")
    assert refused.returncode != 0
    assert refused.stderr == (
        "Horae does not start: TSA_URL is set but TSA_ROOTS is not; give the path of a PEM file with the root "
        "certificates of the time-stamping authority.\n"
    )


def test_the_system_check_reports_the_same() -> None:
    checked = run("manage.py", "check", "--tag", "timestamps")
    assert (checked.returncode, "(horae.E102) TSA_URL is set but TSA_ROOTS is not" in checked.stderr) == (1, True)


def test_roots_hold(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    out = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "roots.pem"), "-subj", "/CN=root"]
    subprocess.run([*made, *out], check=True, capture_output=True)
    assert fault(settings_with(TSA_ROOTS=str(tmp_path / "roots.pem"))) == ""
