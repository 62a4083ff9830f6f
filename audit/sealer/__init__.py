"""Sealing: records become segments in the write-once store, under a signed head."""

from audit.sealer.content import CannotSeal
from audit.sealer.run import seal, unsealed
from audit.sealer.steps import Fork, Superseded

__all__ = ["CannotSeal", "Fork", "Superseded", "seal", "unsealed"]
