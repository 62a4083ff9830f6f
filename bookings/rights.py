"""What a patient asks of the controller about their data (Art. 15 to 18 and 21 GDPR), with the clock of Art. 12(3).

A request is due a calendar month after it came, and may be prolonged once, within that month and with a reason, by two
months more. What has no answer keeps one notice open for the clinic's data protection officer.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings.locks import lock
from bookings.models import DataRequest, Notice, Patient, RelatedPerson
from bookings.pending import keep_notice
from bookings.reach import Reached
from bookings.refusals import Refusal
from bookings.walls import zone_of

MOST_OPEN: Final = 5
"""Open requests of one patient, whoever asked."""

TO_ANSWER: Final = relativedelta(months=1)
PROLONGED: Final = relativedelta(months=3)
"""From receipt: the month, and the two months more of Art. 12(3)."""

State = DataRequest.State


class TooManyOpen(Refusal):
    """The patient has as many open requests as are taken at once."""

    message = _("Five of your requests wait for an answer already. Withdraw one of them, or call the clinic.")


class NobodyToAskFor(Refusal):
    """The patient's record is gone, erased or joined to another."""

    message = _("This record is closed: nothing can be asked about it any more.")


class NotOpen(Refusal):
    """The request was answered, refused or withdrawn already."""

    message = _("This request is closed already.")


class NoWords(Refusal):
    """An answer, a refusal or a prolongation without a word of why."""

    message = _("Write what the patient is told.")


class TooLateToProlong(Refusal):
    """The first month is over, or the request was prolonged before."""

    message = _("A request can be prolonged once, and within the first month only.")


@transaction.atomic(durable=True)
@use_case("rights.ask", operation="create")
def ask(
    *,
    actor: Actor,
    now: datetime,
    patient: Patient,
    asked_by: RelatedPerson | None,
    kind: DataRequest.Kind,
    text: str,
) -> DataRequest:
    """Write down what is asked about a patient's data, by themselves (None) or by somebody who acts for them.

    Raises TooManyOpen, NobodyToAskFor, locks.TooBusy.
    """
    lock(patients=[patient.pk])
    whose = Patient.objects.filter(pk=patient.pk, erased_at=None, merged_into=None).first()
    if whose is None:
        raise NobodyToAskFor
    if DataRequest.objects.filter(patient=whose, state=State.OPEN).count() >= MOST_OPEN:
        raise TooManyOpen
    made = DataRequest.objects.create(
        clinic_id=whose.clinic_id,
        patient=whose,
        asked_by=asked_by,
        kind=kind,
        text=text,
        received_at=now,
        due_at=_after(now, TO_ANSWER, clinic_id=whose.clinic_id),
    )
    _keep_notice(now=now, clinic_id=made.clinic_id)
    return made


@transaction.atomic(durable=True)
@use_case("rights.withdraw", operation="update")
def withdraw(*, actor: Actor, now: datetime, request_id: UUID) -> DataRequest:
    """Take an open request back. Raises NotOpen."""
    return _close(now=now, request_id=request_id, state=State.WITHDRAWN, answer="", by="")


@transaction.atomic(durable=True)
@use_case("rights.answer", operation="update")
def answer(*, actor: Actor, now: datetime, request_id: UUID, text: str) -> DataRequest:
    """Say what was done, in words the patient reads, and close the request. Raises NotOpen, NoWords."""
    return _close(now=now, request_id=request_id, state=State.DONE, answer=_words(text), by=actor.id)


@transaction.atomic(durable=True)
@use_case("rights.refuse", operation="update")
def refuse(*, actor: Actor, now: datetime, request_id: UUID, text: str) -> DataRequest:
    """Say why nothing is done (Art. 12(4)); where to complain is told beside it. Raises NotOpen, NoWords."""
    return _close(now=now, request_id=request_id, state=State.REFUSED, answer=_words(text), by=actor.id)


@transaction.atomic(durable=True)
@use_case("rights.prolong", operation="update")
def prolong(*, actor: Actor, now: datetime, request_id: UUID, reason: str) -> DataRequest:
    """Take two months more, once, within the first month, with the reason the patient is told.

    Raises NotOpen, NoWords, TooLateToProlong.
    """
    wanted = _open(request_id)
    if not prolongable(wanted, now=now):
        raise TooLateToProlong
    wanted.extension, wanted.extended_at = _words(reason), now
    wanted.due_at = _after(wanted.received_at, PROLONGED, clinic_id=wanted.clinic_id)
    wanted.save(update_fields=["extension", "extended_at", "due_at"])
    return wanted


@transaction.atomic(durable=True)
@use_case("rights.erased", operation="update")
def settle_erased(*, actor: Actor, now: datetime, patient_id: int) -> int:
    """Close what an erased patient had asked: their keys are gone, so no words can be written any more. Returns how
    many requests were closed."""
    rows = DataRequest.objects.select_for_update().filter(patient=patient_id, state=State.OPEN)
    clinics = set(rows.values_list("clinic_id", flat=True))
    closed = rows.update(state=State.DONE, answered_at=now, answered_by=actor.id)
    for clinic_id in clinics:
        _keep_notice(now=now, clinic_id=clinic_id)
    return closed


def prolongable(wanted: DataRequest, *, now: datetime) -> bool:
    """Whether an open request may still be prolonged."""
    return wanted.state == State.OPEN and wanted.extended_at is None and now <= wanted.due_at


def days_left(wanted: DataRequest, *, now: datetime) -> int:
    """Days until a request is due, the one under way included; negative for each day begun since."""
    left = wanted.due_at - now
    begun = left > timedelta(0) and left % timedelta(days=1) > timedelta(0)
    return left.days + begun


def visible_to(found: Collection[Reached]) -> QuerySet[DataRequest]:
    """The requests somebody is shown: all about themselves, and those they made for somebody else. Newest first."""
    shown = Q(pk__in=())
    for one in found:
        shown |= Q(patient=one.patient) if one.person is None else Q(patient=one.patient, asked_by=one.person)
    rows = DataRequest.objects.filter(shown).select_related("patient", "asked_by")
    return rows.order_by("-received_at", "pk")


def open_count(*, clinic_ids: Collection[int]) -> dict[int, int]:
    """How many requests wait for an answer, by clinic; those without any are left out. No query for no clinic."""
    if not clinic_ids:
        return {}
    rows = DataRequest.objects.filter(clinic__in=clinic_ids, state=State.OPEN).order_by()
    return dict(rows.values_list("clinic").annotate(waiting=Count("pk")))


def _close(*, now: datetime, request_id: UUID, state: DataRequest.State, answer: str, by: str) -> DataRequest:
    wanted = _open(request_id)
    wanted.state, wanted.answer, wanted.answered_at, wanted.answered_by = state, answer, now, by
    wanted.save(update_fields=["state", "answer", "answered_at", "answered_by"])
    _keep_notice(now=now, clinic_id=wanted.clinic_id)
    return wanted


def _open(request_id: UUID) -> DataRequest:
    wanted = DataRequest.objects.select_for_update(of=("self",)).select_related("patient").get(pk=request_id)
    if wanted.state != State.OPEN:
        raise NotOpen
    return wanted


def _words(text: str) -> str:
    if not text.strip():
        raise NoWords
    return text.strip()


def _after(moment: datetime, time: relativedelta, *, clinic_id: int) -> datetime:
    """So much later by the calendar on the clinic's wall: the 31st of January gives the last of February."""
    return moment.astimezone(zone_of(clinic_id=clinic_id)) + time


def _keep_notice(*, now: datetime, clinic_id: int) -> None:
    waiting = DataRequest.objects.filter(clinic=clinic_id, state=State.OPEN)
    keep_notice(now=now, clinic_id=clinic_id, kind=Notice.Kind.DATA_REQUEST, waiting=waiting)
