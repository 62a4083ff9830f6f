"""Opening the write-once store that `WORM_URL` names."""

from urllib.parse import parse_qs, unquote, urlsplit

from audit.bucket import BucketWorm
from audit.worm import FolderWorm, Worm, WormUnavailable


def open_worm(url: str) -> Worm:
    """The store at `url`.

    `file:///path`, with `?immutable=yes` to set the file system's immutable flag where it can; or
    `s3://bucket/prefix?endpoint=https://…&region=…&mode=COMPLIANCE` (or `GOVERNANCE`).

    Opening creates nothing. Raises `WormUnavailable` for an address no store here answers to.
    """
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "s3" and parts.netloc:
        known = {name: asked[name] for name in ("endpoint", "region", "mode") if name in asked}
        return BucketWorm(parts.netloc, prefix=unquote(parts.path), **known)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return FolderWorm(unquote(parts.path), immutable=asked.get("immutable") == "yes")
    raise WormUnavailable(
        f"no write-once store answers to {parts.scheme or 'an empty'} addresses; use file:///path or s3://bucket"
    )
