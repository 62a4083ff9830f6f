"""The log of logs: what it says, when, and what contradicts it is found."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import canonical, signing, tasks
from audit.context import note
from audit.heads import HEARTBEAT, MOVED_EVERY, keep
from audit.models import Chain, Record, Segment
from audit.note import Checkpoint, sign_note
from audit.sealer import seal
from audit.sequencer import sequence
from audit.verify import Report, verify_worm
from audit.verify.mentions import SILENCE, check_mentions, newest
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import NOW, House, furnished

pytestmark = pytest.mark.usefixtures("db")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(tmp_path: Path, settings: object) -> House:
    return furnished(tmp_path, settings)


def said() -> list[dict[str, Any]]:
    return [
        json.loads(body) for body in Record.objects.filter(chain="heads").order_by("seq").values_list("body", flat=True)
    ]


def heads() -> list[tuple[bool, dict[str, int]]]:
    told = [one["event"]["data"] for one in said()]
    return [(one["whole"], {chain: head["size"] for chain, head in one["heads"].items()}) for one in told]


def told(*, after: timedelta = timedelta(0)) -> bool:
    """Whether the log of logs says something now, or so much later."""
    done = keep(now=datetime.now(UTC) + after)
    sequence()
    return done


def checked(house: House) -> Report:
    return verify_worm(house.worm, trust=signing.trust(), now=NOW)


def codes(report: Report) -> list[tuple[str, Any, Any]]:
    return [(one.code, one.values.get("chain"), one.values.get("seq")) for one in report.findings]


def test_it_says_what_is_sealed_and_only_that(house: House) -> None:
    assert not told()
    house.happens(3)
    assert not told()
    house.seals()
    assert told()
    house.happens(2)
    assert heads() == [(True, {"clinic/7": 3})]
    (record,) = said()
    assert (
        record["event"]["data"]["heads"]["clinic/7"]["root"]
        == bytes(Chain.objects.get(name="clinic/7").sealed_root).hex()
    )
    assert (record["capture"], record["operation"], record["retention"]) == (
        "application",
        "heads",
        "regulatory_retention",
    )


def test_what_moved_is_said_every_ten_minutes_and_everything_once_an_hour(house: House) -> None:
    for clinic in (7, 8):
        house.happens(clinic=clinic)
    house.seals()
    told()
    house.happens(clinic=8)
    house.seals()
    assert not told(after=MOVED_EVERY - MINUTE)
    assert told(after=MOVED_EVERY)
    assert not told(after=2 * MOVED_EVERY)
    assert told(after=HEARTBEAT)
    assert heads() == [
        (True, {"clinic/7": 1, "clinic/8": 1}),
        (False, {"clinic/8": 2}),
        (True, {"clinic/7": 1, "clinic/8": 2}),
    ]


def test_the_sealing_of_the_log_of_logs_is_nothing_it_speaks_of(house: House) -> None:
    house.happens()
    house.seals()
    told()
    house.seals()
    assert not told(after=2 * MOVED_EVERY)
    assert Segment.objects.filter(chain="heads", state="sealed").count() == 1


def test_who_comes_while_a_word_waits_to_be_sequenced_says_nothing(house: House) -> None:
    house.happens()
    house.seals()
    assert (keep(now=datetime.now(UTC)), keep(now=datetime.now(UTC))) == (True, False)


@pytest.mark.parametrize("data", [{"heads": 3}, {"whole": True}, {"whole": True, "heads": []}, {"heads": [[1]]}])
def test_what_somebody_else_wrote_into_it_does_not_silence_it(house: House, data: dict[str, Any]) -> None:
    for clinic in (7, 8):
        house.happens(clinic=clinic)
    house.seals()
    told()
    note(chain="heads", event="heads", data=data)
    house.happens(clinic=8)
    house.seals()
    assert told(after=MOVED_EVERY)
    assert said()[-1]["event"]["data"]["whole"] is False
    assert [*said()[-1]["event"]["data"]["heads"]] == ["clinic/8"]


def test_the_task_that_seals_keeps_it_even_when_a_chain_is_in_trouble(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.happens()
    house.seals()

    def fails(*, now: datetime) -> None:
        raise ExceptionGroup("not everything could be sealed", [OSError()])

    monkeypatch.setattr("audit.sealer.seal", fails)
    with pytest.raises(ExceptionGroup):
        tasks.seal()
    sequence()
    assert heads() == [(True, {"clinic/7": 1})]


def kept(house: House) -> None:
    """Two chains, sealed twice, vouched for, and the log of logs sealed too."""
    for after in (timedelta(0), MOVED_EVERY):
        for clinic in (7, 8):
            house.happens(2, clinic=clinic)
        house.seals()
        told(after=after)
    house.seals()


def test_what_it_vouches_for_is_found_and_counted(house: House) -> None:
    kept(house)
    report = checked(house)
    assert (report.holds, report.counts["mentions"], report.findings) == (True, 4, [])
    newest = canonical.read_moment(said()[-1]["at"])
    assert [(one.code, dict(one.values)) for one in report.notes] == [
        ("heads-newest", {"at": f"{newest:%Y-%m-%d %H:%M:%S}"})
    ]


def test_a_chain_dropped_whole_is_missed(house: House) -> None:
    kept(house)
    shutil.rmtree(house.worm.root / "chains/clinic/8")
    assert codes(checked(house)) == [("heads-gone", "clinic/8", 2), ("heads-gone", "clinic/8", 4)]


def test_a_chain_cut_back_to_an_older_head_is_missed(house: House) -> None:
    kept(house)
    shutil.rmtree(house.worm.root / "chains/clinic/8/seg/000000000003-000000000004")
    (house.worm.root / "chains/clinic/8/checkpoint/000000000004").unlink()
    assert codes(checked(house)) == [("heads-gone", "clinic/8", 4)]


def test_another_history_signed_with_the_right_key_is_told(house: House) -> None:
    kept(house)
    name = signing.origin_of("clinic/8")
    forged = sign_note(text=Checkpoint(name, 4, bytes(32)).text, name=name, signer=signing.signer())
    house.overwrite("chains/clinic/8/checkpoint/000000000004", forged)
    assert ("heads-differ", "clinic/8", 4) in codes(checked(house))


def test_silence_is_told_apart_from_what_was_taken_away(house: House) -> None:
    report = Report(at=NOW)
    moments = [NOW, NOW + HEARTBEAT, NOW + HEARTBEAT + SILENCE + MINUTE]
    lines = [canonical.encode({"at": canonical.moment(at), "event": {"data": {"heads": {}}}}) for at in moments]
    newest(check_mentions(house.worm, lines, report=report), report=report)
    assert [(one.code, dict(one.values)) for one in report.notes] == [
        ("heads-silent", {"since": "2026-03-01 13:00:00", "until": "2026-03-01 15:01:00"}),
        ("heads-newest", {"at": "2026-03-01 15:01:00"}),
    ]


@pytest.mark.parametrize(
    "line",
    [
        *(None, b"", b"[]", b"{}", b'{"at":3}', b'{"at":"2026-03-01T12:00:00.000000Z","event":null}'),
        b'{"at":"2026-03-01T12:00:00.000000Z","event":{"data":{"heads":[1]}}}',
        b'{"at":"2026-03-01T12:00:00.000000Z","event":{"data":{"heads":{"../x":{"size":1,"root":""}}}}}',
        b'{"at":"2026-03-01T12:00:00.000000Z","event":{"data":{"heads":{"clinic/1":{"size":-1,"root":""}}}}}',
    ],
)
def test_what_is_not_in_its_form_vouches_for_nothing(house: House, line: bytes | None) -> None:
    report = Report(at=NOW)
    check_mentions(house.worm, [line], report=report)
    assert (report.found, report.counts) == (0, {})


def test_sealing_all_of_it_again_changes_nothing(house: House) -> None:
    kept(house)
    before = house.files()
    seal(now=NOW)
    assert house.files() == before
