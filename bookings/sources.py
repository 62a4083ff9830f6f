"""How much one source of requests may do in a minute. What is refused is recorded once per source and minute, so that
nobody can fill locked storage."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from audit.chains import PLATFORM_CHAIN
from audit.context import Actor, note, use
from bookings.models import SourceCount
from bookings.refusals import Refusal

#: The part of `settings.FORMS_A_MINUTE` that one source may have of each. Many patients share one address (a mobile
#: network, a clinic's own waiting room), so these bound a machine and never a person.
SHARES: Final[Mapping[str, float]] = MappingProxyType(
    {"form": 1.0, "hold": 1 / 2, "code": 1 / 4, "try": 1 / 2, "link": 1 / 2}
)
KEPT: Final = timedelta(hours=1)

_COUNT: Final = """
INSERT INTO bookings_sourcecount (source, what, minute, count) VALUES (%s, %s, %s, 1)
ON CONFLICT (source, what, minute) DO UPDATE SET count = bookings_sourcecount.count + 1
RETURNING count, set_config('synchronous_commit', 'off', true)
"""


class TooManyRequests(Refusal):
    """This source did more of it in this minute than people do."""

    message = _("Too many tries from your connection. Wait a minute, then try again: nothing you typed is lost.")


def limit_of(what: str) -> int:
    """How many of these one source may have in a minute."""
    return max(1, int(settings.FORMS_A_MINUTE * SHARES[what]))


def digest(address: str, *, now: datetime) -> str:
    """A source as it is counted: a keyed digest of its address, another every day, so that nobody is followed."""
    return salted_hmac(f"horae.source.{now:%Y-%m-%d}", address, algorithm="sha256").hexdigest()[:32]


def admit(*, actor: Actor, now: datetime, address: str, what: str) -> None:
    """Count one request of this kind (a key of SHARES). Raises TooManyRequests above the minute's limit.

    The count is not worth a wait for the disk: after a crash a minute may begin anew.
    """
    source, minute = digest(address, now=now), now.replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [source, what, minute])
        (count, _set) = cursor.fetchone()
    if count <= limit_of(what):
        return
    _refuse(actor=actor, source=source, what=what, minute=minute)
    raise TooManyRequests


def sweep(*, now: datetime) -> int:
    """Delete the counts of minutes long past; returns how many."""
    return SourceCount.objects.filter(minute__lt=now - KEPT).delete()[0]


def _refuse(*, actor: Actor, source: str, what: str, minute: datetime) -> None:
    """Count the refusal, and record the first of the minute."""
    row = SourceCount.objects.filter(source=source, what=what, minute=minute)
    with transaction.atomic(), use("source.refuse", operation="refuse", actor=actor):
        first = row.filter(refused=0).update(refused=1)
        if first:
            data = {"what": what, "source": source, "limit": limit_of(what)}
            note(chain=PLATFORM_CHAIN, event="refused", data=data, retention="ephemeral")
        else:
            row.update(refused=F("refused") + 1)
