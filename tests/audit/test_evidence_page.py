"""The page for auditors: what it tells them to type works, and what it says of the format is so."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit import canonical
from audit.anchoring import anchor
from audit.locks import LOCK_YEARS, LONGEST
from audit.models import Record
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished
from tests.tsa import Tsa, ours, tsa  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("db")
# ruff: noqa: F811 - fixtures imported by name
PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
TOOLS = ("jq", "openssl", "xxd", "sha256sum", "gzip")
HEAD = "chains/clinic/7/checkpoint/000000000004"


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    house = furnished(tmp_path, settings)
    house.happens(3)
    house.told()
    house.seals()
    return house


def typed(house: House, tmp_path: Path) -> int:
    """The exit code of the page's own commands."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    commands, _ = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    places = {
        "STORE": str(house.worm.root),
        "SEGMENT": "chains/clinic/7/seg/000000000001-000000000004",
        "HEAD": HEAD,
        "WORK": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.run(["sh", "-e", "-c", commands], env=places, capture_output=True, check=False).returncode


def test_the_commands_of_the_page_check_sealed_evidence(house: House, tmp_path: Path) -> None:
    assert typed(house, tmp_path) == 0


@pytest.mark.parametrize("name", ["ephemeral", "transactional", "leaves", "manifest.json", HEAD])
def test_the_commands_of_the_page_notice_a_change(house: House, tmp_path: Path, name: str) -> None:
    key = next(key for key in house.files() if name in key)
    data = house.worm.get(key)
    house.overwrite(key, data.replace(b"4\n", b"5\n", 1) if key == HEAD else data[:-9] + b"x" + data[-8:])
    assert typed(house, tmp_path) != 0


@pytest.mark.real
def test_the_commands_of_the_page_check_a_time_stamp(house: House, tmp_path: Path, tsa: Tsa, settings: Any) -> None:
    last = house.moves()
    assert anchor(now=datetime.now(UTC)) is not None
    _, commands = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    places = {
        "STORE": str(house.worm.root),
        "SIZE": f"{last:012d}",
        "ROOTS": settings.TSA_ROOTS,
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(["sh", "-e", "-c", commands], env=places, capture_output=True, text=True, check=False)
    assert (done.returncode, "Verification: OK" in done.stdout, "Time stamp: " in done.stdout) == (0, True, True)
    house.overwrite(f"chains/heads/checkpoint/{last:012d}", b"another head\n")
    assert subprocess.run(["sh", "-e", "-c", commands], env=places, capture_output=True, check=False).returncode != 0


def test_the_page_lists_every_key_of_a_record(house: House) -> None:
    table = PAGE.split("## A record")[1].split("## The tree")[0]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(canonical.decode(Record.objects.earliest("seq").body.encode()))


def test_the_page_lists_every_field_of_a_manifest(house: House) -> None:
    (key,) = [key for key in house.files() if key.startswith("chains/clinic/7/") and key.endswith("manifest.json")]
    manifest = canonical.decode(house.worm.get(key))
    paragraph = PAGE.split("**Manifest**")[1].split("**Signed head**")[0]
    for names in (manifest, manifest["leaves"], manifest["payloads"][0]):
        assert [name for name in names if f"`{name}`" not in paragraph] == []


def test_the_page_says_how_long_each_class_is_locked() -> None:
    rows = dict(re.findall(r"^\| (.*?) \| (\d+) \|$", PAGE, re.MULTILINE))
    assert {name: int(rows[f"`{name}`"]) for name in LOCK_YEARS} == dict(LOCK_YEARS)
    assert int(rows["leaves, manifests, heads, keys (no personal data)"]) == LONGEST
