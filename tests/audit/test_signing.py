"""Keys that sign evidence: published once, trusted from the key store only."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit import signing
from audit.worm import AlreadyWritten
from audit.worm.folder import FolderWorm
from audit.worm.names import KEYRING, keyring_key, statement_key

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def worm(tmp_path: Path, settings: Any) -> FolderWorm:
    settings.KEYS_URL = f"file://{tmp_path}/keys/keystore.json"
    settings.LOG_NAME = "horae.example"
    return FolderWorm(tmp_path / "worm")


def test_the_public_key_is_published_under_its_own_hash_and_signs_for_itself(worm: FolderWorm) -> None:
    key = signing.signer()
    signing.publish_key(worm=worm, key=key, now=NOW)
    name = keyring_key(key.public_key)
    data = worm.get(name)
    statement = signing.trust().statement(worm.get(statement_key(name)), chain=KEYRING, key=name)
    assert statement.digest == sha256(data).digest()
    assert b'"not_before":"2026-03-01T12:00:00.000000Z"' in data
    assert b'"log":"horae.example"' in data


def contents(worm: FolderWorm) -> dict[str, tuple[bytes, datetime]]:
    return {stored.key: (worm.get(stored.key), stored.retain_until or NOW) for stored in worm.list()}


def test_publishing_again_changes_nothing_but_lengthens_the_lock(worm: FolderWorm) -> None:
    key = signing.signer()
    signing.publish_key(worm=worm, key=key, now=NOW)
    before = contents(worm)
    signing.publish_key(worm=worm, key=key, now=NOW + timedelta(days=400))
    after = contents(worm)
    assert {name: data for name, (data, _) in before.items()} == {name: data for name, (data, _) in after.items()}
    assert all(after[name][1] > before[name][1] for name in before)


def test_a_run_that_died_between_key_and_signature_is_made_good(worm: FolderWorm) -> None:
    key = signing.signer()
    signing.publish_key(worm=worm, key=key, now=NOW)
    note = statement_key(keyring_key(key.public_key))
    kept = worm.get(note)
    (worm.root / note).unlink()
    signing.publish_key(worm=worm, key=key, now=NOW + timedelta(days=1))
    assert worm.get(note) == kept


def test_another_entry_in_the_place_of_our_key_stops_sealing(worm: FolderWorm) -> None:
    key = signing.signer()
    name = keyring_key(key.public_key)
    worm.put(name, b'{"not_before":"2026-03-01T12:00:00.000000Z"}', retain_until=NOW, content_type="x/y")
    with pytest.raises(AlreadyWritten):
        signing.publish_key(worm=worm, key=key, now=NOW)
    assert [stored.key for stored in worm.list()] == [name]


def test_a_malformed_signature_or_key_is_simply_wrong() -> None:
    key = signing.signer()
    good = key.sign(b"message")
    assert signing.ed25519_verify(key.public_key, good, b"message")
    for public_key, signature, message in (
        (key.public_key, good, b"other"),
        (key.public_key, good[:-1], b"message"),
        (key.public_key, b"", b"message"),
        (b"short", good, b"message"),
        (b"\xff" * 32, good, b"message"),
    ):
        assert not signing.ed25519_verify(public_key, signature, message)
