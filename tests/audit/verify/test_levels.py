"""How deep a check of the evidence store goes, and taking a chain up where an earlier check ended."""

from pathlib import Path
from typing import Any

import pytest

from audit.verify import Head, Report, verify_worm
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.worm import names
from audit.worm.folder import FolderWorm
from tests.audit.verify.history import NOW, OURS, THEIRS, Chain, files, overwrite, remove, sample, trust

FIRST = "chains/clinic/1/seg/000000000001-000000000005/"
LAST = "chains/clinic/1/seg/000000000010-000000000012/"


@pytest.fixture
def worm(tmp_path: Path) -> FolderWorm:
    return sample(tmp_path / "worm")


class Counting(FolderWorm):
    """Knows what was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def get(self, key: str, version: str | None = None) -> bytes:
        self.read.append(key)
        return super().get(key, version)


def check(worm: FolderWorm, **options: Any) -> Report:
    return verify_worm(worm, trust=trust(OURS), now=NOW, **options)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def damaged(worm: FolderWorm, folder: str, name: str) -> None:
    key = next(key for key in files(worm) if key.startswith(folder + name))
    data = worm.get(key)
    overwrite(worm, key, data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def test_each_level_reads_no_more_than_it_needs(worm: FolderWorm) -> None:
    seen = {}
    for level in ("heads", "consistency", "segments"):
        counting = Counting(worm.root)
        report = check(counting, level=level)
        assert (report.exit_code, report.level, report.as_json()["level"]) == (HOLDS, level, level)
        seen[level] = counting.read
    assert not any("/seg/" in key for key in seen["heads"])
    assert not any(key.endswith(".gz") for key in seen["consistency"])
    assert any("leaves" in key for key in seen["consistency"])
    assert any(key.endswith(".gz") for key in seen["segments"])


@pytest.mark.parametrize(
    ("name", "found_at"),
    [("regulatory", ["segments"]), ("transactional", ["segments"]), ("leaves", ["consistency", "segments"])],
)
def test_what_a_level_covers_is_found_by_it_and_the_deeper_ones(
    worm: FolderWorm, name: str, found_at: list[str]
) -> None:
    damaged(worm, FIRST, name)
    found = [level for level in ("heads", "consistency", "segments") if check(worm, level=level).exit_code]
    assert found == found_at


@pytest.mark.parametrize("level", ["heads", "consistency", "segments"])
def test_a_head_by_another_key_is_found_at_every_level(worm: FolderWorm, level: str) -> None:
    key = names.checkpoint_key(chain="clinic/1", size=9)
    forger = Chain(FolderWorm(worm.root.parent / "forged"), key=THEIRS).grow(9).seal()
    overwrite(worm, key, forger.worm.get(key))
    assert codes(check(worm, level=level)) == ["checkpoint-bad"]


@pytest.mark.parametrize("level", ["consistency", "segments"])
def test_a_second_history_signed_by_our_own_key_is_found(tmp_path: Path, level: str) -> None:
    worm = sample(tmp_path / "worm")
    other = Chain(FolderWorm(tmp_path / "other")).grow(5, after={"note": "another history"}).seal().grow(4).seal()
    for key in files(other.worm):
        if key.startswith("chains/clinic/1/seg/000000000006") or key.endswith("checkpoint/000000000009"):
            overwrite(worm, key, other.worm.get(key)) if key in files(worm) else None
    assert check(worm, level=level).exit_code == DOES_NOT_HOLD


def test_a_whole_check_says_up_to_where_each_chain_holds(worm: FolderWorm) -> None:
    report = check(worm)
    assert {chain: (head.first, head.size) for chain, head in report.verified.items()} == {
        "clinic/1": (10, 12),
        "clinic/12": (1, 3),
        "platform": (1, 2),
    }
    assert check(worm, level="consistency").verified == {}
    damaged(worm, FIRST, "transactional")
    assert sorted(check(worm).verified) == ["clinic/12", "platform"]
    assert verify_worm(worm, trust=trust(), now=NOW).verified == {}


def test_a_check_taken_up_reads_only_what_is_new_and_says_so(worm: FolderWorm) -> None:
    since = check(worm).verified
    further(worm).grow(2).seal()
    counting = Counting(worm.root)
    report = check(counting, since=since)
    assert (codes(report), report.exit_code) == ([], HOLDS)
    assert (report.counts["segments"], report.counts["records"], report.counts["chains"]) == (1, 2, 3)
    assert not any(key.startswith(FIRST) for key in counting.read)
    assert report.verified["clinic/1"].size == 14
    assert report.as_json()["since"]["clinic/1"]["size"] == 12
    assert "3 chains were taken up where an earlier check ended" in report.as_text()
    assert check(worm, since=since, jobs=2).as_json() == report.as_json()
    assert check(worm).verified == report.verified


def further(worm: FolderWorm) -> Chain:
    """The first chain of `sample`, to be continued in its store."""
    chain = Chain(FolderWorm(worm.root.parent / "again")).grow(5).seal().grow(4).seal().grow(3).seal()
    chain.worm = worm
    return chain


def test_damage_before_the_verified_head_is_for_the_whole_check(worm: FolderWorm) -> None:
    since = check(worm).verified
    damaged(worm, FIRST, "transactional")
    assert check(worm, since=since).exit_code == HOLDS
    assert check(worm).exit_code == DOES_NOT_HOLD


def test_a_verified_head_that_is_gone_is_found_and_the_chain_is_read_whole(worm: FolderWorm) -> None:
    since = check(worm).verified
    for key in files(worm):
        if key.startswith((LAST, "chains/clinic/1/checkpoint/000000000012")):
            remove(worm, key)
    report = check(worm, since=since, live=True)
    assert codes(report) == ["verified-gone"]
    assert report.findings[0].values["seq"] == 12
    assert report.counts["records"] == 9
    assert "clinic/1" not in report.verified


def test_a_chain_taken_away_whole_is_found_by_who_saw_it(worm: FolderWorm) -> None:
    since = check(worm).verified
    for key in files(worm):
        if "clinic/12" in key:
            remove(worm, key)
    assert check(worm, live=True).exit_code == HOLDS
    assert codes(check(worm, live=True, since=since)) == ["verified-gone"]


def test_another_history_in_place_of_the_verified_one_is_found(tmp_path: Path) -> None:
    """Our own key signed both, so that the store by itself holds: only whoever saw the first can tell."""
    worm = sample(tmp_path / "worm")
    since = check(worm).verified
    for key in [key for key in files(worm) if key.startswith("chains/clinic/1/")]:
        remove(worm, key)
        (worm.root / ".retain" / key).unlink()
    Chain(worm).grow(5, after={"note": "x"}).seal().grow(4).seal().grow(3).seal().grow(4).seal()
    assert check(worm).exit_code == HOLDS
    report = check(worm, since=since)
    assert codes(report) == ["verified-differs"]
    assert report.counts["records"] == 16


def test_a_chain_with_a_finding_is_taken_up_where_it_was_until_it_holds(worm: FolderWorm) -> None:
    report = check(worm, since={"clinic/1": Head(1, 5, root_at(worm, 5))})
    assert report.counts["records"] == 12
    damaged(worm, LAST, "transactional")
    report = check(worm, since={"clinic/1": Head(1, 5, root_at(worm, 5))})
    assert report.exit_code == DOES_NOT_HOLD
    assert report.verified["clinic/1"].size == 5


def root_at(worm: FolderWorm, size: int) -> str:
    data = worm.get(names.checkpoint_key(chain="clinic/1", size=size))
    return trust(OURS).checkpoint(data, chain="clinic/1").root.hex()


def test_without_a_key_nothing_is_taken_up(worm: FolderWorm) -> None:
    since = check(worm).verified
    report = verify_worm(worm, trust=trust(), now=NOW, since=since)
    assert (report.exit_code, report.counts["records"], report.since) == (NOT_ALL_CHECKED, 17, {})
