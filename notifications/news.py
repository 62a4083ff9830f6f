"""What a record of an appointment is news of, and whether a message about it still says what is so."""

from datetime import datetime, timedelta
from typing import Final

from audit.stream import Happened
from bookings.models import TAKES_TIME, Appointment, AppointmentStatus, DataRequest, ParticipantStatus
from notifications.models import Kind, Message

STATUS_TOLD: Final = {
    Kind.REQUEST: AppointmentStatus.PENDING,
    Kind.OFFER: AppointmentStatus.PROPOSED,
    Kind.CONFIRMATION: AppointmentStatus.BOOKED,
    Kind.MOVED: AppointmentStatus.BOOKED,
    Kind.REMINDER: AppointmentStatus.BOOKED,
    Kind.CANCELLATION: AppointmentStatus.CANCELLED,
}
"""Which status a message to the patient speaks of."""

_MOVES: Final = frozenset({"start", "location_id"})
_BEFORE_BOOKED: Final = frozenset({AppointmentStatus.PENDING, AppointmentStatus.PROPOSED, AppointmentStatus.WAITLIST})
_ANSWERS: Final = frozenset({DataRequest.State.DONE, DataRequest.State.REFUSED})
_SORRY_FOR: Final = timedelta(days=1)
"""A request that nobody answered may lapse at the very time it asked for: its patient is told all the same."""


def news(happened: Happened, appointment: Appointment) -> Kind | None:
    """What its patient is to be told about an appointment as it now stands, because of this record; None for nothing.

    A step taken back at the desk (arrived, and then not) is no news.
    """
    status = appointment.status
    became = happened.after.get("status") == status and (happened.op == "I" or "status" in happened.before)
    if status == AppointmentStatus.CANCELLED:
        return Kind.CANCELLATION if became else None
    if status == AppointmentStatus.PENDING:
        return Kind.REQUEST if became or moved(happened) else None
    if status == AppointmentStatus.PROPOSED:
        return Kind.OFFER if became or moved(happened) else None
    if status != AppointmentStatus.BOOKED:
        return None
    if became and (happened.op == "I" or happened.before["status"] in _BEFORE_BOOKED):
        return Kind.CONFIRMATION
    return Kind.MOVED if moved(happened) else None


def moved(happened: Happened) -> bool:
    """Whether the record changed the time or the place that people were told."""
    return happened.op == "U" and bool(_MOVES & happened.before.keys())


def answered(happened: Happened) -> bool:
    """Whether the clinic said something to a request about data: an answer, a refusal, or that it takes longer."""
    closed = "state" in happened.before and happened.after.get("state") in _ANSWERS
    return closed or ("extended_at" in happened.before and happened.after.get("extended_at") is not None)


def still_ahead(appointment: Appointment, *, now: datetime) -> bool:
    """Whether the appointment is still worth a word."""
    lapsed = appointment.cancelled_by == Appointment.CancelledBy.SYSTEM
    return now < appointment.start + (_SORRY_FOR if lapsed else timedelta(0))


def still_so(message: Message, appointment: Appointment, *, now: datetime) -> bool:
    """Whether what the message says of the appointment is true now, and still of use."""
    if not still_ahead(appointment, now=now):
        return False
    if message.kind == Kind.INVITATION:
        unanswered = message.participant is not None and message.participant.status == ParticipantStatus.NEEDS_ACTION
        return appointment.status in TAKES_TIME and unanswered
    if appointment.status != STATUS_TOLD[Kind(message.kind)]:
        return False
    if message.kind in (Kind.REQUEST, Kind.OFFER):
        return appointment.respond_by is None or appointment.respond_by > now
    return message.kind != Kind.REMINDER or appointment.start - now <= timedelta(days=2)
