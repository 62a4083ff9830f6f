"""Erasing a patient because they asked for it (Art. 17 GDPR): what has to be so before, and what is closed after.

Erasure itself is `audit.erasure`: it destroys keys in steps that each commit, so nothing here holds a transaction.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit import erasure
from audit.context import Actor
from audit.holds import UnderHold
from bookings import rights
from bookings.models import Appointment, AppointmentStatus, DataRequest, Patient
from bookings.refusals import Refusal
from bookings.rights import NotOpen

#: Statuses of visits somebody still counts on.
_EXPECTED: Final = (
    AppointmentStatus.PROPOSED,
    AppointmentStatus.PENDING,
    AppointmentStatus.BOOKED,
    AppointmentStatus.ARRIVED,
    AppointmentStatus.CHECKED_IN,
    AppointmentStatus.WAITLIST,
)


class StillToCome(Refusal):
    """The patient has appointments ahead: erased, nobody could be told of any change to them."""

    message = _("This patient has appointments still to come. Cancel them first.")


class WrongCode(Refusal):
    """What was typed to confirm is not the code of this patient."""

    message = _("This is not the code of this patient. Nothing was erased.")


class NotAskedFor(Refusal):
    """The request asks for something else."""

    message = _("This request does not ask for erasure.")


class Held(Refusal):
    """A legal hold stands on records that the patient's keys open."""

    message = _(
        "A legal hold keeps evidence about this patient, so nothing was erased. While it stands, refuse this request "
        "and say that the data are needed for legal claims (Art. 17(3)(e) GDPR), or have the hold lifted."
    )


def still_to_come(*, patient: Patient, now: datetime) -> QuerySet[Appointment]:
    """The patient's visits that stand in the way of erasure."""
    return Appointment.objects.filter(patient=patient, end__gt=now, status__in=_EXPECTED)


def erase(*, actor: Actor, now: datetime, request_id: UUID, code: str) -> dict[str, Any]:
    """Erase the patient who asked for it, and close what they had asked; returns the certificate.

    `code` is the patient's pseudonymous code, typed as a confirmation. Not callable inside a transaction. After a crash
    the same call finishes what was begun. Raises WrongCode, NotAskedFor, NotOpen, StillToCome, Held.
    """
    wanted = DataRequest.objects.select_related("patient").get(pk=request_id)
    patient = wanted.patient
    if wanted.kind != DataRequest.Kind.ERASURE:
        raise NotAskedFor
    if wanted.state != DataRequest.State.OPEN:
        raise NotOpen
    if code.strip().upper() != patient.code:
        raise WrongCode
    if still_to_come(patient=patient, now=now).exists():
        raise StillToCome
    try:
        certificate = erasure.erase(actor=actor, now=now, subject=patient, reference=f"request {wanted.pk}")
    except UnderHold as error:
        raise Held from error
    rights.settle_erased(actor=actor, now=now, patient_id=patient.pk)
    return certificate
