"""Reading the evidence store for a check: what is missing, doubled, out of place or badly locked is told when met."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

from audit import canonical
from audit.note import NoteError
from audit.segment import is_keyring_entry
from audit.verify.report import Report
from audit.verify.trust import Trust
from audit.worm.names import ANCHORS, CANARY, CHAIN, HEADS, KEYRING, KEYRING_KEY, keyring_key, statement_key
from audit.worm.store import ObjectMissing, Stored, Worm, WormUnavailable

LAST = chr(0x10FFFF)
"""Sorts after every key below the prefix it is put behind."""


class Store:
    """The evidence store as a check sees it."""

    def __init__(self, worm: Worm, *, trust: Trust, report: Report) -> None:
        self.worm = worm
        self.trust = trust
        self.report = report

    def read(self, key: str, *, code: str = "object-missing", **values: str | int) -> bytes | None:
        """The object's bytes; if it is not there the finding `code`, if it cannot be read an open point, and None."""
        try:
            return self.worm.get(key)
        except ObjectMissing:
            self.report.find(code, object=key, **values)
        except WormUnavailable as error:
            self.report.miss("store-unreadable", object=key, reason=str(error))
        return None

    def signed(self, key: str, *, chain: str) -> tuple[bytes | None, bool]:
        """The object under `key` and whether its signed statement vouches for these very bytes."""
        data = self.read(key)
        note = self.read(statement_key(key))
        if data is None or note is None:
            return data, False
        if not self.trust.public_keys:
            return data, True
        try:
            statement = self.trust.statement(note, chain=chain, key=key)
        except NoteError as error:
            self.report.find("statement-bad", object=key, reason=str(error))
            return data, False
        if statement.digest != sha256(data).digest():
            self.report.find("object-altered", object=key)
            return data, False
        return data, True

    def lock(self, stored: Stored, *, until: str) -> None:
        """Tell when an object is locked for less time than it was sealed for."""
        if stored.retain_until is None:
            self.report.find("lock-missing", object=stored.key)
        elif stored.retain_until < canonical.read_moment(until):
            found, wanted = (
                f"{stored.retain_until:%Y-%m-%d %H:%M:%S}",
                f"{canonical.read_moment(until):%Y-%m-%d %H:%M:%S}",
            )
            self.report.find("lock-short", object=stored.key, found=found, wanted=wanted)

    def by_key(self, objects: Iterable[Stored]) -> dict[str, Stored]:
        """Listed objects by key, telling of each that exists in more than one version."""
        found: dict[str, Stored] = {}
        for stored in objects:
            if stored.key in found:
                self.report.find("object-doubled", object=stored.key)
            found[stored.key] = stored
        return found

    def chains(self) -> Iterator[str]:
        """The chains of which the store holds anything, telling of every file that belongs to none."""
        seen, after = "", ""
        while (stored := next(iter(self.worm.list(after=after)), None)) is not None:
            after = stored.key
            chain, kind = place(stored.key)
            if kind == KEYRING:
                after = f"{KEYRING}/{LAST}"
            elif stored.key.startswith(CANARY):
                after = f"{CANARY}{LAST}"
            elif chain:
                after = f"chains/{chain}/{kind}/{LAST}"
                if chain != seen:
                    seen = chain
                    yield chain
            else:
                self.report.find("object-unexpected", object=stored.key)

    def keyring(self) -> None:
        """Check the published keys against those this check trusts."""
        found = self.by_key(self.worm.list(f"{KEYRING}/"))
        # A signature without its key counts as one whose key is gone.
        entries = {key for key in (name.removesuffix(".note") for name in found) if KEYRING_KEY.fullmatch(key)}
        for key in sorted(found.keys() - entries - {statement_key(entry) for entry in entries}):
            self.report.find("object-unexpected", object=key)
        trusted = {keyring_key(public_key): public_key for public_key in self.trust.public_keys}
        for key in sorted(entries):
            if trusted and key not in trusted:
                self.report.find("key-unknown", object=key)
                continue
            data, vouched = self.signed(key, chain=KEYRING)
            if data is None or not vouched or not trusted:
                continue
            self.report.count("keys")
            if not is_keyring_entry(data, log=self.trust.log, public_key=trusted[key]):
                self.report.find("object-unreadable", object=key, reason="it does not describe the key it is named for")
            for name in (key, statement_key(key)):
                if name in found and found[name].retain_until is None:
                    self.report.find("lock-missing", object=name)

    def unpublished(self) -> None:
        """Tell of trusted keys that the store does not publish."""
        for public_key in self.trust.public_keys:
            try:
                self.worm.look(keyring_key(public_key))
            except ObjectMissing:
                self.report.find("key-unpublished", object=keyring_key(public_key))
            except WormUnavailable as error:
                self.report.miss("store-unreadable", object=keyring_key(public_key), reason=str(error))


def place(key: str) -> tuple[str, str]:
    """The chain and the kind (`seg`, `checkpoint`, `tile`, `anchors`) of a key; ("", "keyring") for keys.

    ("", "") for what is none of them.
    """
    parts = key.split("/")
    if parts[0] == KEYRING and len(parts) > 1:
        return "", KEYRING
    if key.startswith(ANCHORS) and key != ANCHORS:
        return HEADS, "anchors"
    for kind in ("seg", "checkpoint", "tile"):
        if parts[0] == "chains" and kind in parts[2:4]:
            chain = "/".join(parts[1 : parts.index(kind, 2)])
            if CHAIN.fullmatch(chain) and len(parts) > parts.index(kind, 2) + 1:
                return chain, kind
    return "", ""
