"""Time stamps in the store, held against the heads they stand beside: what covers them, and every way to forge one."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import signing
from audit.anchoring import anchor
from audit.locks import commitments_locked_until
from audit.models import Anchor, Segment
from audit.verify import Report, verify_worm
from audit.verify.anchors import newest_below
from audit.verify.judges import Judge, Nobody
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.verify.run import Extent, verify
from audit.verify.stamps import ByProgram, judge
from audit.worm.folder import FolderWorm
from audit.worm.names import ANCHORS, anchor_key, checkpoint_key
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished, samples_only
from tests.tsa import Authority, Tsa, foreign, ours, tsa  # noqa: F401 - fixtures

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.real]
# ruff: noqa: F811 - fixtures imported by name


@pytest.fixture
def house(tmp_path: Path, settings: Any, tsa: Tsa, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three heads of the log of logs, the first and the third stamped, the first stamp named by a record."""
    samples_only(monkeypatch)
    made = furnished(tmp_path, settings)
    made.moves()
    assert anchor(now=now()) is not None
    made.moves()
    made.moves()
    assert anchor(now=now()) is not None
    return made


def now() -> datetime:
    return datetime.now(UTC)


def check(level: str = "records", **options: Any) -> Report:
    return verify(now=options.pop("now", now()), extent=Extent(level=level, **options))


def stored(house: House, by: Judge, **options: Any) -> Report:
    """The store by itself."""
    return verify_worm(house.worm, trust=signing.trust(), now=options.pop("now", now()), judge=by, **options)


def found(report: Report) -> list[tuple[object, ...]]:
    return [(one.code, one.values.get("seq")) for one in report.findings]


def noted(report: Report, code: str) -> list[dict[str, object]]:
    return [dict(one.values) for one in report.notes if one.code == code]


def put(house: House, size: int, response: bytes) -> None:
    """What whoever may write into the store can do."""
    until = commitments_locked_until(since=now() + timedelta(days=2))
    house.worm.put(anchor_key(size), response, retain_until=until, content_type="application/timestamp-reply")


def head(house: House, size: int) -> bytes:
    return house.worm.get(checkpoint_key(chain="heads", size=size))


@pytest.mark.parametrize("level", ["heads", "consistency", "segments", "records"])
def test_stamped_heads_hold_and_the_report_says_up_to_where(house: House, level: str) -> None:
    report = check(level)
    assert (report.exit_code, report.findings, report.unchecked) == (HOLDS, [], [])
    assert report.counts["anchors"] == 2
    moment = f"{Anchor.objects.get(size=3).stamped_at:%Y-%m-%d %H:%M:%S}"
    assert noted(report, "anchored") == [{"seq": 3, "at": moment}]
    assert f"of {moment} UTC, covers the signed head of the log of logs after record 3" in report.as_text()
    assert (noted(report, "anchor-absent"), noted(report, "anchor-old")) == ([], [])


def test_what_is_found_does_not_depend_on_the_number_of_processes(house: House) -> None:
    house.overwrite(anchor_key(1), b"nonsense")
    assert check(jobs=2).findings == check(jobs=1).findings


def test_without_any_stamp_the_report_says_so(tmp_path: Path, settings: Any) -> None:
    furnished(tmp_path, settings).moves()
    report = check()
    assert (len(noted(report, "anchor-absent")), noted(report, "anchored")) == (1, [])


def test_a_stamp_over_something_else_is_forged(house: House, ours: Authority) -> None:
    put(house, 2, ours.stamp_of(b"another head"))
    report = check("heads")
    assert found(report) == [("anchor-forged", 2)]
    assert report.findings[0].values["reason"] == "it is over other bytes than this head"


def test_stamps_swapped_between_heads_are_forged(house: House) -> None:
    one, three = house.worm.get(anchor_key(1)), house.worm.get(anchor_key(3))
    house.overwrite(anchor_key(1), three)
    house.overwrite(anchor_key(3), one)
    assert found(check("heads")) == [("anchor-forged", 1), ("anchor-forged", 3)]


def test_a_stamp_of_a_foreign_authority_is_forged(house: House, foreign: Authority) -> None:
    put(house, 2, foreign.stamp_of(head(house, 2)))
    report = check("heads")
    assert found(report) == [("anchor-forged", 2)]
    assert "no certificate of the trusted authority" in str(report.findings[0].values["reason"])


def test_both_judges_say_the_same(house: House, ours: Authority, foreign: Authority) -> None:
    put(house, 2, foreign.stamp_of(head(house, 2)))
    program = ByProgram(str(shutil.which("openssl")), ours.roots.read_bytes())
    for by in (judge(ours.roots), program):
        assert found(stored(house, by)) == [("anchor-forged", 2)]


@pytest.mark.parametrize("place", [0, 7, 30, 120, 400, -300, -130, -40, -1])
def test_a_flipped_bit_of_a_stamp_is_found(house: House, place: int) -> None:
    data = bytearray(house.worm.get(anchor_key(1)))
    data[place] ^= 4
    house.overwrite(anchor_key(1), bytes(data))
    codes = {one.code for one in check("segments").findings}
    assert "object-altered" in codes  # what no signature covers (the order of certificates) the log of logs does
    assert codes <= {"object-altered", "anchor-forged"}


@pytest.mark.parametrize("place", [-40, -1])
def test_a_flipped_bit_of_what_was_signed_is_found_without_any_record(house: House, place: int) -> None:
    data = bytearray(house.worm.get(anchor_key(3)))
    data[place] ^= 4
    house.overwrite(anchor_key(3), bytes(data))
    assert found(check("heads")) == [("anchor-forged", 3)]


def test_a_stamp_over_a_head_that_our_key_did_not_sign_is_forged(house: House, ours: Authority) -> None:
    text = head(house, 2).replace(b"horae.example/heads", b"horae.example/other")
    house.overwrite(checkpoint_key(chain="heads", size=2), text)
    put(house, 2, ours.stamp_of(text))
    assert [code for code, _ in found(check("heads"))] == ["checkpoint-bad", "anchor-forged"]


def test_a_stamp_without_its_head_is_an_orphan(house: House, ours: Authority) -> None:
    put(house, 9, ours.stamp_of(head(house, 3)))
    put(house, 4, ours.stamp_of(head(house, 3)))
    assert found(check("heads")) == [("anchor-orphan", 4), ("anchor-orphan", 9)]
    (house.worm.root / checkpoint_key(chain="heads", size=1)).unlink()
    assert ("anchor-orphan", 1) in found(check("heads"))


def test_a_stamp_taken_away_is_missed_named_by_a_record_or_not_yet(house: House) -> None:
    (house.worm.root / anchor_key(1)).unlink()
    assert found(stored(house, Nobody("x"))) == [("anchor-gone", 1)]
    (house.worm.root / anchor_key(3)).unlink()
    report = check("records")
    assert found(report) == [("anchor-gone", 1), ("anchor-gone", 3)]
    assert len(noted(report, "anchor-absent")) == 1


def test_a_time_before_the_records_or_in_the_future_is_forged(house: House, ours: Authority) -> None:
    report = check("heads", now=now() - timedelta(hours=1))
    assert [one.values["seq"] for one in report.findings] == [1, 3]
    assert "lies in the future" in str(report.findings[0].values["reason"])


def test_a_stamp_older_than_what_it_covers_is_forged(tmp_path: Path, settings: Any, tsa: Tsa, ours: Authority) -> None:
    """Made by somebody who holds the authority's key, over a head of records that came later."""
    house, later = furnished(tmp_path, settings), now() + timedelta(days=1)
    house.moves(at=later)
    put(house, 1, ours.stamp_of(head(house, 1)))
    report = check("heads", now=later + timedelta(hours=1))
    assert found(report) == [("anchor-forged", 1)]
    assert "lies before the records under the head" in str(report.findings[0].values["reason"])


def test_a_lock_shorter_than_the_heads_is_told(house: House) -> None:
    locks = house.worm.root / ".retain" / anchor_key(1)
    locks.unlink()
    assert found(check("heads")) == [("lock-missing", None)]


def test_other_files_among_the_stamps_are_told(house: House) -> None:
    for key in (f"{ANCHORS}1.tsr", f"{ANCHORS}notes.txt", "chains/clinic/7/anchors/000000000001.tsr"):
        path = house.worm.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert {one.values["object"] for one in check("heads").findings if one.code == "object-unexpected"} == {
        *(f"{ANCHORS}1.tsr", f"{ANCHORS}notes.txt", "chains/clinic/7/anchors/000000000001.tsr"),
    }


def test_heads_that_moved_on_for_an_hour_without_a_stamp_are_told(house: House, tsa: Tsa) -> None:
    tsa.stop()
    house.moves()
    assert noted(check(), "anchor-old") == []
    planned = Segment.objects.get(chain="heads", last=4).planned_at
    later = planned + timedelta(hours=1, seconds=10)
    report = check(now=later)
    assert report.exit_code == HOLDS
    assert noted(report, "anchor-old") == [{"since": f"{planned:%Y-%m-%d %H:%M:%S}"}]
    assert noted(report, "anchored")[0]["seq"] == 3
    assert noted(stored(house, Nobody("x"), now=later), "anchor-old") == []  # a copy is as old as its newest record


def test_without_roots_who_made_the_stamps_is_an_open_point(house: House, settings: Any, tmp_path: Path) -> None:
    settings.TSA_ROOTS = ""
    report = check()
    assert (report.exit_code, [dict(one.values) for one in report.unchecked]) == (
        NOT_ALL_CHECKED,
        [{"count": 2, "reason": "TSA_ROOTS names no roots"}],
    )
    settings.TSA_ROOTS = str(tmp_path / "gone.pem")
    assert "could not be read" in str(check().unchecked[0].values["reason"])
    house.overwrite(anchor_key(1), house.worm.get(anchor_key(3)))
    assert ("anchor-forged", 1) in found(check("heads"))


def test_a_check_taken_up_reads_new_stamps_only_and_still_says_up_to_where(
    house: House, tsa: Tsa, ours: Authority
) -> None:
    by = judge(ours.roots)
    since = stored(house, by).verified
    assert since["heads"].size == 3
    report = stored(house, by, since=since)
    assert (report.counts["anchors"], noted(report, "anchored")[0]["seq"]) == (1, 3)
    tsa.stop()
    house.moves()
    since = stored(house, by).verified
    report = stored(house, by, since=since, live=True, now=now() + timedelta(hours=2))
    assert (report.counts["anchors"], noted(report, "anchored")[0]["seq"]) == (1, 3)
    assert len(noted(report, "anchor-old")) == 1
    tsa.start()
    anchor(now=now())
    report = stored(house, by, since=since, live=True)
    assert (report.counts["anchors"], noted(report, "anchored")[0]["seq"]) == (1, 4)


@pytest.mark.parametrize("sizes", [[], [1], [5], [1, 2, 3, 9], [4, 100, 4711]])
def test_the_newest_stamp_below_a_size_is_found(tmp_path: Path, sizes: list[int]) -> None:
    worm = FolderWorm(tmp_path)
    for size in sizes:
        worm.put(anchor_key(size), b"x", retain_until=now(), content_type="text/plain")
    for below in (1, 2, 5, 6, 101, 5000):
        assert newest_below(worm, below) == max([size for size in sizes if size < below], default=0)


def test_one_chain_is_checked_without_the_stamps_of_another(house: House) -> None:
    house.overwrite(anchor_key(1), b"nonsense")
    assert verify(now=now(), extent=Extent(level="records", only="clinic/7")).exit_code == HOLDS
    assert verify(now=now(), extent=Extent(level="heads", only="heads")).exit_code == DOES_NOT_HOLD
