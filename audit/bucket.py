"""A write-once bucket: S3 with Object Lock, on AWS or any server that really enforces it (`audit.worm.canary` asks).

A bucket keeps versions: whoever may write can put another version, or a delete marker, on top of a locked one. So the
first version of a key is the object, whatever lies on it, and each further one is listed: that is how it is noticed.
Versions are pinned in manifests.

Checked headers go with each write (`Content-MD5` and SHA-256: Object Lock wants one, not every server knows both). A
second writer is refused by `If-None-Match` where the server knows it, and found by looking where it does not (Ceph).
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from audit.residency import OutsideJurisdiction, guard
from audit.worm.store import (
    AlreadyWritten,
    LegallyHeld,
    ObjectMissing,
    RetentionHolds,
    Stored,
    WormUnavailable,
    check_key,
    check_moment,
    whole_second,
)

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.literals import ObjectLockModeType

MODES: Final = ("COMPLIANCE", "GOVERNANCE")
MARKER: Final = "delete-marker:"
"""Before the version of a listed delete marker."""
_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed", "405"})
_REFUSED: Final = frozenset({"AccessDenied", "403", "InvalidRequest", "ObjectLocked", "MethodNotAllowed"})
_LOOKERS: Final = 8


#: When a version was written, its name, its size.
_Version = tuple[datetime, str, int]
_Versions = list[_Version]


class BucketWorm:
    """A `Worm` in an S3 bucket made with Object Lock. See `audit.worm.store.Worm`.

    Credentials come from the environment as boto3 finds them; the address of each request is judged before it leaves.
    """

    def __init__(
        self, bucket: str, *, endpoint: str = "", region: str = "", mode: str = "COMPLIANCE", prefix: str = ""
    ) -> None:
        """`mode`: COMPLIANCE, which nobody can shorten, or GOVERNANCE. `prefix`: where in the bucket evidence lies."""
        if mode not in MODES:
            raise WormUnavailable(f"WORM_URL names the mode {mode!r}; use {' or '.join(MODES)}")
        self.bucket = bucket
        self.mode: ObjectLockModeType = "COMPLIANCE" if mode == "COMPLIANCE" else "GOVERNANCE"
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        checks = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            s3={"addressing_style": "path"} if endpoint else {},
            proxies={},
            **checks,  # type: ignore[arg-type]  # two literals
        )
        session = guard(boto3.Session(region_name=region or None), purpose="evidence store")
        self._s3: S3Client = session.client("s3", endpoint_url=endpoint or None, config=config)

    def put(self, key: str, data: bytes, *, retain_until: datetime, content_type: str) -> Stored:
        """See `Worm.put`."""
        retain_until = whole_second(check_moment(retain_until))
        if (present := self._first(check_key(key))) is None:
            self._write(key, data, retain_until=retain_until, content_type=content_type)
            present = self._first(key)
        if present is None:
            raise WormUnavailable(f"{key} was written and is not there")
        if self._read(key, present) != data:
            raise AlreadyWritten(f"{key} already holds other bytes")
        stored = self._head(key, present)
        if stored.retain_until is None or stored.retain_until < retain_until:
            self.force_lock(key, version=present, retain_until=retain_until)
            stored = self._head(key, present)
        return stored

    def get(self, key: str, version: str | None = None) -> bytes:
        """See `Worm.get`: the first version, unless another is named."""
        return self._read(key, self._known(key, version))

    def look(self, key: str, version: str | None = None) -> Stored:
        """See `Worm.look`: the first version, unless another is named."""
        return self._head(key, self._known(key, version))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """See `Worm.list`. Of one key the first version comes first; a delete marker is listed as a version too."""
        versions = self._versions(prefix, after=after)
        with ThreadPoolExecutor(_LOOKERS) as pool:
            while some := list(islice(versions, 4 * _LOOKERS)):
                yield from pool.map(self._seen, some)

    def extend(self, key: str, *, retain_until: datetime, version: str | None = None) -> Stored:
        """See `Worm.extend`."""
        stored = self.look(key, version)
        retain_until = whole_second(check_moment(retain_until))
        if stored.retain_until is not None and retain_until < stored.retain_until:
            raise RetentionHolds(f"{key} is locked until {stored.retain_until:%Y-%m-%d}; a lock is never shortened")
        if stored.retain_until != retain_until:
            self.force_lock(key, version=stored.version, retain_until=retain_until)
        return self._head(key, stored.version)

    def delete(self, key: str, *, now: datetime, version: str | None = None) -> None:
        """See `Worm.delete`. The server's own clock has the last word."""
        stored = self.look(key, version)
        if stored.held:
            raise LegallyHeld(f"a legal hold stands on {key}")
        if stored.retain_until is None or stored.retain_until > check_moment(now):
            until = f"until {stored.retain_until:%Y-%m-%d}" if stored.retain_until else "and its date cannot be read"
            raise RetentionHolds(f"{key} is locked {until}")
        self.force_delete(key, version=stored.version)

    def hold(self, key: str, *, held: bool, now: datetime, version: str | None = None) -> Stored:
        """See `Worm.hold`: two requests for a version that is so already, four for one that is not."""
        check_moment(now)
        stored = self.look(key, version)
        if stored.held == held:
            return stored
        with self._asking(key):
            self._s3.put_object_legal_hold(
                Bucket=self.bucket,
                Key=self.prefix + key,
                VersionId=stored.version,
                LegalHold={"Status": "ON" if held else "OFF"},
            )
        return self._head(key, stored.version)

    def force_delete(self, key: str, *, version: str) -> None:
        """Ask the server to delete a version, whatever we know of its lock: for the canary. Raises `RetentionHolds`."""
        with self._asking(key, refused=RetentionHolds):
            self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + key, VersionId=version)

    def force_lock(self, key: str, *, version: str, retain_until: datetime) -> None:
        """Ask the server to move a lock anywhere, earlier too: for the canary. Raises `RetentionHolds`."""
        with self._asking(key, refused=RetentionHolds):
            self._s3.put_object_retention(
                Bucket=self.bucket,
                Key=self.prefix + key,
                VersionId=version,
                Retention={"Mode": self.mode, "RetainUntilDate": retain_until},
            )

    @property
    def _modes(self) -> tuple[str, ...]:
        """The modes that count as locked: who asked for COMPLIANCE is not content with less."""
        return ("COMPLIANCE",) if self.mode == "COMPLIANCE" else MODES

    def _write(self, key: str, data: bytes, *, retain_until: datetime, content_type: str) -> None:
        with self._asking(key):
            try:
                self._s3.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + key,
                    Body=data,
                    ContentType=content_type,
                    ContentMD5=base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
                    ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
                    IfNoneMatch="*",
                    ObjectLockMode=self.mode,
                    ObjectLockRetainUntilDate=retain_until,
                )
            except ClientError as error:
                if _code(error) not in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                    raise
                # Somebody else was first: what they wrote is looked at like anything that was there before.

    def _read(self, key: str, version: str) -> bytes:
        with self._asking(key):
            return self._s3.get_object(Bucket=self.bucket, Key=self.prefix + key, VersionId=version)["Body"].read()

    def _head(self, key: str, version: str) -> Stored:
        with self._asking(key):
            found = self._s3.head_object(Bucket=self.bucket, Key=self.prefix + key, VersionId=version)
        locked = found.get("ObjectLockMode") in self._modes
        until = found.get("ObjectLockRetainUntilDate") if locked else None
        # The same answer tells of a legal hold: no request of its own. Not told (no right to ask) counts as none.
        held = found.get("ObjectLockLegalHoldStatus") == "ON"
        return Stored(key, version, found["ContentLength"], until.astimezone(UTC) if until else None, held)

    def _known(self, key: str, version: str | None) -> str:
        """The version asked for, or the first. Raises `ObjectMissing`."""
        if version is None and (first := self._first(key)) is not None:
            return first
        if version is None or not any((key, version) == found[:2] for found in self._versions(key)):
            raise ObjectMissing(f"{key} is not there" + (f" in version {version}" if version else ""))
        return version

    def _first(self, key: str) -> str | None:
        """The version of `key` that was written first; None when there is none. A marker on top hides nothing."""
        for found, version, _ in self._versions(key):
            if found != key:
                break
            if not version.startswith(MARKER):
                return version
        return None

    def _versions(self, prefix: str, *, after: str = "") -> Iterator[tuple[str, str, int]]:
        """Key, version and size of everything there, in the order of keys, of one key the oldest first."""
        asked: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self.prefix + prefix}
        if after:
            asked["KeyMarker"] = self.prefix + after
        key = ""
        waiting: _Versions = []
        while True:
            with self._asking(prefix):
                page = self._s3.list_object_versions(**asked)
            found = [
                (one["Key"], one["LastModified"], one["VersionId"], one["Size"]) for one in page.get("Versions", [])
            ]
            found += [
                (one["Key"], one["LastModified"], f"{MARKER}{one['VersionId']}", 0)
                for one in page.get("DeleteMarkers", [])
            ]
            # Within a key the server lists the newest first; a key may run over a page.
            for name, modified, version, size in sorted(found, key=lambda one: one[0].encode()):
                if after and name <= self.prefix + after:
                    continue  # Ceph begins with the marker itself
                if name != key:
                    yield from self._of_one(key, waiting)
                    key, waiting = name, []
                waiting.append((modified, version, size))
            if not page.get("IsTruncated"):
                yield from self._of_one(key, waiting)
                return
            asked |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}

    def _of_one(self, key: str, versions: Sequence[_Version]) -> Iterator[tuple[str, str, int]]:
        # The server lists the newest first, and two of one moment in that order too.
        oldest_first = sorted(enumerate(versions), key=lambda one: (one[1][0], -one[0]))
        for _, (_, version, size) in oldest_first:
            yield key.removeprefix(self.prefix), version, size

    def _seen(self, found: tuple[str, str, int]) -> Stored:
        key, version, size = found
        return Stored(key, version, size, None) if version.startswith(MARKER) else self._head(key, version)

    @contextmanager
    def _asking(self, key: str, *, refused: type[Exception] = WormUnavailable) -> Iterator[None]:
        """Turn what the server says into this package's errors."""
        try:
            yield
        except ClientError as error:
            code = _code(error)
            if code in _MISSING and refused is WormUnavailable:
                raise ObjectMissing(f"{key} is not there") from error
            if code in _REFUSED:
                raise refused(f"the store refused {key}: {code}") from error
            raise WormUnavailable(f"the store answered {code} to {key or self.bucket}") from error
        except (BotoCoreError, OutsideJurisdiction) as error:
            raise WormUnavailable(f"the store cannot be reached: {error}") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "") or error.response["ResponseMetadata"]["HTTPStatusCode"])
