"""One sealed value in memory, and the values of this thread that still wait for their keys."""

import threading
import weakref
from collections.abc import Callable
from uuid import UUID

from audit.keys import keyring
from audit.keys.secret import SecretKey
from audit.keys.tokens import SealedToken, looks_sealed, unseal


class _Waiting(threading.local):
    """Values loaded in this thread whose keys were not fetched yet; a value nobody holds any more drops out."""

    def __init__(self) -> None:
        self.cells: weakref.WeakSet[Cell] = weakref.WeakSet()


_waiting = _Waiting()


class Cell:
    """One field's value in one instance: loaded as a token, or assigned as a text over what was there before."""

    __slots__ = ("__weakref__", "_key", "before", "text", "token")

    def __init__(
        self, *, token: SealedToken | None = None, text: str | None = None, before: "Cell | None" = None
    ) -> None:
        self.token = token
        self.text = text
        self.before: Cell | None = before if before is None or before.token is not None else before.before
        self._key: SecretKey | None = None
        if token is not None and text is None:
            _waiting.cells.add(self)

    @classmethod
    def sealed(cls, *, token: SealedToken, text: str, key: SecretKey) -> "Cell":
        """A value that was just sealed."""
        cell = cls(token=token, text=text)
        cell._key = key
        return cell

    def key_if_held(self, key_id: UUID) -> SecretKey | None:
        """The key, when this cell fetched that very one."""
        return self._key if self._key is not None and self.token is not None and self.token.key_id == key_id else None

    def key(self) -> SecretKey:
        """The key of the token, fetched together with the keys of every value that waits.

        Raises KeyDestroyed, KeyMissing, SealBroken.
        """
        if self.token is None:
            raise ValueError("a text that is not sealed yet has no key")
        if self._key is None:
            waiting = {cell: cell.token.key_id for cell in _waiting.cells if cell.token and looks_sealed(cell.token)}
            waiting[self] = self.token.key_id
            found = keyring.open_subject_keys(key_ids=waiting.values())
            for cell, key_id in waiting.items():
                cell._key = found.get(key_id)
                _waiting.cells.discard(cell)
            self._key = keyring.live(found, key_id=self.token.key_id)
        return self._key

    def read(self, *, field: str) -> str:
        """The text. Raises KeyDestroyed, KeyMissing, SealBroken."""
        if self.text is None:
            if self.token is None:
                raise ValueError("a cell holds a token or a text")
            self.text = unseal(key=self.key(), token=self.token, field=field).value
        return self.text

    def __repr__(self) -> str:
        return "<sealed>"

    def __copy__(self) -> "Cell":
        return self

    def __deepcopy__(self, memo: object) -> "Cell":
        return self

    def __reduce__(self) -> tuple[Callable[[SealedToken], "Cell"], tuple[SealedToken]]:
        # A pickled instance (cache, task, session) carries the ciphertext and nothing else.
        if self.token is None:
            raise TypeError("a personal text is pickled sealed only: save the instance first")
        return _loaded, (self.token,)


def _loaded(token: SealedToken) -> Cell:
    return Cell(token=token)
