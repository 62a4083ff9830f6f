"""A standing hold is in the store and in the chain, or it is a finding."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from audit import holds
from audit.context import Actor
from audit.models import LegalHold
from audit.sequencer import sequence
from audit.verify import Report
from audit.verify.held import HoldCheck
from audit.verify.run import verify
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import ADA, NOW, House, furnished, samples_only

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"
EVA = Actor(kind="staff", id="42", label="eva")


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two segments of clinic 7, the first under a hold whose event is sealed too."""
    samples_only(monkeypatch)
    made = furnished(tmp_path, settings)
    made.happens(3)
    made.seals()
    holds.place(actor=ADA, now=NOW, chain=CHAIN, matter="2026/17", reason="A claim", first=2, last=3)
    sequence()
    made.seals()
    return made


def payload(house: House) -> str:
    return next(stored.key for stored in house.worm.list() if stored.held)


def codes(report: Report) -> list[tuple[str, Any]]:
    return [(finding.code, finding.values.get("object", finding.values.get("seq"))) for finding in report.findings]


def test_a_hold_that_stands_in_the_store_is_counted(house: House) -> None:
    report = verify(now=NOW)
    assert (codes(report), report.exit_code, report.counts["holds"]) == ([], 0, 1)
    assert "1 legal holds" in report.as_text()


def test_a_hold_that_is_gone_from_the_store_is_found(house: House) -> None:
    key = payload(house)
    house.worm.hold(key, held=False, now=NOW)
    report = verify(now=NOW)
    assert codes(report) == [("hold-missing", key)]
    assert "2026/17" in report.findings[0].text()
    assert codes(verify(now=NOW, only="platform")) == []


def test_a_hold_not_put_yet_is_told_and_is_no_finding(house: House) -> None:
    LegalHold.objects.update(held_through=0)
    house.worm.hold(payload(house), held=False, now=NOW)
    report = verify(now=NOW)
    assert codes(report) == []
    assert [note.values["count"] for note in report.notes if note.code == "hold-waiting"] == [1]


def test_a_hold_lifted_while_the_check_runs_is_no_finding(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.worm.hold(payload(house), held=False, now=NOW)
    look_again = HoldCheck.look_again

    def lifted(check: HoldCheck) -> None:
        LegalHold.objects.update(lifted_at=NOW, lifted_by="42")  # the snapshot is over; the store was read before
        look_again(check)

    monkeypatch.setattr(HoldCheck, "look_again", lifted)
    assert codes(verify(now=NOW)) == []


@pytest.mark.parametrize(
    "tamper",
    [
        "DELETE FROM audit_legalhold",
        "UPDATE audit_legalhold SET lifted_at = now(), lifted_by = '42', released_at = now()",
        "UPDATE audit_legalhold SET first = 3",
        "UPDATE audit_legalhold SET last = 2",
        "UPDATE audit_legalhold SET chain = 'platform'",
        "UPDATE audit_legalhold SET matter = '2026/18'",
        "UPDATE audit_legalhold SET reason = 'Another claim'",
        "UPDATE audit_legalhold SET placed_by = '42'",
    ],
)
def test_a_hold_taken_out_of_the_table_is_found_by_its_record(house: House, tamper: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(tamper)
    assert codes(verify(now=NOW)) == [("hold-forgotten", 4)]


def test_a_hold_that_nobody_placed_is_found(house: House) -> None:
    LegalHold.objects.create(matter="2026/99", chain=CHAIN, reason="Made up", placed_at=NOW, placed_by="1", last=1)
    assert [(one.code, one.values["matter"]) for one in verify(now=NOW).findings] == [("hold-invented", "2026/99")]
    assert [one.code for one in verify(now=NOW, only="platform").findings] == []


def test_one_that_was_just_placed_is_none_of_them(house: House) -> None:
    holds.place(actor=ADA, now=NOW, chain=CHAIN, matter="2026/18", reason="Another claim")
    assert codes(verify(now=NOW)) == []


def test_one_that_was_lifted_leaves_nothing_to_tell_even_before_its_record_is_written(house: House) -> None:
    holds.lift(actor=EVA, now=NOW, hold_id=LegalHold.objects.get().pk, reason="Settled")
    assert codes(verify(now=NOW)) == []
    sequence()
    assert codes(verify(now=NOW)) == []
    house.seals()
    report = verify(now=NOW)
    assert (codes(report), "holds" in report.counts) == ([], False)
