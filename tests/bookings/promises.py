"""What must be true of the tables after whatever happened, worked out from the appointments alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from bookings.models import TAKES_TIME, Appointment, GroupSession, Hold, Occupancy

OVERLAPS = """
    SELECT count(*) FROM bookings_occupancy one JOIN bookings_occupancy other
        ON one.id < other.id AND one.schedule_id = other.schedule_id AND one.period && other.period
       AND NOT one.overbooked AND NOT other.overbooked AND one.kind <> 'seat' AND other.kind <> 'seat'
"""


class Taken(NamedTuple):
    """One row that ought to be there: who takes which schedule (or a seat of which session), and when."""

    by: object
    kind: str
    schedule: int
    session: object
    start: datetime
    end: datetime
    overbooked: bool


def overlaps() -> int:
    """Pairs of rows that take the same schedule at the same time, by a query that trusts no constraint."""
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class _State:
    """All that takes time at a moment, read once: expired holds and sessions called off take none."""

    visits: list[Appointment]
    sessions: list[GroupSession]
    holds: list[Hold]
    rows: list[Occupancy]

    @classmethod
    def at(cls, now: datetime) -> "_State":
        things = ("service", "practitioner", "room", "device")
        holds = Hold.objects.filter(expires_at__gt=now).exclude(session__cancelled_at__isnull=False)
        rows = Occupancy.objects.exclude(kind="external").exclude(hold__expires_at__lte=now)
        return cls(
            visits=list(Appointment.objects.filter(status__in=TAKES_TIME).select_related(*things)),
            sessions=list(GroupSession.objects.filter(cancelled_at=None).select_related(*things)),
            holds=list(holds.select_related(*things)),
            rows=list(rows),
        )

    def ought(self) -> list[Taken]:
        return [
            *(row for visit in self.visits for row in _ought(visit, kind="appointment")),
            *(row for session in self.sessions for row in _ought(session, kind="session")),
            *(row for hold in self.holds for row in _ought(hold, kind="hold")),
        ]


def broken(*, now: datetime) -> list[str]:
    """Every promise that does not hold at `now`: empty when all is well."""
    state = _State.at(now)
    ought = state.ought()
    return [*_untold(state, ought), *_collisions(ought), *_crowded(state)]


def _untold(state: _State, ought: list[Taken]) -> Iterator[str]:
    """Rows that are missing, and rows nobody can account for."""
    there = Counter(
        Taken(
            by=row.appointment_id or row.hold_id or row.session_id,
            kind=row.kind,
            schedule=row.schedule_id,
            session=row.session_id if row.kind == "seat" else None,
            start=row.period.lower,
            end=row.period.upper,
            overbooked=row.overbooked,
        )
        for row in state.rows
    )
    yield from (f"missing: {row}" for row in Counter(ought) - there)
    yield from (f"unaccounted for: {row}" for row in there - Counter(ought))


def _ought(visit: Appointment | GroupSession | Hold, *, kind: str) -> Iterator[Taken]:
    overbooked = isinstance(visit, Appointment) and visit.overbooked
    schedule = visit.practitioner.schedule_id
    if not isinstance(visit, GroupSession) and visit.session_id is not None:
        yield Taken(visit.pk, "seat", schedule, visit.session_id, visit.start, visit.end, overbooked)
        return
    service = visit.service
    travel = service.travel if isinstance(visit, Appointment) and visit.kind == "home" else 0
    start = visit.start - timedelta(minutes=service.buffer_before + travel)
    end = visit.end + timedelta(minutes=service.buffer_after + travel)
    for thing in (visit.practitioner, visit.room, visit.device):
        if thing is not None:
            yield Taken(visit.pk, kind, thing.schedule_id, None, start, end, overbooked)


def _collisions(ought: list[Taken]) -> Iterator[str]:
    """Two that were not squeezed in and want the same schedule at the same time, by the appointments themselves."""
    by_schedule: dict[int, list[Taken]] = {}
    for row in ought:
        if row.kind != "seat" and not row.overbooked:
            by_schedule.setdefault(row.schedule, []).append(row)
    for rows in by_schedule.values():
        for one, other in pairwise(sorted(rows, key=lambda row: (row.start, row.end))):
            if other.start < one.end:
                yield f"overlap: {one} {other}"


def _crowded(state: _State) -> Iterator[str]:
    """Sessions with more people than places, whoever was squeezed in apart."""
    seated = Counter(row.session_id for row in state.rows if row.kind == "seat" and not row.overbooked)
    for session in state.sessions:
        if seated[session.pk] > session.capacity:
            yield f"crowded: {seated[session.pk]} of {session.capacity} in {session.pk}"
