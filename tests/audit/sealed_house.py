"""A house with a store and a key of its own, in which things happen and are sealed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit.context import Actor, note, use
from audit.models import Segment
from audit.sealer import seal
from audit.sequencer import sequence
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
