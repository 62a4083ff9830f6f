"""Where a request came from: sealed in its records, opened with a reason, unreadable when its days are over."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from audit import origins
from audit.context import Actor, acting, use
from audit.keys import keyring
from audit.keys.keyring import KeyDestroyed
from audit.models import Record, SourceKey, SubjectKey
from audit.origins import AHEAD, RequestOrigin
from audit.sequencer import sequence
from tests.audit.sample.models import Entry
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db
CARLA = Actor(kind="staff", id="2", label="Carla")
TODAY = MONDAY.date()


@pytest.fixture(autouse=True)
def kept(settings: Any) -> Iterator[None]:
    settings.SOURCE_DAYS = 90
    origins._ready.forget()
    yield
    origins._ready.forget()


def written(*, address: str = "192.0.2.7", session: str = "ab12", count: int = 1) -> dict[str, Any]:
    """The last record of an act that came from there."""
    where = RequestOrigin(address=address, session=session, day=TODAY)
    with acting(actor=CARLA, client="web", origin=where), use("sample.write"):
        for _ in range(count):
            Entry.objects.create(name="Ada")
    sequence()
    return dict(json.loads(Record.objects.order_by("-chain", "-seq")[0].body))


def test_address_and_session_stand_sealed_in_the_record_and_open_with_a_reason() -> None:
    origins.prepare(now=MONDAY)
    body = written(count=2)
    assert "192.0.2.7" not in json.dumps(body)
    assert origins.opened(record=body, why="matter 12") == {"address": "192.0.2.7", "session": "ab12"}
    sequence()
    opened = json.loads(Record.objects.get(operation="source.opened").body)
    assert (opened["chain"], opened["pk"], opened["event"]["data"]) == (body["chain"], body["id"], {"why": "matter 12"})


def test_one_request_is_sealed_once_and_two_never_look_alike() -> None:
    origins.prepare(now=MONDAY)
    written(count=2)
    first, second = (json.loads(row.body)["source"] for row in Record.objects.all())
    assert first == second
    assert written()["source"]["address"] != first["address"]


def test_what_is_not_known_is_not_said() -> None:
    origins.prepare(now=MONDAY)
    source = written(session="")["source"]
    assert (bool(source["address"]), source["session"]) == (True, None)


def test_a_key_lies_ready_for_each_day_to_come_and_only_once() -> None:
    origins.prepare(now=MONDAY)
    origins.prepare(now=MONDAY + timedelta(hours=10))
    assert list(SourceKey.objects.order_by("day").values_list("day", flat=True)) == [
        TODAY + timedelta(days=number) for number in range(AHEAD.days + 1)
    ]
    assert SubjectKey.objects.count() == AHEAD.days + 1


def test_when_its_days_are_over_nobody_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    origins.prepare(now=MONDAY)
    body = written()
    assert origins.prepare(now=MONDAY + timedelta(days=90)) == 0
    assert origins.opened(record=body, why="on the last day")
    assert origins.prepare(now=MONDAY + timedelta(days=91)) == 1
    with pytest.raises(KeyDestroyed):
        origins.opened(record=body, why="too late")
    with pytest.raises(CommandError, match="destroyed"):
        call_command("audit_source", body["id"], "--why", "too late")


def test_kept_for_no_day_it_is_kept_not_at_all(settings: Any) -> None:
    origins.prepare(now=MONDAY)
    settings.SOURCE_DAYS = 0
    assert (written()["source"]["address"], origins.prepare(now=MONDAY + timedelta(days=1))) == (None, 1)


def test_without_a_key_the_write_goes_on_and_the_worker_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("audit.wake.publish", asked.append)
    assert written()["source"]["address"] is None
    assert written()["source"]["address"] is None
    assert asked == ["audit.sources"]
    monkeypatch.setattr(origins, "ASK_AGAIN_SECONDS", 0.0)
    origins._ready.forget()
    origins.prepare(now=MONDAY)
    assert written()["source"]["address"] is not None


def test_a_key_store_that_fails_stops_no_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_day: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(origins._ready, "of", fails)
    assert written()["after"]["name"] == "Ada"


def test_two_workers_at_once_leave_one_key_a_day_and_none_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    origins.prepare(now=MONDAY)
    monkeypatch.setattr("audit.origins._keys", lambda: _Blind(SourceKey.objects.all()))
    origins.prepare(now=MONDAY)
    assert SourceKey.objects.count() == AHEAD.days + 1
    unused = SubjectKey.objects.exclude(pk__in=SourceKey.objects.values("key_id"))
    assert all(keyring.is_destroyed(key_id=key.pk) for key in unused)


class _Blind:
    """Sees no key another worker has made meanwhile."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def filter(self, **wanted: Any) -> Any:
        return self._rows.none() if "day__gte" in wanted else self._rows.filter(**wanted)

    def get_or_create(self, **wanted: Any) -> Any:
        return self._rows.get_or_create(**wanted)


def test_the_command_says_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    origins.prepare(now=MONDAY)
    body = written()
    call_command("audit_source", f"{body['chain']}:{body['seq']}", "--why", "matter 12")
    assert capsys.readouterr().out == "address: 192.0.2.7\nsession: ab12\n"
    with pytest.raises(CommandError, match="no such record"):
        call_command("audit_source", "clinic/1:999", "--why", "matter 12")
