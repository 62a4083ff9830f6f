"""The tasks: ids only, on their queue, swept when nobody woke them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as configured
from pytest_django import Settings

from audit import stream, wake
from audit.models import Record
from calendars import tasks
from calendars.models import Block, CalendarConnection
from tests.factories import Cast
from tests.happenings import booked
from tests.servers import Radicale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real]


@pytest.fixture
def published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], str]]:
    """What is handed to the broker: task, arguments, queue."""
    found: list[tuple[str, dict[str, Any], str]] = []

    def take(name: str, *, kwargs: dict[str, Any], queue: str, **options: Any) -> None:
        if name.startswith("calendars."):
            found.append((name, kwargs, queue))

    settings.PUBLISH_TASKS = True
    wake.circuit.reset()
    monkeypatch.setattr(current_app, "send_task", take)
    monkeypatch.setattr(wake, "once", lambda task, **_: True)  # the sequencer's need a broker
    return found


def test_a_planned_block_wakes_its_pusher_and_the_sweep_wakes_it_again(
    people: Cast, connection: CalendarConnection, published: list[tuple[str, dict[str, Any], str]]
) -> None:
    booked(people, start=datetime.now(UTC) + timedelta(days=9))
    call = ("calendars.push", {"block_id": str(Block.objects.get().pk)}, "calendars")
    assert published == [call]
    tasks.sweep()
    assert published == [call, call]


def test_the_task_pushes_and_what_it_writes_is_evidence_of_the_system(
    people: Cast, connection: CalendarConnection, radicale: Radicale
) -> None:
    booked(people, start=datetime.now(UTC) + timedelta(days=9))
    tasks.push(block_id=str(Block.objects.get().pk), unknown="from a newer version")
    assert len(radicale.events()) == 1
    stream.drain()
    assert set(Record.objects.filter(model="calendars.Block").values_list("capture", flat=True)) == {"trigger+signal"}


def test_beat_sweeps() -> None:
    assert configured.CELERY_BEAT_SCHEDULE["calendars.sweep"]["task"] == tasks.sweep.name
