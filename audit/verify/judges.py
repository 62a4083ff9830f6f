"""What a check asks of whoever can say who made a time stamp. Those who can are in `audit.verify.stamps`.

No Django and no cryptographic library here: the check of a store must run without either.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from audit.timestamp import Stamp


class CannotJudge(Exception):
    """Nothing can be said about who made it; the message says why."""


class Judge(Protocol):
    """Whoever can say whether a stamp was made under the pinned root certificates."""

    def fault(self, response: bytes, *, stamp: Stamp) -> str | None:
        """What is wrong with the response that says `stamp`; None when it was made so. Raises `CannotJudge`."""
        ...


@dataclass(frozen=True, slots=True)
class Nobody:
    """Judges nothing. `why` completes a sentence."""

    why: str

    def fault(self, response: bytes, *, stamp: Stamp) -> str | None:
        """See `Judge.fault`."""
        raise CannotJudge(self.why)


NOBODY: Final = Nobody("nobody named the authority's roots")
