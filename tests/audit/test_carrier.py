"""Context on the write: sent when it must be, invisible to whoever runs the statement."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F, Func
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from audit import wake
from audit.carrier import Carrier, carrier_of, carry
from audit.context import Actor, acting, note, use
from audit.models import Fact
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Scratch, Tag

pytestmark = pytest.mark.usefixtures("db")

ADA = Actor(kind="patient", id="1", label="")
CARLA = Actor(kind="staff", id="2", label="Carla", roles=("reception",))


def cases() -> list[str | None]:
    """The use of each fact of a row, in order."""
    contexts = Fact.objects.filter(source="t").order_by("id").values_list("ctx", flat=True)
    return [json.loads(ctx)["use"]["case"] if ctx else None for ctx in contexts]


def carried(statements: CaptureQueriesContext) -> int:
    return sum("audit.ctx" in entry["sql"] or "audit_carry" in entry["sql"] for entry in statements.captured_queries)


def on_the_wire(run: Callable[[], object]) -> list[str]:
    """The statements as the driver gets them, while `run` runs."""
    seen: list[str] = []

    def look(execute: Callable[..., object], statement: str, *rest: object) -> object:
        seen.append(str(statement))
        return execute(statement, *rest)

    with connection.execute_wrapper(look):
        run()
    return seen


def undone() -> None:
    """A write that is rolled back, to a savepoint when there is a transaction."""
    with transaction.atomic():
        Tag.objects.create(name="undone, and its context with it")
        transaction.set_rollback(True)


def test_context_costs_no_statement_of_its_own() -> None:
    with use("a"), CaptureQueriesContext(connection) as statements:
        Entry.objects.create(name="Ada")
    assert len(statements) == 1
    assert cases() == ["a"]


def test_only_the_first_write_of_a_transaction_carries() -> None:
    def write() -> None:
        with use("a"), transaction.atomic():
            Entry.objects.update(name="x")
            Entry.objects.update(name="y")
            Tag.objects.update(name="z")

    wire = [statement for statement in on_the_wire(write) if "UPDATE" in statement]
    assert ["set_config" in statement for statement in wire] == [True, False, False]


def test_every_transaction_of_a_use_carries() -> None:
    with use("a"):
        for name in "xy":
            with transaction.atomic():
                Entry.objects.exists()
                Tag.objects.create(name=name)
        Tag.objects.create(name="autocommit")
    assert cases() == ["a"] * 3


def test_context_is_sent_again_after_a_rollback_to_a_savepoint() -> None:
    with use("a"), transaction.atomic():
        undone()
        Tag.objects.create(name="kept")
    assert cases() == ["a"]


def test_context_is_sent_again_after_a_rollback_in_plain_sql() -> None:
    with use("a"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SAVEPOINT mine")
        cursor.execute("INSERT INTO sample_tag (name) VALUES ('undone')")
        cursor.execute("ROLLBACK TO SAVEPOINT mine")
        cursor.execute("INSERT INTO sample_tag (name) VALUES ('kept')")
    assert cases() == ["a"]


def test_context_is_sent_again_after_a_failed_write() -> None:
    with use("a"), transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic():
            Entry.objects.create(name="x" * 300)
        Tag.objects.create(name="kept")
    assert cases() == ["a"]


def test_a_changed_context_is_sent_within_the_transaction() -> None:
    with transaction.atomic(), use("outer"):
        Tag.objects.create(name="1")
        with use("inner"):
            Tag.objects.create(name="2")
        Tag.objects.create(name="3")
    assert cases() == ["outer", "inner", "outer"]


def test_context_ends_with_its_use_even_inside_the_transaction() -> None:
    with transaction.atomic():
        with use("a"):
            Tag.objects.bulk_create([Tag(name="1")])
        Tag.objects.bulk_create([Tag(name="2")])
    assert cases() == ["a", None]


def test_context_does_not_outlive_its_transaction() -> None:
    with use("a"):
        Tag.objects.create(name="1")
    Tag.objects.bulk_create([Tag(name="2")])
    with transaction.atomic():
        Tag.objects.bulk_create([Tag(name="3")])
    assert cases() == ["a", None, None]


def test_an_actor_without_a_use_is_known_and_still_a_bypass() -> None:
    with acting(actor=CARLA, client="web"):
        Tag.objects.bulk_create([Tag(name="1")])
    said = json.loads(Fact.objects.get().ctx or "")
    assert (said["use"], said["actor"]["label"], said["client"]) == (None, "Carla", "web")


def test_a_plain_save_outside_any_use_implies_one() -> None:
    entry = Entry.objects.create(name="1")
    Entry.objects.update(name="a bulk write implies none")
    entry.save()
    entry.delete()
    assert cases() == ["orm.save", None, "orm.save", "orm.delete"]


def test_a_delete_outside_any_use_covers_what_it_drags_along() -> None:
    parent = Entry.objects.create(name="parent")
    Entry.objects.create(name="child", parent=parent)
    Fact.objects.all().delete()
    parent.delete()
    assert cases() == ["orm.delete", "orm.delete"]
    assert len(set(Fact.objects.values_list("ctx", flat=True))) == 1


def test_an_implied_use_does_not_outlive_a_save_that_failed() -> None:
    with pytest.raises(DatabaseError):
        Entry(name="x" * 300).save()
    Entry.objects.bulk_create([Entry(name="bulk")])
    assert cases() == [None]


def test_relations_outside_any_use_imply_one() -> None:
    entry, tag = Entry.objects.create(name="e"), Tag.objects.create(name="t")
    Fact.objects.all().delete()
    entry.tags.add(tag)
    entry.tags.clear()
    assert cases() == ["orm.relate", "orm.relate"]


@pytest.mark.parametrize("inside", [True, False], ids=["transaction", "autocommit"])
def test_results_are_those_of_the_statement(inside: bool) -> None:
    def check() -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sample_tag (name) VALUES ('a%d1'), ('a%d2'), ('a%d3') RETURNING name")
            assert cursor.rowcount == 3
            assert [column.name for column in cursor.description or ()] == ["name"]
            assert cursor.fetchall() == [("a%d1",), ("a%d2",), ("a%d3",)]
            assert cursor.nextset() is None
        with use("named"), connection.cursor() as cursor:
            cursor.execute("UPDATE sample_tag SET name = %(name)s WHERE name LIKE 'a%%'", {"name": "50 % off"})
            assert cursor.rowcount == 3
        with use("nothing"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM sample_tag WHERE name = 'nobody'")
            assert (cursor.rowcount, cursor.description) == (0, None)
        with use("composed"), connection.cursor() as cursor:
            cursor.execute(sql.SQL("UPDATE {} SET name = '100 %'").format(sql.Identifier("sample_tag")))
            assert cursor.rowcount == 3
        with use("placeholders"), connection.cursor() as cursor:
            cursor.execute("UPDATE sample_tag SET name = %s || '%%' RETURNING name", ["?"])
            assert cursor.fetchone() == ("?%",)

    with use("literal"):
        if inside:
            with transaction.atomic():
                check()
        else:
            check()
    assert cases() == ["literal"] * 3 + ["named"] * 3 + ["composed"] * 3 + ["placeholders"] * 3


def test_several_statements_in_one_are_carried_once() -> None:
    with use("a"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO sample_tag (name) VALUES ('x'); UPDATE sample_tag SET name = 'y' RETURNING name")
        assert cursor.nextset()
        assert cursor.fetchall() == [("y",)]
    assert cases() == ["a", "a"]


def test_commented_and_lower_case_writes_are_writes() -> None:
    with use("a"), connection.cursor() as cursor:
        cursor.execute("-- why\n  /* because;\n */ insert into sample_tag (name) values ('x')")
    assert cases() == ["a"]


def test_reads_are_left_alone() -> None:
    Tag.objects.bulk_create([Tag(name=str(n)) for n in range(5)])

    def read() -> None:
        with use("a"):
            assert len(list(Tag.objects.iterator(chunk_size=2))) == 5
            with transaction.atomic():
                Tag.objects.select_for_update().get(name="1")
            Tag.objects.filter(name="UPDATE").count()

    wire = on_the_wire(read)
    assert wire
    assert not [statement for statement in wire if "audit" in statement]


def test_tables_that_are_no_evidence_carry_nothing_and_wake_nobody(settings: object) -> None:
    settings.PUBLISH_TASKS = True  # type: ignore[attr-defined]

    def write() -> None:
        with use("a"), transaction.atomic():
            Scratch.objects.create(text="x")
            assert connection.run_on_commit == []

    assert not [statement for statement in on_the_wire(write) if "audit." in statement]


@pytest.mark.parametrize("before", [transaction.atomic, nullcontext], ids=["transaction", "autocommit"])
def test_the_driver_used_behind_django_loses_no_context(before: Callable[[], AbstractContextManager[object]]) -> None:
    with use("a"):
        with before():
            Tag.objects.create(name="an earlier transaction of the same use")
        with transaction.atomic():
            with connection.cursor() as cursor, cursor.copy("COPY sample_tag (name) FROM STDIN") as copy:
                copy.write_row(["without carry()"])
            Tag.objects.filter(name="without carry()").update(name="after it")
    assert cases() == ["a", None, "a"]


def test_transactions_managed_by_hand_carry_each() -> None:
    transaction.set_autocommit(False)
    try:
        with use("a"):
            for name in "xy":
                Tag.objects.bulk_create([Tag(name=name)])
                transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert cases() == ["a", "a"]


def test_carry_needs_a_transaction() -> None:
    with use("a"), pytest.raises(TransactionManagementError):
        carry()


def test_a_procedure_may_commit() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE PROCEDURE pg_temp.twice() LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO sample_tag (name) VALUES ('x'); COMMIT; END $$"
        )
        with use("a"):
            cursor.execute("CALL pg_temp.twice()")
    assert Tag.objects.count() == 1


def test_an_error_message_does_not_show_the_context() -> None:
    with acting(actor=Actor(kind="staff", id="1", label="C")), use("a"):
        with pytest.raises(DatabaseError) as raised, connection.cursor() as cursor:
            cursor.execute("UPDATE sample_tag SET nonsense = 1")
        assert "LINE 2: UPDATE sample_tag" in str(raised.value)
        with pytest.raises(DatabaseError) as raised:
            Tag.objects.create(name=Func(function="no_such_function"))
        assert "LINE 2: INSERT INTO" in str(raised.value)


def test_any_text_may_be_carried() -> None:
    label = "O'Brien \\ %s \x00 \ud800 ☕ \""
    with acting(actor=Actor(kind="staff", id="1", label=label)), use("a"):
        Tag.objects.create(name="1")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE sample_tag SET name = '%'")
    contexts = Fact.objects.filter(source="t").values_list("ctx", flat=True)
    assert [json.loads(ctx or "")["actor"]["label"] for ctx in contexts] == [label, label]


def test_a_carrier_survives_other_wrappers_and_reconnects() -> None:
    connection.close()
    connection.execute_wrappers.clear()
    with connection.execute_wrapper(lambda execute, *rest: execute(*rest)):
        Tag.objects.count()
    assert [type(wrapper) for wrapper in connection.execute_wrappers] == [Carrier]
    connection.close()
    with use("a"):
        Tag.objects.create(name="x")
    assert len(connection.execute_wrappers) == 1
    assert cases() == ["a"]


def test_a_note_carries_its_context() -> None:
    with acting(actor=CARLA), use("page"):
        note(chain="clinic/3", event="read", data={"patients": ["p1"]})
    fact = Fact.objects.get()
    assert (fact.source, fact.chain, json.loads(fact.ctx or "")["use"]["case"]) == ("a", "clinic/3", "page")
    assert fact.new == {"name": "read", "data": {"patients": ["p1"]}, "about": "", "retention": "regulatory_retention"}


def test_nobody_writes_in_another_persons_name() -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        actor = Actor(kind="staff", id=str(number), label=f"staff {number}")
        try:
            start.wait(10)
            with acting(actor=actor):
                for turn in range(25):
                    with use(f"case {number}"):
                        if turn % 3:
                            with transaction.atomic():
                                Entry.objects.create(name=str(number))
                                Entry.objects.filter(name=str(number)).update(count=F("count") + 1)
                        else:
                            Entry.objects.create(name=str(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name, ctx in Fact.objects.filter(source="t").values_list("new__name", "ctx"):
        said = json.loads(ctx or "{}")
        assert (said["actor"]["id"], said["use"]["case"]) == (name, f"case {name}")
    assert Entry.objects.count() == 200


def test_a_shared_connection_carries_the_context_of_the_writing_thread() -> None:
    shared = connections["default"]
    shared.inc_thread_sharing()

    def work() -> None:
        connections["default"] = shared
        with acting(actor=CARLA), use("other thread"):
            Tag.objects.create(name="theirs")

    try:
        with use("this thread"), transaction.atomic():
            Tag.objects.create(name="mine")
            thread = threading.Thread(target=work)
            thread.start()
            thread.join(10)
            Tag.objects.create(name="mine again")
    finally:
        shared.dec_thread_sharing()
    assert cases() == ["this thread", "other thread", "this thread"]


class TestWaking:
    """One wake-up for a transaction, after it."""

    @pytest.fixture(autouse=True)
    def _published(self, db: None, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.PUBLISH_TASKS = True  # type: ignore[attr-defined]
        self.published: list[int] = []
        monkeypatch.setattr(wake, "once", lambda task, **kwargs: self.published.append(Tag.objects.count()))

    def test_a_transaction_wakes_once_after_its_commit(self) -> None:
        with use("a"), transaction.atomic():
            Tag.objects.create(name="1")
            Tag.objects.create(name="2")
            with transaction.atomic():
                Tag.objects.create(name="3")
            assert self.published == []
        assert self.published == [3]

    def test_autocommit_wakes_after_the_statement(self) -> None:
        with use("a"):
            Tag.objects.create(name="1")
        assert self.published == [1]

    def test_a_rolled_back_transaction_wakes_nobody(self) -> None:
        undone()
        assert self.published == []

    def test_a_wake_up_lost_with_its_savepoint_is_registered_again(self) -> None:
        with transaction.atomic():
            undone()
            Tag.objects.create(name="2")
        assert self.published == [1]

    def test_a_failed_statement_wakes_nobody(self) -> None:
        with pytest.raises(DatabaseError):
            Entry.objects.create(name="x" * 300)
        assert self.published == []


def test_the_carrier_is_found_again() -> None:
    assert carrier_of(connection) is carrier_of(connection)
