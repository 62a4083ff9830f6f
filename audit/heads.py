"""The log of logs: a chain of its own that says, again and again, how far every other chain was sealed.

Each of its records vouches for signed heads of other chains: those that moved since the last, at most every ten
minutes; and once an hour, whether anything happened or not, all of them. So a chain that is dropped whole, or cut back
to an older head, contradicts a record of another chain; and silence is told apart from records that were taken away.
The records are events like any other: sequenced, sealed, proved and checked by the same code.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from audit import canonical
from audit.context import HEADS_CHAIN, note
from audit.models import Chain, Fact, Record

EVENT: Final = "heads"
MOVED_EVERY: Final = timedelta(minutes=10)
HEARTBEAT: Final = timedelta(hours=1)


@transaction.atomic
def keep(*, now: datetime) -> bool:
    """Write down how far every chain is sealed, when that is due (`now` aware); return whether it was.

    Does nothing while what was written last waits to be sequenced: two workers write one record.
    """
    # Whoever comes second waits here, and then sees what the first has written.
    Chain.objects.select_for_update().get_or_create(name=HEADS_CHAIN)
    if Fact.objects.filter(chain=HEADS_CHAIN).exists():
        return False
    standing = {
        name: {"size": size, "root": bytes(root).hex()}
        for name, size, root in Chain.objects.exclude(name=HEADS_CHAIN)
        .filter(sealed_size__gt=0)
        .order_by("name")
        .values_list("name", "sealed_size", "sealed_root")
    }
    said = _newest(whole=False)
    if not standing or (said is not None and now - _at(said) < MOVED_EVERY):
        return False
    whole = _newest(whole=True)
    if whole is None or now - _at(whole) >= HEARTBEAT:
        note(chain=HEADS_CHAIN, event=EVENT, data={"whole": True, "heads": standing})
        return True
    since = Record.objects.filter(chain=HEADS_CHAIN, seq__gte=whole["seq"]).order_by("seq")
    known: dict[str, Any] = {}
    for body in since.values_list("body", flat=True):
        known |= _heads(json.loads(body))
    moved = {name: head for name, head in standing.items() if known.get(name) != head}
    if not moved:
        return False
    note(chain=HEADS_CHAIN, event=EVENT, data={"whole": False, "heads": moved})
    return True


def _newest(*, whole: bool) -> dict[str, Any] | None:
    """The newest record of the log of logs; the newest that names every chain, if only a `whole` one will do."""
    rows = Record.objects.filter(chain=HEADS_CHAIN, operation=EVENT).order_by("-seq")
    for body in rows.values_list("body", flat=True)[: 1 if not whole else HEARTBEAT // MOVED_EVERY + 1]:
        said: dict[str, Any] = json.loads(body)
        if not whole or said["event"]["data"].get("whole") is True:
            return said
    return None


def _heads(said: Mapping[str, Any]) -> dict[str, Any]:
    return dict(said["event"]["data"].get("heads") or {})


def _at(said: Mapping[str, Any]) -> datetime:
    return canonical.read_moment(said["at"])
