"""Celery's view: short tasks, each in a use of its own, waking what comes next."""

from typing import Any

import pytest
from celery import current_app, shared_task

from audit import sealer, stream, tasks, wake
from audit.context import Context, current, use
from audit.models import Record
from audit.tasks import AuditedTask
from tests.audit.sample.models import Tag

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
