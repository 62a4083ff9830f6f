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
from audit.worm.store import RetentionHolds, Stored, WormUnavailable

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


class Forgetful(FolderWorm):
    """Takes holds and keeps none; its locks hold, by a clock of its own."""

    clock = NOW

    def hold(self, key: str, *, held: bool, now: datetime, version: str | None = None) -> Stored:
        return self.look(key, version)

    def force_delete(self, key: str, *, version: str) -> None:
        until = self.look(key, version).retain_until
        if until is None or until > self.clock:
            raise RetentionHolds
        (self.root / key).unlink()


class Deaf(FolderWorm):
    """Knows no holds."""

    def hold(self, key: str, *, held: bool, now: datetime, version: str | None = None) -> Stored:
        raise WormUnavailable("NotImplemented")


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        (FolderWorm, []),
        (Forgetful, ["It took a legal hold and does not show it.", "It deleted a version under a legal hold."]),
        (Deaf, ["It does not take a legal hold."]),
    ],
)
def test_a_store_that_keeps_no_hold_is_found_out_on_the_second_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FolderWorm], faults: list[str]
) -> None:
    store = kind(tmp_path)
    monkeypatch.setattr(Forgetful, "clock", NOW)
    assert [probe(store, now=NOW), probe(store, now=NOW)] == [[], []]
    monkeypatch.setattr(Forgetful, "clock", NOW + LOCKED)
    assert probe(store, now=NOW + LOCKED) == faults
    assert not any(stored.held for stored in store.list())


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
    monkeypatch.setattr("audit.enforcement.open_worm", lambda url: Lenient(tmp_path / "lenient"))
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
