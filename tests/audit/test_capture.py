"""The capture matrix: each way to write a row, and exactly the facts it must leave."""

import uuid

import pytest
from django.db import connection, transaction

from audit.carrier import carry
from audit.context import use
from audit.models import Fact
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Remark, Tag, Visit
from tests.audit.writes import MATRIX, Ground, Write

pytestmark = pytest.mark.usefixtures("db")


def facts() -> list[str]:
    """`op table` of every fact of a row, in order."""
    rows = Fact.objects.filter(source="t").order_by("id")
    return [f"{fact.op} {(fact.tbl or '').removeprefix('sample_')}" for fact in rows]


def expectations() -> list[dict[str, object]]:
    return [entry for fact in Fact.objects.filter(source="s").order_by("id") for entry in fact.new or ()]


GROUND = Ground(Entry, Tag, Remark, forget=lambda: Fact.objects.all().delete(), carry=carry)


@pytest.mark.parametrize(("write", "expected"), MATRIX.values(), ids=MATRIX.keys())
def test_each_write_leaves_exactly_its_facts(write: Write, expected: list[str]) -> None:
    with use("sample.write"):
        write(GROUND)
    assert sorted(facts()) == sorted(expected)
    meanings = set(Fact.objects.filter(source="t").values_list("ctx", flat=True))
    assert all("sample.write" in (meaning or "") for meaning in meanings)


@pytest.mark.parametrize(("write", "expected"), MATRIX.values(), ids=MATRIX.keys())
def test_each_write_leaves_exactly_its_facts_inside_a_transaction(write: Write, expected: list[str]) -> None:
    with use("sample.write"), transaction.atomic():
        write(GROUND)
    assert sorted(facts()) == sorted(expected)
    meanings = set(Fact.objects.filter(source="t").values_list("ctx", flat=True))
    assert all("sample.write" in (meaning or "") for meaning in meanings)


def test_executemany_in_autocommit_leaves_facts_without_meaning() -> None:
    with use("sample.write"), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO sample_tag (name) VALUES (%s)", [["a"], ["b"]])
    assert facts() == ["I tag", "I tag"]
    assert set(Fact.objects.values_list("ctx", flat=True)) == {None}


def test_loaded_data_says_that_it_was_loaded() -> None:
    MATRIX["loaddata"][0](GROUND)
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
    GROUND.made(250)
    with use("sample.write"):
        Entry.objects.all().delete()
    assert expectations() == [{"t": "sample_entry", "op": "D", "n": 250}]
    assert len(facts()) == 250


def test_rows_somebody_else_deleted_are_taken_back() -> None:
    GROUND.made(3)
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
