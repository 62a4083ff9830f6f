"""The log of logs: a chain of its own that says, again and again, how far every other chain was sealed.

Each of its records vouches for signed heads of other chains: those that moved since the last, at most every ten
minutes; and once an hour, whether anything happened or not, all of them. So a chain that is dropped whole, or cut back
to an older head, contradicts a record of another chain; and silence is told apart from records that were taken away.
A record also names the time stamps (`audit.anchoring`) that heads of this chain were given since the last.
The records are events like any other: sequenced, sealed, proved and checked by the same code.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction

from audit import canonical
from audit.chains import HEADS_CHAIN
from audit.context import note
from audit.models import Anchor, Chain, Fact, Record

EVENT: Final = "heads"
MOVED_EVERY: Final = timedelta(minutes=10)
HEARTBEAT: Final = timedelta(hours=1)
MOST_ANCHORS: Final = 50
"""Time stamps named in one record."""


class _Said(NamedTuple):
    """One record of the log of logs."""

    at: datetime
    whole: bool
    heads: dict[str, Any]


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
    said = _said_of_late()
    if not standing or (said and now - said[0].at < MOVED_EVERY):
        return False
    places = [place for place, one in enumerate(said) if one.whole]
    if not places or now - said[places[0]].at >= HEARTBEAT:
        _say(whole=True, heads=standing)
        return True
    known = {name: head for one in reversed(said[: places[0] + 1]) for name, head in one.heads.items()}
    moved = {name: head for name, head in standing.items() if known.get(name) != head}
    if not moved:
        return False
    _say(whole=False, heads=moved)
    return True


def _say(*, whole: bool, heads: dict[str, Any]) -> None:
    """Write it down, along with the time stamps that no record names yet: these alone are no reason to."""
    untold = Anchor.objects.select_for_update().filter(told=False).order_by("size")
    anchors = list(untold.values("size", "sha256")[:MOST_ANCHORS])
    Anchor.objects.filter(size__in=[one["size"] for one in anchors]).update(told=True)
    note(
        chain=HEADS_CHAIN,
        event=EVENT,
        data={"whole": whole, "heads": heads, **({"anchors": anchors} if anchors else {})},
    )


def _said_of_late() -> list[_Said]:
    """What the log of logs said, newest first, as far back as the newest that named every chain can lie."""
    rows = Record.objects.filter(chain=HEADS_CHAIN, operation=EVENT).order_by("-seq")
    bodies = rows.values_list("body", flat=True)[: HEARTBEAT // MOVED_EVERY + 1]
    return [said for said in map(_read, bodies) if said is not None]


def _read(body: str) -> _Said | None:
    """None for what is not in its form: whoever may write events wrote it, and it must not silence the others."""
    try:
        record = json.loads(body)
        data = record["event"]["data"]
        at, whole, heads = canonical.read_moment(record["at"]), data.get("whole") is True, data["heads"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return _Said(at, whole, heads) if isinstance(heads, dict) else None
