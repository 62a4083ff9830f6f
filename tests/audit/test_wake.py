"""A wake-up is a hint: it never raises, never waits, and a broker that is gone is left in peace for a while."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from audit import tasks, wake
from config.embedded import redis


@pytest.fixture(autouse=True)
def _publishing(settings: Any) -> Iterator[None]:
    settings.PUBLISH_TASKS = True
    wake.circuit.reset()
    yield
    wake.circuit.reset()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    tasks: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: tasks.append((name, options)))
    return tasks


@contextmanager
def _broker_at(address: str) -> Iterator[None]:
    app = current_app._get_current_object()
    before = app.conf.broker_url
    try:
        app.conf.broker_url = address
        app._pool = None
        app.amqp._producer_pool = None
        yield
    finally:
        app.conf.broker_url = before
        app._pool = None
        app.amqp._producer_pool = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[None]:
    with (tmp_path / "redis.log").open("wb") as log:
        server = redis.start(home=tmp_path, output=log)
    try:
        with _broker_at(redis.address(home=tmp_path)):
            yield
    finally:
        server.kill()
        server.wait()


@pytest.mark.real
def test_a_wake_up_goes_to_its_queue(sent: list[tuple[str, dict[str, Any]]], broker: None) -> None:
    assert wake.publish("audit.consume", name="diary")
    assert wake.publish("notifications.send", queue="messages", message_id="1")
    wake.sequencer()
    assert [(name, options["queue"], options["kwargs"], options["retry"]) for name, options in sent] == [
        ("audit.consume", "evidence", {"name": "diary"}, False),
        ("notifications.send", "messages", {"message_id": "1"}, False),
        ("audit.sequence", "evidence", {}, False),
    ]


@pytest.mark.real
def test_what_was_asked_for_and_not_begun_is_not_asked_for_again(sent: list[Any], broker: None) -> None:
    """However many commits there are meanwhile; and whoever begins is asked again by whatever is committed after."""
    for _ in range(3):
        assert wake.once("audit.sequence")
        assert wake.once("audit.consume", name="diary")
    assert wake.once("audit.consume", name="letters")
    assert [name for name, _ in sent] == ["audit.sequence", "audit.consume", "audit.consume"]
    wake.heard("audit.consume", name="diary")
    wake.once("audit.consume", name="letters")
    wake.once("audit.consume", name="diary")
    assert [options["kwargs"] for _, options in sent[1:]] == [{"name": "diary"}, {"name": "letters"}, {"name": "diary"}]
    wake.heard("audit.sequence")
    wake.sequencer()
    wake.sequencer()
    assert [options["countdown"] for name, options in sent if name == "audit.sequence"] == [None, wake.GATHERED_SECONDS]


@pytest.mark.real
def test_a_mark_nobody_takes_away_ends_by_itself(
    sent: list[Any], broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "MARK_SECONDS", 1)
    wake.sequencer()
    time.sleep(1.1)
    wake.sequencer()
    assert len(sent) == 2


def test_a_task_takes_its_mark_away_before_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round a row committed in between would wait for the sweep."""
    did: list[str] = []

    def sequenced() -> int:
        did.append("sequenced")
        return 1

    monkeypatch.setattr(wake, "heard", lambda task, *, name="": did.append(f"heard {task} {name}".strip()))
    monkeypatch.setattr(wake, "once", lambda task, *, name="": did.append(f"asked {task}"))
    monkeypatch.setattr("audit.tasks.sequence_facts", sequenced)
    monkeypatch.setattr("audit.stream.consumers", lambda: ("diary",))
    monkeypatch.setattr("audit.stream.consume", lambda name: did.append(f"consumed {name}"))
    tasks.sequence()
    tasks.consume(name="diary")
    assert did == [
        *("heard audit.sequence", "sequenced", "asked audit.consume"),
        *("heard audit.consume diary", "consumed diary"),
    ]


def test_nothing_is_published_where_publishing_is_off(sent: list[Any], settings: Any) -> None:
    settings.PUBLISH_TASKS = False
    assert not wake.publish("audit.sequence")
    assert sent == []


def test_a_failure_is_swallowed_and_not_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def fail(name: str, **options: Any) -> None:
        tries.append(name)
        raise OSError("broker gone")

    monkeypatch.setattr(current_app, "send_task", fail)
    assert not wake.publish("audit.sequence")
    assert not wake.publish("audit.sequence")
    assert tries == ["audit.sequence"]
    clock = time.monotonic()
    monkeypatch.setattr("audit.wake.time.monotonic", lambda: clock + wake.PAUSE_SECONDS + 0.1)
    wake.publish("audit.sequence")
    assert tries == ["audit.sequence"] * 2


def test_a_dead_broker_costs_less_than_a_third_of_a_second(settings: Any) -> None:
    """A socket that accepts and never answers is the worst a broker can do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []
        stop = threading.Event()

        def accept() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    kept.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            with _broker_at(f"redis://127.0.0.1:{server.getsockname()[1]}/0"):
                wake.publish("audit.sequence")  # imports what a process imports once
                wake.circuit.reset()
                began = time.perf_counter()
                assert not wake.publish("audit.sequence")
                spent = time.perf_counter() - began
                kept_by_publish = len(kept)
                wake.circuit.reset()
                began = time.perf_counter()
                assert not wake.once("audit.sequence")
                wake.heard("audit.sequence")
                marking = time.perf_counter() - began
        finally:
            stop.set()
            thread.join()
            for connection in kept:
                connection.close()
    assert kept_by_publish == 2, "the broker was never asked"
    assert spent < 0.45
    assert marking < 0.9
