"""Whom a check believes: the log's name and its public keys, from a source the evidence store cannot change."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.note import Checkpoint, NoteError, Statement, VerifierKey, Verify, open_note
from audit.worm.names import origin


@dataclass(frozen=True, slots=True)
class Trust:
    """The pinned identity of a log. `public_keys`: Ed25519, 32 bytes each; `verify` checks one signature."""

    log: str
    public_keys: Sequence[bytes]
    verify: Verify

    def checkpoint(self, data: bytes, *, chain: str) -> Checkpoint:
        """The checkpoint in `data`, if a pinned key signed it for this chain; raises `NoteError` with the reason."""
        name = origin(log=self.log, chain=chain)
        checkpoint = Checkpoint.parse(open_note(data, keys=self._keys(name), verify=self.verify).text)
        if checkpoint.origin != name:
            raise NoteError("it was signed for another chain")
        return checkpoint

    def statement(self, data: bytes, *, chain: str, key: str) -> Statement:
        """The statement in `data`, if a pinned key signed it about `key`; raises `NoteError` with the reason."""
        name = origin(log=self.log, chain=chain)
        statement = Statement.parse(open_note(data, keys=self._keys(name), verify=self.verify).text)
        if statement.origin != name or statement.key != key:
            raise NoteError("it was signed for something else")
        return statement

    def _keys(self, name: str) -> list[VerifierKey]:
        return [VerifierKey(name, public_key) for public_key in self.public_keys]
