"""Who looked at a patient: read records, answered to the patient they are about (Art. 15 GDPR, CJEU C-579/21).

What is told is when, in which view and in which roles; who it was stays out of what this module returns.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from audit.models.records import PatientsShown, Record
from audit.reads import EVENT

#: No page goes further than this many records back from where it begins.
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Look:
    """One recorded look: `view` as the page that showed it named itself, `kind` and `roles` of whoever looked."""

    seq: int
    at: datetime
    view: str
    kind: str
    roles: tuple[str, ...]


def looks(*, chain: str, codes: Collection[str], before: int | None = None, most: int = MOST) -> Sequence[Look]:
    """The newest `most` looks at patients with these pseudonymous codes in a chain, newest first; those with a number
    below `before` when it is given.

    One query, by an index of the codes in read records (`record_read_patients`). A record that does not say what a
    read record says is left out.
    """
    found = showing(Record.objects.filter(chain=chain), codes=codes)
    if before is not None:
        found = found.filter(seq__lt=before)
    rows = found.order_by("-seq").values_list("seq", "at", "body")[: min(most, MOST)]
    return [look for seq, at, body in rows if (look := _look(seq, at, body)) is not None]


def showing(records: QuerySet[Record], *, codes: Collection[str]) -> QuerySet[Record]:
    """Those that are looks at patients with these codes, by the index."""
    written = [json.dumps(code) for code in codes]  # as a record writes a code
    return records.alias(shown=PatientsShown("body")).filter(operation=EVENT, shown__overlap=written)


def shown_by(record: Record) -> tuple[str, int] | None:
    """The view of a look and how many patients it showed; None for what is no look."""
    if record.operation != EVENT or record.model:
        return None
    try:
        data = json.loads(record.body)["event"]["data"]
        return str(data["view"]), len(data["patients"])
    except (KeyError, TypeError):
        return None


def _look(seq: int, at: datetime, body: str) -> Look | None:
    said: dict[str, Any] = json.loads(body)
    try:
        actor, view = said["actor"], said["event"]["data"]["view"]
        return Look(seq=seq, at=at, view=str(view), kind=str(actor["kind"]), roles=tuple(map(str, actor["roles"])))
    except (KeyError, TypeError):
        return None
