"""What should stand in practitioners' calendars because of what happened: reads the stream, writes blocks."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from audit import wake
from audit.stream import Happened
from bookings.models import TAKES_TIME, Appointment, GroupSession
from calendars.models import Block, CalendarConnection

MODELS = frozenset({"bookings.Appointment", "bookings.GroupSession", "calendars.CalendarConnection"})

_SHOWN = frozenset({"start", "end", "status", "cancelled_at", "practitioner_id"})
"""Columns of an appointment or a session that a calendar can tell apart."""

Visit = Appointment | GroupSession


def plan(happened: Happened) -> None:
    """Write the blocks that follow from one record. The same record again changes at most a revision."""
    if happened.op not in ("I", "U"):
        return  # a deleted row took its blocks with it
    if happened.model == "calendars.CalendarConnection":
        if happened.op == "I" or "state" in happened.before:
            _plan_connection(connection_id=UUID(happened.pk), now=happened.at)
    elif happened.op == "I" or _SHOWN & happened.before.keys():
        model = GroupSession if happened.model == "bookings.GroupSession" else Appointment
        visit: Visit | None = model.objects.filter(pk=happened.pk).first()
        if visit is not None:
            moved = bool({"start", "end"} & happened.before.keys())
            _plan_visit(visit, moved=moved, now=happened.at)


def busy(visit: Visit) -> bool:
    """Whether it takes its practitioner's time: a request and an offer do too; who joins a session takes a seat in
    time that is the session's."""
    if isinstance(visit, GroupSession):
        return visit.cancelled_at is None
    return visit.status in TAKES_TIME and visit.session_id is None


def _of(visit: Visit) -> dict[str, Visit]:
    """The column of a block that names it."""
    return {"session" if isinstance(visit, GroupSession) else "appointment": visit}


def _plan_visit(visit: Visit, *, moved: bool, now: datetime) -> None:
    blocks = {block.connection_id: block for block in Block.objects.select_for_update().filter(**_of(visit))}
    theirs = CalendarConnection.objects.filter(practitioner_id=visit.practitioner_id)
    wanted = {connection.pk: connection for connection in theirs} if busy(visit) else {}
    for connection_id, block in blocks.items():
        desired = Block.Desired.BUSY if connection_id in wanted else Block.Desired.GONE
        if desired != block.desired or (moved and desired == Block.Desired.BUSY):
            _change(block, desired=desired, now=now)
    if visit.end > now:
        missing = (connection for pk, connection in wanted.items() if pk not in blocks)
        _begin(((connection, visit) for connection in missing), now=now)


def _plan_connection(*, connection_id: UUID, now: datetime) -> None:
    """A calendar that is new or in use again: everything ahead belongs in it."""
    connection = CalendarConnection.objects.filter(pk=connection_id).first()
    if connection is None or connection.state != CalendarConnection.State.ACTIVE:
        return
    whose = {"practitioner_id": connection.practitioner_id, "end__gt": now}
    visits = Appointment.objects.filter(status__in=TAKES_TIME, session=None, **whose)
    sessions = GroupSession.objects.filter(cancelled_at=None, **whose)
    ahead: list[Visit] = [
        *visits.exclude(calendar_blocks__connection=connection),
        *sessions.exclude(calendar_blocks__connection=connection),
    ]
    _begin(((connection, visit) for visit in sorted(ahead, key=lambda visit: visit.start)), now=now)


def _begin(pairs: Iterable[tuple[CalendarConnection, Visit]], *, now: datetime) -> None:
    for connection, visit in pairs:
        if connection.state == CalendarConnection.State.PAUSED:
            continue
        block, made = Block.objects.get_or_create(
            connection=connection,
            **_of(visit),
            defaults={"clinic_id": connection.clinic_id, "desired": Block.Desired.BUSY, "next_try": now},
        )
        if made:
            _wake(block)


def _change(block: Block, *, desired: Block.Desired, now: datetime) -> None:
    """A new revision is to be written.

    A pusher at work keeps its claim, or two would write at once; it looks again when it is done.
    """
    block.desired, block.revision = desired, block.revision + 1
    if block.state != Block.State.CLAIMED:
        block.state, block.attempts, block.next_try, block.last_error = Block.State.PLANNED, 0, now, ""
    block.save(update_fields=["desired", "revision", "state", "attempts", "next_try", "last_error"])
    _wake(block)


def _wake(block: Block) -> None:
    push = partial(wake.publish, "calendars.push", queue="calendars", block_id=str(block.pk))
    transaction.on_commit(push, robust=True)
