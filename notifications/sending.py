"""Sending what is owed: claim, look at the appointments again, hand over, write down what became of it.

The claim is committed before anything is sent and the outcome after, so a crash in between sends a second copy with the
same Message-ID rather than none.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.sealed import KeyDestroyed
from bookings import participants
from bookings.backoff import full_jitter
from bookings.models import Notice
from bookings.notices import raise_notice, resolve_notice
from bookings.refusals import Refusal
from notifications import rendering
from notifications.bundles import RELATED, about, bundle_of, in_order
from notifications.mail import NotHandedOver, hand_over
from notifications.models import Kind, Message, State
from notifications.news import still_so
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
    """Send one message if it is planned, due and still true, in one mail with those that say the same of other visits.

    Returns its state then, None when there was nothing to do. Never raises for a mail server that refuses or is gone:
    the row says when it is tried again.
    """
    claimed = _claim(actor=actor, now=now, message_id=message_id)
    if not claimed:
        return None
    first = claimed[0]
    if first.attempts > ATTEMPTS:
        failed = _Outcome(State.FAILED, first.last_error or "NeverFinished")
        outcomes = {message.pk: failed for message in claimed}
    else:
        outcomes = _attempt(claimed, now=now)
    return _settle(actor=actor, now=now, claimed=claimed, outcomes=outcomes)


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
        participant_id=message.participant_id,
        request_id=message.request_id,
        kind=message.kind,
        channel=message.channel,
        planned_for=now,
        next_try=now,
    )
    wake_sender(again)
    return again


@use_case("message.claim")
@transaction.atomic
def _claim(*, actor: Actor, now: datetime, message_id: UUID) -> list[Message]:
    """The message and those that travel with it, claimed; empty when it is not due or another sender is at it.

    Whoever wants any of them locks the first that is due, so two senders never share them out.
    """
    due = Message.objects.filter(state=State.PLANNED, next_try__lte=now)
    message = due.filter(pk=message_id).select_related(*RELATED).first()
    if message is None:
        return []
    wanted = [one.pk for one in bundle_of(message, now=now)]
    due_now = set(due.filter(pk__in=wanted).values_list("pk", flat=True))
    leader = [pk for pk in wanted if pk in due_now][:1]
    if not list(due.select_for_update(skip_locked=True).filter(pk__in=leader)):
        return []
    rows = Message.objects.select_for_update(skip_locked=True).filter(pk__in=wanted, state=State.PLANNED)
    found = {one.pk: one for one in rows}
    claimed = [found[pk] for pk in wanted if pk in found]
    for one in claimed:
        one.state, one.claimed_at, one.attempts = State.CLAIMED, now, one.attempts + 1
        one.save(update_fields=["state", "claimed_at", "attempts"])
    return claimed


@use_case("message.put_back")
@transaction.atomic
def _put_back(*, actor: Actor, now: datetime) -> None:
    left = Message.objects.filter(state=State.CLAIMED).filter(
        Q(claimed_at__lte=now - CLAIM_LIVES) | Q(claimed_at__isnull=True)
    )
    left.update(state=State.PLANNED, claimed_at=None, next_try=now)


def _attempt(claimed: Sequence[Message], *, now: datetime) -> dict[UUID, _Outcome]:
    """Send what of these is still so, in one mail; what became of each."""
    outcomes = {message.pk: _Outcome(State.SUPERSEDED) for message in claimed}
    rendered, told = _render(claimed, now=now)
    if rendered is None:
        return outcomes
    outcome = _Outcome(State.HANDED_OVER)
    try:
        hand_over(rendered, message_id=told[0].id)
    except NotHandedOver as error:
        lost = error.permanent or told[0].attempts >= ATTEMPTS
        outcome = _Outcome(State.FAILED if lost else State.PLANNED, str(error))
    return outcomes | {message.pk: outcome for message in told}


def _render(claimed: Sequence[Message], *, now: datetime) -> tuple[rendering.Rendered | None, list[Message]]:
    """The messages in words, and which of them still say what is so; None when none does."""
    first = claimed[0]
    try:
        if first.challenge is not None:
            challenge = first.challenge
            true = challenge.deliver and challenge.proved_at is None and challenge.expires_at > now
            return (rendering.for_code(challenge) if true else None), [first]
        if first.request is not None:
            return rendering.for_request(first.request, now=now), [first]
        rows = Message.objects.filter(pk__in=[message.pk for message in claimed]).select_related(
            *RELATED, *(f"participant__{name}" for name in participants.RELATED)
        )
        told = [message for message in sorted(rows, key=in_order) if still_so(message, about(message), now=now)]
        if not told:
            return None, []
        visits = [about(message) for message in told]
        if told[0].participant is not None:
            return rendering.for_participant(told[0].participant, kind=Kind(first.kind), now=now), told
        return rendering.for_appointments(visits, kind=Kind(first.kind), now=now), told
    except KeyDestroyed:
        return None, []  # erased: nobody is left to write to


@use_case("message.settle")
@transaction.atomic
def _settle(
    *, actor: Actor, now: datetime, claimed: Sequence[Message], outcomes: Mapping[UUID, _Outcome]
) -> State | None:
    """Write down what became of claimed messages, unless one was taken for dead and claimed again meanwhile.

    Returns the state of the first that was sent, or else of the first.
    """
    attempts = {message.pk: message.attempts for message in claimed}
    rows = Message.objects.select_for_update().filter(pk__in=attempts, state=State.CLAIMED).order_by("pk")
    held = {row.pk: row for row in rows if row.attempts == attempts[row.pk]}
    settled = [held[message.pk] for message in claimed if message.pk in held]
    next_try = now + full_jitter(attempt=claimed[0].attempts, base=FIRST_WAIT, cap=LONGEST_WAIT)
    for message in settled:
        outcome = outcomes[message.pk]
        message.state, message.last_error, message.claimed_at = outcome.state, outcome.error, None
        if outcome.state == State.PLANNED:
            message.next_try = next_try
        if outcome.state == State.HANDED_OVER:
            message.handed_over_at = now
        message.save(update_fields=["state", "last_error", "claimed_at", "next_try", "handed_over_at"])
        logger.info("message %s is %s after attempt %d", message.id, message.state, message.attempts)
    told = [message for message in settled if message.state != State.SUPERSEDED] or settled
    for number, message in enumerate(told):
        _tell_staff(message, actor=actor, now=now, aloud=number == 0)
    return State(told[0].state) if told else None


def _tell_staff(message: Message, *, actor: Actor, now: datetime, aloud: bool) -> None:
    """A failed message about an appointment needs a person; of those in one mail the first is enough (`aloud`).

    A failed code does not: its visitor is at the page, and anybody can type a wrong address.
    """
    if message.appointment_id is None:
        return
    if message.state == State.FAILED:
        if not aloud:
            return
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
