"""The whole check: store, records and tables held against one another, and every way to make them disagree."""

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from audit import segment as form
from audit import tree
from audit.context import use
from audit.findings import acknowledge
from audit.functions import function_statements
from audit.models import Chain, Record, Segment
from audit.sequencer import sequence
from audit.triggers import Spec, audited_tables, trigger_statements
from audit.verify import Report
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.verify.run import verify
from audit.worm import WormUnavailable, names
from audit.worm.folder import FolderWorm
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Tag, Visit
from tests.audit.sealed_house import ADA, NOW, House, furnished, samples_only, sql, switched_on, untriggered

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Four entries of clinic 7 sealed, one of clinic 12; one more of each recorded and not sealed."""
    samples_only(monkeypatch)
    house = furnished(tmp_path, settings)
    house.happens(4)
    house.happens(1, clinic=12)
    house.seals()
    house.happens(1)
    house.happens(1, clinic=12)
    return house


def found(report: Report) -> list[tuple[object, ...]]:
    """Code and place of each finding about our own tables and chains."""
    places = ("chain", "seq", "table", "pk", "fields", "first", "last", "found", "wanted")
    return [
        (finding.code, *(finding.values[name] for name in places if name in finding.values))
        for finding in report.findings
    ]


def check(**options: Any) -> Report:
    report = verify(now=NOW, **options)
    assert report.unchecked == []
    return report


def psql(statement: str) -> None:
    """A connection that is not the application's."""
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "host", "port", "password") if parameters.get(name)}
    with psycopg.connect(**wanted, autocommit=True) as other:
        other.execute(statement)


def elsewhere(work: Callable[[], object]) -> None:
    """Do it in another thread, hence on another connection: the check's own sees only its snapshot."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_an_untouched_house_holds(house: House) -> None:
    report = check()
    assert (found(report), report.exit_code) == ([], HOLDS)
    assert report.counts["records"] == 5
    assert report.counts["unsealed"] == 2
    assert report.counts["rows"] >= 7


def test_it_holds_after_everything_that_can_happen_to_rows(house: House) -> None:
    with use("test.write", actor=ADA):
        first, second, third = Entry.objects.filter(clinic=7).order_by("pk")[:3]
        first.name = "renamed"
        first.price = "12.50"
        first.extra = {"é": [1.5, None, {"deep": "x" * 10}], "n": 12345678901234567890}
        first.secret = "opens nothing"
        first.save()
        second.delete()
        third.clinic = 12
        third.save()
        third.clinic = None
        third.save()
        Entry.objects.bulk_create([Entry(clinic=7, name="bulk"), Entry(clinic=12, name="bulk")])
        Entry.objects.filter(name="bulk").update(count=5)
        third.tags.add(Tag.objects.create(name="tag"))
        Visit.objects.create(id=uuid.uuid4(), clinic_id=7)
    assert found(check()) == []  # as facts
    sequence()
    assert found(check()) == []  # as records
    house.seals()
    assert found(check()) == []  # sealed
    with use("test.write", actor=ADA):
        Entry.objects.filter(clinic=7).delete()
        third.clinic = 7
        third.save()
    assert found(check()) == []  # on top of what is sealed


def test_a_row_deleted_and_made_again_holds(house: House) -> None:
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    with use("test.write", actor=ADA):
        pk = entry.pk
        entry.delete()
        Entry(pk=pk, clinic=7, name="again").save(force_insert=True)
    assert found(check()) == []
    sequence()
    house.seals()
    assert found(check()) == []


@pytest.mark.parametrize("recorded", [False, True])
def test_an_emptied_table_holds_and_what_survives_it_does_not(house: House, recorded: bool) -> None:
    with use("test.write", actor=ADA):
        sql("TRUNCATE sample_entry CASCADE")
        Entry.objects.create(clinic=7, name="after")
    if recorded:
        sequence()
        house.seals()
    assert found(check()) == []
    untriggered(
        "INSERT INTO sample_entry (id, clinic, name, count, price, extra, secret) VALUES (1, 7, '', 0, 1, '{}', '')"
    )
    assert [finding[0] for finding in found(check())] == ["row-returned"]


@pytest.mark.parametrize("sealed", [True, False])
def test_a_row_changed_with_triggers_off_is_named_with_its_columns(house: House, sealed: bool) -> None:
    entry = Entry.objects.filter(clinic=7).order_by("pk")[0 if sealed else 4]
    untriggered("UPDATE sample_entry SET name = 'forged', count = 9 WHERE id = %s", entry.pk)
    report = check()
    assert found(report) == [("row-changed", "sample_entry", str(entry.pk), "count, name")]
    assert "forged" not in report.as_text()
    assert report.exit_code == DOES_NOT_HOLD


def test_a_change_in_a_session_that_pretends_to_be_a_replica_is_recorded_all_the_same(house: House) -> None:
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("UPDATE sample_entry SET name = 'replica' WHERE id = %s", entry.pk)
    assert found(check()) == [("bypass-waiting", "sample.Entry", str(entry.pk))]


def test_a_change_of_a_credential_shows_without_showing_it(house: House) -> None:
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    untriggered("UPDATE sample_entry SET secret = 'swapped' WHERE id = %s", entry.pk)
    report = check()
    assert found(report) == [("row-changed", "sample_entry", str(entry.pk), "secret")]
    assert "swapped" not in json.dumps(report.as_json())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("price", "1.51"),
        ("price", "1.500000001"),
        ("moment", "2001-01-01"),
        ("extra", '{"a": 1}'),
        ("clinic", "8"),
        ("parent_id", None),
    ],
)
def test_a_change_of_any_kind_of_column_shows(house: House, column: str, value: object) -> None:
    other, entry = Entry.objects.filter(clinic=7).order_by("pk")[:2]
    with use("test.write", actor=ADA):
        entry.parent = other
        entry.save()
    sequence()
    sql("ALTER TABLE sample_entry ALTER price TYPE numeric(30, 12)") if value == "1.500000001" else None
    try:
        untriggered(f"UPDATE sample_entry SET {column} = %s WHERE id = %s", value, entry.pk)
        assert ("row-changed", "sample_entry", str(entry.pk), column) in found(check())
    finally:
        sql("ALTER TABLE sample_entry ALTER price TYPE numeric(12, 2)")


def test_a_row_added_with_triggers_off_is_named(house: House) -> None:
    untriggered(
        "INSERT INTO sample_entry (id, clinic, name, count, price, extra, secret) VALUES (99, 7, '', 0, 1, '{}', '')"
    )
    assert found(check()) == [("row-added", "sample_entry", "99")]


def test_a_row_removed_with_triggers_off_is_named(house: House) -> None:
    entry = Entry.objects.filter(clinic=12).earliest("pk")
    untriggered("DELETE FROM sample_entry WHERE id = %s", entry.pk)
    assert found(check()) == [("row-removed", "sample_entry", str(entry.pk))]


def test_a_row_brought_back_with_triggers_off_is_named(house: House) -> None:
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    pk = entry.pk
    with use("test.write", actor=ADA):
        entry.delete()
    sequence()
    untriggered(
        "INSERT INTO sample_entry (id, clinic, name, count, price, extra, secret) VALUES (%s, 7, '', 0, 1, '{}', '')",
        pk,
    )
    assert found(check()) == [("row-returned", "sample_entry", str(pk))]


def test_rows_older_than_their_recording_are_named(house: House) -> None:
    untriggered("INSERT INTO sample_tag (id, name) VALUES (5, 'old')")
    assert found(check()) == [("row-added", "sample_tag", "5")]


def test_a_change_through_psql_stays_a_finding_until_someone_accounts_for_it(house: House) -> None:
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    psql(f"UPDATE sample_entry SET name = 'by hand' WHERE id = {entry.pk}")
    assert found(check()) == [("bypass-waiting", "sample.Entry", str(entry.pk))]
    sequence()
    assert found(check()) == [("bypass", CHAIN, 6, "sample.Entry", str(entry.pk))]
    house.seals()
    report = check()
    assert found(report) == [("bypass", CHAIN, 6, "sample.Entry", str(entry.pk))]
    assert report.exit_code == DOES_NOT_HOLD
    acknowledge(actor=ADA, chain=CHAIN, seq=6, reason="a correction agreed on")
    sequence()
    assert found(check()) == []


def test_an_announcement_that_came_to_nothing_stays_a_finding(house: House) -> None:
    sql("ALTER TABLE sample_entry DISABLE TRIGGER USER")
    with use("test.write", actor=ADA):
        entry = Entry.objects.create(clinic=7, name="unseen")
    switched_on("sample_entry")
    sequence()
    assert set(found(check())) == {("alarm", "platform", 1), ("row-added", "sample_entry", str(entry.pk))}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("ALTER TABLE sample_entry DISABLE TRIGGER audit_row", "its trigger is switched off"),
        ("ALTER TABLE sample_entry ENABLE REPLICA TRIGGER audit_row", "its trigger is switched off"),
        ("DROP TRIGGER audit_row ON sample_entry", "its trigger is gone"),
        ("DROP TRIGGER audit_truncate ON sample_entry", "its trigger is gone"),
    ],
)
def test_a_trigger_gone_or_switched_off_is_named(house: House, damage: str, reason: str) -> None:
    try:
        sql(damage)
        report = check()
        assert [finding.values for finding in report.findings] == [{"table": "sample_entry", "reason": reason}]
    finally:
        for statement in trigger_statements(Spec.of(audited_tables()["sample_entry"])):
            sql(statement)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ("replace(body, 'entry 1', 'entry X')", "after.name"),
        ('replace(body, \'"label":"Carla"\', \'"label":"Dora"\')', "actor.label"),
        ('replace(body, \'"op":"I"\', \'"op":"D"\')', "op"),
        ("replace(body, '\"v\":1', '\"v\": 1')", "its text"),
        ("'not a record'", ""),
        ("'[]'", ""),
        ('\'{"use": 3, "op": [], "after": 5, "source": "x", "seq": {}}\'', ""),
        ("replace(body, '\"after\":{', '\"before\":{')", ""),
    ],
)
def test_a_sealed_record_changed_in_the_database_is_named_with_what_changed(
    house: House, change: str, fields: str
) -> None:
    sql(f"UPDATE audit_record SET body = {change} WHERE chain = '{CHAIN}' AND seq = 2")
    report = check()
    assert found(report)[0][:3] == ("record-changed", CHAIN, 2)
    assert not fields or found(report)[0][3] == fields
    assert "Dora" not in report.as_text()


def test_a_record_changed_with_its_hash_made_to_fit_is_named(house: House) -> None:
    record = Record.objects.get(chain=CHAIN, seq=2)
    record.body = record.body.replace("entry 1", "entry X")
    record.leaf = tree.leaf_hash(record.body.encode())
    record.save()
    untriggered("UPDATE sample_entry SET name = 'entry X' WHERE id = %s", int(record.object_pk))
    assert found(check()) == [("record-changed", CHAIN, 2, "after.name")]


def test_a_sealed_record_dropped_from_the_database_is_named(house: House) -> None:
    sql("DELETE FROM audit_record WHERE chain = %s AND seq = 3", CHAIN)
    assert found(check())[0] == ("record-dropped", CHAIN, 3)


def test_swapped_records_are_named_both(house: House) -> None:
    sql("UPDATE audit_record SET seq = -seq WHERE chain = %s AND seq IN (1, 3)", CHAIN)
    sql("UPDATE audit_record SET seq = 4 + seq WHERE chain = %s AND seq < 0", CHAIN)
    assert found(check())[:2] == [("record-moved", CHAIN, 1, 3), ("record-moved", CHAIN, 3, 1)]


def test_an_extra_record_is_named(house: House) -> None:
    record = Record.objects.get(chain=CHAIN, seq=5)
    for seq in (6, 0):
        record.pk, record.seq = uuid.uuid4(), seq
        record.save(force_insert=True)
        assert ("head-differs", CHAIN, seq, 5) in found(check())
        record.delete()
    record.pk, record.seq, record.chain = uuid.uuid4(), 1, "clinic/99"
    record.save(force_insert=True)
    assert ("record-chainless", "clinic/99") in found(check())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("leaf", b"\0" * 32),
        ("id", uuid.UUID(int=5)),
        ("retention", "ephemeral"),
        ("use_id", None),
        ("model", "sample.Tag"),
        ("object_pk", "999999"),
        ("operation", "cancel"),
        ("capture", "bypass"),
        ("at", "2001-01-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("seq", [2, 5])
def test_what_stands_beside_a_record_must_repeat_it(house: House, column: str, value: object, seq: int) -> None:
    sql(f"UPDATE audit_record SET {column} = %s WHERE chain = '{CHAIN}' AND seq = {seq}", value)
    report = check()
    assert report.exit_code == DOES_NOT_HOLD
    assert any(
        finding[0] in ("record-aside", "record-broken") and finding[1:3] == (CHAIN, seq) for finding in found(report)
    )


@pytest.mark.parametrize(
    ("damage", "wanted"),
    [
        ("UPDATE audit_record SET body = replace(body, 'entry', 'forged') WHERE seq = 5", "head-differs"),
        ("DELETE FROM audit_record WHERE seq = 5", "record-gap"),
        ("UPDATE audit_record SET body = replace(body, '\"seq\":5', '\"seq\":6') WHERE seq = 5", "record-broken"),
        ("UPDATE audit_chain SET head = decode(repeat('00', 32), 'hex') WHERE name = 'clinic/7'", "head-differs"),
        ("UPDATE audit_chain SET seq = 4 WHERE name = 'clinic/7'", "head-differs"),
        ("UPDATE audit_chain SET seq = 6 WHERE name = 'clinic/7'", "record-gap"),
        ("DELETE FROM audit_chain WHERE name = 'clinic/7'", "database-behind"),
    ],
)
def test_damage_to_what_is_not_sealed_yet_is_named(house: House, damage: str, wanted: str) -> None:
    sql(damage.replace("WHERE seq", "WHERE chain = 'clinic/7' AND seq"))
    report = check()
    assert wanted in [finding.code for finding in report.findings if finding.values.get("chain") == CHAIN]


@pytest.mark.parametrize(
    ("damage", "fields"),
    [
        ("root = decode(repeat('00', 32), 'hex')", "root"),
        ("frontier = ''", "frontier"),
        ("manifest = ''", "manifest"),
        ("statement = 'x'", "statement"),
        ("checkpoint = 'x'", "checkpoint"),
    ],
)
def test_what_is_noted_about_a_segment_must_be_what_was_sealed(house: House, damage: str, fields: str) -> None:
    sql(f"UPDATE audit_segment SET {damage} WHERE chain = '{CHAIN}'")
    assert found(check()) == [("state-differs", CHAIN, fields, 1, 4)]


def test_a_lost_or_shrunk_note_of_a_segment_is_named(house: House) -> None:
    sql("UPDATE audit_chain SET sealed_root = decode(repeat('00', 32), 'hex') WHERE name = %s", CHAIN)
    assert found(check()) == [("state-differs", CHAIN, "sealed_root", 1, 4)]
    sql(
        "UPDATE audit_chain SET sealed_root = (SELECT root FROM audit_segment WHERE chain = name) WHERE name = %s",
        CHAIN,
    )
    house.seals()
    sql("DELETE FROM audit_segment WHERE chain = %s AND first = 1", CHAIN)
    assert found(check()) == [("state-missing", CHAIN, 1, 4)]


@pytest.mark.parametrize("size", [0, 3, 5])
def test_the_number_of_records_signed_for_must_be_that_of_the_segments(house: House, size: int) -> None:
    sql("UPDATE audit_chain SET sealed_size = %s WHERE name = %s", size, CHAIN)
    assert found(check()) == [("state-behind", CHAIN, 4, size)]


def test_an_altered_recording_function_is_named(house: House) -> None:
    with transaction.atomic():
        statements = list(function_statements(schema="public"))
        sql(statements[0].replace("RETURN NULL", "RETURN OLD").replace("%", "%%"))
    try:
        report = check()
        assert [finding.values for finding in report.findings] == [{"object": "audit_row"}]
    finally:
        sql(statements[0].replace("%", "%%"))


def test_an_older_copy_of_the_database_is_found_behind_its_evidence(house: House) -> None:
    Segment.objects.filter(chain=CHAIN).delete()
    Record.objects.filter(chain=CHAIN, seq__gt=2).delete()
    Chain.objects.filter(name=CHAIN).update(
        seq=2, head=Record.objects.get(chain=CHAIN, seq=2).leaf, sealed_size=0, sealed_root=b""
    )
    assert [finding for finding in found(check()) if finding[1] == CHAIN] == [("database-behind", CHAIN)]


def test_evidence_cut_off_at_its_end_is_found_by_what_the_database_knows(house: House) -> None:
    house.seals()
    for key in house.files():
        if "000000000005" in key:
            (house.worm.root / key).unlink()
    assert ("store-behind", CHAIN, 4, 5) in found(check())


def test_a_chain_taken_out_of_the_store_whole_is_found(house: House) -> None:
    for key in house.files():
        if key.startswith("chains/clinic/12/"):
            (house.worm.root / key).unlink()
    assert ("store-behind", "clinic/12", 0, 1) in found(check())


def test_one_byte_of_any_sealed_object_is_found_with_the_object(house: House) -> None:
    for key, data in house.files().items():
        house.overwrite(key, data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
        report = check()
        assert report.exit_code == DOES_NOT_HOLD
        named = str(report.findings[0].values["object"])
        assert key in (named, names.statement_key(named))
        house.overwrite(key, data)
    assert check().exit_code == HOLDS


def test_evidence_signed_by_a_key_slipped_in_beside_ours_is_refused(
    house: House, settings: Any, tmp_path: Path
) -> None:
    """The thief replaces the key in the store; the key store of the house still knows the real one."""
    ours = settings.KEYS_URL
    settings.KEYS_URL = f"file://{tmp_path}/other/keystore.json"
    house.seals()
    settings.KEYS_URL = ours
    report = verify(now=NOW)
    codes = [finding.code for finding in report.findings]
    assert codes[0] == "key-unknown"
    assert {"statement-bad", "checkpoint-bad"} <= set(codes)


def test_what_is_sealed_while_the_check_runs_gives_no_false_alarm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the snapshot of the database and the reading of the store, the house goes on working."""
    taken = form.read_leaves
    busy = [True]

    def read(*arguments: Any, **options: Any) -> Any:
        if busy:
            busy.clear()
            elsewhere(lambda: (house.happens(3, clinic=12), house.happens(2, clinic=30), house.seals()))
        return taken(*arguments, **options)

    monkeypatch.setattr("audit.verify.segments.read_leaves", read)
    report = check()
    assert found(report) == []
    assert {note.code for note in report.notes} == {"records-newer", "anchor-absent", "ddl-unwatched"}


def test_one_chain_can_be_checked_alone(house: House) -> None:
    here, there = Entry.objects.filter(clinic=7).earliest("pk"), Entry.objects.filter(clinic=12).earliest("pk")
    untriggered("UPDATE sample_entry SET name = 'forged' WHERE id IN (%s, %s)", here.pk, there.pk)
    sql("DELETE FROM audit_record WHERE chain = 'clinic/12' AND seq = 1")
    assert found(check(only=CHAIN)) == [("row-changed", "sample_entry", str(here.pk), "name")]
    report = verify(now=NOW, only="clinic/99")
    assert (report.exit_code, [point.code for point in report.unchecked]) == (NOT_ALL_CHECKED, ["chain-absent"])


def test_without_its_key_store_everything_but_the_signatures_is_checked(house: House, settings: Any) -> None:
    settings.KEYS_URL = ""
    report = verify(now=NOW)
    assert (report.exit_code, [point.code for point in report.unchecked]) == (NOT_ALL_CHECKED, ["key-absent"])
    assert report.counts["records"] == 5


def test_a_store_that_cannot_be_opened_is_an_open_point(house: House, settings: Any) -> None:
    settings.WORM_URL = "gopher://nowhere"
    assert verify(now=NOW).exit_code == NOT_ALL_CHECKED


@pytest.mark.parametrize("broken", ["get", "list"])
def test_a_store_that_fails_while_it_is_read_is_an_open_point(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise WormUnavailable("Input/output error")

    monkeypatch.setattr(FolderWorm, broken, fail)
    report = verify(now=NOW)
    assert (found(report), report.exit_code) == ([], NOT_ALL_CHECKED)
    assert report.counts["rows"] > 0


def test_a_signature_that_cannot_be_read_is_an_open_point(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read = FolderWorm.get

    def get(store: FolderWorm, key: str, version: str | None = None) -> bytes:
        if key.endswith("manifest.json.note"):
            raise WormUnavailable("Input/output error")
        return read(store, key, version)

    monkeypatch.setattr(FolderWorm, "get", get)
    report = verify(now=NOW)
    assert (found(report), report.exit_code) == ([], NOT_ALL_CHECKED)
    assert report.counts["records"] == 5


def test_a_table_that_cannot_be_read_is_an_open_point(house: House) -> None:
    sql("ALTER TABLE sample_visit RENAME TO hidden")
    try:
        report = verify(now=NOW)
        assert [point.values["table"] for point in report.unchecked] == ["sample_visit"]
        assert report.counts["tables"] > 3
    finally:
        sql("ALTER TABLE hidden RENAME TO sample_visit")


def test_the_check_changes_nothing_and_refuses_to_run_inside_a_transaction(house: House) -> None:
    before = Record.objects.count(), house.files()
    check()
    assert (Record.objects.count(), house.files()) == before
    with pytest.raises(RuntimeError), transaction.atomic():
        verify(now=NOW)


def test_the_command_exits_with_what_it_found_and_names_the_first_thing_first(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_verify")
    assert capsys.readouterr().out.startswith("THE EVIDENCE HOLDS.")
    entry = Entry.objects.filter(clinic=7).earliest("pk")
    untriggered("UPDATE sample_entry SET name = 'forged' WHERE id = %s", entry.pk)
    with pytest.raises(SystemExit) as caught:
        call_command("audit_verify")
    assert caught.value.code == DOES_NOT_HOLD
    assert capsys.readouterr().out.splitlines()[2] == (
        f"In table sample_entry, row {entry.pk} was changed without a record of it (columns: name)."
    )
    with pytest.raises(SystemExit):
        call_command("audit_verify", "--json", "--chain", CHAIN)
    body = json.loads(capsys.readouterr().out)
    assert (body["outcome"], body["scope"], body["found"]) == ("does not hold", CHAIN, 1)
