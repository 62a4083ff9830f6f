"""Who takes part in an appointment, and what they answered (FHIR Appointment.participant).

The patient's and the practitioner's part follow from the appointment's status; everybody else is invited and answers
through a link of their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use, use_case
from audit.sealed import KeyDestroyed
from bookings import links
from bookings.approval import OFFER_LAPSED
from bookings.models import (
    Appointment,
    AppointmentStatus,
    Notice,
    Participant,
    ParticipantStatus,
    Practitioner,
    RelatedPerson,
)
from bookings.notices import raise_notice, resolve_notice
from bookings.refusals import Refusal

RELATED: Final = (
    "appointment__clinic",
    "appointment__location",
    "appointment__patient",
    "practitioner__user",
    "related_person__patient",
)
"""What is read of a participant to write to them."""

#: Statuses of an appointment that people can still be asked to.
OPEN: Final = (
    AppointmentStatus.PROPOSED,
    AppointmentStatus.PENDING,
    AppointmentStatus.BOOKED,
    AppointmentStatus.ARRIVED,
    AppointmentStatus.CHECKED_IN,
)
_OPERATIONS: Final = {
    ParticipantStatus.ACCEPTED: "accept",
    ParticipantStatus.TENTATIVE: "tentative",
    ParticipantStatus.DECLINED: "decline",
}


class NothingToAnswer(Refusal):
    """The appointment is over or off."""

    message = _("This appointment is over or was cancelled. There is nothing to answer any more.")


class CannotBeInvited(Refusal):
    """Not somebody of this clinic or this patient, or in the appointment already."""

    message = _("This person cannot be invited: they take part already, or belong to another clinic or patient.")


@dataclass(frozen=True, slots=True)
class Part:
    """One who takes part. `label` names staff and whoever was invited; the patient is told by code only."""

    role: str
    role_label: str | Promise
    label: str
    status: str
    status_label: str | Promise
    participant_id: UUID | None = None
    required: bool = True


def participants_of(appointment: Appointment) -> list[Part]:
    """Everybody who takes part: the patient, the practitioner, and who was invited, in that order. Two queries, one
    of them for the key of what is sealed."""
    patient, practitioner = _by_status(appointment)
    parts = [
        _part("patient", _("patient"), appointment.patient.code, patient),
        _part("primary-practitioner", _("practitioner"), str(appointment.practitioner), practitioner),
    ]
    for row in appointment.participants.select_related("appointment__patient", "practitioner", "related_person"):
        answer = ParticipantStatus(row.status)
        parts.append(
            Part(row.role, row.get_role_display(), _name_of(row), answer, answer.label, row.pk, required=row.required)
        )
    return parts


def address_of(participant: Participant) -> str:
    """Where to write to: the address given, else the related person's or the practitioner's own; empty when there is
    none. Raises audit.sealed.KeyDestroyed when the patient was erased."""
    if participant.email:
        return participant.email
    if participant.related_person is not None:
        return participant.related_person.email
    practitioner = participant.practitioner
    return practitioner.user.email if practitioner is not None and practitioner.user is not None else ""


@transaction.atomic(durable=True)
def invite(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    role: Participant.Role,
    name: str = "",
    email: str = "",
    practitioner: Practitioner | None = None,
    related_person: RelatedPerson | None = None,
    language: str = "en",
    required: bool = False,
) -> Participant:
    """Ask somebody to an appointment; they answer through the link they are sent, when there is an address.

    Only a second practitioner comes with `practitioner`. Raises CannotBeInvited, NothingToAnswer,
    Appointment.DoesNotExist.
    """
    return _invite(
        actor=actor,
        now=now,
        appointment_id=appointment_id,
        role=role,
        name=name,
        email=email,
        practitioner=practitioner,
        related_person=related_person,
        language=language,
        required=required,
    )


@use_case("participants.invite", operation="invite")
def _invite(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    role: Participant.Role,
    name: str,
    email: str,
    practitioner: Practitioner | None,
    related_person: RelatedPerson | None,
    language: str,
    required: bool,
) -> Participant:
    appointment = Appointment.objects.select_for_update(of=("self",)).select_related("patient").get(pk=appointment_id)
    _open_or_refuse(appointment, now=now)
    if (role == Participant.Role.PRACTITIONER) != (practitioner is not None):
        raise CannotBeInvited
    if practitioner is not None:
        twice = appointment.participants.filter(practitioner=practitioner).exists()
        stranger = practitioner.clinic_id != appointment.clinic_id
        if twice or stranger or practitioner.pk == appointment.practitioner_id:
            raise CannotBeInvited
    if related_person is not None and related_person.patient_id != appointment.patient_id:
        raise CannotBeInvited
    participant = Participant(
        clinic_id=appointment.clinic_id,
        appointment=appointment,
        role=role,
        practitioner=practitioner,
        related_person=related_person,
        name=name,
        email=email,
        language=language,
        required=required,
    )
    participant.link_digest = links.digest(links.participant_token(participant))
    participant.save(force_insert=True)
    return participant


@transaction.atomic(durable=True)
def respond(*, actor: Actor, now: datetime, participant_id: UUID, status: ParticipantStatus) -> Participant:
    """Write down an answer: accepted, tentative or declined; the same once more changes nothing, another replaces it.

    When somebody who must be there declines, the desk gets a notice. Raises NothingToAnswer, ValueError for a status
    that is no answer, Participant.DoesNotExist.
    """
    if status not in _OPERATIONS:
        raise ValueError(status)
    with use("participants.respond", operation=_OPERATIONS[status], actor=actor):
        return _respond(actor=actor, now=now, participant_id=participant_id, status=status)


def _respond(*, actor: Actor, now: datetime, participant_id: UUID, status: ParticipantStatus) -> Participant:
    of = Participant.objects.values_list("appointment", flat=True).get(pk=participant_id)
    appointment = Appointment.objects.select_for_update(of=("self",)).get(pk=of)
    participant = Participant.objects.select_for_update(of=("self",)).get(pk=participant_id)
    _open_or_refuse(appointment, now=now)
    same = participant.status == status
    if same and participant.answered_at is not None and participant.answered_at >= appointment.updated:
        return participant  # the second of two presses; after a move the same answer is a new one
    participant.status, participant.answered_at = status, now
    participant.save(update_fields=["status", "answered_at"])
    if participant.required and not same:
        _tell_the_desk(appointment, actor=actor, now=now)
    return participant


@use_case("participants.ask_again", operation="invite")
def ask_again(*, actor: Actor, now: datetime, appointment_id: UUID) -> int:
    """What people answered before `now` was for another time: they have not answered for this one (RFC 5546 3.2.2.1).

    Part of the caller's transaction; returns how many are asked again.
    """
    answered = Participant.objects.filter(appointment=appointment_id, answered_at__lt=now)
    asked = answered.update(status=ParticipantStatus.NEEDS_ACTION, answered_at=None)
    if asked:
        _tell_the_desk(Appointment.objects.get(pk=appointment_id), actor=actor, now=now)
    return asked


def _open_or_refuse(appointment: Appointment, *, now: datetime) -> None:
    if appointment.status not in OPEN or appointment.end <= now:
        raise NothingToAnswer


def _tell_the_desk(appointment: Appointment, *, actor: Actor, now: datetime) -> None:
    """A notice while somebody who must be there will not."""
    missing = appointment.participants.filter(required=True, status=ParticipantStatus.DECLINED).exists()
    clinic, kind = appointment.clinic_id, Notice.Kind.PARTICIPANT_DECLINED
    if missing:
        raise_notice(actor=actor, clinic_id=clinic, kind=kind, appointment_id=appointment.pk)
    else:
        resolve_notice(actor=actor, now=now, clinic_id=clinic, kind=kind, appointment_id=appointment.pk)


def _by_status(appointment: Appointment) -> tuple[ParticipantStatus, ParticipantStatus]:
    """What the appointment's status says of its patient and of its practitioner."""
    accepted, waits, declined = ParticipantStatus.ACCEPTED, ParticipantStatus.NEEDS_ACTION, ParticipantStatus.DECLINED
    match appointment.status:
        case AppointmentStatus.PENDING | AppointmentStatus.WAITLIST:
            return accepted, waits
        case AppointmentStatus.PROPOSED:
            return waits, accepted
        case AppointmentStatus.CANCELLED:
            match appointment.cancelled_by:
                case Appointment.CancelledBy.PATIENT:
                    return declined, accepted
                case Appointment.CancelledBy.CLINIC:
                    return accepted, declined
                case _:  # nobody answered in time
                    offered = appointment.cancellation_reason == OFFER_LAPSED
                    return (waits, accepted) if offered else (accepted, waits)
        case _:
            return accepted, accepted


def _part(role: str, role_label: str | Promise, label: str, status: ParticipantStatus) -> Part:
    return Part(role, role_label, label, status, status.label)


def _name_of(participant: Participant) -> str:
    if participant.practitioner is not None:
        return str(participant.practitioner)
    try:
        if participant.related_person is not None and not participant.name:
            return participant.related_person.name
        return participant.name
    except KeyDestroyed:
        return ""
