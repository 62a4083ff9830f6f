"""The tasks: ids only, on their queue, woken after the commit and never before, swept when nobody woke them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as configured
from pytest_django import Settings

from audit import stream, wake
from audit.models import Record
from notifications import tasks
from notifications.models import Message, State
from tests.factories import Cast
from tests.happenings import booked
from tests.notifications.stories import challenged
from tests.servers import MailSink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], str]]:
    """What is handed to the broker: task, arguments, queue."""
    found: list[tuple[str, dict[str, Any], str]] = []

    def take(name: str, *, kwargs: dict[str, Any], queue: str, **options: Any) -> None:
        found.append((name, kwargs, queue))

    settings.PUBLISH_TASKS = True
    wake.circuit.reset()
    monkeypatch.setattr(current_app, "send_task", take)
    monkeypatch.setattr(wake, "once", lambda task, **_: True)  # the sequencer's need a broker
    return found


def ours(published: list[tuple[str, dict[str, Any], str]]) -> list[tuple[str, dict[str, Any], str]]:
    return [call for call in published if call[0].startswith("notifications.")]


def test_a_planned_message_wakes_its_sender_with_its_id_alone(
    people: Cast, published: list[tuple[str, dict[str, Any], str]]
) -> None:
    challenged(people, now=datetime.now(UTC))
    message = Message.objects.get()
    assert ours(published) == [("notifications.send", {"message_id": str(message.pk)}, "messages")]


def test_a_reminder_wakes_nobody_before_its_time(
    people: Cast, published: list[tuple[str, dict[str, Any], str]]
) -> None:
    booked(people, start=datetime.now(UTC) + timedelta(days=9), purpose="import")
    assert ours(published) == []


def test_the_sweep_wakes_a_sender_for_what_is_due(
    people: Cast, published: list[tuple[str, dict[str, Any], str]]
) -> None:
    challenged(people, now=datetime.now(UTC))
    published.clear()
    tasks.sweep()
    assert ours(published) == [("notifications.send", {"message_id": str(Message.objects.get().pk)}, "messages")]


def test_wake_ups_do_not_pile_up_behind_a_stuck_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    settings.PUBLISH_TASKS = True
    wake.circuit.reset()
    monkeypatch.setattr(current_app, "send_task", lambda name, **given: options.update(given))
    assert wake.publish("notifications.send", queue="messages", message_id="1")
    assert options["expires"] == wake.HEEDED_SECONDS


def test_a_broker_that_is_gone_leaves_the_row_to_the_sweep(
    people: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError

    settings.PUBLISH_TASKS = True
    wake.circuit.reset()
    monkeypatch.setattr(current_app, "send_task", gone)
    challenged(people, now=datetime.now(UTC))
    wake.circuit.reset()
    assert Message.objects.get().state == State.PLANNED


@pytest.mark.real
def test_the_task_sends(people: Cast, mail_sink: MailSink) -> None:
    challenged(people, now=datetime.now(UTC))
    message = Message.objects.get()
    tasks.send(message_id=str(message.pk), unknown="from a newer version")
    message.refresh_from_db()
    assert message.state == State.HANDED_OVER


@pytest.mark.real
def test_what_the_task_writes_is_evidence_of_the_system(people: Cast, mail_sink: MailSink) -> None:
    challenged(people, now=datetime.now(UTC))
    tasks.send(message_id=str(Message.objects.get().pk))
    stream.drain()
    records = Record.objects.filter(model="notifications.Message").order_by("seq")
    assert {record.capture for record in records} == {"trigger+signal"}
    assert [record.chain for record in records] == [f"clinic/{people.clinic.pk}"] * 3


def test_beat_sweeps() -> None:
    entry = configured.CELERY_BEAT_SCHEDULE["notifications.sweep"]
    assert entry["task"] == tasks.sweep.name
    assert current_app.tasks["notifications.send"].acks_late
