"""Kept reports: signed, believed only while their signature holds, and where the next check begins."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import signing
from audit.management.commands.audit_verify import _Progress
from audit.models.verifications import Kind, Outcome, Verification
from audit.verify import Report, kept
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.verify.routine import made
from audit.verify.run import Extent, verify
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import NOW, House, furnished, samples_only

pytestmark = pytest.mark.usefixtures("db")
SINCE = Extent(level="segments", since_last=True)


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    samples_only(monkeypatch)
    house = furnished(tmp_path, settings)
    house.happens(4)
    house.happens(1, clinic=12)
    house.seals()
    return house


def make(extent: Extent = SINCE, *, hours: int = 0, kind: Kind = Kind.BY_HAND) -> tuple[Report, Verification]:
    return made(kind, extent=extent, clock=lambda: NOW + timedelta(hours=hours))


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_report_is_kept_as_it_was_signed(house: House) -> None:
    report, row = make(Extent())
    row.refresh_from_db()
    assert (row.kind, row.level, row.scope, row.outcome) == ("by hand", "tables", "", Outcome.HOLDS)
    said = kept.read(row, trust=signing.trust())
    assert said["id"] == str(row.id)
    assert said["verified"]["clinic/7"]["size"] == 4
    assert {name: said[name] for name in report.as_json()} == report.as_json()
    assert row.statement.splitlines()[:2] == ["horae.example/verification", f"verification/{row.id}"]


def test_the_next_check_begins_where_the_last_one_ended(house: House) -> None:
    first, _ = make()
    assert (first.counts["records"], first.since) == (5, {})
    second, _ = make(hours=1)
    assert ("records" not in second.counts, second.exit_code) == (True, HOLDS)
    assert sorted(second.since) == ["clinic/12", "clinic/7"]
    house.happens(2)
    house.seals()
    third, _ = make(hours=2)
    assert third.counts["records"] == 2
    assert third.verified["clinic/7"].size == 6
    assert make(Extent(level="segments"))[0].counts["records"] == 7  # a full check begins at the beginning


def test_a_deeper_check_does_not_begin_behind_a_shallower_one(house: House) -> None:
    make()
    assert make(Extent(since_last=True))[0].counts["records"] == 5
    assert "records" not in make(Extent(since_last=True), hours=1)[0].counts
    assert "records" not in make(SINCE, hours=1)[0].counts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": '{"verified": {}}\n'}, "its text was changed"),
        ({"statement": "nonsense"}, "the note has no signatures"),
        ({"statement": ""}, "the note has no signatures"),
        ({"level": "tables"}, "what stands beside it was changed"),
        ({"outcome": "not all checked"}, "what stands beside it was changed"),
        ({"ended_at": datetime(2030, 1, 1, tzinfo=UTC)}, "what stands beside it was changed"),
    ],
)
def test_a_changed_report_is_a_finding_and_the_one_before_it_is_asked(
    house: House, change: dict[str, Any], reason: str
) -> None:
    make()
    house.happens(2)
    house.seals()
    _, row = make(hours=1)
    Verification.objects.filter(id=row.id).update(**change)
    report, _ = make(hours=2)
    assert codes(report) == ["report-altered"]
    assert reason in report.findings[0].text()
    assert (report.exit_code, report.counts["records"]) == (DOES_NOT_HOLD, 2)
    assert codes(make(Extent(level="records"), hours=3)[0]) == ["report-altered"]


def test_a_report_signed_by_another_key_is_not_believed(house: House, settings: Any, tmp_path: Path) -> None:
    make()
    own = settings.KEYS_URL
    shutil.copytree(tmp_path / "keys", tmp_path / "apart")
    settings.KEYS_URL = f"file://{tmp_path}/other/keystore.json"
    row = Verification.objects.get()
    said = json.loads(row.body)
    said["verified"]["clinic/7"]["size"] = 1
    row.body = json.dumps(said)
    data = row.body.encode()
    row.statement = signing.sign_statement(
        key_of_object=kept.key_of(row.id), data=data, chain=kept.ORIGIN, key=signing.signer()
    ).decode()
    row.save()
    settings.KEYS_URL = own
    report, _ = make(hours=1)
    assert codes(report) == ["report-altered"]
    assert report.counts["records"] == 5


def test_without_a_key_the_report_is_kept_and_vouches_for_nothing(house: House, settings: Any) -> None:
    own, settings.KEYS_URL = settings.KEYS_URL, ""
    report, row = make()
    assert (report.exit_code, row.statement) == (NOT_ALL_CHECKED, "")
    assert "report-unsigned" in row.body
    settings.KEYS_URL = own
    report, _ = make(hours=1)
    assert (codes(report), report.counts["records"]) == ([], 5)


def test_a_chain_that_does_not_hold_is_looked_at_again_each_time(house: House) -> None:
    make()
    house.happens(2)
    house.seals()
    key = next(key for key in house.files() if key.startswith("chains/clinic/7/seg/000000000005") and ".gz" in key)
    house.overwrite(key, b"x")
    for hours in (1, 2):
        report, _ = make(hours=hours)
        assert codes(report)[0] == "object-altered"
        assert report.verified["clinic/7"].size == 4


def test_a_report_taken_away_is_missed_by_the_chain(house: House) -> None:
    made(Kind.HOURLY, extent=SINCE, clock=lambda: NOW, told=True)
    house.seals()
    _, row = made(Kind.HOURLY, extent=SINCE, clock=lambda: NOW, told=True)
    from_chain = Extent(level="records")
    assert codes(verify(now=NOW, extent=from_chain)) == []
    house.happens(1)
    Verification.objects.filter(id=row.id).delete()
    report = verify(now=datetime.now(UTC), extent=from_chain)
    assert codes(report) == ["report-gone"]
    assert report.findings[0].values["id"] == str(row.id)


def test_a_report_rewritten_to_say_that_nobody_signed_it_is_found_by_the_chain(house: House) -> None:
    _, row = made(Kind.HOURLY, extent=SINCE, clock=lambda: NOW, told=True)
    house.happens(1)
    body = row.body.replace('"notes": [', '"notes": [{"code": "report-unsigned"}, ', 1)
    Verification.objects.filter(id=row.id).update(body=body, statement="")
    report = verify(now=datetime.now(UTC), extent=Extent(level="records"))
    assert [(one.code, one.values["id"]) for one in report.findings] == [("report-altered", str(row.id))]


def test_one_chain_s_report_vouches_for_that_chain(house: House) -> None:
    make(Extent(level="segments", only="clinic/7"))
    assert make(Extent(level="segments", only="clinic/7", since_last=True))[0].counts.get("records", 0) == 0
    assert make()[0].counts["records"] == 5


def test_old_reports_go_and_those_that_found_something_stay(house: House) -> None:
    make()
    _, bad = make()
    Verification.objects.filter(id=bad.id).update(outcome=Outcome.DOES_NOT_HOLD)
    assert kept.prune(now=NOW + timedelta(days=364)) == 0
    assert kept.prune(now=NOW + timedelta(days=366)) == 1
    assert Verification.objects.get().id == bad.id


def test_the_command_writes_the_report_and_its_signature(house: House, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "report.json"
    call_command("audit_verify", level="segments", report=path)
    row = Verification.objects.get()
    assert path.read_text() == row.body
    statement = signing.trust().statement(
        (tmp_path / "report.json.note").read_bytes(), chain=kept.ORIGIN, key=kept.key_of(row.id)
    )
    assert statement.digest == type(statement).over(origin="", key="", data=path.read_bytes()).digest
    said = capsys.readouterr().out
    assert "How deep: the whole evidence store, every sealed record in it." in said
    call_command("audit_verify", "--since-last", level="segments")
    assert "2 chains were taken up where an earlier check ended" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("audit_verify", report=tmp_path / "nowhere" / "report.json")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_told_of_work_over_two_seconds(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = 100.0, []
    monkeypatch.setattr("time.monotonic", lambda: now)
    progress = _Progress(lambda text, **options: told.append(text), terminal=terminal)
    for second in (0, 1, 1.9, 2.1, 2.2, 2.4, 4.2):
        now = 100.0 + second
        progress(f"clinic/7: {second}")
    progress.end()
    if terminal:
        assert told == [f"\r\x1b[K… clinic/7: {what}" for what in ("2.1 (2 s)", "2.4 (2 s)", "4.2 (4 s)")] + [
            "\r\x1b[K"
        ]
    else:
        assert told == ["… clinic/7: 2.1 (2 s)", "… clinic/7: 4.2 (4 s)"]


def test_everything_in_two_processes_is_what_one_finds(house: House) -> None:
    house.happens(1)
    for key in [key for key in house.files() if "leaves" in key and "clinic/7" in key]:
        house.overwrite(key, b"x")
    alone = verify(now=NOW, extent=Extent())
    together = verify(now=NOW, extent=Extent(jobs=2))
    assert alone.exit_code == DOES_NOT_HOLD
    assert together.as_json() == alone.as_json()
    assert together.tables == sorted(together.tables)
