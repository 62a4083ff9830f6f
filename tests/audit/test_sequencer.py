"""Facts become records: none lost, none twice, no gap, each with the meaning it was written with."""

import json
import random
import threading
import time
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from audit import canonical, clock, sequencer
from audit.context import Actor, acting, note, use
from audit.models import Chain, Fact, Record
from audit.sequencer import LOCK, facts_wait, sequence
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Remark, Tag, Visit

pytestmark = pytest.mark.usefixtures("db")

CARLA = Actor(kind="staff", id="2", label="Carla", roles=("reception",))


def bodies(chain: str | None = None) -> list[dict[str, Any]]:
    records = Record.objects.order_by("chain", "seq")
    return [json.loads(record.body) for record in (records.filter(chain=chain) if chain else records)]


def assert_sound() -> None:
    """Every chain is gap-free, linked, canonical, and stands where its head says."""
    for chain in Chain.objects.all():
        head = "0" * 64
        records = list(Record.objects.filter(chain=chain.name).order_by("seq"))
        assert [record.seq for record in records] == list(range(1, chain.seq + 1))
        for record in records:
            body = canonical.decode(record.body.encode())
            assert body["prev"] == head
            assert (body["chain"], body["seq"], body["id"]) == (record.chain, record.seq, str(record.id))
            head = sha256(b"\x00" + record.body.encode()).hexdigest()
            assert bytes(record.leaf).hex() == head
        assert bytes(chain.head).hex() == head


def test_a_record_says_everything_the_profile_asks_for() -> None:
    visit = uuid.uuid4()
    started = datetime.now(UTC)
    with (
        acting(actor=CARLA, purpose="TREAT", request_id="r-1", client="web"),
        use("booking.move", operation="reschedule"),
    ):
        Visit.objects.create(
            id=visit, clinic_id=3, recurrence_id=datetime(2027, 3, 28, 0, 30, tzinfo=UTC), occurrence_index=4
        )
        Visit.objects.update(status="cancelled")
    assert sequence() == 2
    first, second = bodies("clinic/3")
    assert set(first) == {
        *("v", "chain", "seq", "prev", "id", "at", "recorded", "model", "pk", "op", "operation", "capture", "actor"),
        *("use", "purpose", "request", "source", "appointment", "recurrence_id", "occurrence_index", "before"),
        *("after", "event", "retention", "clock", "consent", "created", "updated"),
    }
    assert first["v"] == 1
    assert (first["model"], first["pk"], first["op"]) == ("sample.Visit", str(visit), "I")
    assert (first["operation"], first["capture"]) == ("reschedule", "trigger+signal")
    assert first["retention"] == "transactional"
    assert first["actor"] == {"kind": "staff", "id": "2", "label": "Carla", "roles": ["reception"]}
    assert first["use"] == {"id": str(Record.objects.get(seq=1).use_id), "case": "booking.move"}
    assert (first["purpose"], first["request"], first["source"]["client"]) == ("TREAT", "r-1", "web")
    assert first["source"]["db_user"] == connection.settings_dict["USER"]
    assert first["appointment"] == str(visit)
    assert (first["recurrence_id"], first["occurrence_index"]) == ("2027-03-28T00:30:00+00:00", 4)
    assert first["before"] is None
    assert first["after"]["status"] == "booked"
    assert started <= canonical.read_moment(first["at"]) <= canonical.read_moment(first["recorded"])
    assert second["use"] == first["use"]
    assert second["before"] == {"status": "booked"}
    assert second["after"] == first["after"] | {"status": "cancelled"}
    assert second["event"] is None
    assert_sound()


def test_a_record_says_how_far_its_clock_can_be_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.clock.kernel", lambda: (True, 812))
    before, real = time.monotonic(), time.time_ns
    monkeypatch.setattr("audit.clock.time.time_ns", lambda: real() - 5_000_000_000)
    Entry.objects.create(name="Ada")
    sequence()
    (body,) = bodies()
    tolerance = int((time.monotonic() - before) * 1_000_000)
    assert abs(body["clock"].pop("ahead_us") - 5_000_000) <= tolerance
    assert body["clock"] == {"synchronised": True, "error_us": 812}


def test_the_kernel_says_whether_anything_keeps_its_clock() -> None:
    kept, error = clock.kernel()
    assert (kept is True) == (error is not None)


def test_a_deleted_row_is_told_whole() -> None:
    entry = Entry.objects.create(name="Ada", secret="s")
    pk = str(entry.pk)
    entry.delete()
    sequence()
    created, deleted = bodies("clinic/7")
    assert (deleted["op"], deleted["operation"], deleted["pk"]) == ("D", "delete", pk)
    assert (deleted["before"], deleted["after"]) == (created["after"], None)


def test_numbers_keep_every_digit() -> None:
    Entry.objects.create(name="Ada", price="0.10", extra={"big": 2**60, "small": 0.1, "é": None})
    sequence()
    (body,) = bodies("clinic/7")
    assert body["after"]["price"] == "0.10"
    assert body["after"]["extra"] == {"big": str(2**60), "small": "0.1", "%C3%A9": None}


def test_chains_are_numbered_apart() -> None:
    with use("a"):
        for clinic in (1, 2, 1, None):
            Entry.objects.create(name="x", clinic=clinic)
    sequence()
    assert dict(Chain.objects.values_list("name", "seq")) == {"clinic/1": 2, "clinic/2": 1, "platform": 1}
    assert_sound()


def test_a_write_without_meaning_is_a_bypass() -> None:
    Entry.objects.bulk_create([Entry(name="x")])
    with acting(actor=CARLA):
        Entry.objects.update(name="y")
    sequence()
    first, second = bodies()
    assert (first["capture"], first["actor"]["kind"], first["use"]) == ("bypass", "unknown", None)
    assert (second["capture"], second["actor"]["label"]) == ("bypass", "Carla")
    assert first["operation"] == "create"


@pytest.mark.parametrize(
    "ctx",
    ["nonsense", "[]", "3", '{"use": {"id": "no uuid"}}', '{"actor": 3}', '{"actor": {"kind": "god"}}', '{"use": []'],
)
def test_a_forged_context_means_nothing(ctx: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('audit.ctx', %s, true)", [ctx])
        cursor.execute("INSERT INTO sample_tag (name) VALUES ('x')")
    Tag.objects.create(name="after it")
    sequence()
    first, second = bodies("platform")
    assert (first["capture"], first["actor"]["kind"]) == ("bypass", "unknown")
    assert second["capture"] == "trigger+signal"


def test_truncation_is_a_record_of_the_platform() -> None:
    with use("flush"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE sample_visit")
    sequence()
    (body,) = bodies("platform")
    assert (body["op"], body["operation"], body["model"], body["pk"]) == ("T", "truncate", "sample.Visit", None)


def test_an_event_of_the_application_is_a_record() -> None:
    with acting(actor=CARLA), use("desk"):
        note(chain="clinic/3", event="read", data={"patients": ["p1"]}, about="7", retention="ephemeral")
    sequence()
    (body,) = bodies("clinic/3")
    assert (body["op"], body["model"], body["pk"], body["capture"]) == (None, None, "7", "application")
    assert body["event"] == {"name": "read", "data": {"patients": ["p1"]}}
    assert (body["operation"], body["retention"], body["actor"]["label"]) == ("read", "ephemeral", "Carla")


def test_a_forged_event_cannot_choose_its_lock_or_chain() -> None:
    with connection.cursor() as cursor:
        cursor.execute("""SELECT audit_note('{"name": "x", "retention": "none"}', 'clinic/1; x')""")
    sequence()
    (body,) = bodies("platform")
    assert (body["retention"], body["capture"]) == ("regulatory_retention", "bypass")


def test_a_note_outside_any_use_is_no_bypass() -> None:
    note(chain="platform", event="start")
    sequence()
    (body,) = bodies("platform")
    assert (body["capture"], body["use"]["case"]) == ("application", "note.start")


def test_a_fact_that_cannot_be_told_does_not_stop_the_stream() -> None:
    deep = "[" * 3000 + "]" * 3000
    with use("a"):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sample_entry (clinic, name, count, price, extra, secret)"
                " VALUES (7, 'x', 0, 1, %s::jsonb, '')",
                [deep],
            )
        Entry.objects.create(name="after it")
    with connection.cursor() as cursor:
        cursor.execute("SELECT new::text FROM audit_fact ORDER BY id LIMIT 1")
        content = cursor.fetchone()[0]
    sequence()
    poison, healthy = bodies("clinic/7")
    assert (poison["capture"], poison["after"], poison["event"]["name"]) == ("alarm", None, "audit.unreadable")
    assert poison["event"]["data"]["sha256"] == sha256(b"\n" + content.encode()).hexdigest()
    assert healthy["after"]["name"] == "after it"
    assert_sound()


def test_nothing_waits_when_nothing_happened() -> None:
    assert not facts_wait()
    assert sequence() == 0
    assert Chain.objects.count() == 0


def test_batches_end_anywhere_and_the_order_stands() -> None:
    with use("a"), transaction.atomic():
        for number in range(10):
            entry = Entry.objects.create(name="x", count=number)
            entry.delete()
    assert sequence(batch=3) == 20
    assert [body["op"] for body in bodies("clinic/7")] == ["I", "D"] * 10
    assert not [body for body in bodies() if body["capture"] != "trigger+signal"]
    assert_sound()


def test_each_row_tells_its_story_in_order() -> None:
    """A transaction that began first and changed the row last comes last, whatever the batches."""
    row = Tag.objects.create(name="0")
    sequence()
    begun, changed = threading.Event(), threading.Event()

    def early() -> None:
        try:
            with use("early"), transaction.atomic():
                Tag.objects.create(name="the lowest id")
                begun.set()
                changed.wait(10)
                Tag.objects.filter(pk=row.pk).update(name="2")
        finally:
            connections.close_all()

    thread = threading.Thread(target=early)
    thread.start()
    begun.wait(10)
    with use("late"):
        Tag.objects.filter(pk=row.pk).update(name="1")
    changed.set()
    thread.join(10)
    sequence(batch=1)
    told = [body["after"]["name"] for body in bodies() if body["pk"] == str(row.pk)]
    assert told == ["0", "1", "2"]


class TestAnnouncements:
    """What was announced and did not come is an alarm; nothing else is."""

    def test_a_missing_create_is_an_alarm(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE sample_entry DISABLE TRIGGER audit_row")
        try:
            with acting(actor=CARLA), use("booking.book", operation="create"):
                Entry.objects.create(name="unseen")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row")
        assert sequence() == 1
        (body,) = bodies("platform")
        assert (body["capture"], body["model"], body["op"], body["pk"]) == ("alarm", "sample.Entry", "I", None)
        assert body["event"] == {
            "name": "audit.fact_missing",
            "data": {"table": "sample_entry", "op": "I", "missing": 1},
        }
        assert (body["actor"]["label"], body["use"]["case"]) == ("Carla", "booking.book")

    def test_missing_deletes_are_an_alarm(self) -> None:
        entries = Entry.objects.bulk_create([Entry(name=str(n)) for n in range(3)])
        Fact.objects.all().delete()
        with use("a"):
            Entry.objects.all().delete()
        Fact.objects.filter(source="t", object_pk=str(entries[0].pk)).delete()
        sequence()
        alarms = [body for body in bodies() if body["capture"] == "alarm"]
        assert [alarm["event"]["data"] for alarm in alarms] == [{"table": "sample_entry", "op": "D", "missing": 1}]

    @pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
    def test_an_announcement_may_be_kept_in_a_later_batch(self, batch: int) -> None:
        entries = Entry.objects.bulk_create([Entry(name=str(n)) for n in range(3)])
        Fact.objects.all().delete()
        with use("a"), transaction.atomic():
            Tag.objects.create(name="x")
            Entry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
        sequence(batch=batch)
        assert {body["capture"] for body in bodies()} == {"trigger+signal"}

    @pytest.mark.parametrize("before", [0, 1, 2])
    @pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 100])
    def test_a_broken_announcement_is_one_alarm_wherever_the_batch_ends(self, batch: int, before: int) -> None:
        with use("a"), transaction.atomic():
            Tag.objects.bulk_create([Tag(name="x") for _ in range(before)])
            for number in range(3):
                Entry.objects.create(name=str(number))
        Fact.objects.filter(source="t", tbl="sample_entry").order_by("id")[1].delete()
        sequence(batch=batch)
        missing = [body["event"]["data"]["missing"] for body in bodies() if body["capture"] == "alarm"]
        assert missing == [1]

    def test_rolled_back_announcements_are_forgotten(self) -> None:
        with use("a"), transaction.atomic():
            with pytest.raises(DatabaseError), transaction.atomic():
                Entry.objects.bulk_create([Entry.objects.create(name="never")])
            Entry.objects.create(name="kept")
        sequence()
        assert [body["capture"] for body in bodies()] == ["trigger+signal"]

    def test_a_row_deleted_by_somebody_else_is_no_alarm(self) -> None:
        entry = Entry.objects.create(name="Ada")
        Remark.objects.create(entry=entry, text="x")
        with use("a"):
            again = Entry.objects.get()
            entry.delete()
            again.delete()
        sequence()
        assert "alarm" not in {body["capture"] for body in bodies()}

    @pytest.mark.parametrize(
        "said", ["3", '{"t": 1}', "[1]", '[{"t": "sample_tag"}]', '[{"t": "x", "op": "I", "n": "y"}]']
    )
    def test_a_nonsensical_announcement_announces_nothing(self, said: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT audit_carry('', %s::jsonb)", [said])
        Tag.objects.create(name="x")
        assert sequence() == 1


class TestConcurrency:
    """Many writers, more than one sequencer, and everything once."""

    def test_no_fact_is_lost_repeated_or_misnumbered(self) -> None:
        done = threading.Event()
        failures: list[Exception] = []
        dice = random.Random(7)
        plans = [[(dice.random(), dice.randrange(1, 4), dice.random() < 0.2) for _ in range(40)] for _ in range(8)]

        def write(plan: list[tuple[float, int, bool]]) -> None:
            try:
                for pause, rows, fails in plan:
                    try:
                        with use("load"), transaction.atomic():
                            for _ in range(rows):
                                Entry.objects.create(name="x", clinic=rows)
                            time.sleep(pause / 100)
                            if fails:
                                raise ZeroDivisionError
                    except ZeroDivisionError:
                        pass
            except Exception as error:  # noqa: BLE001 - told to the test
                failures.append(error)
            finally:
                connections.close_all()

        def follow() -> None:
            try:
                while not done.is_set():
                    sequence(batch=17)
            except Exception as error:  # noqa: BLE001 - told to the test
                failures.append(error)
            finally:
                connections.close_all()

        writers = [threading.Thread(target=write, args=(plan,)) for plan in plans]
        followers = [threading.Thread(target=follow) for _ in range(2)]
        for thread in (*writers, *followers):
            thread.start()
        for thread in writers:
            thread.join(60)
        done.set()
        for thread in followers:
            thread.join(60)
        sequence()
        assert failures == []
        assert_sound()
        expected = sum(rows for plan in plans for _pause, rows, fails in plan if not fails)
        assert Entry.objects.count() == expected
        told = sorted(Record.objects.values_list("object_pk", flat=True), key=int)
        assert told == [str(pk) for pk in Entry.objects.order_by("pk").values_list("pk", flat=True)]
        assert set(Record.objects.values_list("capture", flat=True)) == {"trigger+signal"}

    def test_who_finds_the_lock_taken_leaves_and_the_holder_looks_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A wake-up that finds the lock taken is not lost: its fact was committed before, the holder looks after."""
        Tag.objects.create(name="first")
        left: list[int] = []
        batch = sequencer._sequence_batch

        def slow(held: Any, size: int) -> int:
            written = batch(held, size)
            if not left:
                worker = threading.Thread(target=other)
                worker.start()
                worker.join(10)
            return written

        def other() -> None:
            try:
                Tag.objects.create(name="second, while the lock is held")
                left.append(sequence())
            finally:
                connections.close_all()

        monkeypatch.setattr(sequencer, "_sequence_batch", slow)
        assert sequence() == 2
        assert left == [0]
        assert not facts_wait()

    def test_a_crash_takes_back_claim_and_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Tag.objects.create(name="x")
        with monkeypatch.context() as patch:
            patch.setattr(sequencer, "_store", lambda *rest: (_ for _ in ()).throw(RuntimeError("killed")))
            with pytest.raises(RuntimeError):
                sequence()
        assert facts_wait()
        assert Chain.objects.count() == 0
        assert sequence() == 1
        assert_sound()

    def test_a_lock_held_elsewhere_is_left_alone(self) -> None:
        Tag.objects.create(name="x")
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
                    held.set()
                    release.wait(10)
            finally:
                connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        assert sequence() == 0
        release.set()
        thread.join(10)
        assert sequence() == 1
