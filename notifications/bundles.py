"""Which messages travel in one mail: one booking, one message.

Visits booked together (siblings, a series, a blood test and the visit after it), and visits in one group session, are
told of in one mail when the same is to be said of them to the same contact; reminders, when they are on one day. Each
visit's message keeps a row of its own, so that its page says what became of it.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from audit.sealed import KeyDestroyed
from bookings.contacts import contact_of, normalise_email
from bookings.models import Appointment
from notifications.models import Kind, Message, State

RELATED = (
    "appointment__clinic",
    "appointment__location",
    "appointment__patient",
    "appointment__contact_person__patient",
)

Alike = tuple[str, str, str, str]


def bundle_of(message: Message, *, now: datetime) -> list[Message]:
    """The waiting messages that go with this one, itself included, by start of the visit."""
    alike = _alike(message, now=now)
    if alike is None:
        return [message]
    others = [other for other in _beside(message).select_related(*RELATED) if _alike(other, now=now) == alike]
    return sorted([message, *others], key=in_order)


def about(message: Message) -> Appointment:
    """The appointment of a message that is about one."""
    assert message.appointment is not None
    return message.appointment


def in_order(message: Message) -> tuple[datetime, str]:
    """By which the messages of a mail are sorted: the start of their visits."""
    return about(message).start, str(about(message).pk)


def _beside(message: Message) -> QuerySet[Message]:
    """Other waiting messages of this kind to patients of the same booking or the same session."""
    appointment = message.appointment
    if appointment is None or message.participant_id is not None:
        return Message.objects.none()
    same = Q()
    if appointment.together is not None:
        same |= Q(appointment__together=appointment.together)
    if appointment.session_id is not None:
        same |= Q(appointment__session=appointment.session_id)
    if not same:
        return Message.objects.none()
    if message.kind == Kind.REMINDER:
        same &= Q(planned_for=message.planned_for)
    waiting = Message.objects.filter(same, kind=message.kind, participant=None, state=State.PLANNED)
    return waiting.filter(clinic=message.clinic_id).exclude(pk=message.pk)


def _alike(message: Message, *, now: datetime) -> Alike | None:
    """Whom it is for, in which language, and what else its words depend on; None when it goes alone."""
    appointment = message.appointment
    if appointment is None or message.participant_id is not None:
        return None
    try:
        contact = contact_of(appointment, now=now)
    except KeyDestroyed:
        return None
    cancelled = (appointment.cancelled_by, appointment.cancellation_reason)
    why = cancelled if appointment.cancelled_by != Appointment.CancelledBy.PATIENT else (cancelled[0], "")
    return (normalise_email(contact.email).casefold(), contact.language, *why)
