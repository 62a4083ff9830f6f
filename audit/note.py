"""Signed notes and checkpoints, as C2SP writes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

A note is text that ends in a newline, an empty line, and one line for each signature. A checkpoint is a note whose text
is three lines: origin, tree size, root in base64. A statement is a note that vouches for one stored object, again in
three lines: origin, the object's key, its SHA-256 in base64; its second line is no number, so neither passes for the
other.

Ed25519 itself is handed in (`Verify`), so that this module needs neither Django nor a cryptographic library: the
single-file verifier carries it.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

ED25519 = 0x01
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 64

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key of 32 bytes, signature, message) -> whether the signature is good."""


class NoteError(ValueError):
    """The note is malformed, or no trusted key signed it."""


class Signer(Protocol):
    """A signing key: Ed25519, wherever the private half may live."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of RFC 8032."""
        ...

    def sign(self, message: bytes, /) -> bytes:
        """The 64-byte signature over `message`."""
        ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key under the name it signs with."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not _name_is_valid(self.name):
            raise NoteError("a key name has no space and no plus sign, and is not empty")
        if len(self.public_key) != 32:
            raise NoteError("an Ed25519 public key has 32 bytes")

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before a signature: a short identifier, not a commitment."""
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The one-line form that other tools read: `name+id+base64`."""
        encoded = base64.b64encode(bytes([ED25519]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """What `vkey` wrote; raises `NoteError` when it is malformed or its id does not fit its key."""
        name, _, rest = vkey.partition("+")
        try:
            data = base64.b64decode(rest.partition("+")[2], validate=True)
        except (binascii.Error, ValueError) as error:
            raise NoteError("the key is not base64") from error
        if not data or data[0] != ED25519:
            raise NoteError("the key is not Ed25519")
        key = cls(name, data[1:])
        if key.vkey != vkey:
            raise NoteError("the key does not fit its id, or is not written in its one form")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says to have signed, with which key, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as parsed. Nothing in it may be believed before `open_note` accepted it."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log and chain it is about, how many leaves, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's text. Raises `NoteError` unless it is exactly the three lines `text` writes."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise NoteError("a checkpoint is three lines")
        if not lines[1].isascii() or not lines[1].isdigit() or len(lines[1]) > 18:
            raise NoteError("the size of a checkpoint is a decimal number")
        checkpoint = cls(lines[0], int(lines[1]), _hash_line(lines[2]))
        if checkpoint.text != text:
            raise NoteError("the checkpoint is not written in its one form")
        return checkpoint


@dataclass(frozen=True, slots=True)
class Statement:
    """That the object stored under `key` has this SHA-256 (32 bytes), said by `origin`."""

    origin: str
    key: str
    digest: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.key}\n{base64.b64encode(self.digest).decode()}\n"

    @classmethod
    def over(cls, *, origin: str, key: str, data: bytes) -> "Statement":
        """The statement about `data` stored under `key`."""
        return cls(origin, key, sha256(data).digest())

    @classmethod
    def parse(cls, text: str) -> "Statement":
        """Read a statement's text. Raises `NoteError` unless it is exactly the three lines `text` writes."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not lines[1] or lines[1].isdigit():
            raise NoteError("a statement is three lines: origin, key of the object, SHA-256")
        statement = cls(lines[0], lines[1], _hash_line(lines[2]))
        if statement.text != text:
            raise NoteError("the statement is not written in its one form")
        return statement


def sign_note(*, text: str, name: str, signer: Signer) -> bytes:
    """The signed note over `text`, under key name `name`. Raises `NoteError` when `text` cannot be a note's text."""
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise NoteError("a note's text ends in a newline and holds no other control character")
    key = VerifierKey(name, signer.public_key)
    blob = base64.b64encode(key.key_id + signer.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {name} {blob}\n".encode()


def parse_note(data: bytes) -> Note:
    """Take a note apart without believing it. Raises `NoteError` when it is malformed."""
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError("the note is too long")
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("the note is not UTF-8") from error
    if any(character < " " and character != "\n" for character in content):
        raise NoteError("the note holds a control character")
    body, blank, tail = content.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NoteError("the note has no signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return Note(body + "\n", tuple(_signature(line) for line in lines))


def open_note(data: bytes, *, keys: Iterable[VerifierKey], verify: Verify) -> Note:
    """The note, once a trusted key is found to have signed it.

    Signatures by keys not in `keys` are ignored, as the standard demands. Raises `NoteError` when the note is
    malformed, when a signature by a known key is wrong, or when no known key signed.
    """
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in keys}
    accepted = False
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not verify(key.public_key, signature.signature, note.text.encode()):
            raise NoteError("the signature is wrong")
        accepted = True
    if not accepted:
        raise NoteError("no trusted key signed this")
    return note


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\N{EM DASH}" or not _name_is_valid(name):
        raise NoteError("a signature line is malformed")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("a signature is not base64") from error
    if len(blob) <= 4 or base64.b64encode(blob).decode() != encoded:
        raise NoteError("a signature is malformed")
    return Signature(name, blob[:4], blob[4:])


def _name_is_valid(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def _hash_line(line: str) -> bytes:
    try:
        digest = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("a hash is not base64") from error
    if len(digest) != 32:
        raise NoteError("a hash has 32 bytes")
    return digest
