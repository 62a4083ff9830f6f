"""verify.pyz and time stamps: with the library, with the openssl program, and with neither."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit import signing
from audit.anchoring import anchor
from audit.verifier import packed
from audit.worm.names import anchor_key, checkpoint_key
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished
from tests.tsa import Authority, Tsa, foreign, ours, tsa  # noqa: F401 - fixtures

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.real]
# ruff: noqa: F811 - fixtures imported by name


@pytest.fixture
def house(tmp_path: Path, settings: Any, tsa: Tsa) -> House:
    """Two heads of the log of logs, both stamped, and the roots beside the store."""
    made = furnished(tmp_path, settings)
    for _ in range(2):
        made.moves()
        assert anchor(now=datetime.now(UTC)) is not None
    (tmp_path / "verify.pyz").write_bytes(packed())
    shutil.copy(settings.TSA_ROOTS, tmp_path / "roots.pem")
    return made


def run(folder: Path, *arguments: str, library: bool = False, program: bool = False) -> tuple[int, dict[str, Any]]:
    """Exit code and report, by a Python that sees the packages installed here or none, with openssl on PATH or not."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    if program and not (tools / "openssl").exists():
        (tools / "openssl").symlink_to(str(shutil.which("openssl")))
    done = subprocess.run(
        [
            *(sys.executable, "-I", *([] if library else ["-S"]), str(folder / "verify.pyz"), "worm", "worm", "--json"),
            *("--key", signing.signer().public_key.hex(), "--log", "horae.example", *arguments),
        ],
        cwd=folder,
        env={**os.environ, "PATH": str(tools) if program else ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


ROOTS = ("--tsa-roots", "roots.pem")
WAYS = ({"library": True}, {"program": True})


def codes(points: list[dict[str, Any]]) -> list[str]:
    return [point["code"] for point in points]


@pytest.mark.parametrize("way", WAYS)
def test_stamps_are_checked_by_the_library_or_the_program(house: House, tmp_path: Path, way: dict[str, bool]) -> None:
    code, said = run(tmp_path, *ROOTS, **way)
    assert (code, said["checked"]["anchors"], said["findings"], said["unchecked"]) == (0, 2, [], [])
    (anchored,) = [note for note in said["notes"] if note["code"] == "anchored"]
    assert anchored["seq"] == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_foreign_stamp_is_forged_to_both(
    house: House, tmp_path: Path, foreign: Authority, way: dict[str, bool]
) -> None:
    house.overwrite(anchor_key(2), foreign.stamp_of(house.worm.get(checkpoint_key(chain="heads", size=2))))
    code, said = run(tmp_path, *ROOTS, **way)
    assert (code, codes(said["findings"])) == (1, ["anchor-forged"])


@pytest.mark.parametrize(
    ("arguments", "way", "reason"),
    [
        (ROOTS, {}, "neither rfc3161-client nor openssl is at hand"),
        ((), {"program": True}, "nobody named the authority's roots (--tsa-roots)"),
        (("--tsa-roots", "verify.pyz"), {"program": True}, "there is no certificate in the file of roots"),
        (("--tsa-roots", "none.pem"), {"library": True}, "the file of roots could not be read"),
    ],
)
def test_what_cannot_be_judged_is_named_and_no_fault(
    house: House, tmp_path: Path, arguments: tuple[str, ...], way: dict[str, bool], reason: str
) -> None:
    code, said = run(tmp_path, *arguments, **way)
    assert (code, codes(said["unchecked"]), said["unchecked"][0]["count"]) == (2, ["anchor-unjudged"], 2)
    assert said["unchecked"][0]["reason"].startswith(reason)


def test_what_was_stamped_is_checked_even_where_nobody_can_judge_who_did(house: House, tmp_path: Path) -> None:
    one, two = (house.worm.get(anchor_key(size)) for size in (1, 2))
    house.overwrite(anchor_key(1), two)
    house.overwrite(anchor_key(2), one)
    code, said = run(tmp_path)
    assert (code, [point["code"] for point in said["findings"] if point["code"] == "anchor-forged"]) == (
        1,
        ["anchor-forged", "anchor-forged"],
    )


def test_a_program_that_only_calls_itself_openssl_proves_nothing(house: House, tmp_path: Path) -> None:
    for text in ("exit 1", "exit 0"):
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "openssl").write_text(f"#!/bin/sh\n{text}\n")
        (tools / "openssl").chmod(0o755)
        code, said = run(tmp_path, *ROOTS, program=True)
        assert (code, codes(said["unchecked"])) == (2, ["anchor-unjudged"])


def test_a_store_without_stamps_says_so(tmp_path: Path, settings: Any) -> None:
    furnished(tmp_path, settings).moves()
    (tmp_path / "verify.pyz").write_bytes(packed())
    code, said = run(tmp_path)
    assert (code, "anchor-absent" in codes(said["notes"])) == (0, True)
