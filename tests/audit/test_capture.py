"""The capture matrix: each way to write a row, and exactly the facts it must leave."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from audit.carrier import carry
from audit.context import use
from audit.models import Fact
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Remark, Tag, Visit

pytestmark = pytest.mark.usefixtures("db")


def facts() -> list[str]:
    """`op table` of every fact of a row, in order."""
    rows = Fact.objects.filter(source="t").order_by("id")
    return [f"{fact.op} {(fact.tbl or '').removeprefix('sample_')}" for fact in rows]


def expectations() -> list[dict[str, object]]:
    return [entry for fact in Fact.objects.filter(source="s").order_by("id") for entry in fact.new or ()]


def made(count: int = 1, **values: object) -> list[Entry]:
    """Entries that are there already, with the facts about them gone."""
    entries = Entry.objects.bulk_create([Entry(name=f"entry {n}", **values) for n in range(count)])
    Fact.objects.all().delete()
    return entries


def _create() -> None:
    Entry.objects.create(name="Ada")


def _save() -> None:
    (entry,) = made()
    entry.name = "changed"
    entry.save()


def _save_expression() -> None:
    (entry,) = made()
    entry.count = F("count") + 1
    entry.save()
    entry.refresh_from_db()
    assert entry.count == 1


def _save_stale() -> None:
    (entry,) = made()
    stale = Entry.objects.get()
    Entry.objects.update(name="by somebody else")
    Fact.objects.all().delete()
    stale.save()  # reverts what somebody else wrote, without knowing
    assert entry.pk == stale.pk


def _save_update_fields() -> None:
    (entry,) = made()
    entry.name = "changed"
    entry.count = 99
    entry.save(update_fields=["name"])


def _save_deferred() -> None:
    made()
    entry = Entry.objects.only("name").get()
    entry.name = "changed"
    entry.save()


def _update_or_create() -> None:
    made()
    Entry.objects.update_or_create(name="entry 0", defaults={"count": 5})
    Entry.objects.update_or_create(name="another", defaults={"count": 5})


def _get_or_create() -> None:
    Entry.objects.get_or_create(name="Ada")
    Entry.objects.get_or_create(name="Ada")


def _bulk_create() -> None:
    made_now = Entry.objects.bulk_create([Entry(name=str(n)) for n in range(3)])
    assert [entry.pk for entry in made_now] == sorted(Entry.objects.values_list("pk", flat=True))


def _upsert() -> None:
    entries = made(3)
    for entry in entries:
        entry.count = 4
    Entry.objects.bulk_create(
        [*entries, Entry(id=entries[-1].pk + 1, name="new")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["count"],
    )


def _bulk_update() -> None:
    entries = made(3)
    for entry in entries:
        entry.count = 4
    assert Entry.objects.bulk_update(entries, ["count"]) == 3


def _queryset_update() -> None:
    made(3)
    assert Entry.objects.update(count=9) == 3


def _raw_delete() -> None:
    made(3)
    assert Entry.objects.all()._raw_delete("default") == 3


def _delete() -> None:
    (entry,) = made()
    assert entry.delete() == (1, {"sample.Entry": 1})


def _queryset_delete() -> None:
    made(3)
    Entry.objects.all().delete()


def _cascade() -> None:
    (entry,) = made()
    Entry.objects.create(name="child", parent=entry)
    Remark.objects.create(entry=entry, text="goes with it")
    Fact.objects.all().delete()
    entry.delete()


def _relate() -> None:
    (entry,) = made()
    tags = Tag.objects.bulk_create([Tag(name="a"), Tag(name="b")])
    Fact.objects.all().delete()
    entry.tags.set(tags)
    entry.tags.remove(tags[0])
    entry.tags.clear()


def _raw_sql() -> None:
    made()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sample_entry SET name = 'raw'")
        assert cursor.rowcount == 1


def _raw_upsert_returning() -> None:
    (entry,) = made()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sample_tag (id, name) VALUES (%s, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' RETURNING id",
            [entry.pk],
        )
        assert cursor.fetchall() == [(entry.pk,)]


def _writing_cte() -> None:
    made(2)
    with connection.cursor() as cursor:
        cursor.execute("WITH gone AS (DELETE FROM sample_entry RETURNING id) SELECT count(*) FROM gone")
        assert cursor.fetchone() == (2,)


def _executemany() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO sample_tag (name) VALUES (%s)", [["a"], ["b"], ["c"]])


def _copy() -> None:
    with transaction.atomic():
        carry()
        with connection.cursor() as cursor, cursor.copy("COPY sample_tag (name) FROM STDIN") as copy:
            for name in "abc":
                copy.write_row([name])


def _truncate() -> None:
    made(3)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE sample_entry CASCADE")


def _loaddata(folder: Path) -> None:
    (folder / "sample.json").write_text(serializers.serialize("json", [Tag(pk=5, name="loaded")]))
    call_command("loaddata", str(folder / "sample.json"), verbosity=0)


def _replica_role() -> None:
    made()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE sample_entry SET name = 'quietly'")


def _rolled_back() -> None:
    made()
    with transaction.atomic():
        Entry.objects.create(name="never")
        Entry.objects.update(count=3)
        transaction.set_rollback(True)


def _failed_save() -> None:
    with pytest.raises(DatabaseError):
        Entry.objects.create(name="x" * 201)


def _no_change() -> None:
    (entry,) = made()
    entry.save()
    Entry.objects.update(name=F("name"))


def _async_save() -> None:
    async def write() -> None:
        entry = await Entry.objects.acreate(name="Ada")
        entry.name = "changed"
        await entry.asave()

    async_to_sync(write)()


MATRIX: dict[str, tuple[Callable[[], None], list[str]]] = {
    "create": (_create, ["I entry"]),
    "save": (_save, ["U entry"]),
    "save with F()": (_save_expression, ["U entry"]),
    "save of a stale instance": (_save_stale, ["U entry"]),
    "save update_fields": (_save_update_fields, ["U entry"]),
    "save deferred": (_save_deferred, ["U entry"]),
    "update_or_create": (_update_or_create, ["U entry", "I entry"]),
    "get_or_create": (_get_or_create, ["I entry"]),
    "bulk_create": (_bulk_create, ["I entry"] * 3),
    "upsert": (_upsert, ["U entry"] * 3 + ["I entry"]),
    "bulk_update": (_bulk_update, ["U entry"] * 3),
    "queryset.update": (_queryset_update, ["U entry"] * 3),
    "_raw_delete": (_raw_delete, ["D entry"] * 3),
    "delete": (_delete, ["D entry"]),
    "queryset.delete": (_queryset_delete, ["D entry"] * 3),
    "delete with cascade and set null": (_cascade, ["U entry", "D remark", "D entry"]),
    "many to many": (_relate, ["I entry_tags"] * 2 + ["D entry_tags"] * 2),
    "raw SQL": (_raw_sql, ["U entry"]),
    "raw upsert returning": (_raw_upsert_returning, ["I tag"]),
    "writing CTE": (_writing_cte, ["D entry"] * 2),
    "executemany": (_executemany, ["I tag"] * 3),
    "COPY": (_copy, ["I tag"] * 3),
    "TRUNCATE": (_truncate, ["T entry", "T remark", "T entry_tags"]),
    "replica role": (_replica_role, ["U entry"]),
    "rolled back": (_rolled_back, []),
    "failed save": (_failed_save, []),
    "no change": (_no_change, []),
    "asynchronous create and save": (_async_save, ["I entry", "U entry"]),
}


@pytest.mark.parametrize(("write", "expected"), MATRIX.values(), ids=MATRIX.keys())
def test_each_write_leaves_exactly_its_facts(write: Callable[[], None], expected: list[str]) -> None:
    with use("sample.write"):
        write()
    assert sorted(facts()) == sorted(expected)
    meanings = set(Fact.objects.filter(source="t").values_list("ctx", flat=True))
    assert all("sample.write" in (meaning or "") for meaning in meanings)


@pytest.mark.parametrize(("write", "expected"), MATRIX.values(), ids=MATRIX.keys())
def test_each_write_leaves_exactly_its_facts_inside_a_transaction(
    write: Callable[[], None], expected: list[str]
) -> None:
    with use("sample.write"), transaction.atomic():
        write()
    assert sorted(facts()) == sorted(expected)
    meanings = set(Fact.objects.filter(source="t").values_list("ctx", flat=True))
    assert all("sample.write" in (meaning or "") for meaning in meanings)


def test_executemany_in_autocommit_leaves_facts_without_meaning() -> None:
    with use("sample.write"), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO sample_tag (name) VALUES (%s)", [["a"], ["b"]])
    assert facts() == ["I tag", "I tag"]
    assert set(Fact.objects.values_list("ctx", flat=True)) == {None}


def test_loaded_data_leaves_its_fact(tmp_path: Path) -> None:
    _loaddata(tmp_path)
    assert facts() == ["I tag"]
    assert '"case":"orm.load"' in (Fact.objects.get(source="t").ctx or "")


def test_images_hold_every_column_and_hide_digest_columns() -> None:
    entry = Entry.objects.create(name="Ada", secret="open sesame", extra={"é": [1, 2.5]}, price="12.50")
    fact = Fact.objects.get(source="t")
    assert fact.new is not None
    assert set(fact.new) == {field.column for field in Entry._meta.concrete_fields}
    assert fact.new["secret"] == "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb"
    assert fact.new["extra"] == {"é": [1, 2.5]}
    assert (fact.chain, fact.object_pk, fact.old) == ("clinic/7", str(entry.pk), None)
    assert "open sesame" not in str(Fact.objects.values_list("new", "old", "ctx"))


def test_images_do_not_depend_on_the_session() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
        cursor.execute(
            "INSERT INTO sample_visit (id, clinic_id, status, recurrence_id) VALUES (%s, 1, '', %s)",
            [uuid.uuid4(), "2027-03-28T00:30:00+00:00"],
        )
    assert Fact.objects.filter(new__recurrence_id="2027-03-28T00:30:00+00:00").count() == 1


def test_the_chain_comes_from_the_column() -> None:
    entry = Entry.objects.create(name="Ada", clinic=3)
    Entry.objects.update(clinic=4)
    Entry.objects.update(clinic=None)
    Tag.objects.create(name="a")
    entry.delete()
    chains = list(Fact.objects.filter(source="t").order_by("id").values_list("chain", flat=True))
    assert chains == ["clinic/3", "platform", "platform", "platform", "platform"]


def test_a_save_announces_its_insert_and_nothing_else() -> None:
    with use("sample.write"):
        entry = Entry.objects.create(name="Ada")
        entry.save()
        Entry(pk=entry.pk, name="found", moment=entry.moment).save()
        Entry.objects.bulk_create([Entry(name="b")])
        Visit.objects.create(clinic_id=1)
    assert expectations() == [{"t": "sample_entry", "op": "I", "n": 1}, {"t": "sample_visit", "op": "I", "n": 1}]


def test_a_delete_announces_its_rows() -> None:
    made(250)
    with use("sample.write"):
        Entry.objects.all().delete()
    assert expectations() == [{"t": "sample_entry", "op": "D", "n": 250}]
    assert len(facts()) == 250


def test_rows_somebody_else_deleted_are_taken_back() -> None:
    made(3)
    with use("sample.write"):
        loaded = list(Entry.objects.all())
        Entry.objects.filter(pk=loaded[0].pk)._raw_delete("default")
        loaded[0].delete()
    assert expectations() == [{"t": "sample_entry", "op": "D", "n": 1}, {"t": "sample_entry", "op": "D", "n": -1}]


def test_a_failed_save_leaves_no_announcement_behind() -> None:
    with use("sample.write"):
        with pytest.raises(ValueError, match="unsaved related object"):
            Remark.objects.create(entry=Entry(name="unsaved"), text="x")
        entry = Entry.objects.create(name="Ada")
        Remark.objects.bulk_create([Remark(entry=entry, text="y")])
    assert expectations() == [{"t": "sample_entry", "op": "I", "n": 1}]
