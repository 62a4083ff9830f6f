"""Two records that may be of one patient: noticed at registration, looked at by the desk.

Nobody is taken for anybody by a machine: who registers is told nothing, and the desk joins the two (`bookings.merging`)
or says that they are two.
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit import blind
from audit.context import Actor, use_case
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from bookings.models import Notice, Patient, PossibleDuplicate
from bookings.pending import keep_notice
from bookings.refusals import Refusal

#: Records looked at for one new one: a name and a birth date shared by more are the desk's to sort out by other means.
MOST: Final = 5
State = PossibleDuplicate.State


class AlreadySettled(Refusal):
    """Somebody has settled this already."""

    message = _("This was settled already.")


def folded(name: str) -> str:
    """A name as two are compared: spaces and capitals do not count."""
    return " ".join(name.split()).casefold()


def suspect(*, patient: Patient) -> list[PossibleDuplicate]:
    """Write a task for each older record of the clinic with the name and birth date of this new one.

    Part of the registration's own transaction and use. Both must have a birth date: a name alone says nothing. One
    look into the index when nobody matches.
    """
    if not patient.birth_date:
        return []
    whose = _who(patient)
    found = [other for other in _candidates(patient) if _who(other) == whose]
    if not found:
        return []
    tasks = PossibleDuplicate.objects.bulk_create(
        [PossibleDuplicate(clinic_id=patient.clinic_id, patient=patient, other=other) for other in found]
    )
    # Opened and never closed here, so that the moment is not asked for.
    Notice.objects.get_or_create(
        clinic_id=patient.clinic_id,
        kind=Notice.Kind.PERHAPS_SAME,
        practitioner=None,
        appointment=None,
        resolved_at=None,
    )
    return tasks


def waiting(*, clinic_id: int) -> QuerySet[PossibleDuplicate]:
    """The tasks of a clinic nobody has settled."""
    return PossibleDuplicate.objects.filter(clinic_id=clinic_id, state=State.OPEN)


def waiting_for(*, patient: Patient) -> QuerySet[PossibleDuplicate]:
    """The tasks about a new record that nobody has settled."""
    return PossibleDuplicate.objects.filter(patient=patient, state=State.OPEN)


@transaction.atomic(durable=True)
@use_case("duplicate.tell-apart", operation="update")
def tell_apart(*, actor: Actor, now: datetime, duplicate_id: int) -> PossibleDuplicate:
    """Say that the two records are of two patients. Raises AlreadySettled."""
    task = PossibleDuplicate.objects.select_for_update().get(pk=duplicate_id)
    if task.state != State.OPEN:
        raise AlreadySettled
    task.state, task.settled_at = State.DIFFERENT, now
    task.save(update_fields=["state", "settled_at"])
    keep_notice(
        now=now, clinic_id=task.clinic_id, kind=Notice.Kind.PERHAPS_SAME, waiting=waiting(clinic_id=task.clinic_id)
    )
    return task


def _who(patient: Patient) -> tuple[str, str, str] | None:
    """By what two are compared; None for somebody whose erasure has begun."""
    try:
        return folded(patient.given_name), folded(patient.family_name), patient.birth_date
    except KeyDestroyed:
        return None


def _candidates(patient: Patient) -> list[Patient]:
    """Other records that hold every token of the name and the birth date: a few, of which most are the same person."""
    secret = keyring.clinic_secret(clinic_id=patient.clinic_id, purpose="patient-index")
    name = f"{patient.given_name} {patient.family_name}"
    wanted = [
        *blind.query_tokens(secret=secret, kind="name", value=name),
        *blind.query_tokens(secret=secret, kind="birth", value=patient.birth_date),
    ]
    rows = Patient.objects.filter(
        clinic_id=patient.clinic_id, erased_at=None, merged_into=None, index__tokens__contains=wanted
    )
    return list(rows.exclude(pk=patient.pk).order_by("pk")[:MOST])
