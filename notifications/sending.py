"""Sending what is owed: claim one row, look at its appointment again, hand it over, write down what became of it.

The claim is committed before anything is sent and the outcome after, so a crash in between sends a second copy with the
same Message-ID rather than none.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.sealed import KeyDestroyed
from bookings.backoff import full_jitter
from bookings.models import Appointment, AppointmentStatus, Notice
from bookings.notices import raise_notice, resolve_notice
from bookings.refusals import Refusal
from notifications import rendering
from notifications.mail import NotHandedOver, hand_over
from notifications.models import Kind, Message, State
from notifications.plan import wake_sender

logger = logging.getLogger(__name__)

ATTEMPTS = 24
"""After so many the message has failed: about a day, with waits of at most two hours."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=2)
CLAIM_LIVES = timedelta(minutes=5)
"""A sender silent for this long is taken for dead; longer than EMAIL_TIMEOUT for every step of a delivery."""
BATCH = 500


class NotResendable(Refusal):
    """A code is never sent twice: the visitor asks for a new one."""

    message = _("A code cannot be sent again; the patient asks for a new one on the page.")


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: State
    error: str = ""


def send(*, actor: Actor, now: datetime, message_id: UUID) -> State | None:
    """Send one message if it is planned, due and still true; returns its state then, None when there was nothing to do.

    Never raises for a mail server that refuses or is gone: the row says when it is tried again.
    """
    message = _claim(actor=actor, now=now, message_id=message_id)
    if message is None:
        return None
    if message.attempts > ATTEMPTS:
        outcome = _Outcome(State.FAILED, message.last_error or "NeverFinished")
    else:
        outcome = _attempt(message, now=now)
    return _settle(actor=actor, now=now, claimed=message, outcome=outcome)


def sweep(*, actor: Actor, now: datetime) -> list[UUID]:
    """Put back what a dead sender left claimed, and return what is due, oldest first, at most 500."""
    _put_back(actor=actor, now=now)
    due = Message.objects.filter(state=State.PLANNED, next_try__lte=now).order_by("next_try")
    return list(due.values_list("id", flat=True)[:BATCH])


@transaction.atomic(durable=True)
def resend(*, actor: Actor, now: datetime, message_id: UUID) -> Message:
    """Owe the same message once more, from now; what became of the first stays. Raises NotResendable for a code."""
    return _resend(actor=actor, now=now, message_id=message_id)


@use_case("message.resend", operation="create")
def _resend(*, actor: Actor, now: datetime, message_id: UUID) -> Message:
    message = Message.objects.get(pk=message_id)
    if message.kind == Kind.CODE:
        raise NotResendable
    again = Message.objects.create(
        clinic_id=message.clinic_id,
        appointment_id=message.appointment_id,
        kind=message.kind,
        channel=message.channel,
        planned_for=now,
        next_try=now,
    )
    wake_sender(again)
    return again


@use_case("message.claim")
@transaction.atomic
def _claim(*, actor: Actor, now: datetime, message_id: UUID) -> Message | None:
    message = (
        Message.objects.select_for_update(skip_locked=True)
        .filter(pk=message_id, state=State.PLANNED, next_try__lte=now)
        .first()
    )
    if message is None:
        return None
    message.state, message.claimed_at, message.attempts = State.CLAIMED, now, message.attempts + 1
    message.save(update_fields=["state", "claimed_at", "attempts"])
    return message


@use_case("message.put_back")
@transaction.atomic
def _put_back(*, actor: Actor, now: datetime) -> None:
    left = Message.objects.filter(state=State.CLAIMED).filter(
        Q(claimed_at__lte=now - CLAIM_LIVES) | Q(claimed_at__isnull=True)
    )
    left.update(state=State.PLANNED, claimed_at=None, next_try=now)


def _attempt(message: Message, *, now: datetime) -> _Outcome:
    try:
        rendered = _render(message, now=now)
    except KeyDestroyed:
        rendered = None  # erased: nobody is left to write to
    if rendered is None:
        return _Outcome(State.SUPERSEDED)
    try:
        hand_over(rendered, message_id=message.id)
    except NotHandedOver as error:
        lost = error.permanent or message.attempts >= ATTEMPTS
        return _Outcome(State.FAILED if lost else State.PLANNED, str(error))
    return _Outcome(State.HANDED_OVER)


def _render(message: Message, *, now: datetime) -> rendering.Rendered | None:
    """The message in words, or None when what it says is no longer so."""
    if message.challenge is not None:
        challenge = message.challenge
        true = challenge.deliver and challenge.proved_at is None and challenge.expires_at > now
        return rendering.for_code(challenge) if true else None
    appointment = Appointment.objects.select_related("clinic", "location", "patient", "contact_person__patient").get(
        messages=message
    )
    kind = Kind(message.kind)
    return rendering.for_appointment(appointment, kind=kind, now=now) if _still_so(appointment, kind, now) else None


def _still_so(appointment: Appointment, kind: Kind, now: datetime) -> bool:
    ahead = appointment.start - now
    if ahead <= timedelta(0):
        return False
    if kind == Kind.CANCELLATION:
        return appointment.status == AppointmentStatus.CANCELLED
    return appointment.status == AppointmentStatus.BOOKED and (kind != Kind.REMINDER or ahead <= timedelta(days=2))


@use_case("message.settle")
@transaction.atomic
def _settle(*, actor: Actor, now: datetime, claimed: Message, outcome: _Outcome) -> State | None:
    """Write down what became of a claimed message, unless it was taken for dead and claimed again meanwhile."""
    message = (
        Message.objects.select_for_update()
        .filter(pk=claimed.id, state=State.CLAIMED, attempts=claimed.attempts)
        .first()
    )
    if message is None:
        return None
    message.state, message.last_error, message.claimed_at = outcome.state, outcome.error, None
    if outcome.state == State.PLANNED:
        message.next_try = now + full_jitter(attempt=message.attempts, base=FIRST_WAIT, cap=LONGEST_WAIT)
    if outcome.state == State.HANDED_OVER:
        message.handed_over_at = now
    message.save(update_fields=["state", "last_error", "claimed_at", "next_try", "handed_over_at"])
    logger.info("message %s is %s after attempt %d", message.id, message.state, message.attempts)
    _tell_staff(message, actor=actor, now=now)
    return State(message.state)


def _tell_staff(message: Message, *, actor: Actor, now: datetime) -> None:
    """A failed message about an appointment needs a person.

    A failed code does not: its visitor is at the page, and anybody can type a wrong address.
    """
    if message.appointment_id is None:
        return
    if message.state == State.FAILED:
        raise_notice(
            actor=actor,
            clinic_id=message.clinic_id,
            kind=Notice.Kind.MESSAGE_FAILED,
            appointment_id=message.appointment_id,
        )
    elif message.state == State.HANDED_OVER:
        resolve_notice(
            actor=actor,
            now=now,
            clinic_id=message.clinic_id,
            kind=Notice.Kind.MESSAGE_FAILED,
            appointment_id=message.appointment_id,
        )
