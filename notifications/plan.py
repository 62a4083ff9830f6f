"""What is owed to people because of what happened: reads the stream, writes messages, sends nothing."""

from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from audit import wake
from audit.sealed import KeyDestroyed
from audit.stream import Happened
from bookings.contacts import contact_of
from bookings.models import Appointment, AppointmentStatus, ContactChallenge
from notifications.models import Kind, Message, State

MODELS = frozenset({"bookings.Appointment", "bookings.ContactChallenge"})
REMIND_AT = time(10)
"""When a reminder goes out on the day before, by the clock of the location."""
IMPORT = "import"
"""The purpose under which history enters the system: nobody is told of it, but reminders are due as always."""

_MOVES = frozenset({"start", "end", "location_id"})


def plan(happened: Happened) -> None:
    """Write the messages that follow from one record. The same record again changes nothing."""
    if happened.op not in ("I", "U"):
        return  # whom a row that is gone was about is not known any more
    if happened.model == "bookings.ContactChallenge":
        if happened.op == "I":
            _plan_code(challenge_id=UUID(happened.pk), now=happened.at)
        return
    appointment = (
        Appointment.objects.select_related("clinic", "location", "patient", "contact_person__patient")
        .filter(pk=happened.pk)
        .first()
    )
    if appointment is None:
        return
    if appointment.status != AppointmentStatus.BOOKED:
        _supersede(appointment)
    if _became(happened, AppointmentStatus.CANCELLED) and appointment.status == AppointmentStatus.CANCELLED:
        if appointment.start > happened.at:
            _owe(appointment, kind=Kind.CANCELLATION, planned_for=happened.at)
    elif appointment.status == AppointmentStatus.BOOKED and _is_news(happened):
        _supersede(appointment, but=(reminder_time(appointment), happened.at))
        if happened.body.get("purpose") != IMPORT and appointment.start > happened.at:
            _owe(appointment, kind=Kind.CONFIRMATION, planned_for=happened.at)
        if reminder_time(appointment) > happened.at:
            _owe(appointment, kind=Kind.REMINDER, planned_for=reminder_time(appointment))


def reminder_time(appointment: Appointment) -> datetime:
    """The day before the appointment at a decent hour, by the location's clock; aware."""
    zone = appointment.location.tz
    day_before = appointment.start.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(day_before, REMIND_AT, zone)


def _plan_code(*, challenge_id: UUID, now: datetime) -> None:
    challenge = ContactChallenge.objects.filter(pk=challenge_id, deliver=True).first()
    if challenge is None:
        return
    message, made = Message.objects.get_or_create(
        challenge=challenge,
        channel="email",
        defaults={"clinic_id": challenge.clinic_id, "kind": Kind.CODE, "planned_for": now, "next_try": now},
    )
    if made:
        wake_sender(message)


def _owe(appointment: Appointment, *, kind: Kind, planned_for: datetime) -> None:
    """One message of this kind, unless there is nobody to write to."""
    try:
        if not contact_of(appointment, now=planned_for).email:
            return
    except KeyDestroyed:
        return
    message, made = Message.objects.get_or_create(
        appointment=appointment,
        kind=kind,
        channel="email",
        planned_for=planned_for,
        defaults={"clinic_id": appointment.clinic_id, "next_try": planned_for},
    )
    if kind == Kind.REMINDER:
        if message.state == State.SUPERSEDED:  # moved away and back again
            message.state = State.PLANNED
            message.save(update_fields=["state"])
    elif made:
        wake_sender(message)


def wake_sender(message: Message) -> None:
    """Ask for this message to be sent once the transaction is committed: a hint, the sweep finds it too."""
    send = partial(wake.publish, "notifications.send", queue="messages", message_id=str(message.id))
    transaction.on_commit(send, robust=True)


def _supersede(appointment: Appointment, *, but: tuple[datetime, ...] = ()) -> None:
    """End what is still owed about this appointment; a message being sent is looked at by the sender itself."""
    Message.objects.filter(appointment=appointment, state=State.PLANNED).exclude(planned_for__in=but).exclude(
        kind=Kind.CANCELLATION
    ).update(state=State.SUPERSEDED)


def _became(happened: Happened, status: str) -> bool:
    return happened.after.get("status") == status and (happened.op == "I" or "status" in happened.before)


def _is_news(happened: Happened) -> bool:
    """Whether a booked appointment is new, newly confirmed, or moved."""
    return _became(happened, AppointmentStatus.BOOKED) or bool(_MOVES & happened.before.keys())
