"""The watch over the database's structure: each command becomes a record, and a finding unless it was announced."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.signals import post_migrate

from audit import canonical, functions, watch
from audit.context import use
from audit.findings import acknowledge
from audit.models import Fact, Record
from audit.sequencer import sequence
from audit.verify import Report
from audit.verify.report import DOES_NOT_HOLD
from audit.verify.run import Extent, verify
from audit.verify.system import check_watch
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.apps import _empty_outbox
from tests.audit.sample.models import Entry
from tests.audit.sealed_house import ADA, NOW, House, furnished, samples_only

pytestmark = pytest.mark.usefixtures("db")


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


@pytest.fixture
def watched(db: None, settings: Any) -> Iterator[None]:
    """The watch, for as long as the test."""
    settings.DDL_WATCH = True
    assert watch.install()
    sequence()
    try:
        yield
    finally:
        for name in functions.WATCHES.values():
            sql(f"DROP EVENT TRIGGER IF EXISTS {name}")


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, watched: None) -> House:
    samples_only(monkeypatch)
    house = furnished(tmp_path, settings)
    house.happens(2)
    house.seals()
    return house


def told() -> list[tuple[str, str, str]]:
    """Command, kind and object of each fact of the watch that waits, and of the records of it."""
    bodies = [canonical.decode(body.encode())["event"] for body in records().values_list("body", flat=True)]
    events = [*bodies, *Fact.objects.filter(new__name="ddl").order_by("pk").values_list("new", flat=True)]
    return [tuple(event["data"][name] for name in ("command", "kind", "object")) for event in events]


def records() -> Any:
    return Record.objects.filter(operation="ddl").order_by("seq")


def check(**options: Any) -> Report:
    return verify(now=NOW, **options)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_commands_on_the_structure_become_facts(watched: None) -> None:
    sql("CREATE TABLE watched (id int)")
    sql("ALTER TABLE watched ADD COLUMN name text")
    sql("CREATE INDEX CONCURRENTLY watched_name ON watched (name)")
    sql("DROP INDEX CONCURRENTLY watched_name")
    sql("DROP TABLE watched")
    assert told() == [
        ("CREATE TABLE", "table", "public.watched"),
        ("ALTER TABLE", "table", "public.watched"),
        ("CREATE INDEX", "index", "public.watched_name"),
        ("DROP INDEX", "index", "public.watched_name"),
        ("DROP TABLE", "table", "public.watched"),
    ]


def test_what_is_no_change_of_the_structure_leaves_none(watched: None) -> None:
    sql("CREATE TEMPORARY TABLE own (id int)")
    sql("ALTER TABLE own ADD COLUMN name text")
    sql("DROP TABLE own")
    sql("TRUNCATE sample_entry CASCADE")
    with transaction.atomic():
        sql("CREATE TABLE never (id int)")
        transaction.set_rollback(True)
    assert told() == []


def test_a_trigger_switched_off_and_on_between_two_checks_is_a_finding_until_acknowledged(house: House) -> None:
    entry = Entry.objects.earliest("pk")
    assert codes(check()) == []
    sql("ALTER TABLE sample_entry DISABLE TRIGGER audit_row")
    sql("UPDATE sample_entry SET name = name WHERE id = %s", entry.pk)  # what it was done for may leave no difference
    sql("ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row")
    report = check()
    assert codes(report) == ["ddl-waiting", "ddl-waiting"]
    assert report.exit_code == DOES_NOT_HOLD
    sequence()
    assert [(record.chain, record.capture, record.model) for record in records()] == [("platform", "bypass", "")] * 2
    report = check()
    assert codes(report) == ["ddl", "ddl"]
    assert report.findings[0].values["command"] == "ALTER TABLE"
    assert report.findings[0].values["object"] == "public.sample_entry"
    off = [canonical.decode(record.body.encode())["event"]["data"]["triggers_off"] for record in records()]
    assert off == [["audit_row"], None]
    house.seals()
    for record in records():
        acknowledge(actor=ADA, chain="platform", seq=record.seq, reason="a repair agreed on")
    sequence()
    assert codes(check()) == []


def test_what_a_use_case_announces_is_no_finding(house: House) -> None:
    # The context rides on writes: what changes the structure in a use says so first.
    with use("test.repair", actor=ADA) as context:
        watch.announce(connection, context.carried)
        sql("ALTER TABLE sample_entry DISABLE TRIGGER audit_row")
        sql("ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row")
        watch.announce(connection, "")
    sql("ALTER TABLE sample_scratch SET (fillfactor = 90)")
    sequence()
    assert [record.capture for record in records()] == ["application", "application", "bypass"]
    sql("ALTER TABLE sample_scratch RESET (fillfactor)")


@contextmanager
def outbox_kept() -> Iterator[None]:
    """The sample app empties the outbox after migrations, which this is about."""
    post_migrate.disconnect(sender=apps.get_app_config("sample"), dispatch_uid="sample.empty_outbox")
    try:
        yield
    finally:
        sample = apps.get_app_config("sample")
        post_migrate.connect(_empty_outbox, sender=sample, dispatch_uid="sample.empty_outbox")


def test_migrations_announce_what_they_do(house: House) -> None:
    with outbox_kept():
        call_command("migrate", "sample", "zero", verbosity=0)
        call_command("migrate", "sample", verbosity=0)
    sequence()
    assert ("DROP TABLE", "table", "public.sample_visit") in told()
    assert ("CREATE TABLE", "table", "public.sample_visit") in told()
    assert {record.capture for record in records()} == {"application"}
    sql("CREATE TABLE stray (id int)")
    sql("DROP TABLE stray")
    sequence()
    assert {record.capture for record in records()} == {"application", "bypass"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP EVENT TRIGGER audit_ddl", "is gone"),
        ("DROP EVENT TRIGGER audit_ddl_drop", "is gone"),
        ("ALTER EVENT TRIGGER audit_ddl DISABLE", "is switched off"),
        ("ALTER EVENT TRIGGER audit_ddl ENABLE", "is switched off"),
    ],
)
def test_a_watch_taken_away_or_switched_off_is_a_finding(house: House, settings: Any, damage: str, said: str) -> None:
    sql(damage)
    settings.DDL_WATCH = False  # whatever the settings say now: the evidence knows that there was one
    report = check(extent=Extent(level="records"))
    assert codes(report) == ["watch-gone"]
    assert said in report.findings[0].text()


def test_the_watch_begins_once_after_the_migrations_and_is_mended_by_them(watched: None) -> None:
    watch.after_migrations(using="default")
    sequence()
    assert Record.objects.filter(operation=watch.INSTALLED).count() == 1
    sql("ALTER EVENT TRIGGER audit_ddl DISABLE")
    watch.after_migrations(using="default")
    assert watch.state().off == ()
    sequence()
    assert Record.objects.filter(operation=watch.INSTALLED).count() == 2


def test_where_our_role_may_not_watch_it_is_said_and_is_no_finding(
    house: House,
) -> None:
    for name in functions.WATCHES.values():
        sql(f"DROP EVENT TRIGGER {name}")
    sql("DELETE FROM audit_record WHERE operation = %s", watch.INSTALLED)
    sql("CREATE ROLE plain NOLOGIN")
    sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain")
    try:
        sql("SET ROLE plain")
        assert not watch.install()
        report = Report(at=NOW)
        check_watch(report=report)
        assert (codes(report), [note.code for note in report.notes]) == ([], ["ddl-unwatched"])
        assert "superuser" in report.notes[0].text()
    finally:
        sql("RESET ROLE")
        sql("DROP OWNED BY plain")
        sql("DROP ROLE plain")
    report = Report(at=NOW)
    check_watch(report=report)
    assert codes(report) == ["watch-gone"]  # now it may, and should


def test_a_command_by_psql_is_a_finding_too(house: House) -> None:
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "host", "port", "password") if parameters.get(name)}
    with psycopg.connect(**wanted, autocommit=True) as other:
        other.execute("CREATE TABLE by_hand (id int)")
        other.execute("DROP TABLE by_hand")
    sequence()
    assert codes(check()) == ["ddl", "ddl"]
