"""Taking and freeing the time of schedules and the seats of sessions. Lock them first (`bookings.locks`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from psycopg.errors import ExclusionViolation, UniqueViolation

from bookings.availability import Choice, SlotTaken, Wish, terms_of
from bookings.models import (
    Appointment,
    Device,
    GroupSession,
    Hold,
    Occupancy,
    Room,
    ServicePractitioner,
    VisitKind,
)

_BACKSTOPS: Final = frozenset({"nothing_overlaps", "no_seat_taken_twice"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a decision reads and may take: to be locked before deciding."""

    schedules: frozenset[int] = frozenset()
    sessions: frozenset[UUID] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        return Scope(self.schedules | other.schedules, self.sessions | other.sessions)

    def contains(self, other: "Scope") -> bool:
        """Whether whoever locked this has locked the other too."""
        return self.schedules >= other.schedules and self.sessions >= other.sessions


def scope_for(wishes: Iterable[Wish]) -> Scope:
    """Everything that booking these may read or take.

    The practitioner's schedule, or those of all who give the service; those of all rooms and devices that would do; or,
    for a seat, the sessions that start then.
    """
    scope = Scope()
    seen: set[object] = set()
    for wish in wishes:
        # Occurrences of a series read the same schedules: they are looked up once.
        seat = (wish.start, wish.overbook) if wish.seated else None
        alike = (wish.service.pk, wish.location.pk, wish.practitioner, wish.asking, seat)
        if alike not in seen:
            seen.add(alike)
            scope |= _scope_for(wish)
    return scope


def _scope_for(wish: Wish) -> Scope:
    service, location = wish.service, wish.location
    if wish.seated:
        joined = GroupSession.objects.filter(service=service.pk, location=location.pk, start=wish.start)
        rows = list(joined.values_list("pk", "practitioner__schedule"))
        # How many are squeezed in is counted over all sessions of a practitioner's day.
        givers = frozenset(schedule for _, schedule in rows) if wish.overbook else frozenset()
        return Scope(givers, frozenset(session for session, _ in rows))
    if wish.practitioner is not None:
        schedules = [wish.practitioner.schedule_id]
    else:
        offers = ServicePractitioner.objects.filter(service=service.pk)
        schedules = list(offers.values_list("practitioner__schedule", flat=True))
    terms = terms_of(service=service, asking=wish.asking)
    if terms.room_kind:
        rooms = Room.objects.filter(location=location.pk, kind=terms.room_kind)
        schedules += rooms.values_list("schedule", flat=True)
    if terms.device_kind or terms.device_id is not None:
        named = Q(pk=terms.device_id) if terms.device_id is not None else Q(kind=terms.device_kind)
        devices = Device.objects.filter(named, location=location.pk)
        schedules += devices.values_list("schedule", flat=True)
    return Scope(frozenset(schedules))


def scope_of(visit: Appointment | Hold) -> Scope:
    """What an appointment or a hold takes: the schedules of its practitioner, room and device, or its session."""
    if visit.session_id is not None:
        return Scope(sessions=frozenset({visit.session_id}))
    return Scope(frozenset(schedules_of(visit)))


def schedules_of(visit: Appointment | Hold | GroupSession) -> list[int]:
    """The schedules of its practitioner, its room and its device."""
    things = (visit.practitioner, visit.room, visit.device)
    return [thing.schedule_id for thing in things if thing is not None]


def period_of(appointment: Appointment) -> tuple[datetime, datetime]:
    """What an appointment takes of its schedules: buffers and travel included."""
    service = appointment.service
    travel = service.travel if appointment.kind == VisitKind.HOME else 0
    return (
        appointment.start - timedelta(minutes=service.buffer_before + travel),
        appointment.end + timedelta(minutes=service.buffer_after + travel),
    )


def forget_expired(*, scope: Scope, now: datetime) -> None:
    """Free what expired holds still take of these schedules and sessions.

    Of these only: whoever deletes a whole hold touches schedules that others have locked, and deadlocks with them.
    """
    seat = Q(kind=Occupancy.Kind.SEAT)
    ours = Q(schedule__in=scope.schedules) & ~seat | Q(session__in=scope.sessions) & seat
    Occupancy.objects.filter(ours, hold__expires_at__lte=now).delete()


def occupy(
    *, choice: Choice, wish: Wish, now: datetime, appointment: Appointment | None = None, hold: Hold | None = None
) -> None:
    """Take the time of all schedules of a choice, or a seat in its session, for an appointment or a hold.

    Raises SlotTaken when the database's own constraints know better than the check before it; the transaction is then
    broken and must be left.
    """
    rows = [
        Occupancy(
            clinic_id=wish.service.clinic_id,
            schedule_id=schedule,
            period=DateTimeTZRange(*choice.period),
            kind=Occupancy.Kind.APPOINTMENT if appointment else Occupancy.Kind.HOLD,
            overbooked=choice.overbooked,
            appointment=appointment,
            hold=hold,
        )
        for schedule in sorted(choice.schedules)
    ]
    if choice.session_id is not None:
        seats = _seats_taken(choice.session_id)
        if sum(not squeezed for squeezed in seats.values()) >= choice.capacity and not choice.overbooked:
            raise SlotTaken(wish=wish, now=now)
        seat = next(number for number in range(1, len(seats) + 2) if number not in seats)
        for row in rows:
            row.kind, row.session_id, row.seat = Occupancy.Kind.SEAT, choice.session_id, seat
    write(rows, wish=wish, now=now)


def write(rows: Sequence[Occupancy], *, wish: Wish, now: datetime) -> None:
    """Insert occupancies, all or nothing. Raises SlotTaken as `occupy`."""
    try:
        Occupancy.objects.bulk_create(rows)
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(cause, ExclusionViolation | UniqueViolation) and cause.diag.constraint_name in _BACKSTOPS:
            raise SlotTaken(wish=wish, now=now) from error
        raise


def free(*, appointment: Appointment) -> None:
    """Give back all time an appointment takes."""
    Occupancy.objects.filter(appointment=appointment.pk).delete()


def is_free(*, scope: Scope, period: tuple[datetime, datetime]) -> bool:
    """Whether nobody's visit, session or hold takes any of these schedules then, overbooked ones included."""
    taken = Occupancy.objects.filter(schedule__in=scope.schedules, period__overlap=DateTimeTZRange(*period))
    return not taken.exclude(kind__in=(Occupancy.Kind.SEAT, Occupancy.Kind.EXTERNAL)).exists()


def _seats_taken(session_id: UUID) -> dict[int | None, bool]:
    """The numbers somebody sits on, and whether they were squeezed in. After a session was made smaller some may lie
    above its capacity."""
    taken = Occupancy.objects.filter(session=session_id, kind=Occupancy.Kind.SEAT)
    return dict(taken.values_list("seat", "overbooked"))
