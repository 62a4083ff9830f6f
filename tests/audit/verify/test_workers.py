"""Several processes find what one finds, in the same order; one that dies leaves an open point, never a false peace."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.verify import Report, bench, verify_worm
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.verify.segments import check_segment
from audit.verify.workers import Workers
from audit.worm import names
from audit.worm.folder import FolderWorm
from tests.audit.verify.history import NOW, OURS, Chain, files, overwrite, remove, trust


@pytest.fixture
def worm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderWorm:
    """Three chains of several segments, in batches so small that most begin in the middle of a chain."""
    monkeypatch.setattr(bench, "_BATCH_RECORDS", 3)
    worm = FolderWorm(tmp_path / "worm")
    Chain(worm).publish_key().grow(4).seal().grow(3).seal().grow(2).seal().grow(4).seal().grow(1).seal()
    Chain(worm, "clinic/12").grow(3).seal().grow(3).seal().grow(3).seal()
    Chain(worm, "platform").grow(2).seal().grow(6).seal()
    return worm


def check(worm: FolderWorm, jobs: int, **options: Any) -> Report:
    return verify_worm(worm, trust=trust(OURS), now=NOW, jobs=jobs, **options)


def test_untouched_evidence_holds_in_two_processes(worm: FolderWorm) -> None:
    alone, together = check(worm, 1), check(worm, 2)
    assert (together.exit_code, together.as_json()) == (HOLDS, alone.as_json())
    assert together.counts["records"] == 31
    assert {chain: head.size for chain, head in together.verified.items()} == {
        "clinic/1": 14,
        "clinic/12": 9,
        "platform": 8,
    }


def damage(worm: FolderWorm, chance: random.Random) -> None:
    """Change, cut or take away some objects."""
    for key in chance.sample(list(files(worm)), chance.randrange(1, 6)):
        data = worm.get(key)
        match chance.randrange(4):
            case 0:
                remove(worm, key)
            case 1:
                overwrite(worm, key, data[: len(data) // 2])
            case 2:
                overwrite(worm, key, b"\0" * len(data))
            case _:
                at = chance.randrange(len(data))
                overwrite(worm, key, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_damaged_is_found_alike_and_in_the_same_order(worm: FolderWorm, seed: int) -> None:
    damage(worm, random.Random(seed))
    alone, together = check(worm, 1), check(worm, 2)
    assert alone.exit_code != HOLDS
    assert together.as_json() == alone.as_json()


def test_a_manifest_that_lies_about_where_it_ends_is_not_believed_by_the_next_process(worm: FolderWorm) -> None:
    """The run after a forged manifest begins where that one says; the answer must not be taken over."""
    forger = Chain(FolderWorm(worm.root.parent / "forged"))
    forger.grow(2, after={"note": "forged"}).grow(2).seal()
    prefix = names.segment_prefix(chain="clinic/1", first=1, last=4)
    for key in (names.manifest_key(prefix), names.statement_key(names.manifest_key(prefix))):
        overwrite(worm, key, forger.worm.get(key))
    alone, together = check(worm, 1), check(worm, 2)
    assert alone.exit_code == DOES_NOT_HOLD
    assert together.as_json() == alone.as_json()


def test_a_process_that_dies_leaves_its_run_open_and_nothing_else(
    worm: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, parent = check_segment, os.getpid()

    def dying(*args: Any, **options: Any) -> Any:
        if os.getpid() != parent and (options["position"].chain, options["first"]) == ("clinic/12", 4):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)

    monkeypatch.setattr("audit.verify.bench.check_segment", dying)
    report = check(worm, 2)
    assert report.exit_code == NOT_ALL_CHECKED
    assert [(point.code, point.values["chain"], point.values["first"]) for point in report.unchecked] == [
        ("segment-unchecked", "clinic/12", 4)
    ]
    assert report.counts["records"] == 28
    assert sorted(report.verified) == ["clinic/1", "platform"]


def test_answers_come_in_the_order_of_the_tasks_and_few_are_on_the_way() -> None:
    taken = 0

    def tasks() -> Any:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield number

    def begin() -> Callable[[int], int]:
        return slowly

    for seen, (task, answer) in enumerate(Workers(2, begin).run(tasks())):
        assert (task, answer) == (seen, seen * seen)
        assert taken <= seen + 5


def slowly(number: int) -> int:
    time.sleep(0.01 if number % 3 else 0.03)
    return number * number


def test_what_a_task_raises_comes_through_and_no_process_is_left() -> None:
    def begin() -> Callable[[int], int]:
        return lambda number: 1 // number

    with pytest.raises(ZeroDivisionError):
        list(Workers(2, begin).run([1, 0, 2]))


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    def begin() -> Callable[[int], int]:
        return work

    def work(number: int) -> int:
        told.write_text(str(os.getpid()))
        time.sleep(60)
        return number

    parent = os.fork()
    if parent == 0:
        list(Workers(1, begin).run([1]))
        os._exit(0)
    while not told.exists() or not told.read_text():
        time.sleep(0.05)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    for _ in range(60):
        if not Path(f"/proc/{told.read_text()}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{told.read_text()}").exists()
