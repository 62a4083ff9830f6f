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
    found = _shown(chain=chain, codes=codes)
    if before is not None:
        found = found.filter(seq__lt=before)
    rows = found.order_by("-seq").values_list("seq", "at", "body")[: min(most, MOST)]
    return [look for seq, at, body in rows if (look := _look(seq, at, body)) is not None]


def _shown(*, chain: str, codes: Collection[str]) -> QuerySet[Record]:
    # A code is written in the record as JSON writes it.
    written = [json.dumps(code) for code in codes]
    return Record.objects.alias(shown=PatientsShown("body")).filter(
        chain=chain, operation=EVENT, shown__overlap=written
    )


def _look(seq: int, at: datetime, body: str) -> Look | None:
    said: dict[str, Any] = json.loads(body)
    try:
        actor, view = said["actor"], said["event"]["data"]["view"]
        return Look(seq=seq, at=at, view=str(view), kind=str(actor["kind"]), roles=tuple(map(str, actor["roles"])))
    except (KeyError, TypeError):
        return None
