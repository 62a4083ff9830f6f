"""A wake-up is a hint: it never raises, never waits, and a broker that is gone is left in peace for a while."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app

from audit import wake


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


def test_a_wake_up_goes_to_its_queue(sent: list[tuple[str, dict[str, Any]]]) -> None:
    assert wake.publish("audit.consume", name="diary")
    assert wake.publish("notifications.send", queue="messages", message_id="1")
    wake.sequencer()
    assert [(name, options["queue"], options["kwargs"], options["retry"]) for name, options in sent] == [
        ("audit.consume", "evidence", {"name": "diary"}, False),
        ("notifications.send", "messages", {"message_id": "1"}, False),
        ("audit.sequence", "evidence", {}, False),
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
        app = current_app._get_current_object()
        before = app.conf.broker_url
        try:
            app.conf.broker_url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
            app._pool = None
            app.amqp._producer_pool = None
            wake.publish("audit.sequence")  # imports what a process imports once
            wake.circuit.reset()
            began = time.perf_counter()
            assert not wake.publish("audit.sequence")
            spent = time.perf_counter() - began
        finally:
            app.conf.broker_url = before
            app._pool = None
            app.amqp._producer_pool = None
            stop.set()
            thread.join()
            for connection in kept:
                connection.close()
    assert len(kept) == 2, "the broker was never asked"
    assert spent < 0.45
