"""Where sealed evidence lives: written once, locked until its retention ends."""

from urllib.parse import parse_qs, unquote, urlsplit

from audit.worm.folder import FolderWorm
from audit.worm.store import (
    AlreadyWritten,
    ObjectMissing,
    RetentionHolds,
    Stored,
    Worm,
    WormError,
    WormUnavailable,
)

__all__ = [
    "AlreadyWritten",
    "ObjectMissing",
    "RetentionHolds",
    "Stored",
    "Worm",
    "WormError",
    "WormUnavailable",
    "open_worm",
]


def open_worm(url: str) -> Worm:
    """The store at `url`: `file:///path`, with `?immutable=yes` to set the file system's immutable flag where it can.

    Opening creates nothing. Raises `WormUnavailable` for an address no store here answers to.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        options = parse_qs(parts.query)
        return FolderWorm(unquote(parts.path), immutable=options.get("immutable") == ["yes"])
    raise WormUnavailable(f"no write-once store answers to {parts.scheme or 'an empty'} addresses; use file:///path")
