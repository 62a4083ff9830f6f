"""Who acts, for what purpose, in which use case: the meaning that travels with every write.

One context variable holds one immutable value, so threads and coroutines never see each other's, and leaving a block
always restores what was there before. Interface modules (middleware, the task base class, commands) say who acts; use
cases say what is being done. The carrier (`audit.carrier`) puts the current value on the write itself.
"""

import contextlib
import functools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, ParamSpec, Protocol, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from audit import canonical
from audit.chains import is_chain

P = ParamSpec("P")
R = TypeVar("R")

ActorKind = Literal["staff", "patient", "visitor", "system", "unknown"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `id` is a stable identifier of that kind, `label` what a reader is shown (never a patient's name)."""

    kind: ActorKind
    id: str
    label: str
    roles: tuple[str, ...] = ()

    UNKNOWN: ClassVar["Actor"]

    @classmethod
    def system(cls, name: str) -> "Actor":
        """The software itself, by the name of the part that acts."""
        return cls(kind="system", id=name, label=name)


Actor.UNKNOWN = Actor(kind="unknown", id="", label="")


@dataclass(frozen=True, slots=True)
class Shown:
    """Something an act rests on, which was shown or agreed to with it: the row that holds its words, never edited, and
    where it was shown (`web`, `account`, `desk`)."""

    kind: Literal["notice", "consent"]
    id: str
    channel: str


class Origin(Protocol):
    """Where a request came from."""

    @property
    def sealed(self) -> Mapping[str, str]:
        """`address` and `session` as a record may hold them; what cannot be sealed is left out."""
        ...


@dataclass(frozen=True)
class Context:
    """What is known about the write to come. Compared by identity when it is carried: one block, one context."""

    actor: Actor = Actor.UNKNOWN
    purpose: str = ""
    request_id: str = ""
    client: str = ""
    use_id: uuid.UUID | None = None
    case: str = ""
    operation: str = ""
    shown: tuple[Shown, ...] = ()
    origin: Origin | None = None

    @property
    def empty(self) -> bool:
        """True when nobody said anything: there is nothing to carry."""
        return self.use_id is None and self.actor == Actor.UNKNOWN

    @functools.cached_property
    def carried(self) -> str:
        """The context as it rides on a write and lies in a fact: ASCII JSON, empty when there is nothing to carry."""
        if self.empty:
            return ""
        actor = self.actor
        return json.dumps(
            {
                "actor": {"kind": actor.kind, "id": actor.id, "label": actor.label, "roles": actor.roles},
                "use": {"id": str(self.use_id), "case": self.case} if self.use_id else None,
                "operation": self.operation,
                "purpose": self.purpose,
                "request": self.request_id,
                "client": self.client,
                "app": getattr(settings, "HORAE_VERSION", ""),
                "consent": [(one.kind, one.id, one.channel) for one in self.shown],
                **(self.origin.sealed if self.origin else {}),
            },
            separators=(",", ":"),
        )

    def in_use(self, case: str) -> "Context":
        """This context inside a new use of its own."""
        return replace(self, use_id=uuid.uuid4(), case=case, operation="")


_NOTHING: Final = Context()
_current: ContextVar[Context] = ContextVar("audit_context", default=_NOTHING)


def current() -> Context:
    """The context of this thread or coroutine."""
    return _current.get()


@contextlib.contextmanager
def acting(
    *, actor: Actor, purpose: str = "", request_id: str = "", client: str = "", origin: Origin | None = None
) -> Iterator[Context]:
    """Say who acts while the block lasts; what is left empty stays as it was outside.

    `client` is how the person reached us: web, admin, worker or command; `origin` from where.
    """
    outer = _current.get()
    context = replace(
        outer,
        actor=actor,
        purpose=purpose or outer.purpose,
        request_id=request_id or outer.request_id,
        client=client or outer.client,
        origin=origin or outer.origin,
    )
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextlib.contextmanager
def use(case: str, *, operation: str = "", purpose: str = "", actor: Actor | None = None) -> Iterator[Context]:
    """Give every write of the block one meaning: the use case's name (`booking.book`) and a fresh use id.

    `operation` is the record's verb where it is more than create, update or delete (`reschedule`, `cancel`). A use
    inside a use wins while it lasts.
    """
    outer = _current.get()
    context = replace(
        outer,
        actor=actor or outer.actor,
        purpose=purpose or outer.purpose,
        use_id=uuid.uuid4(),
        case=case,
        operation=operation,
    )
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextlib.contextmanager
def resting_on(*shown: Shown) -> Iterator[Context]:
    """Say what was shown or agreed to with the act of the block: its records name it."""
    context = replace(_current.get(), shown=shown)
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def use_case(case: str, *, operation: str = "", purpose: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: each call is one use. The actor comes from the keyword argument `actor`, where there is one."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = kwargs.get("actor")
            known = actor if isinstance(actor, Actor) else None
            with use(case, operation=operation, purpose=purpose, actor=known):
                return function(*args, **kwargs)

        return run

    return decorate


def note(
    *,
    chain: str,
    event: str,
    data: Mapping[str, Any] | None = None,
    about: str = "",
    retention: str = "regulatory_retention",
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Record something that happened without a row changing (a page read, an export, an erasure).

    Becomes a record of `chain` (`platform`, `heads` or `clinic/<id>`) whose `operation` is the event's name, whose
    `event` is `{"name": event, "data": data}` and whose `pk` is `about`; it is part of the caller's transaction. Raises
    `canonical.ProfileError` when the data have no canonical form, ValueError for a chain that cannot exist.
    """
    if not is_chain(chain):
        raise ValueError(f"{chain} is not a chain")
    written = canonical.encode(
        {"name": event, "data": canonical.normalise(data or {}), "about": about, "retention": retention}
    )
    implied = contextlib.nullcontext() if current().use_id else use(f"note.{event}")
    with implied, connections[using].cursor() as cursor:
        cursor.execute("SELECT audit_note(%s::jsonb, %s)", [written.decode(), chain])
