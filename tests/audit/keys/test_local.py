"""The key store in a file: made once, whole or not at all, and silent about what it holds."""

import json
import stat
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.keys.local import KeystoreBroken, LocalKeys

CONTEXT = {"purpose": "clinic", "clinic": "1"}


@pytest.fixture
def store(tmp_path: Path) -> LocalKeys:
    return LocalKeys(tmp_path / "keys" / "keystore.json")


def test_the_file_is_made_on_first_use_for_its_owner_only(store: LocalKeys) -> None:
    root = store.current_root()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert store.current_root() == root
    assert LocalKeys(store.path).current_root() == root


def test_what_was_wrapped_is_unwrapped_in_its_context(store: LocalKeys) -> None:
    root = store.current_root()
    wrapped = store.wrap(key_id=root, data=b"k" * 32, context=CONTEXT)
    assert store.unwrap(key_id=root, data=wrapped, context=CONTEXT) == b"k" * 32
    with pytest.raises(KeystoreBroken, match="does not open"):
        store.unwrap(key_id=root, data=wrapped, context={**CONTEXT, "clinic": "2"})


def test_twenty_threads_make_one_store(store: LocalKeys) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(LocalKeys(store.path).current_root())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == 1


def test_processes_make_one_store_and_one_signer(store: LocalKeys) -> None:
    code = (
        "import sys; from pathlib import Path; from audit.keys.local import LocalKeys; "
        "keys = LocalKeys(Path(sys.argv[1])); print(keys.current_root(), keys.signer('checkpoint').public_key.hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(store.path)], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in running}) == 1


def test_a_signer_stays_the_same_and_signs(store: LocalKeys) -> None:
    signer = store.signer("checkpoint")
    again = LocalKeys(store.path).signer("checkpoint")
    assert signer.public_key == again.public_key
    assert store.signer("another").public_key != signer.public_key
    Ed25519PublicKey.from_public_bytes(signer.public_key).verify(again.sign(b"note"), b"note")
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(signer.public_key).verify(signer.sign(b"note"), b"other")


def test_a_damaged_store_gives_one_sentence_without_its_content(store: LocalKeys) -> None:
    store.current_root()
    secret = next(iter(json.loads(store.path.read_text())["roots"].values()))
    store.path.write_text(store.path.read_text()[:-20])
    with pytest.raises(KeystoreBroken) as caught:
        store.current_root()
    message = str(caught.value)
    assert message.startswith(f"The key store {store.path} is damaged")
    assert "restore it from its backup" in message
    assert "\n" not in message
    assert secret not in message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "horae-keystore/1"}',
        '{"format": "other", "current": "r", "roots": {"r": ""}, "signers": {}}',
        '{"format": "horae-keystore/1", "current": "r", "roots": {"r": "c2hvcnQ="}, "signers": {}}',
    ],
)
def test_what_is_no_store_is_damaged_and_stays_as_it_is(store: LocalKeys, content: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(content)
    store.path.chmod(0o600)
    with pytest.raises(KeystoreBroken, match="damaged"):
        store.current_root()
    with pytest.raises(KeystoreBroken, match="damaged"):
        store.signer("checkpoint")
    assert store.path.read_text() == content


def test_a_store_open_to_others_is_refused(store: LocalKeys) -> None:
    store.current_root()
    store.path.chmod(0o644)
    with pytest.raises(KeystoreBroken, match=r"mode 0644.*chmod 600"):
        store.current_root()


def test_another_store_in_its_place_is_noticed_by_name(store: LocalKeys) -> None:
    root = store.current_root()
    wrapped = store.wrap(key_id=root, data=b"k" * 32, context=CONTEXT)
    store.path.unlink()
    with pytest.raises(KeystoreBroken, match=f"does not hold root key {root}"):
        store.unwrap(key_id=root, data=wrapped, context=CONTEXT)


def test_a_file_where_the_folder_should_be_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeystoreBroken, match="cannot be"):
        LocalKeys(tmp_path / "keys" / "keystore.json").current_root()


def test_a_crash_while_writing_leaves_the_old_store(store: LocalKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.current_root()

    def die(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeystoreBroken, match="No space left"):
        store.signer("checkpoint")
    monkeypatch.undo()
    assert store.current_root() == before
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["keystore.json", "keystore.json.lock"]


def test_destroyed_keys_are_remembered_once_beside_the_store(store: LocalKeys) -> None:
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)
    store.remember_destroyed(key_ids=[one], erasure="E-1", subject="bookings.Patient:4")
    store.remember_destroyed(key_ids=[one, other], erasure="E-2", subject="bookings.Patient:5")
    fresh = LocalKeys(store.path)
    assert {key: (entry.erasure, entry.subject) for key, entry in fresh.destroyed().items()} == {
        one: ("E-1", "bookings.Patient:4"),
        other: ("E-2", "bookings.Patient:5"),
    }
    listing = store.path.with_name("keystore.json.destroyed")
    assert stat.S_IMODE(listing.stat().st_mode) == 0o600
    assert len(listing.read_text().splitlines()) == 2


def test_what_another_process_lists_is_seen_at_once(store: LocalKeys) -> None:
    assert store.destroyed() == {}
    LocalKeys(store.path).remember_destroyed(key_ids=[uuid.UUID(int=3)], erasure="E-1", subject="x:1")
    assert set(store.destroyed()) == {uuid.UUID(int=3)}


def test_a_torn_last_line_is_passed_over_and_written_again(store: LocalKeys) -> None:
    store.remember_destroyed(key_ids=[uuid.UUID(int=1)], erasure="E-1", subject="x:1")
    listing = store.path.with_name("keystore.json.destroyed")
    listing.write_text(listing.read_text() + '{"key": "0000')
    assert set(store.destroyed()) == {uuid.UUID(int=1)}
    store.remember_destroyed(key_ids=[uuid.UUID(int=2)], erasure="E-2", subject="x:2")
    assert set(LocalKeys(store.path).destroyed()) == {uuid.UUID(int=1), uuid.UUID(int=2)}


def test_a_changed_line_of_the_list_is_no_silence(store: LocalKeys) -> None:
    store.remember_destroyed(key_ids=[uuid.UUID(int=1)], erasure="E-1", subject="x:1")
    listing = store.path.with_name("keystore.json.destroyed")
    listing.write_text(listing.read_text().replace('"key"', '"kex"'))
    with pytest.raises(KeystoreBroken, match="Line 1"):
        store.destroyed()


def test_the_store_hides_its_keys(store: LocalKeys) -> None:
    store.current_root()
    secret = next(iter(json.loads(store.path.read_text())["roots"].values()))
    assert secret not in f"{store!r} {store.signer('checkpoint')!r} {vars(store)}"
