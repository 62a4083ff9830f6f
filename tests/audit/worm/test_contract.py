"""What every write-once store must do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import worm
from audit.stores import open_worm
from audit.worm import AlreadyWritten, LegallyHeld, ObjectMissing, RetentionHolds, Worm
from tests.ceph import Gateway, credentials, gateway  # noqa: F401 - fixtures

STORES = ("folder", pytest.param("bucket", marks=pytest.mark.real))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=365)
KEY = "chains/clinic/1/seg/000000000001-000000000003/manifest.json"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Worm:
    """Each kind of store: a folder, and a bucket of a real S3 server with Object Lock."""
    if request.param == "folder":
        return open_worm(f"file://{tmp_path}/store")
    request.getfixturevalue("credentials")
    server: Gateway = request.getfixturevalue("gateway")
    return open_worm(f"s3://{server.bucket()}/some/folder?endpoint={server.url}&region=default")


@pytest.fixture
def folder(tmp_path: Path) -> Worm:
    """A store whose clock is the caller's: a server's own cannot be moved."""
    return open_worm(f"file://{tmp_path}/store")


def put(store: Worm, key: str = KEY, data: bytes = b"evidence", retain_until: datetime = LATER) -> worm.Stored:
    return store.put(key, data, retain_until=retain_until, content_type="application/json")


def test_what_was_put_is_got_in_its_version(store: Worm) -> None:
    stored = put(store)
    assert (stored.key, stored.size, stored.retain_until) == (KEY, 8, LATER)
    assert store.get(KEY) == store.get(KEY, stored.version) == b"evidence"
    assert store.look(KEY) == store.look(KEY, stored.version) == stored


def test_the_same_bytes_again_are_the_same_version(store: Worm) -> None:
    assert put(store) == put(store)
    assert [stored.key for stored in store.list()] == [KEY]


def test_other_bytes_are_refused_and_nothing_changes(store: Worm) -> None:
    put(store)
    with pytest.raises(AlreadyWritten):
        put(store, data=b"forgery")
    with pytest.raises(AlreadyWritten):
        put(store, data=b"")
    assert store.get(KEY) == b"evidence"


def test_of_many_writers_racing_for_a_key_exactly_one_history_wins(folder: Worm) -> None:
    store = folder  # a bucket whose server knows no If-None-Match keeps both, and tells of it: see test_bucket

    def write(number: int) -> bytes | None:
        data = b"%d" % (number % 4) * 10_000
        try:
            put(store, data=data)
        except AlreadyWritten:
            return None
        return data

    with ThreadPoolExecutor(8) as pool:
        written = set(pool.map(write, range(32))) - {None}
    assert written == {store.get(KEY)}


def test_an_object_that_is_not_there_is_missing(store: Worm) -> None:
    for ask in (store.get, store.look):
        with pytest.raises(ObjectMissing):
            ask(KEY)
    put(store)
    for ask in (store.get, store.look):
        with pytest.raises(ObjectMissing):
            ask(KEY, "another version")
        with pytest.raises(ObjectMissing):
            ask("chains/clinic/1")
        with pytest.raises(ObjectMissing):
            ask(f"{KEY}/below")
    with pytest.raises(ObjectMissing):
        store.delete("other", now=LATER)
    with pytest.raises(ObjectMissing):
        store.extend("other", retain_until=LATER)


def test_a_locked_object_is_not_deleted_a_second_early(store: Worm) -> None:
    put(store)
    with pytest.raises(RetentionHolds):
        store.delete(KEY, now=LATER - timedelta(seconds=1))
    assert store.get(KEY) == b"evidence"


def test_an_object_whose_lock_is_over_can_be_deleted(folder: Worm) -> None:
    put(folder)
    folder.delete(KEY, now=LATER)
    with pytest.raises(ObjectMissing):
        folder.get(KEY)


def test_a_lock_only_moves_later(store: Worm) -> None:
    put(store)
    with pytest.raises(RetentionHolds):
        store.extend(KEY, retain_until=LATER - timedelta(days=1))
    assert store.look(KEY).retain_until == LATER
    longer = LATER + timedelta(days=1)
    assert store.extend(KEY, retain_until=longer).retain_until == longer
    assert store.extend(KEY, retain_until=longer).retain_until == longer
    with pytest.raises(RetentionHolds):
        store.delete(KEY, now=LATER)


def test_putting_again_may_lengthen_a_lock_and_never_shortens_it(store: Worm) -> None:
    put(store)
    assert put(store, retain_until=NOW).retain_until == LATER
    longer = LATER + timedelta(days=30)
    assert put(store, retain_until=longer).retain_until == longer


def test_a_lock_never_ends_a_fraction_of_a_second_early(store: Worm) -> None:
    assert put(store, retain_until=LATER + timedelta(microseconds=1)).retain_until == LATER + timedelta(seconds=1)


def test_objects_are_listed_in_the_order_of_their_keys(store: Worm) -> None:
    keys = ["a", "a-b/c", "a.b", "a0", "b/1/x", "b/1-x", "b/10/x", "b/2/x", "c/d/e/f", "c/d/e0", "c/d0"]
    for key in reversed(keys):
        put(store, key=key)
    assert [stored.key for stored in store.list()] == sorted(keys)
    for prefix in ("", "b/", "b/1", "b/1/", "c/d/", "none", "a"):
        wanted = [key for key in sorted(keys) if key.startswith(prefix)]
        assert [stored.key for stored in store.list(prefix)] == wanted
        for after in (*keys, "b/1/", "b/", "zzz", "c/d/e/\x7f", "A"):
            assert [stored.key for stored in store.list(prefix, after=after)] == [key for key in wanted if key > after]


def test_a_store_nobody_wrote_to_is_empty(store: Worm) -> None:
    assert list(store.list()) == []
    assert list(store.list("chains/clinic/1/")) == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".hidden", "a/.b", "a b", "é", "a\n", "a\x00b"]
)
def test_a_key_that_could_lead_elsewhere_is_refused(store: Worm, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        put(store, key=key)


def test_a_lock_without_time_zone_is_refused(store: Worm) -> None:
    with pytest.raises(ValueError, match="aware"):
        put(store, retain_until=LATER.replace(tzinfo=None))
    put(store)
    with pytest.raises(ValueError, match="aware"):
        store.delete(KEY, now=LATER.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        store.extend(KEY, retain_until=LATER.replace(tzinfo=None))


def test_a_hold_is_placed_and_lifted_on_one_version_and_seen(store: Worm) -> None:
    stored = put(store)
    put(store, key="other")
    assert (stored.held, [one.held for one in store.list()]) == (False, [False, False])
    held = store.hold(KEY, held=True, now=NOW, version=stored.version)
    assert held == store.look(KEY) == store.hold(KEY, held=True, now=NOW)
    assert (held.held, held.version, held.retain_until) == (True, stored.version, LATER)
    assert [(one.key, one.held) for one in store.list()] == [(KEY, True), ("other", False)]
    assert put(store) == held
    assert store.extend(KEY, retain_until=LATER + timedelta(days=1)).held
    assert not store.hold(KEY, held=False, now=NOW).held
    assert [one.held for one in store.list()] == [False, False]


def test_a_held_object_is_not_deleted_however_long_ago_its_lock_ended(store: Worm) -> None:
    put(store)
    store.hold(KEY, held=True, now=NOW)
    with pytest.raises(LegallyHeld):
        store.delete(KEY, now=LATER + timedelta(days=36_500))
    assert store.get(KEY) == b"evidence"


def test_an_object_whose_hold_was_lifted_can_be_deleted_once_its_lock_is_over(folder: Worm) -> None:
    put(folder)
    folder.hold(KEY, held=True, now=NOW)
    folder.hold(KEY, held=False, now=NOW)
    with pytest.raises(RetentionHolds):
        folder.delete(KEY, now=LATER - timedelta(seconds=1))
    folder.delete(KEY, now=LATER)
    with pytest.raises(ObjectMissing):
        folder.look(KEY)


def test_nothing_that_is_not_there_is_held(store: Worm) -> None:
    with pytest.raises(ObjectMissing):
        store.hold(KEY, held=True, now=NOW)
    put(store)
    with pytest.raises(ObjectMissing):
        store.hold(KEY, held=True, now=NOW, version="another version")
    with pytest.raises(ValueError, match="aware"):
        store.hold(KEY, held=True, now=NOW.replace(tzinfo=None))


def test_large_and_empty_objects_are_kept_whole(store: Worm) -> None:
    put(store, key="empty", data=b"")
    put(store, key="large", data=b"\x00\xff" * 3_000_000)
    assert store.get("empty") == b""
    assert store.get("large") == b"\x00\xff" * 3_000_000
