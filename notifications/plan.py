"""What is owed to people because of what happened: reads the stream, writes messages, sends nothing.

Each visit has a message of its own; those that say the same to one contact travel together (`notifications.bundles`).
So that none of them leaves before the last is written, the first record of a command plans for all of its visits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit import wake
from audit.context import Actor
from audit.models import Record
from audit.sealed import KeyDestroyed
from audit.stream import Happened
from bookings import participants, reminders
from bookings.contacts import contact_of, contact_of_request
from bookings.models import (
    TAKES_TIME,
    Appointment,
    AppointmentStatus,
    Consent,
    ConsentPurpose,
    ContactChallenge,
    DataRequest,
    Participant,
    ParticipantStatus,
)
from bookings.reminders import reminder_time
from notifications.models import Kind, Message, State
from notifications.news import answered, moved, news, still_ahead

APPOINTMENTS: Final = "bookings.Appointment"
MODELS: Final = frozenset(
    {
        APPOINTMENTS,
        "bookings.Participant",
        "bookings.ContactChallenge",
        "bookings.Consent",
        "bookings.Patient",
        "bookings.DataRequest",
    }
)
IMPORT: Final = "import"
"""The purpose under which history enters the system: nobody is told of it, but reminders are due as always."""
ONE_BY_ONE: Final = frozenset({"approval.lapse", "approval.approve", "approval.decline"})
"""Commands given for each visit of a booking in turn: their messages wait a little for each other."""
LULL: Final = timedelta(seconds=30)
NEAR: Final = 1000
"""How many records away the others of one command are looked for: it writes at most some hundred, close together."""

_RELATED: Final = ("clinic", "location", "patient", "contact_person__patient")
_ACTOR: Final = Actor.system("notifications")


def plan(happened: Happened) -> None:
    """Write the messages that follow from one record. The same record again changes nothing."""
    if happened.op not in ("I", "U"):
        return  # whom a row that is gone was about is not known any more
    if happened.model == "bookings.ContactChallenge":
        if happened.op == "I":
            _plan_code(challenge_id=UUID(happened.pk), now=happened.at)
    elif happened.model == "bookings.Participant":
        if happened.op == "I":
            _plan_invitation(participant_id=UUID(happened.pk), now=happened.at)
    elif happened.model == "bookings.DataRequest":
        if happened.op == "U" and answered(happened):
            _plan_answer(request_id=UUID(happened.pk), now=happened.at)
    elif happened.model == "bookings.Consent":
        told = Consent.objects.filter(pk=int(happened.pk), purpose=ConsentPurpose.REMINDERS).first()
        if told is not None:
            _plan_reminders(patient_id=told.patient_id, now=happened.at)
    elif happened.model == "bookings.Patient":
        if "remind" in happened.before:
            _plan_reminders(patient_id=int(happened.pk), now=happened.at)
    else:
        appointment = _plan_appointment(happened)
        if appointment is not None and (appointment.together or appointment.session_id):
            for other in _rest_of_the_command(happened):
                _plan_appointment(other)


def wake_sender(message: Message) -> None:
    """Ask for this message to be sent once the transaction is committed: a hint, the sweep finds it too."""
    send = partial(wake.publish, "notifications.send", queue="messages", message_id=str(message.id))
    transaction.on_commit(send, robust=True)


def _rest_of_the_command(happened: Happened) -> Iterator[Happened]:
    """What the same command did to other appointments, where this is the first of its records."""
    use = (happened.body.get("use") or {}).get("id")
    if not use:
        return
    near = Record.objects.filter(chain=happened.chain, use_id=use, model=APPOINTMENTS)
    if near.filter(seq__gte=happened.seq - NEAR, seq__lt=happened.seq).exists():
        return
    for record in near.filter(seq__gt=happened.seq, seq__lte=happened.seq + NEAR).order_by("seq"):
        yield Happened.of(record)


def _plan_appointment(happened: Happened) -> Appointment | None:
    appointment = Appointment.objects.select_related(*_RELATED).filter(pk=happened.pk).first()
    if appointment is None:
        return None
    booked = appointment.status == AppointmentStatus.BOOKED
    kind = news(happened, appointment)
    if kind == Kind.MOVED and _was_not_confirmed(appointment, at=happened.at):
        kind = Kind.CONFIRMATION
    reminded = booked and reminders.wanted(appointment)
    if kind is not None or not booked:
        kept = [*([happened.at] if kind else []), *([reminder_time(appointment)] if reminded else [])]
        _supersede(appointment, but=kept)
    if kind is not None and happened.body.get("purpose") != IMPORT and still_ahead(appointment, now=happened.at):
        waits = bool(appointment.together) and happened.case in ONE_BY_ONE
        _owe(appointment, kind=kind, planned_for=happened.at, after=LULL if waits else timedelta(0))
    if kind is not None and reminded and reminder_time(appointment) > happened.at:
        _owe(appointment, kind=Kind.REMINDER, planned_for=reminder_time(appointment))
    if appointment.start > happened.at:
        _plan_for_participants(appointment, happened=happened, cancelled=kind == Kind.CANCELLATION)
    return appointment


def _plan_for_participants(appointment: Appointment, *, happened: Happened, cancelled: bool) -> None:
    """Who was invited is asked again when the time moves (RFC 5546 3.2.2.1), and told when it is off."""
    asked_again = moved(happened) and appointment.status in TAKES_TIME
    if asked_again:
        participants.ask_again(actor=_ACTOR, now=happened.at, appointment_id=appointment.pk)
    if asked_again or cancelled:
        invited = Participant.objects.filter(appointment=appointment, invited_at__lt=happened.at)
        if cancelled:
            invited = invited.exclude(status=ParticipantStatus.DECLINED)
        kind = Kind.CANCELLATION if cancelled else Kind.INVITATION
        for participant in invited.select_related(*participants.RELATED):
            _owe(appointment, kind=kind, planned_for=happened.at, participant=participant)


def _plan_reminders(*, patient_id: int, now: datetime) -> None:
    """The patient changed their mind about reminders: what is to come is planned, or what is planned ends."""
    ahead = Appointment.objects.filter(patient=patient_id, status=AppointmentStatus.BOOKED, start__gt=now)
    for appointment in ahead.select_related(*_RELATED):
        due = reminder_time(appointment)
        if not reminders.wanted(appointment):
            waiting = Message.objects.filter(appointment=appointment, participant=None, state=State.PLANNED)
            waiting.filter(kind=Kind.REMINDER).update(state=State.SUPERSEDED)
        elif due > now:
            _owe(appointment, kind=Kind.REMINDER, planned_for=due)


def _plan_invitation(*, participant_id: UUID, now: datetime) -> None:
    participant = Participant.objects.select_related(*participants.RELATED).get(pk=participant_id)
    if participant.appointment.end > now:
        _owe(participant.appointment, kind=Kind.INVITATION, planned_for=now, participant=participant)


def _plan_code(*, challenge_id: UUID, now: datetime) -> None:
    challenge = ContactChallenge.objects.filter(pk=challenge_id, deliver=True).first()
    if challenge is None:
        return
    _owe_now(challenge, kind=Kind.CODE, now=now, challenge=challenge)


def _plan_answer(*, request_id: UUID, now: datetime) -> None:
    request = DataRequest.objects.select_related("patient", "asked_by").get(pk=request_id)
    try:
        known = bool(contact_of_request(request, now=now).email)
    except KeyDestroyed:
        return
    if known:
        _owe_now(request, kind=Kind.ANSWER, now=now, request=request, planned_for=now)


def _owe_now(about: ContactChallenge | DataRequest, *, kind: Kind, now: datetime, **which: Any) -> None:
    """One message that is about no appointment, sent at once; `which` is what there is only one of."""
    message, made = Message.objects.get_or_create(
        **which,
        channel="email",
        defaults={"clinic_id": about.clinic_id, "kind": kind, "planned_for": now, "next_try": now},
    )
    if made:
        wake_sender(message)


def _owe(
    appointment: Appointment,
    *,
    kind: Kind,
    planned_for: datetime,
    participant: Participant | None = None,
    after: timedelta = timedelta(0),
) -> None:
    """One message of this kind, unless there is nobody to write to; sent no sooner than `after` its time."""
    try:
        if participant is None:
            address = contact_of(appointment, now=planned_for).email
        else:
            address = participants.address_of(participant)
    except KeyDestroyed:
        return
    if not address:
        return
    message, made = Message.objects.get_or_create(
        appointment=appointment,
        participant=participant,
        kind=kind,
        channel="email",
        planned_for=planned_for,
        defaults={"clinic_id": appointment.clinic_id, "next_try": planned_for + after},
    )
    if kind == Kind.REMINDER:
        if message.state == State.SUPERSEDED:  # moved away and back again
            message.state = State.PLANNED
            message.save(update_fields=["state"])
    elif made and not after:
        wake_sender(message)


def _was_not_confirmed(appointment: Appointment, *, at: datetime) -> bool:
    """Whether a confirmation still waits: the patient then learns of the new time as of the first."""
    waiting = Q(state=State.PLANNED) | Q(planned_for=at)
    return Message.objects.filter(waiting, appointment=appointment, kind=Kind.CONFIRMATION).exists()


def _supersede(appointment: Appointment, *, but: Sequence[datetime]) -> None:
    """End what the patient is still owed about this appointment; a message being sent is looked at by the sender."""
    Message.objects.filter(appointment=appointment, participant=None, state=State.PLANNED).exclude(
        planned_for__in=but
    ).exclude(kind=Kind.CANCELLATION).update(state=State.SUPERSEDED)
