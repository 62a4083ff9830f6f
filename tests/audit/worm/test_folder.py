"""What the write-once folder does beyond the contract: files, modes, crashes, things put there by hand."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit import worm
from audit.stores import open_worm
from audit.worm.folder import FolderWorm
from audit.worm.store import ObjectMissing, RetentionHolds, WormUnavailable

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=365)
KEY = "chains/platform/checkpoint/000000000001"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FolderWorm]:
    folder = FolderWorm(tmp_path / "worm")
    yield folder
    folder.release()


def put(store: FolderWorm, data: bytes = b"evidence", key: str = KEY) -> None:
    store.put(key, data, retain_until=LATER, content_type="text/plain")


def test_objects_are_plain_read_only_files_under_their_keys(store: FolderWorm) -> None:
    put(store)
    path = store.root / KEY
    assert path.read_bytes() == b"evidence"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert path.stat().st_nlink == 1
    assert list((store.root / ".incoming").iterdir()) == []


def test_opening_creates_nothing(tmp_path: Path) -> None:
    store = open_worm(f"file://{tmp_path}/with%20space?immutable=yes")
    assert isinstance(store, FolderWorm)
    assert (store.root, store.immutable) == (tmp_path / "with space", True)
    assert not store.root.exists()


@pytest.mark.parametrize("url", ["", "worm", "file:worm", "file://host/worm", "ftp://host/worm", "s3:/x"])
def test_an_address_nobody_answers_to_is_refused(url: str) -> None:
    with pytest.raises(WormUnavailable):
        open_worm(url)


def test_what_is_already_there_is_never_overwritten_even_when_it_came_between(
    store: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def late(source: object, target: object, **options: object) -> None:
        Path(str(target)).write_bytes(b"somebody was faster")
        real(source, target, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(worm.AlreadyWritten):
        put(store)
    assert store.get(KEY) == b"somebody was faster"


@pytest.mark.parametrize("step", ["lock", "incoming", "link"])
def test_a_crash_between_any_two_steps_is_made_good_by_putting_again(
    store: FolderWorm, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*arguments: object, **options: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "lock":
            patch.setattr(FolderWorm, "_link", die)
        elif step == "incoming":
            patch.setattr(os, "link", die)
        else:
            real = os.link

            def link_and_die(*arguments: Any, **options: Any) -> None:
                real(*arguments, **options)
                raise Killed

            patch.setattr(os, "link", link_and_die)
        with pytest.raises(Killed):
            put(store)
    if step == "link":
        assert store.look(KEY).retain_until == LATER  # the lock was there first
    else:
        assert list(store.list()) == []
    put(store)
    assert store.get(KEY) == b"evidence"
    assert store.look(KEY).retain_until == LATER


def test_a_killed_writer_leaves_no_half_object(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from audit.worm.folder import FolderWorm\n"
        "write = os.fsync\n"
        "die = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = die if sys.argv[1] == 'large' else write\n"
        "store = FolderWorm(sys.argv[2])\n"
        "store.put(sys.argv[1], b'x' * 5_000_000, retain_until=datetime(2030, 1, 1, tzinfo=UTC), content_type='a/b')\n"
    )
    for name in ("small", "large"):
        subprocess.run([sys.executable, "-c", script, name, str(tmp_path)], cwd=Path.cwd(), check=False, timeout=60)
    store = FolderWorm(tmp_path)
    assert [stored.key for stored in store.list()] == ["small"]


def test_the_lock_list_is_only_appended_to_and_survives_a_torn_line(store: FolderWorm) -> None:
    put(store)
    locks = store.root / ".retain" / KEY
    first = locks.read_bytes()
    locks.write_bytes(first + b'{"retain_until": "2099-01')
    longer = LATER + timedelta(days=2)
    assert store.extend(KEY, retain_until=longer).retain_until == longer
    assert locks.read_bytes().startswith(first)


def test_an_earlier_date_written_into_the_lock_list_does_not_count(store: FolderWorm) -> None:
    put(store)
    with (store.root / ".retain" / KEY).open("a") as locks:
        locks.write('{"retain_until": "2026-03-02T00:00:00Z"}\n')
    assert store.look(KEY).retain_until == LATER


def test_an_object_whose_lock_is_lost_counts_as_locked_and_shows_it(store: FolderWorm) -> None:
    put(store)
    (store.root / ".retain" / KEY).unlink()
    assert store.look(KEY).retain_until is None
    with pytest.raises(RetentionHolds):
        store.delete(KEY, now=LATER + timedelta(days=9999))
    put(store)
    assert store.look(KEY).retain_until == LATER


def test_a_deleted_object_leaves_a_line_that_says_when(store: FolderWorm) -> None:
    put(store)
    store.delete(KEY, now=LATER)
    assert '"deleted": "2027-03-01T12:00:00Z"' in (store.root / ".retain" / KEY).read_text()


def test_placing_and_lifting_a_hold_stay_in_the_list_of_locks(store: FolderWorm) -> None:
    put(store)
    locks = store.root / ".retain" / KEY
    first = locks.read_bytes()
    for held in (True, True, False, True):
        store.hold(KEY, held=held, now=NOW)
    written = locks.read_bytes()
    assert written.startswith(first)
    line = '{"hold": %s, "at": "2026-03-01T12:00:00Z"}'
    assert written.removeprefix(first).decode().split("\n\n") == [
        *("\n" + line % "true", line % "false", line % "true" + "\n"),
    ]
    with locks.open("ab") as file:
        file.write(b'{"hold": fal')
    assert store.look(KEY).held
    assert not store.hold(KEY, held=False, now=NOW).held


def test_files_put_there_by_hand_are_listed(store: FolderWorm) -> None:
    put(store)
    (store.root / "chains" / ".secret").write_bytes(b"x")
    (store.root / "chains" / "a name with spaces").write_bytes(b"x")
    (store.root / "chains" / "link").symlink_to("/etc/passwd")
    (store.root / "loop").symlink_to(store.root)
    assert [stored.key for stored in store.list()] == [
        "chains/.secret",
        "chains/a name with spaces",
        "chains/link",
        KEY,
        "loop",
    ]
    assert {stored.retain_until for stored in store.list()} == {None, LATER}
    with pytest.raises(worm.WormError):
        store.get("chains/link")


def test_what_a_killed_writer_left_is_swept_after_an_hour(store: FolderWorm) -> None:
    put(store)
    old, young = store.root / ".incoming" / "old", store.root / ".incoming" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    put(store, key="another")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WormUnavailable):
        put(FolderWorm(tmp_path / "file"))


def test_a_folder_in_place_of_an_object_is_no_object(store: FolderWorm) -> None:
    put(store, key="a/b")
    with pytest.raises(ObjectMissing):
        store.get("a")


def test_the_immutable_flag_stops_even_the_owner_where_the_system_allows_it(tmp_path: Path) -> None:
    store = FolderWorm(tmp_path / "worm", immutable=True)
    try:
        put(store)
        put(store)
        flags = subprocess.run(["lsattr", str(store.root / KEY)], capture_output=True, text=True, check=False).stdout
        if "i" not in flags.split(" ")[0]:
            pytest.skip("the file system or our rights do not allow the immutable flag")
        with pytest.raises(PermissionError):
            (store.root / KEY).unlink()
        with pytest.raises(PermissionError):
            (store.root / ".retain" / KEY).write_bytes(b"")
        store.extend(KEY, retain_until=LATER + timedelta(days=1))
        store.delete(KEY, now=LATER + timedelta(days=1))
        assert not (store.root / KEY).exists()
    finally:
        store.release()
