"""The cases of `docs/undetectable.md`, carried out: nothing is found. Whoever makes one of them detectable corrects the
page."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import canonical, tree
from audit.context import Actor, use
from audit.models import Chain, Record, Segment, Tile
from audit.sequencer import sequence
from audit.verify.report import HOLDS
from audit.verify.run import verify
from config.env import ROOT
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry
from tests.audit.sealed_house import NOW, House, furnished, samples_only, sql, untriggered

pytestmark = pytest.mark.usefixtures("db")
PAGE = (ROOT / "docs" / "undetectable.md").read_text()
CHAIN = "clinic/7"


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three entries, sealed."""
    samples_only(monkeypatch)
    made = furnished(tmp_path, settings)
    made.happens(3)
    made.seals()
    return made


def a_false_fact(house: House) -> None:
    with use("test.write", actor=Actor(kind="staff", id="1", label="Carla")):
        Entry.objects.create(clinic=7, name="somebody who was never there")
    sequence()


def a_false_actor(house: House) -> None:
    with use("test.write", actor=Actor(kind="staff", id="1", label="whoever one likes", roles=("manager",))):
        Entry.objects.update(name="changed by somebody else")
    sequence()


def a_change_with_its_record(house: House) -> None:
    (entry,) = house.happens(1)
    untriggered("UPDATE sample_entry SET name = 'forged' WHERE id = %s", entry.pk)
    record = Record.objects.get(chain=CHAIN, seq=4)
    told = json.loads(record.body)
    told["after"]["name"] = "forged"
    body = canonical.encode(told)
    Record.objects.filter(pk=record.pk).update(body=body.decode(), leaf=tree.leaf_hash(body))
    Chain.objects.filter(name=CHAIN).update(head=tree.leaf_hash(body))


def both_taken_back(house: House) -> None:
    kept, rows = dict(house.files()), Entry.objects.count()
    before = Chain.objects.values("seq", "head", "sealed_size", "sealed_root").get(name=CHAIN)
    house.happens(2)
    house.seals()
    for path in sorted(house.worm.root.rglob("*")):
        if path.is_file() and str(path.relative_to(house.worm.root)) not in kept and ".retain" not in path.parts:
            path.unlink()
    shutil.rmtree(house.worm.root / "chains/clinic/7/seg/000000000004-000000000005")
    Record.objects.filter(chain=CHAIN, seq__gt=3).delete()
    Segment.objects.filter(chain=CHAIN, first__gt=3).delete()
    Tile.objects.filter(chain=CHAIN).delete()
    Chain.objects.filter(name=CHAIN).update(**before)
    newest = list(Entry.objects.order_by("-pk").values_list("pk", flat=True)[:2])
    untriggered("DELETE FROM sample_entry WHERE id = ANY(%s)", newest)
    assert Entry.objects.count() == rows


def a_look(house: House) -> None:
    sql("SELECT * FROM sample_entry")


PERFORMED: dict[str, Callable[[House], None]] = {
    "A false fact, entered truthfully": a_false_fact,
    "A wrong actor, named by an application that was taken over": a_false_actor,
    "A change and its record, both made before sealing": a_change_with_its_record,
    "Store and database taken back together": both_taken_back,
    "What was read past the application": a_look,
}


@pytest.mark.parametrize("case", PERFORMED)
def test_nothing_is_found(house: House, case: str) -> None:
    PERFORMED[case](house)
    house.seals()
    report = verify(now=NOW)
    assert ([one.text() for one in report.findings], report.exit_code) == ([], HOLDS)


def test_every_case_the_page_calls_performed_is_performed_here_and_no_other() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    said = [section.split("\n", 1)[0] for section in sections if "*Performed.*" in section]
    assert said == list(PERFORMED)


def test_the_page_of_threats_names_findings_that_exist() -> None:
    from_words = (ROOT / "audit" / "verify" / "words.py").read_text()
    named = re.findall(r"`([a-z]+-[a-z]+)`", (ROOT / "docs" / "threats.md").read_text())
    assert [name for name in named if f'"{name}"' not in from_words] == []
