"""The sealer publishes complete tiles before the head, from what lies in the store, whatever dies in between."""

from pathlib import Path
from typing import Any

import pytest

from audit import signing
from audit.models import Segment, SegmentState, Tile
from audit.sealer import Fork, run, seal
from audit.sealer.content import CannotSeal
from audit.sealer.tiles import publish
from audit.segment import Manifest
from audit.tiles import WIDTH
from audit.verify import verify_worm
from audit.worm.folder import FolderWorm
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import NOW, House, furnished
from tests.audit.verify.history import Chain

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"
TILES = [f"chains/clinic/7/tile/0/{index:03d}" for index in range(2)]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Segments of at most 150 records, so that tiles lie across them."""
    monkeypatch.setattr(run, "MAX_RECORDS", 150)
    return furnished(tmp_path, settings)


def tiles(house: House) -> list[str]:
    return [stored.key for stored in house.worm.list("chains/clinic/7/tile/")]


def codes(house: House) -> list[tuple[str, Any]]:
    report = verify_worm(house.worm, trust=signing.trust(), now=NOW)
    return [(finding.code, finding.values.get("object")) for finding in report.findings]


def dies(name: str) -> Any:
    def reached(step: str) -> None:
        if step == name:
            raise Killed

    return reached


def drop(house: House, key: str) -> None:
    (house.worm.root / key).unlink()
    (house.worm.root / ".retain" / key).unlink()


def test_each_tile_is_put_once_complete_and_locked_as_its_leaves(house: House) -> None:
    steps: list[str] = []
    house.happens(600)
    seal(now=NOW, reached=steps.append)
    assert tiles(house) == TILES
    rows = Tile.objects.filter(chain=CHAIN, level=0).order_by("index")[:2]
    assert [house.worm.get(key) for key in TILES] == [bytes(row.hashes) for row in rows]
    assert [stored.retain_until.year for stored in house.worm.list(TILES[0]) if stored.retain_until] == [2056]
    order = [step for step in steps if step.startswith("put tile") or step == "put checkpoint"]
    assert order == ["put checkpoint", "put tile 0/0", "put checkpoint", "put checkpoint", "put tile 0/1", order[0]]
    assert codes(house) == []


@pytest.mark.parametrize("step", ["put tile 0/0", "put tile 0/1", "grow tiles", "put checkpoint", "note sealed"])
def test_a_sealer_that_dies_between_tiles_and_head_is_followed_by_one_that_puts_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(run, "MAX_RECORDS", 10_000)
    house.happens(600)
    with pytest.raises(Killed):
        seal(now=NOW, reached=dies(step))
    early = {key: house.worm.get(key) for key in tiles(house)}
    assert len(early) == {"put tile 0/0": 0, "put tile 0/1": 1}.get(step, 2)
    assert ("chains/clinic/7/checkpoint/000000000600" in house.files()) == (step == "note sealed")
    house.seals()
    assert tiles(house) == TILES
    assert early.items() <= house.files().items()
    assert Segment.objects.get().state == SegmentState.SEALED
    assert codes(house) == []


def test_a_chain_begun_without_tiles_catches_up_at_its_next_segment(house: House) -> None:
    house.happens(600)
    house.seals()
    whole = house.files()
    for key in TILES:
        drop(house, key)
    assert codes(house) == [("tile-missing", key) for key in TILES]
    house.happens(1)
    house.seals()
    assert {key: house.worm.get(key) for key in TILES} == {key: whole[key] for key in TILES}
    assert codes(house) == []


def test_tiles_of_the_database_never_reach_the_store(house: House) -> None:
    house.happens(250)
    house.seals()
    Tile.objects.update(hashes=b"\1" * 32 * 250)
    house.happens(10)
    house.seals()
    assert (tiles(house), codes(house)) == (TILES[:1], [])


def test_leaves_that_are_gone_or_others_hold_up_no_new_record(house: House) -> None:
    house.happens(150)
    house.seals()
    key = Manifest.from_bytes(Segment.objects.get().manifest.encode()).leaves.key
    house.overwrite(key, house.worm.get(key)[::-1])
    house.happens(150)
    house.seals()
    assert (Segment.objects.filter(state=SegmentState.SEALED).count(), tiles(house)) == (2, [])
    assert codes(house)[0] == ("object-altered", key)
    assert ("tile-missing", TILES[0]) in codes(house)


def test_a_segment_that_is_not_known_makes_no_wrong_tile(house: House) -> None:
    house.happens(600)
    house.seals()
    for key in TILES:
        drop(house, key)
    Segment.objects.filter(first=151).delete()
    put: list[int] = []
    with pytest.raises(CannotSeal, match="before record 301"):
        publish(worm=house.worm, chain=CHAIN, first=451, last=600, put=lambda level, index, hashes: put.append(index))
    assert put == []


def test_another_tile_in_its_place_is_refused(house: House) -> None:
    house.worm.put(TILES[0], b"forgery", retain_until=NOW, content_type="x/y")
    house.happens(300)
    with pytest.raises(ExceptionGroup) as caught:
        house.seals()
    assert [type(error) for error in caught.value.exceptions] == [Fork]


def test_a_tile_of_the_second_level_is_made_of_those_below(tmp_path: Path) -> None:
    chain = Chain(FolderWorm(tmp_path / "worm"), CHAIN)
    for size in (WIDTH**2 - 100, WIDTH**2 + 1):
        first = len(chain.lines) + 1
        chain.lines += [(b'{"seq":%d}' % seq, "transactional") for seq in range(first, size + 1)]
        chain.seal()
        [manifest] = [stored.key for stored in chain.worm.list() if stored.key.endswith(f"{size:012d}/manifest.json")]
        row = {"first": first, "last": size, "manifest": chain.worm.get(manifest).decode()}
        Segment.objects.create(chain=CHAIN, state=SegmentState.SEALED, fence=1, planned_at=NOW, **row)
    whole = {stored.key: chain.worm.get(stored.key) for stored in chain.worm.list("chains/clinic/7/tile/")}
    for key in ("0/254", "0/255", "1/000"):
        (chain.worm.root / "chains/clinic/7/tile" / key).unlink()
    put: list[tuple[int, int]] = []

    def again(level: int, index: int, hashes: bytes) -> None:
        put.append((level, index))
        key = f"chains/clinic/7/tile/{level}/{index:03d}"
        assert hashes == whole[key]
        (chain.worm.root / key).write_bytes(hashes)

    publish(worm=chain.worm, chain=CHAIN, first=first, last=size, put=again)
    assert put == [(0, 254), (0, 255), (1, 0)]
