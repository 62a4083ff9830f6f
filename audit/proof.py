"""A proof that one record stands in the log, as a file (c2sp.org/tlog-proof): its index, its path to the root, the
signed head. Whoever holds the log's public key checks it alone, offline.

    c2sp.org/tlog-proof@v1
    extra <the record's line, base64>
    index <number of the record less one>
    <hash, base64>          one for each level

    <the signed head>

`extra` is the record's own line, so that the file says what it proves; without it, who checks must have the record.

No Django here: the single-file verifier carries this module.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from audit import tree
from audit.note import Checkpoint, NoteError, VerifierKey, Verify, open_note, parse_note

HEADER: Final = "c2sp.org/tlog-proof@v1"
MOST_HASHES: Final = 63


class ProofError(ValueError):
    """The proof is malformed, or does not prove what it says."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as parsed. Nothing in it may be believed before `check` accepted it."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes
    """The signed note of the head, whole."""
    line: bytes | None = None
    """The record's canonical bytes, without a newline; None when they are kept apart."""

    def to_bytes(self) -> bytes:
        """The file."""
        extra = [] if self.line is None else [f"extra {base64.b64encode(self.line).decode()}"]
        hashes = [base64.b64encode(one).decode() for one in self.hashes]
        return "\n".join([HEADER, *extra, f"index {self.index}", *hashes, "", ""]).encode() + self.checkpoint

    @classmethod
    def from_bytes(cls, data: bytes) -> "Proof":
        """Read a proof file. Raises `ProofError` unless it is exactly what `to_bytes` writes."""
        head, blank, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("it is not text") from error
        if not blank or lines[0] != HEADER:
            raise ProofError(f"it does not begin with {HEADER}")
        line = _base64(lines.pop(1)[6:]) if len(lines) > 1 and lines[1].startswith("extra ") else None
        word, _, number = lines[1].partition(" ") if len(lines) > 1 else ("", "", "")
        if word != "index" or not number.isdigit() or len(number) > 18:
            raise ProofError("it does not say which record it is about")
        hashes = [_base64(one) for one in lines[2:]]
        if len(hashes) > MOST_HASHES or any(len(one) != tree.HASH_BYTES for one in hashes):
            raise ProofError("its path is not made of hashes")
        proof = cls(int(number), hashes, checkpoint, line)
        if proof.to_bytes() != data:
            raise ProofError("it is not written in its one form")
        return proof

    @property
    def origin(self) -> str:
        """The log and chain its head speaks of, unproved. Raises `ProofError` when there is no head."""
        try:
            return Checkpoint.parse(parse_note(self.checkpoint).text).origin
        except NoteError as error:
            raise ProofError(f"its signed head cannot be read: {error}") from error

    def check(self, *, line: bytes, key: bytes | None, verify: Verify) -> Checkpoint:
        """The head under which the record `line` is proved to stand, signed by the public `key` (32 bytes).

        Raises `ProofError` with the reason. With no key the signature is not checked: then it is the caller's to say.
        """
        try:
            name = self.origin
            keys = [] if key is None else [VerifierKey(name, key)]
            note = open_note(self.checkpoint, keys=keys, verify=verify) if keys else parse_note(self.checkpoint)
            head = Checkpoint.parse(note.text)
        except NoteError as error:
            raise ProofError(f"its signed head does not hold: {error}") from error
        leaf = tree.leaf_hash(line)
        if not tree.includes(leaf=leaf, index=self.index, size=head.size, proof=self.hashes, root=head.root):
            raise ProofError("the record is not the one that stands under this head at this place")
        return head


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("a line of it is not base64") from error
