"""Consumers see every record once, in order, and one of them failing stops nobody else."""

import logging
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections
from django.db.models.functions import Now

from audit import stream
from audit.context import current, use
from audit.keys.keyring import KeyDestroyed
from audit.models import Cursor, Fact, ParkedRecord, Record
from audit.sequencer import sequence
from audit.stream import TRIES, Consumer, Happened, consume, drain, lag, parked, register, replay, skip_to_head
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Scratch, Tag

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_consumers", {})


class Diary:
    """A consumer that remembers what it was told."""

    def __init__(self, name: str = "diary", *models: str) -> None:
        self.heard: list[Happened] = []
        self.error: BaseException | None = None
        register(Consumer(name=name, models=frozenset(models), plan=self.plan))

    def plan(self, happened: Happened) -> None:
        self.heard.append(happened)
        Scratch.objects.create(text=f"{happened.chain} {happened.seq}")
        if self.error is not None:
            raise self.error

    @property
    def numbers(self) -> list[int]:
        return [happened.seq for happened in self.heard]


def happen(*names: str, clinic: int = 7) -> None:
    with use("sample.write", operation="invite"):
        for name in names:
            Entry.objects.create(name=name, clinic=clinic)
    sequence()


def rested() -> None:
    Cursor.objects.update(retry_at=Now() - timedelta(seconds=1))


def test_a_consumer_hears_everything_once_and_in_order() -> None:
    diary = Diary()
    happen("a", "b")
    assert consume() == 2
    happen("c")
    assert consume("diary") == 1
    assert consume() == 0
    assert diary.numbers == [1, 2, 3]


def test_what_happened_is_told_whole() -> None:
    diary = Diary()
    with use("sample.write", operation="invite"):
        entry = Entry.objects.create(name="a", clinic=3)
        Entry.objects.update(name="b")
    drain()
    made, changed = diary.heard
    assert (made.model, made.pk, made.op, made.operation, made.case) == (
        *("sample.Entry", str(entry.pk), "I", "invite", "sample.write"),
    )
    assert (made.chain, made.clinic_id, made.before, made.after["name"]) == ("clinic/3", 3, {}, "a")
    assert (changed.op, changed.before, changed.after["name"]) == ("U", {"name": "a"}, "b")
    assert made.at.tzinfo is not None
    assert made.body["retention"] == "transactional"


def test_a_consumer_hears_only_of_its_models_and_passes_the_rest() -> None:
    diary = Diary("diary", "sample.Tag")
    happen("a", "b")
    with use("t"):
        Tag.objects.create(name="t")
    drain()
    assert [happened.model for happened in diary.heard] == ["sample.Tag"]
    assert lag() == {"diary": 0}


def test_a_new_consumer_begins_at_the_beginning() -> None:
    happen("a", "b")
    diary = Diary()
    consume()
    assert diary.numbers == [1, 2]


def test_a_consumer_may_begin_at_the_head() -> None:
    diary = Diary()
    happen("a", "b")
    skip_to_head("diary")
    happen("c")
    consume()
    assert diary.numbers == [3]


def test_plan_and_cursor_move_together() -> None:
    diary = Diary()
    diary.error = IntegrityError("row")
    happen("a")
    consume()
    assert not Scratch.objects.exists()
    assert Cursor.objects.get().seq == 0


def test_a_plan_acts_as_its_consumer() -> None:
    said: list[tuple[str, str, str]] = []
    register(
        Consumer(
            name="clerk",
            models=frozenset({"sample.Entry"}),
            plan=lambda happened: said.append((current().actor.id, current().case, current().client)),
        )
    )
    happen("a")
    consume()
    assert said == [("consumer.clerk", "consume.clerk", "worker")]


def test_what_a_plan_writes_is_sequenced_too() -> None:
    def plan(happened: Happened) -> None:
        Tag.objects.get_or_create(name=happened.pk)

    register(Consumer(name="clerk", models=frozenset({"sample.Entry"}), plan=plan))
    happen("a")
    drain()
    assert Record.objects.get(model="sample.Tag").capture == "trigger+signal"
    assert not Fact.objects.exists()


@pytest.mark.parametrize("error", [Entry.DoesNotExist(), KeyDestroyed(uuid4())], ids=["gone", "erased"])
def test_nothing_left_to_do_is_done(error: Exception) -> None:
    diary = Diary()
    diary.error = error
    happen("a")
    assert consume() == 1
    assert Cursor.objects.get().seq == 1
    assert not Scratch.objects.exists()


def test_a_failing_consumer_rests_and_tries_again() -> None:
    diary = Diary()
    diary.error = RuntimeError("network")
    happen("a")
    consume()
    consume()
    assert diary.numbers == [1]
    rested()
    diary.error = None
    consume()
    assert diary.numbers == [1, 1]
    assert Cursor.objects.values_list("seq", "failures", "error").get() == (1, 0, "")


def test_a_record_failed_on_too_often_is_parked_and_passed(caplog: pytest.LogCaptureFixture) -> None:
    diary = Diary()
    diary.error = RuntimeError("Ada Lovelace, ada@example.org")
    happen("a")
    with caplog.at_level(logging.WARNING, logger="audit.stream"):
        for _ in range(TRIES):
            consume()
            rested()
    assert diary.numbers == [1] * TRIES
    entry = parked().get()
    assert (entry.consumer, entry.chain, entry.seq) == ("diary", "clinic/7", 1)
    assert entry.error.startswith("RuntimeError at test_stream.py:")
    assert "Ada" not in caplog.text + entry.error
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    diary.error = None
    happen("b")
    consume()
    assert diary.numbers[-1] == 2


def test_a_parked_record_can_be_replayed() -> None:
    diary = Diary()
    diary.error = RuntimeError()
    happen("a")
    drain(strict=False)
    entry = parked().get()
    with pytest.raises(RuntimeError):
        replay(parked_id=entry.pk)
    assert parked().count() == 1
    diary.error = None
    replay(parked_id=entry.pk)
    assert not parked().exists()
    assert Scratch.objects.count() == 1


def test_a_failing_consumer_holds_up_neither_others_nor_its_other_chains() -> None:
    failing, well = Diary("failing"), Diary("well")
    failing.error = RuntimeError()
    happen("a", clinic=1)
    happen("b", clinic=2)
    consume()
    assert [happened.chain for happened in failing.heard] == ["clinic/1", "clinic/2"]
    assert len(well.heard) == 2


def test_drain_raises_what_a_plan_raises() -> None:
    diary = Diary()
    diary.error = RuntimeError("a bug")
    happen("a")
    with pytest.raises(RuntimeError, match="a bug"):
        drain()
    assert not ParkedRecord.objects.exists()


def test_two_consumers_cannot_share_a_name() -> None:
    diary = Diary()
    register(Consumer(name="diary", models=frozenset(), plan=diary.plan))
    with pytest.raises(ValueError, match="diary"):
        register(Consumer(name="diary", models=frozenset({"x.Y"}), plan=diary.plan))


def test_many_workers_plan_each_record_once() -> None:
    diary = Diary()
    happen(*(str(number) for number in range(30)))
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait(10)
            consume()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    consume()
    assert diary.numbers == list(range(1, 31))
    assert Scratch.objects.count() == 30


def test_a_wake_up_that_finds_the_cursor_taken_is_not_lost() -> None:
    diary = Diary()
    left: list[int] = []

    def plan(happened: Happened) -> None:
        diary.plan(happened)
        if not left:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(10)

    def other() -> None:
        try:
            happen("second, while the first is planned")
            left.append(consume())
        finally:
            connections.close_all()

    stream._consumers["diary"] = Consumer(name="diary", models=frozenset(), plan=plan)
    happen("first")
    assert consume() == 2
    assert left == [0]
