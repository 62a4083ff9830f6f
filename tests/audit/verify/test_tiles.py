"""Complete tiles lie in the store as the standard says; a wrong, missing or added one is found and located."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import tree
from audit.tiles import WIDTH, leaves_at, split
from audit.verifier import packed
from audit.verify import Report, verify_worm
from audit.worm.folder import FolderWorm
from audit.worm.names import read_tile_key, tile_key
from tests.audit.verify.history import LOCKED, NOW, OURS, Chain, overwrite, remove, trust

TILES = [f"chains/clinic/1/tile/0/{index:03d}" for index in range(2)]


def check(worm: FolderWorm, **options: Any) -> Report:
    return verify_worm(worm, trust=trust(OURS), now=NOW, **options)


def found(report: Report) -> list[tuple[str, Any, Any]]:
    return [(one.code, one.values.get("object"), one.values.get("seq")) for one in report.findings]


@pytest.fixture
def worm(tmp_path: Path) -> FolderWorm:
    """600 records in four segments; two tiles are complete, in the second and in the last."""
    made = FolderWorm(tmp_path / "worm")
    chain = Chain(made).publish_key()
    for count in (200, 200, 100, 100):
        chain.grow(count).seal()
    return made


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234, "x001/234"), (1_234_067, "x001/x234/067")],
)
def test_an_index_is_written_in_groups_of_three(index: int, path: str) -> None:
    key = f"chains/platform/tile/2/{path}"
    assert tile_key(chain="platform", level=2, index=index) == key
    assert read_tile_key(key) == (2, index)


@pytest.mark.parametrize(
    "path", ["0/1", "0/0001", "0/x000/001", "0/001/002", "10/001", "0/001.p/5", "0/x001", "0/1000"]
)
def test_an_index_written_otherwise_names_no_tile(path: str) -> None:
    assert read_tile_key(f"chains/platform/tile/{path}") is None


def test_tiles_are_recognised_and_checked(worm: FolderWorm) -> None:
    assert [stored.key for stored in worm.list("chains/clinic/1/tile/")] == TILES
    report = check(worm)
    assert (found(report), report.exit_code, report.counts["tiles"]) == ([], 0, 2)
    assert "2 tiles" in report.as_text()


def test_a_changed_tile_is_found(worm: FolderWorm) -> None:
    data = bytearray(worm.get(TILES[1]))
    data[-1] ^= 1
    overwrite(worm, TILES[1], bytes(data))
    assert found(check(worm)) == [("tile-differs", TILES[1], 512)]
    overwrite(worm, TILES[1], bytes(data[:-32]))
    assert found(check(worm)) == [("tile-differs", TILES[1], 512)]


def test_a_dropped_tile_is_found(worm: FolderWorm) -> None:
    remove(worm, TILES[0])
    report = check(worm)
    assert found(report) == [("tile-missing", TILES[0], 256)]
    assert "clinic/1" in report.findings[0].text()


@pytest.mark.parametrize("key", ["0/002", "1/000", "0/x001/000", "0/000.p/5", "0/0000", "0/x000/000", "9/000", "note"])
def test_an_added_one_is_found(worm: FolderWorm, key: str) -> None:
    worm.put(f"chains/clinic/1/tile/{key}", b"x", retain_until=LOCKED, content_type="x/y")
    assert found(check(worm)) == [("object-unexpected", f"chains/clinic/1/tile/{key}", None)]


def test_tiles_of_a_chain_that_has_nothing_else_are_found(worm: FolderWorm) -> None:
    worm.put("chains/clinic/2/tile/0/000", b"x", retain_until=LOCKED, content_type="x/y")
    assert found(check(worm)) == [("object-unexpected", "chains/clinic/2/tile/0/000", None)]


def test_a_tile_is_locked_as_long_as_its_leaves(worm: FolderWorm) -> None:
    locks = worm.root / ".retain" / TILES[0]
    locks.write_bytes(locks.read_bytes().replace(b"2036", b"2027"))
    assert found(check(worm)) == [("lock-short", TILES[0], None)]


def test_a_tile_ahead_of_its_head_is_work_in_progress(worm: FolderWorm) -> None:
    """What a crash between tiles and head leaves."""
    remove(worm, "chains/clinic/1/checkpoint/000000000600")
    assert found(check(worm, live=True)) == []
    assert [point.code for point in check(worm).unchecked] == ["segment-unsigned"]
    chain = "chains/clinic/1"
    for name in [stored.key for stored in worm.list(f"{chain}/seg/000000000501-000000000600/")]:
        remove(worm, name)
    assert found(check(worm, live=True)) == [("object-unexpected", TILES[1], None)]


def test_a_tile_of_a_segment_sealed_while_the_check_ran_is_no_finding(tmp_path: Path) -> None:
    class Growing(FolderWorm):
        """The chain goes on as soon as its tiles are listed."""

        def list(self, prefix: str = "", *, after: str = "") -> Any:
            if prefix.endswith("/tile/") and not chain.lines[250:]:
                chain.grow(20).seal()
            return super().list(prefix, after=after)

    worm = Growing(tmp_path / "worm")
    chain = Chain(worm).publish_key().grow(250).seal()
    assert found(check(worm)) == []
    assert len(list(worm.list("chains/clinic/1/tile/"))) == 1


def test_damage_to_a_segment_hides_no_other_tile(worm: FolderWorm) -> None:
    """The third tile is made of what lies after the damage."""
    chain = Chain(worm, "clinic/3")
    for count in (100, 200, 500):
        chain.grow(count).seal()
    for name in [stored.key for stored in worm.list("chains/clinic/3/seg/000000000101-000000000300/")]:
        remove(worm, name)
    codes = {code for code, _, _ in found(check(worm))}
    assert "tile-differs" not in codes
    assert "object-unexpected" not in codes
    overwrite(worm, "chains/clinic/3/tile/0/002", b"x" * 8192)
    assert ("tile-differs", "chains/clinic/3/tile/0/002", 768) in found(check(worm))


def test_the_second_level_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm)
    monkeypatch.setattr("audit.verify.segments.record_fault", lambda *_, **__: "")
    chain.lines = [(b'{"seq":%d}' % seq, "transactional") for seq in range(1, WIDTH**2 + 2)]
    chain.seal()
    key = "chains/clinic/1/tile/1/000"
    below = [tree.root(split(worm.get(f"chains/clinic/1/tile/0/{index:03d}"))) for index in range(WIDTH)]
    assert worm.get(key) == b"".join(below)
    report = verify_worm(worm, trust=trust(), now=NOW)
    assert (found(report), report.counts["tiles"], leaves_at(level=1, index=0)) == ([], WIDTH + 1, WIDTH**2)
    overwrite(worm, key, b"".join(below[::-1]))
    assert found(verify_worm(worm, trust=trust(), now=NOW)) == [("tile-differs", key, WIDTH**2)]


def _changed(worm: FolderWorm) -> None:
    overwrite(worm, TILES[0], worm.get(TILES[1]))


def _dropped(worm: FolderWorm) -> None:
    remove(worm, TILES[0])


@pytest.mark.parametrize(
    ("tamper", "says"), [(None, "2 tiles"), (_changed, "does not hold the hashes"), (_dropped, "tile/0/000")]
)
def test_the_single_file_says_so_too(
    worm: FolderWorm, tmp_path: Path, tamper: Callable[[FolderWorm], None] | None, says: str
) -> None:
    if tamper is not None:
        tamper(worm)
    (tmp_path / "verify.pyz").write_bytes(packed())
    asked = ("--key", OURS.public_key.hex(), "--log", "horae.example")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "verify.pyz"), "worm", str(worm.root), *asked],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, says in done.stdout) == (0 if tamper is None else 1, True)
