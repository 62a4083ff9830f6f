"""Where sealed evidence lives: written once, locked until its retention ends."""

from audit.worm.folder import FolderWorm
from audit.worm.store import (
    AlreadyWritten,
    LegallyHeld,
    ObjectMissing,
    RetentionHolds,
    Stored,
    Worm,
    WormError,
    WormUnavailable,
)

__all__ = [
    "AlreadyWritten",
    "FolderWorm",
    "LegallyHeld",
    "ObjectMissing",
    "RetentionHolds",
    "Stored",
    "Worm",
    "WormError",
    "WormUnavailable",
]
