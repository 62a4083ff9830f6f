"""Root keys and signing keys in one file on this machine: the default, for one server or one laptop.

The file holds secrets: its mode is 0600, its folder's 0700, and it is replaced whole or not at all. Beside it stand a
lock file and the list of destroyed keys, which a restore of the database must not take back.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.keys.secret import KEY_BYTES, NotAuthentic, SecretKey

FORMAT: Final = "horae-keystore/1"
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class KeystoreBroken(Exception):
    """The key store cannot be used as it stands; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A key that no restore brings back."""

    key_id: UUID
    erasure: str
    subject: str


class LocalSigner:
    """An Ed25519 key out of the key store."""

    __slots__ = ("_key", "name")

    def __init__(self, *, name: str, seed: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)

    def __repr__(self) -> str:
        return f"<LocalSigner {self.name}>"


class LocalKeys:
    """The file backend (`KEYS_URL=file:///folder/keystore.json`); `audit.keys.backend.KeyBackend` has the promises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._list = path.with_name(path.name + ".destroyed")
        self._list_seen: tuple[tuple[int, int, int], Mapping[UUID, Destroyed]] | None = None

    def __repr__(self) -> str:
        return f"<LocalKeys {self.path}>"

    def current_root(self) -> str:
        return str(self._store()["current"])

    def wrap(self, *, key_id: str, data: bytes, context: Mapping[str, str]) -> bytes:
        nonce, ciphertext = self._root(key_id).encrypt(data, context=_bound(key_id, context))
        return nonce + ciphertext

    def unwrap(self, *, key_id: str, data: bytes, context: Mapping[str, str]) -> bytes:
        try:
            return self._root(key_id).decrypt(nonce=data[:12], ciphertext=data[12:], context=_bound(key_id, context))
        except NotAuthentic as error:
            raise KeystoreBroken(
                f"A key does not open under root key {key_id} of {self.path}: "
                "the row was changed, or another key store was put in its place. Restore both from one backup."
            ) from error

    def signer(self, name: str) -> LocalSigner:
        seed = self._store()["signers"].get(name)
        if seed is None:
            with self._locked():
                store = self._read() or _new_store()
                seed = store["signers"].setdefault(name, _text(os.urandom(KEY_BYTES)))
                self._write(store)
        return LocalSigner(name=name, seed=self._bytes(seed))

    def destroyed(self) -> Mapping[UUID, Destroyed]:
        try:
            info = self._list.stat()
        except FileNotFoundError:
            return {}
        seen = (info.st_ino, info.st_mtime_ns, info.st_size)
        if self._list_seen is None or self._list_seen[0] != seen:
            self._list_seen = (seen, {entry.key_id: entry for entry in self._entries()})
        return self._list_seen[1]

    def remember_destroyed(self, *, key_ids: Iterable[UUID], erasure: str, subject: str) -> None:
        with self._locked():
            known = self.destroyed()
            new = [key_id for key_id in key_ids if key_id not in known]
            if not new:
                return
            lines = "".join(
                json.dumps({"key": key_id.hex, "erasure": erasure, "subject": subject}) + "\n" for key_id in new
            )
            handle = os.open(self._list, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
            try:
                size = os.fstat(handle).st_size
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                os.write(handle, (("\n" if torn else "") + lines).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            _sync_folder(self.path.parent)

    def _entries(self) -> Iterator[Destroyed]:
        lines = self._list.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                entry = json.loads(line)
                yield Destroyed(key_id=UUID(entry["key"]), erasure=str(entry["erasure"]), subject=str(entry["subject"]))
            except (ValueError, KeyError, TypeError) as error:
                # A line cut short by a crash was never acknowledged; the erasure it belongs to writes it again.
                if line.endswith("}"):
                    raise KeystoreBroken(
                        f"Line {number} of {self._list} is no entry of destroyed keys: restore the file from a backup."
                    ) from error

    def _root(self, key_id: str) -> SecretKey:
        root = self._store()["roots"].get(key_id)
        if root is None:
            raise KeystoreBroken(
                f"The key store {self.path} does not hold root key {key_id}, which wrapped a clinic's key: "
                "restore the key store that belongs to this database."
            )
        return SecretKey(self._bytes(root))

    def _store(self) -> dict[str, Any]:
        """The file's content; a missing file is made, once, by whoever comes first."""
        store = self._read()
        if store is None:
            with self._locked():
                store = self._read()
                if store is None:
                    store = _new_store()
                    self._write(store)
        return store

    def _read(self) -> dict[str, Any] | None:
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeystoreBroken(f"The key store {self.path} cannot be read: {error.strerror}.") from error
        if mode & 0o077:
            raise KeystoreBroken(
                f"The key store {self.path} is open to other users (mode {mode:04o}): "
                "run chmod 600 on it, and consider its keys known."
            )
        try:
            store = json.loads(content)
            if store["format"] != FORMAT or store["current"] not in store["roots"]:
                raise ValueError("not a key store")
            for value in (*store["roots"].values(), *store["signers"].values()):
                if len(base64.b64decode(value, validate=True)) != KEY_BYTES:
                    raise ValueError("not a key")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # `from None`: the decoder's error carries the document, and the document is the secret.
            raise KeystoreBroken(
                f"The key store {self.path} is damaged ({type(error).__name__}): restore it from its backup. "
                "Do not delete it: without its root key no patient's data can be read."
            ) from None
        return dict(store)

    def _write(self, store: Mapping[str, Any]) -> None:
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), FILE_MODE)
                file.write(json.dumps(store, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise KeystoreBroken(f"The key store {self.path} cannot be written: {error.strerror}.") from error
        _sync_folder(self.path.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise KeystoreBroken(f"The key store {self.path} cannot be made: {error.strerror}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _bytes(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, TypeError) as error:
            raise KeystoreBroken(f"The key store {self.path} is damaged: restore it from its backup.") from error


def _new_store() -> dict[str, Any]:
    # The name is random so that a new file in place of a lost one is noticed at once, by name.
    root = f"root-{secrets.token_hex(4)}"
    return {"format": FORMAT, "current": root, "roots": {root: _text(os.urandom(KEY_BYTES))}, "signers": {}}


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bound(key_id: str, context: Mapping[str, str]) -> bytes:
    return json.dumps(["horae/1", key_id, sorted(context.items())], separators=(",", ":")).encode()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
