"""A house with a store and a key of its own, in which things happen and are sealed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from audit.context import Actor, note, use
from audit.declare import Declaration
from audit.heads import MOVED_EVERY, keep
from audit.models import Segment
from audit.sealer import seal
from audit.sequencer import sequence
from audit.triggers import audited_tables
from audit.worm.folder import FolderWorm
from tests.audit.sample.models import Entry

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = Actor(kind="staff", id="1", label="Carla")


@dataclass(frozen=True)
class House:
    """`worm`: where the settings say evidence is sealed to."""

    worm: FolderWorm

    def happens(self, count: int = 1, *, clinic: int = 7) -> list[Entry]:
        """So many entries made by the application, and recorded."""
        with use("test.write", actor=ADA):
            entries = [Entry.objects.create(clinic=clinic, name=f"entry {number}") for number in range(count)]
        sequence()
        return entries

    def told(self, *, clinic: int = 7, retention: str = "ephemeral") -> None:
        """An event of the application, in another retention class than the entries."""
        with use("test.tell", actor=ADA):
            note(chain=f"clinic/{clinic}", event="page.read", data={"page": "day sheet"}, retention=retention)
        sequence()

    def seals(self) -> list[Segment]:
        return seal(now=NOW)

    def moves(self, *, clinic: int = 7, at: datetime | None = None) -> int:
        """Something happens and is sealed, and the log of logs says so, sealed too; by the real clock, or `at`.

        Returns how many records the log of logs has.
        """
        self.happens(clinic=clinic)
        seal(now=at or datetime.now(UTC))
        assert keep(now=datetime.now(UTC) + MOVED_EVERY)
        sequence()
        return max(segment.last for segment in seal(now=at or datetime.now(UTC)) if segment.chain == "heads")

    def files(self) -> dict[str, bytes]:
        """Everything sealed, by key."""
        return {stored.key: self.worm.get(stored.key) for stored in self.worm.list()}

    def overwrite(self, key: str, data: bytes) -> None:
        """What someone who owns the machine can do."""
        path = self.worm.root / key
        path.chmod(0o640)
        path.write_bytes(data)


def spans(segments: Iterable[Segment]) -> list[tuple[str, int, int]]:
    return [(segment.chain, segment.first, segment.last) for segment in segments]


def furnished(path: Path, settings: object) -> House:
    """A house under `path`, known to the settings."""
    settings.WORM_URL = f"file://{path}/worm"  # type: ignore[attr-defined]
    settings.KEYS_URL = f"file://{path}/keys/keystore.json"  # type: ignore[attr-defined]
    settings.LOG_NAME = "horae.example"  # type: ignore[attr-defined]
    return House(FolderWorm(path / "worm"))


def sample_tables() -> dict[str, Declaration]:
    """The audited tables of these tests."""
    return {name: declared for name, declared in audited_tables().items() if name.startswith("sample_")}


def samples_only(monkeypatch: pytest.MonkeyPatch, *places: str) -> None:
    """Let checks compare the tables of these tests only: the rest of the house has rows from migrations, whose facts
    went when the stream was emptied. `places`: modules that ask for the list besides the check itself."""
    samples = sample_tables()
    for place in ("audit.verify.tables", *places):
        monkeypatch.setattr(f"{place}.audited_tables", lambda: samples)


def sql(statement: str, *parameters: Any) -> None:
    """As somebody with `psql` would."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def untriggered(statement: str, *parameters: Any) -> None:
    """What a superuser does who knows where the switch is."""
    table = statement.split()[2 if statement.startswith(("INSERT", "DELETE")) else 1]
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    sql(statement, *parameters)
    switched_on(table)


def switched_on(table: str) -> None:
    """Its triggers of evidence are as they should be."""
    for trigger in ("audit_row", "audit_truncate"):
        sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
