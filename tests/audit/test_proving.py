"""A proof of any sealed record, made from tiles that sealing keeps, and given only when it holds."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import proving, signing
from audit.models import Record, Segment, Tile
from audit.proof import Proof
from audit.proving import CannotProve, NotSealed, grow, prove
from audit.tiles import WIDTH
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    return furnished(tmp_path, settings)


def record(seq: int) -> Record:
    return Record.objects.get(chain=CHAIN, seq=seq)


def holds(proof: Proof, of: Record) -> bool:
    trust = signing.trust()
    head = proof.check(line=of.body.encode(), key=trust.public_keys[0], verify=trust.verify)
    return head.origin == "horae.example/clinic/7"


def test_every_record_of_every_segment_is_proved_under_the_newest_head(house: House) -> None:
    for count in (3, 5, 1):
        house.happens(count)
        house.seals()
    for seq in range(1, 10):
        proof = Proof.from_bytes(prove(record(seq)).to_bytes())
        assert (holds(proof, record(seq)), proof.line) == (True, record(seq).body.encode())
    assert prove(record(2), content=False).line is None


def test_a_record_without_a_head_is_not_proved(house: House) -> None:
    house.happens(1)
    with pytest.raises(NotSealed):
        prove(record(1))
    house.seals()
    house.happens(1)
    assert holds(prove(record(1)), record(1))
    with pytest.raises(NotSealed):
        prove(record(2))


def test_sealing_keeps_the_tiles_and_a_chain_without_any_catches_up(house: House) -> None:
    house.happens(WIDTH + 20)
    house.seals()
    made = set(Tile.objects.values_list("level", "index", "hashes"))
    assert {(level, index) for level, index, _ in made} == {(0, 0), (0, 1), (1, 0)}
    Tile.objects.all().delete()
    assert holds(prove(record(7)), record(7))
    assert set(Tile.objects.values_list("level", "index", "hashes")) == made
    house.happens(3)
    house.seals()
    assert holds(prove(record(WIDTH + 22)), record(WIDTH + 22))


def test_a_proof_takes_three_queries_however_long_the_chain(house: House) -> None:
    house.happens(2 * WIDTH + 5)
    house.seals()
    first = record(1)
    with CaptureQueriesContext(connection) as asked:
        prove(first)
    assert len(asked) == 3


def test_what_does_not_give_the_signed_head_is_no_proof(house: House) -> None:
    house.happens(5)
    house.seals()
    changed = record(2)
    changed.body = changed.body.replace("entry", "antry")
    with pytest.raises(CannotProve):
        prove(changed)
    Segment.objects.update(checkpoint="")
    with pytest.raises(CannotProve):
        prove(record(2))


def test_tiles_of_another_history_are_made_anew(house: House) -> None:
    house.happens(5)
    house.seals()
    for wrong in (bytes(5 * 32), bytes(2 * 32), bytes(9 * 32)):
        Tile.objects.filter(level=0).update(hashes=wrong)
        assert holds(prove(record(2)), record(2))


def test_a_gap_in_the_records_ends_the_tiles_before_it(house: House) -> None:
    house.happens(5)
    house.seals()
    Tile.objects.all().delete()
    Record.objects.filter(chain=CHAIN, seq=3).delete()
    with pytest.raises(CannotProve, match="record 3 "):
        grow(chain=CHAIN, size=5)


def test_many_records_come_in_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.happens(25)
    house.seals()
    Tile.objects.all().delete()
    monkeypatch.setattr(proving, "_CHUNK", 10)
    assert holds(prove(record(25)), record(25))


def test_the_command_writes_a_file_by_id_or_by_chain_and_number(house: House, tmp_path: Path) -> None:
    house.happens(3)
    house.seals()
    for name, given in (("a", str(record(2).pk)), ("b", "clinic/7:2")):
        call_command("audit_prove", given, out=tmp_path / name)
        assert holds(Proof.from_bytes((tmp_path / name).read_bytes()), record(2))
    call_command("audit_prove", "clinic/7:2", out=tmp_path / "c", without_content=True)
    assert b"extra" not in (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("given", ["clinic/7:99", "clinic/7:x", "nothing", "clinic/7:" + "9" * 30])
def test_a_record_that_is_not_there_is_said(house: House, given: str) -> None:
    with pytest.raises(CommandError, match="There is no such record"):
        call_command("audit_prove", given)


def test_what_cannot_be_proved_or_written_is_said(house: House, tmp_path: Path) -> None:
    house.happens(1)
    with pytest.raises(CommandError, match="not sealed yet"):
        call_command("audit_prove", "clinic/7:1")
    house.seals()
    with pytest.raises(CommandError, match="No such file"):
        call_command("audit_prove", "clinic/7:1", out=tmp_path / "no" / "such" / "folder")
