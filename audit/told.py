"""A record in the words of whoever reads it: who did what, when, and what became of each value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext

_SEALED: Final = re.compile(r"\d+\.[0-9a-f]{32}\..+", re.DOTALL)
LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Change:
    """One column: what it was and what it became, in words; a dash where there was nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Told:
    """One record. `who` is the label of an account and its roles; `case` the act's name in the code."""

    who: str
    what: str
    purpose: str
    case: str
    changes: list[Change]


def told(record: dict[str, Any]) -> Told:
    """What a record says. What is missing, or in no form a record has, is told as a dash."""
    actor, use = _mapping(record.get("actor")), _mapping(record.get("use"))
    roles = actor.get("roles")
    named = str(actor.get("label") or actor.get("kind") or "–")
    return Told(
        who=f"{named} ({', '.join(map(str, roles))})" if isinstance(roles, list) and roles else named,
        what=str(record.get("operation") or "–"),
        purpose=str(record.get("purpose") or "–"),
        case=str(use.get("case") or "–"),
        changes=list(_changes(_mapping(record.get("before")), _mapping(record.get("after")))),
    )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    """Of a change, `before` holds what changed and `after` all; of a row that came or went, only one is there."""
    for name in before or after:
        yield Change(name, _words(before.get(name)), _words(after.get(name)))


def _words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, str) and _SEALED.fullmatch(value):
        return gettext("sealed")
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
