"""A store that does not refuse what it must is found out by asking it."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.models import Record
from audit.stream import drain
from audit.tasks import canary
from audit.verify import verify_worm
from audit.verify.trust import Trust
from audit.worm.canary import LOCKED, probe
from audit.worm.folder import FolderWorm
from audit.worm.names import CANARY

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Lenient(FolderWorm):
    """Takes locks and keeps none."""

    def force_delete(self, key: str, *, version: str) -> None:
        (self.root / key).unlink()

    def force_lock(self, key: str, *, version: str, retain_until: datetime) -> None:
        return


def test_a_folder_keeps_its_own_rules(tmp_path: Path) -> None:
    assert probe(FolderWorm(tmp_path), now=NOW) == []


def test_each_thing_a_store_lets_happen_is_told(tmp_path: Path) -> None:
    assert probe(Lenient(tmp_path), now=NOW) == [
        "It shortened a lock.",
        "It deleted a locked version.",
        "The locked version is gone.",
    ]


def test_canaries_whose_day_is_over_are_taken_away_and_are_no_evidence(tmp_path: Path) -> None:
    store = FolderWorm(tmp_path)
    for moment in (NOW, NOW + timedelta(hours=1), NOW + LOCKED + timedelta(seconds=1)):
        probe(store, now=moment)
    assert len(list(store.list(CANARY))) == 2
    report = verify_worm(store, trust=Trust("horae.example", [], lambda *_: False), now=NOW)
    assert [finding.code for finding in report.findings] == []


@pytest.mark.django_db
def test_what_was_found_is_written_down_and_shouted(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WORM_URL = f"file://{tmp_path}/store"
    canary()
    monkeypatch.setattr("audit.tasks.open_worm", lambda url: Lenient(tmp_path / "lenient"))
    with caplog.at_level(logging.ERROR, logger="audit.tasks"):
        canary()
    drain()
    told = (
        Record.objects.filter(chain="platform", operation="worm.canary").order_by("seq").values_list("body", flat=True)
    )
    assert ['"faults":[]' in body for body in told] == [True, False]
    assert "does not enforce its locks: It shortened a lock." in caplog.text


@pytest.mark.django_db
def test_a_store_that_is_away_is_asked_another_day(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.WORM_URL = "nowhere://"
    canary()
    drain()
    assert not Record.objects.filter(operation="worm.canary").exists()
    assert "could not be asked" in caplog.text
