"""A write-once folder: the store of a laptop, and of anyone who wants to look at evidence with ordinary tools.

An object is a file under its key. Its lock is kept beside it in `.retain/<key>`, a file of JSON lines that is only
appended to; the latest date in it counts, and the last word about a legal hold. New bytes are written and flushed in
`.incoming/` and then hard-linked to their name, which the file system refuses when the name is taken: at no moment
could a name be overwritten.

Against someone who owns the machine a folder is no lock: what holds then is that every change is *detected*.
"""

import fcntl
import json
import os
import stat
import struct
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from audit.worm.store import (
    AlreadyWritten,
    LegallyHeld,
    ObjectMissing,
    RetentionHolds,
    Stored,
    WormUnavailable,
    check_key,
    check_moment,
    whole_second,
)

VERSION = "1"
RETAIN = ".retain"
INCOMING = ".incoming"
_ABANDONED_SECONDS = 3600
# linux/fs.h; the flags of chattr(1): +i for objects, +a for the lists of their locks.
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


class FolderWorm:
    """A `Worm` in a folder of the local file system, which must know hard links. See `audit.worm.store.Worm`."""

    def __init__(self, root: str | Path, *, immutable: bool = False) -> None:
        """`immutable`: also set the file system's own flags where it and our rights allow (Linux, root)."""
        self.root = Path(root)
        self.immutable = immutable

    def put(self, key: str, data: bytes, *, retain_until: datetime, content_type: str) -> Stored:
        """See `Worm.put`. The lock is on disk before the object appears."""
        path = self.root / check_key(key)
        retain_until = whole_second(check_moment(retain_until))
        if not self._holds(path, data):
            self._lock(key, data=data, retain_until=retain_until, content_type=content_type)
            self._link(path, data)
        stored = self.look(key)
        if stored.retain_until is None or stored.retain_until < retain_until:
            self._lock(key, data=data, retain_until=retain_until, content_type=content_type)
            stored = self.look(key)
        return stored

    def get(self, key: str, version: str | None = None) -> bytes:
        """See `Worm.get`."""
        if version not in (None, VERSION):
            raise ObjectMissing(f"{key} has no version {version}")
        return self._read(self.root / key)

    def look(self, key: str, version: str | None = None) -> Stored:
        """See `Worm.look`."""
        if version not in (None, VERSION):
            raise ObjectMissing(f"{key} has no version {version}")
        try:
            found = (self.root / key).lstat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(f"{key} is not there") from error
        if stat.S_ISDIR(found.st_mode):
            raise ObjectMissing(f"{key} is a folder")
        return Stored(key, VERSION, found.st_size, *self._locks(key))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """See `Worm.list`. Names that are not files of ours are listed as they are found."""
        folder = prefix.rpartition("/")[0]
        start = f"{folder}/" if folder else ""
        for key in self._walk(start, after):
            if key.startswith(prefix) and key > after:
                yield self.look(key)

    def extend(self, key: str, *, retain_until: datetime, version: str | None = None) -> Stored:
        """See `Worm.extend`."""
        stored = self.look(key, version)
        retain_until = whole_second(check_moment(retain_until))
        if stored.retain_until is not None and retain_until < stored.retain_until:
            raise RetentionHolds(f"{key} is locked until {stored.retain_until:%Y-%m-%d}; a lock is never shortened")
        if stored.retain_until != retain_until:
            self._lock(key, data=self.get(key), retain_until=retain_until, content_type="")
        return self.look(key)

    def delete(self, key: str, *, now: datetime, version: str | None = None) -> None:
        """See `Worm.delete`. The list of locks stays, with a line that says when the object was removed."""
        stored = self.look(key, version)
        if stored.held:
            raise LegallyHeld(f"a legal hold stands on {key}")
        if stored.retain_until is None or stored.retain_until > check_moment(now):
            until = f"until {stored.retain_until:%Y-%m-%d}" if stored.retain_until else "and its date cannot be read"
            raise RetentionHolds(f"{key} is locked {until}")
        path = self.root / key
        _flag(path, 0)
        path.unlink()
        _flush_folder(path.parent)
        self._append(key, {"deleted": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"})

    def hold(self, key: str, *, held: bool, now: datetime, version: str | None = None) -> Stored:
        """See `Worm.hold`. Each change is a line in the list of locks, so that placing and lifting stay to be seen."""
        moment = check_moment(now).astimezone(UTC)
        stored = self.look(key, version)
        if stored.held != held:
            self._append(key, {"hold": held, "at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
            stored = self.look(key, version)
        return stored

    def force_delete(self, key: str, *, version: str) -> None:
        """See `Worm.force_delete`."""
        raise RetentionHolds(f"{self.look(key, version).key} is locked")

    def force_lock(self, key: str, *, version: str, retain_until: datetime) -> None:
        """See `Worm.force_lock`."""
        self.extend(key, retain_until=retain_until, version=version)

    def release(self) -> None:
        """Take the file system's flags off everything, so that a folder made for a test can be removed."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                _flag(Path(folder) / name, 0)

    def _holds(self, path: Path, data: bytes) -> bool:
        """Whether `path` already holds exactly `data`; raises `AlreadyWritten` when it holds something else."""
        try:
            present = self._read(path)
        except ObjectMissing:
            return False
        if present != data:
            raise AlreadyWritten(f"{path.relative_to(self.root)} already holds other bytes")
        return True

    def _link(self, path: Path, data: bytes) -> None:
        incoming = self.root / INCOMING
        _make_folder(incoming, self.root)
        _make_folder(path.parent, self.root)
        _sweep(incoming)
        fresh = incoming / uuid.uuid4().hex
        _write(fresh, data, mode=0o440, flags=os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        try:
            os.link(fresh, path)
        except FileExistsError:
            self._holds(path, data)
        except PermissionError as error:
            raise WormUnavailable(f"{self.root} does not know hard links, so it cannot be written once") from error
        finally:
            fresh.unlink(missing_ok=True)
        _flush_folder(path.parent)
        if self.immutable:
            _flag(path, _IMMUTABLE)

    def _lock(self, key: str, *, data: bytes, retain_until: datetime, content_type: str) -> None:
        line: dict[str, object] = {
            "retain_until": f"{retain_until:%Y-%m-%dT%H:%M:%SZ}",
            "bytes": len(data),
            "sha256": sha256(data).hexdigest(),
        }
        self._append(key, line | ({"content_type": content_type} if content_type else {}))

    def _append(self, key: str, line: dict[str, object]) -> None:
        path = self.root / RETAIN / key
        _make_folder(path.parent, self.root)
        # Begins with a newline too: what a crash left half-written then stands on a line of its own.
        data = f"\n{json.dumps(line)}\n".encode()
        _write(path, data, mode=0o640, flags=os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        _flush_folder(path.parent)
        if self.immutable:
            _flag(path, _APPEND_ONLY)

    def _locks(self, key: str) -> tuple[datetime | None, bool]:
        """Until when the object is locked, and whether a legal hold stands on it."""
        latest: datetime | None = None
        held = False
        try:
            lines = self._read(self.root / RETAIN / key).decode().splitlines()
        except (ObjectMissing, UnicodeDecodeError):
            return latest, held
        for line in filter(None, lines):
            try:
                said = json.loads(line)
                held = bool(said.get("hold", held))
                until = datetime.strptime(said.get("retain_until", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            except (ValueError, AttributeError, TypeError):
                continue
            latest = until if latest is None else max(latest, until)
        return latest, held

    def _read(self, path: Path) -> bytes:
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ObjectMissing(f"{path} is not a file")
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissing(f"{path} is not there") from error
        except OSError as error:
            raise WormUnavailable(f"{path} cannot be read: {error.strerror}") from error

    def _walk(self, start: str, after: str) -> Iterator[str]:
        try:
            with os.scandir(self.root / start) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise WormUnavailable(f"{self.root / start} cannot be read: {error.strerror}") from error
        # A folder sorts as its name with the slash, as the keys inside it do.
        for name, is_folder in sorted(found, key=lambda entry: entry[0] + "/" * entry[1]):
            key = start + name
            if not is_folder:
                yield key
            elif key not in (RETAIN, INCOMING) and (f"{key}/" >= after or after.startswith(f"{key}/")):
                yield from self._walk(f"{key}/", after)


def _write(path: Path, data: bytes, *, mode: int, flags: int) -> None:
    try:
        with os.fdopen(os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WormUnavailable(f"{path} cannot be written: {error.strerror}") from error


def _make_folder(folder: Path, root: Path) -> None:
    """`folder` with its parents, each flushed into the one above it so that a power cut cannot lose the name."""
    missing = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for name in reversed(missing):
        try:
            name.mkdir(mode=0o750, exist_ok=True)
        except OSError as error:
            raise WormUnavailable(f"{root} cannot be written: {error.strerror}") from error
        _flush_folder(name.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(incoming: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in incoming.iterdir():
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue


def _flag(path: Path, flags: int) -> bool:
    """Set the file system's flags to `flags`, keeping unrelated ones. False where that is not possible."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        present = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack("l", 0)))[0]
        wanted = present & ~(_IMMUTABLE | _APPEND_ONLY) | flags
        if wanted != present:
            fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", wanted))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
