"""Checks by the clock: when each is due, what it looks at, and that two never run at once."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from audit import signing, tasks
from audit.alone import alone
from audit.context import use
from audit.models import Record, Segment
from audit.models.verifications import Kind, Outcome, Verification
from audit.sequencer import sequence
from audit.verify import kept, routine
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Tag
from tests.audit.sealed_house import ADA, NOW, House, furnished, sample_tables, samples_only, untriggered
from tests.audit.verify.test_run import elsewhere

pytestmark = pytest.mark.usefixtures("db")
NIGHT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # a Monday


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Sealed at noon of a Sunday."""
    samples_only(monkeypatch, "audit.verify.routine")
    house = furnished(tmp_path, settings)
    house.happens(3)
    house.seals()
    Segment.objects.update(sealed_at=NOW)
    return house


def ran(kind: Kind, at: datetime) -> Verification:
    row = routine.run(kind, clock=lambda: at)
    assert row is not None
    sequence()
    return row


def test_nothing_is_due_before_anything_was_sealed(house: House) -> None:
    Segment.objects.all().delete()
    assert routine.due(now=NOW + timedelta(days=400)) is None
    assert not any(standing.overdue for standing in routine.standing(now=NOW + timedelta(days=400)))


def test_each_kind_is_due_once_at_its_time_and_the_deepest_first(house: House) -> None:
    assert routine.due(now=NOW + timedelta(minutes=6)) is None
    first = NOW + timedelta(minutes=7, seconds=1)
    assert routine.due(now=first) is Kind.HOURLY
    ran(Kind.HOURLY, first)
    assert routine.due(now=first + timedelta(minutes=59)) is None
    assert routine.due(now=first + timedelta(minutes=60)) is Kind.HOURLY
    assert routine.due(now=NIGHT + timedelta(seconds=1)) is Kind.NIGHTLY
    ran(Kind.NIGHTLY, NIGHT + timedelta(seconds=1))
    assert routine.due(now=NIGHT + timedelta(minutes=5)) is Kind.HOURLY
    sunday = datetime(2026, 3, 8, 3, 0, 1, tzinfo=UTC)
    assert routine.due(now=sunday) is Kind.WEEKLY
    ran(Kind.WEEKLY, sunday)
    assert routine.due(now=sunday) is Kind.NIGHTLY


def test_a_check_not_made_in_time_is_overdue(house: House) -> None:
    ran(Kind.HOURLY, NOW + timedelta(minutes=8))

    def overdue(after: timedelta) -> list[Kind]:
        return [standing.kind for standing in routine.standing(now=NOW + after) if standing.overdue]

    assert overdue(timedelta(minutes=120)) == []
    assert overdue(timedelta(minutes=128)) == [Kind.HOURLY]
    assert overdue(timedelta(hours=20)) == [Kind.HOURLY, Kind.NIGHTLY]
    assert overdue(timedelta(days=9)) == [Kind.HOURLY, Kind.NIGHTLY, Kind.WEEKLY]


def test_hourly_looks_at_what_is_new_in_the_store(house: House) -> None:
    first = ran(Kind.HOURLY, NOW)
    assert (first.kind, first.level, first.outcome) == ("hourly", "segments", Outcome.HOLDS)
    house.happens(2)
    house.seals()
    said = body(ran(Kind.HOURLY, NOW + timedelta(hours=1)))
    assert (said["checked"]["records"], said["since"]["clinic/7"]["size"]) == (3, 3)  # and the record of the first run
    assert "triggers" not in said["checked"]


def body(row: Verification) -> dict[str, Any]:
    return dict(kept.read(row, trust=signing.trust()))


def test_each_run_is_a_record_of_the_platform_chain(house: House) -> None:
    row = ran(Kind.HOURLY, NOW)
    record = Record.objects.get(operation="verification")
    assert (record.chain, record.capture) == ("platform", "application")
    assert str(row.id) in record.body


def test_nightly_looks_at_the_database_and_the_tables_of_the_night(house: House) -> None:
    with use("test.write", actor=ADA):
        Tag.objects.create(name="x")
    sequence()
    house.seals()
    names = sorted(sample_tables())
    untriggered("UPDATE sample_tag SET name = 'forged'")
    found = {}
    for day in range(31):
        row = ran(Kind.NIGHTLY, NIGHT + timedelta(days=day))
        said = body(row)
        assert "triggers" in said["checked"]
        found[day] = (said["tables"], row.outcome)
    assert sorted(table for tables, _ in list(found.values())[:30] for table in tables) == names
    assert {outcome for tables, outcome in found.values() if "sample_tag" in tables} == {Outcome.DOES_NOT_HOLD}
    assert {outcome for tables, outcome in found.values() if "sample_tag" not in tables} == {Outcome.HOLDS}


DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(60)]
TABLES = [f"table_{number}" for number in range(100)]


def test_every_table_has_one_night_in_thirty() -> None:
    compared: dict[str, date] = {}
    for today in DAYS[:30]:
        tables = routine.tables_of_night(TABLES, compared=compared, began=DAYS[0], today=today)
        assert not compared.keys() & set(tables)
        assert len(tables) < 15
        compared |= dict.fromkeys(tables, today)
    assert compared.keys() == set(TABLES)


def test_missed_nights_are_made_up_for_and_a_new_table_waits_at_most_thirty() -> None:
    by_day = [set(routine.tables_of_night(TABLES, compared={}, began=day, today=day)) for day in DAYS]
    before = dict.fromkeys(TABLES, DAYS[9])
    late = set(routine.tables_of_night(TABLES, compared=before, began=DAYS[0], today=DAYS[14]))
    assert late == set().union(*by_day[10:15])
    assert set(routine.tables_of_night(TABLES, compared=before, began=DAYS[0], today=DAYS[59])) == set(TABLES)
    assert routine.tables_of_night(["new"], compared={}, began=DAYS[0], today=DAYS[45]) == ["new"]


def test_weekly_looks_at_everything_from_the_beginning(house: House) -> None:
    ran(Kind.NIGHTLY, NIGHT)
    said = body(ran(Kind.WEEKLY, NIGHT))
    assert (said["since"], said["level"]) == ({}, "tables")
    assert said["checked"]["records"] >= 3
    assert said["tables"] == sorted(sample_tables())


def test_two_checks_never_run_at_once(house: House) -> None:
    seen: list[object] = []
    with alone(routine._LOCK) as free:
        assert free
        elsewhere(lambda: seen.append(routine.run(Kind.HOURLY, clock=lambda: NOW)))
    assert seen == [None]
    assert not Verification.objects.exists()
    elsewhere(lambda: seen.append(routine.run(Kind.HOURLY, clock=lambda: NOW)))
    assert seen[1] is not None


def test_what_does_not_hold_is_logged_as_an_error_with_its_report(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    key = next(key for key in house.files() if key.startswith("chains/clinic/7/seg") and ".gz" in key)
    house.overwrite(key, b"x")
    with caplog.at_level(logging.WARNING, logger="audit.verify.routine"):
        row = ran(Kind.HOURLY, NOW)
    assert row.outcome == Outcome.DOES_NOT_HOLD
    (entry,) = caplog.records
    assert (entry.levelname, str(row.id) in entry.getMessage()) == ("ERROR", True)


def test_a_check_that_runs_out_of_time_says_so_and_keeps_what_it_saw(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(**options: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr("audit.verify.run.check_tables", late)
    row = routine.run(Kind.WEEKLY, clock=lambda: NOW, over=SoftTimeLimitExceeded)
    assert row is not None
    assert row.outcome == Outcome.NOT_ALL_CHECKED
    said = body(row)
    assert [point["code"] for point in said["unchecked"]] == ["time-over"]
    assert said["verified"]["clinic/7"]["size"] == 3
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone()[0] == 0


def test_the_task_makes_what_is_due_and_prunes_at_night(house: House, time_machine: Any) -> None:
    time_machine.move_to(NIGHT + timedelta(days=800), tick=False)
    old = ran(Kind.HOURLY, NOW)
    tasks.verify()
    kinds = list(Verification.objects.order_by("kind").values_list("kind", flat=True))
    assert kinds == ["hourly", "weekly"]
    tasks.verify(later_argument="ignored")
    tasks.verify()
    assert not Verification.objects.filter(id=old.id).exists()
    assert sorted(Verification.objects.values_list("kind", flat=True)) == ["hourly", "nightly", "weekly"]
    tasks.verify()
    assert Verification.objects.count() == 3
