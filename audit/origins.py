"""Where requests come from: address and session, as records may hold them.

Both are sealed under a key of the day they came in on, which is destroyed after `settings.SOURCE_DAYS`: until then a
misuse can be followed to its source, and from then on nobody can, in tables, records and locked evidence alike. Where
there is no key, or it cannot be had, a record says nothing of its source; no write ever waits or fails for it.
"""

import functools
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, models

from audit import wake
from audit.context import note
from audit.keys import keyring, tokens
from audit.keys.backend import KeysUnconfigured
from audit.keys.keyring import PLATFORM_CLINIC, KeyDestroyed, KeyMissing
from audit.keys.local import KeystoreBroken
from audit.keys.secret import SecretKey
from audit.keys.tokens import SealBroken
from audit.models.keys import SourceKey

AHEAD: Final = timedelta(days=7)
"""For how long keys lie ready: so long the worker may be away."""
ASK_AGAIN_SECONDS: Final = 60.0
PARTS: Final = ("address", "session")

_NO_KEY: Final = (DatabaseError, KeysUnconfigured, KeystoreBroken, KeyDestroyed, KeyMissing, SealBroken, OSError)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestOrigin:
    """Where one request came from (an `audit.context.Origin`): address, a digest that names its session, day."""

    address: str
    session: str
    day: date

    @functools.cached_property
    def sealed(self) -> Mapping[str, str]:
        """Sealed at the first write of the request, once."""
        try:
            found = _ready.of(self.day)
        except _NO_KEY as error:
            logger.warning("the source of a request could not be sealed (%s)", type(error).__name__)
            return {}
        if found is None:
            return {}
        key_id, key = found
        return {
            part: tokens.seal(key=key, key_id=key_id, field=_field(part), value=value)
            for part in PARTS
            if (value := getattr(self, part))
        }

    def __repr__(self) -> str:
        return "<RequestOrigin>"


def prepare(*, now: datetime) -> int:
    """Make the keys of today and the days to come, and destroy those that are over; return how many were destroyed.

    What changes nothing may be done as often as one likes, by as many as like.
    """
    today, keys = now.astimezone(UTC).date(), _keys()
    if settings.SOURCE_DAYS:
        there = set(keys.filter(day__gte=today).values_list("day", flat=True))
        for number in range(AHEAD.days + 1):
            if (day := today + timedelta(days=number)) not in there:
                made = keyring.create_subject_key(clinic_id=PLATFORM_CLINIC)
                # Two workers may meet here: the unique day keeps one key, the other seals nothing ever.
                if not keys.get_or_create(day=day, defaults={"key_id": made})[1]:
                    keyring.destroy_subject_keys(key_ids=[made])
    over = list(keys.filter(day__lt=today - timedelta(days=settings.SOURCE_DAYS)))
    keyring.destroy_subject_keys(key_ids=[one.key_id for one in over])
    keys.filter(pk__in=[one.pk for one in over]).delete()
    return len(over)


def opened(*, record: Mapping[str, Any], why: str) -> dict[str, str]:
    """Address and session of a record (its decoded line), those of the two that it holds; that they were looked at, and
    `why`, becomes a record of the same chain. Part of the caller's transaction. Raises KeyDestroyed, KeyMissing,
    SealBroken."""
    held = {part: record["source"].get(part) for part in PARTS}
    found = {part: keyring.unseal(token=token, field=_field(part)) for part, token in held.items() if token}
    note(chain=record["chain"], event="source.opened", about=record["id"], data={"why": why})
    return found


class _Ready:
    """The key of the day in this process, and until when not to ask again for one that is not there."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._found: tuple[UUID, SecretKey] | None = None
        self._until = 0.0

    def of(self, day: date) -> tuple[UUID, SecretKey] | None:
        if not settings.SOURCE_DAYS:
            return None
        if self._day != day or (self._found is None and time.monotonic() >= self._until):
            self._until = time.monotonic() + ASK_AGAIN_SECONDS
            row = _keys().filter(day=day).first()
            found = None if row is None else (row.key_id, keyring.open_subject_key(key_id=row.key_id))
            self._day, self._found = day, found
            if found is None:
                wake.publish("audit.sources")
        return self._found

    def forget(self) -> None:
        """For tests, which take their keys back."""
        self._day = self._found = None


_ready: Final = _Ready()


def _field(part: str) -> str:
    return f"audit.Record.{part}"


def _keys() -> models.QuerySet[SourceKey]:
    return SourceKey._default_manager.using(settings.KEYS_DATABASE)
