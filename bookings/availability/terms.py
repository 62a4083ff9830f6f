"""Under which terms a service is given to whoever asks: how long, in what kind of room, or not at all online."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bookings.availability.diary import Lengths
from bookings.availability.wish import Asking
from bookings.models import HealthcareService, Need, ServiceTerms, VisitKind

#: Kinds of visit that take no room and no device at the clinic.
ELSEWHERE: Final = frozenset({VisitKind.PHONE, VisitKind.VIDEO, VisitKind.HOME})


@dataclass(frozen=True, slots=True)
class Terms:
    """What a service takes for one asker. `refusing` is the row that refuses it online; `unasked` names the answers
    (`standing`, `coverage`) the terms depend on and nobody gave."""

    lengths: Lengths
    room_kind: str
    step_free: bool
    device_kind: str
    device_id: int | None
    refusing: ServiceTerms | None
    unasked: frozenset[str]


def terms_of(*, service: HealthcareService, asking: Asking, length: int | None = None) -> Terms:
    """The terms of `service` for `asking`. One query, none when `terms` are prefetched.

    Of the rows that hold the longest duration counts, extras add up, and the room is that of the row that says most
    (the first of equals). `length` (seconds) stands over all durations.
    """
    rows = list(service.terms.all())
    held = [row for row in rows if _holds(row, asking)]
    minutes = max((row.duration for row in held if row.duration), default=service.duration)
    minutes += sum(row.extra for row in held)
    travel = service.travel if asking.kind == VisitKind.HOME else 0
    there = asking.kind not in ELSEWHERE
    rooms = [(-_said(row), row.pk, row.room_kind) for row in held if row.room_kind]
    return Terms(
        lengths=Lengths(
            duration=minutes * 60 if length is None else length,
            step=service.step * 60,
            before=(service.buffer_before + travel) * 60,
            after=(service.buffer_after + travel) * 60,
        ),
        room_kind=(min(rooms)[2] if rooms else service.room_kind) if there else "",
        step_free=Need.WHEELCHAIR in asking.needs,
        device_kind=service.device_kind if there else "",
        device_id=service.device_id if there else None,
        refusing=next((row for row in held if not row.offered), None),
        unasked=frozenset(_unasked(rows, asking)),
    )


def asked_by(rows: Iterable[ServiceTerms]) -> frozenset[str]:
    """The answers on which any of these terms depend: `standing`, `coverage`."""
    rows = list(rows)
    return frozenset(name for name in ("standing", "coverage") if any(getattr(row, name) for row in rows))


def _unasked(rows: Iterable[ServiceTerms], asking: Asking) -> frozenset[str]:
    return frozenset(name for name in asked_by(rows) if not getattr(asking, name))


def _holds(row: ServiceTerms, asking: Asking) -> bool:
    return (
        row.standing in ("", asking.standing)
        and row.coverage in ("", asking.coverage)
        and row.kind in ("", asking.kind)
        and (row.need == "" or row.need in asking.needs)
    )


def _said(row: ServiceTerms) -> int:
    return sum(map(bool, (row.standing, row.coverage, row.kind, row.need)))
