"""Reading the context a fact carries: written by us or by anybody with SQL access, so nothing in it is trusted."""

import functools
import json
import uuid
from dataclasses import dataclass
from typing import Any

_KINDS = frozenset({"staff", "patient", "visitor", "system"})
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Meaning:
    """Who acted and why, as far as the fact says. Empty strings where it does not."""

    kind: str = "unknown"
    actor_id: str = ""
    label: str = ""
    roles: tuple[str, ...] = ()
    use_id: uuid.UUID | None = None
    case: str = ""
    operation: str = ""
    purpose: str = ""
    request: str = ""
    client: str = ""
    app: str = ""
    address: str = ""
    session: str = ""
    shown: tuple[tuple[str, str, str], ...] = ()
    """What the act rests on, as kind, id and channel."""

    def actor(self) -> dict[str, Any]:
        """As a record shows it; unknown is recorded as unknown."""
        return {
            "kind": self.kind,
            "id": self.actor_id or None,
            "label": self.label or None,
            "roles": list(self.roles),
        }

    def use(self) -> dict[str, str] | None:
        """As a record shows it, None for what happened in no use."""
        return {"id": str(self.use_id), "case": self.case} if self.use_id else None

    def consent(self) -> list[dict[str, str]] | None:
        """As a record shows it, None for an act that rests on nothing shown or agreed with it."""
        return [dict(zip(("kind", "id", "channel"), one, strict=True)) for one in self.shown] or None


@functools.lru_cache(maxsize=512)
def meaning_of(ctx: str | None) -> Meaning:
    """The meaning in a fact's context; one that cannot be read means nothing, and makes its facts a bypass."""
    if not ctx:
        return Meaning()
    try:
        said = json.loads(ctx)
        actor, use = said.get("actor") or {}, said.get("use") or {}
        kind = _text(actor.get("kind"))
        return Meaning(
            kind=kind if kind in _KINDS else "unknown",
            actor_id=_text(actor.get("id")),
            label=_text(actor.get("label")),
            roles=tuple(_text(role) for role in actor.get("roles") or ()),
            use_id=uuid.UUID(use["id"]) if use else None,
            case=_text(use.get("case")),
            operation=_text(said.get("operation")),
            purpose=_text(said.get("purpose")),
            request=_text(said.get("request")),
            client=_text(said.get("client")),
            app=_text(said.get("app")),
            address=_text(said.get("address")),
            session=_text(said.get("session")),
            shown=tuple((_text(kind), _text(pk), _text(channel)) for kind, pk, channel in said.get("consent") or ()),
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return Meaning()


def _text(value: object) -> str:
    # A lone surrogate (a broken header taken over by an interface) has no UTF-8, hence no canonical form.
    return value[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
