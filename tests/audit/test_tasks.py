"""Celery's view: short tasks, each in a use of its own, waking what comes next."""

from pathlib import Path
from typing import Any

import pytest
from celery import current_app, shared_task
from django.utils import timezone

from audit import enforcement, sealer, stream, tasks, wake
from audit.context import Context, current, use
from audit.models import Record
from audit.sequencer import sequence
from audit.tasks import AuditedTask
from tests.audit.sample.models import Tag
from tests.audit.sealed_house import furnished

pytestmark = pytest.mark.django_db


@shared_task(name="tests.audit.look", base=AuditedTask)  # type: ignore[untyped-decorator]
def look(**kwargs: Any) -> Context:
    return current()


def test_a_task_acts_as_the_system_in_a_use_of_its_name() -> None:
    with use("the caller's"):
        seen = look()
    assert (seen.actor.kind, seen.actor.id, seen.case, seen.client) == (
        *("system", "tests.audit.look", "task.tests.audit.look", "worker"),
    )
    assert current() == Context()


def test_sequencing_wakes_each_consumer_when_there_is_something_new(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[tuple[str, Any]] = []
    monkeypatch.setattr(stream, "_consumers", {"a": None, "b": None})
    monkeypatch.setattr(wake, "once", lambda task, **kwargs: woken.append((task, kwargs.get("name"))))
    tasks.sequence()
    assert woken == []
    Tag.objects.create(name="x")
    tasks.sequence(later_argument="ignored")
    assert woken == [("audit.consume", "a"), ("audit.consume", "b")]
    assert Record.objects.count() == 1
    tasks.sequence()
    assert len(woken) == 2


def test_consuming_may_name_its_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(stream, "consume", asked.append)
    tasks.consume(name="a")
    tasks.consume()
    assert asked == ["a", None]


def test_sealing_is_told_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sealer, "seal", lambda *, now: told.append(now))
    tasks.seal()
    assert told[0].tzinfo is not None


def test_the_evidence_tasks_keep_to_their_time() -> None:
    for name in ("audit.sequence", "audit.consume", "audit.seal"):
        task = current_app.tasks[name]
        assert (task.acks_late, task.ignore_result) == (True, True)
        assert 0 < task.soft_time_limit < task.time_limit <= 300


def test_the_store_is_asked_once_a_day_whether_it_refuses_and_again_when_it_was_away(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = furnished(tmp_path, settings)

    def asked() -> int:
        tasks.canary()
        sequence()
        return Record.objects.filter(chain="platform", operation="worm.canary").count()

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    settings.WORM_URL = "s3://nowhere/x?endpoint=http://127.0.0.1:1&region=eu&mode=COMPLIANCE"
    assert asked() == 0
    assert "could not be asked" in caplog.text
    settings.WORM_URL = f"file://{house.worm.root}"
    assert [asked(), asked()] == [1, 1]
    tomorrow = timezone.now() + enforcement.EVERY
    monkeypatch.setattr("django.utils.timezone.now", lambda: tomorrow)
    assert asked() == 2
    assert [*house.files()] == sorted(stored.key for stored in house.worm.list("canary/"))
