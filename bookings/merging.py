"""Joining two records of one patient: everything of the one that goes moves to the one that stays.

What was sealed keeps its own key ("a merge keeps both keys"): moved values are not opened and sealed anew, the kept
patient merely owns both keys from then on (`Patient.former_key_ids`), and erasing them destroys both. The record that
goes stays as an empty shell that points to the other (FHIR Patient.link, replaced-by), out of every search.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.sealed import KeyDestroyed
from bookings import duplicates
from bookings.duplicates import State
from bookings.locks import lock
from bookings.models import Consent, Notice, Patient, PatientIndex, PossibleDuplicate
from bookings.patients import reindex
from bookings.pending import keep_notice
from bookings.refusals import Refusal

#: What the kept record takes over where it says nothing itself.
_FILLED: Final = ("email", "phone", "known_since")


class CannotJoin(Refusal):
    """The two are no two live records of one clinic."""

    message = _("These two records cannot be joined: one of them is erased, or joined already.")


@transaction.atomic(durable=True)
@use_case("patient.join", operation="merge")
def join(*, actor: Actor, now: datetime, keep: Patient, gone: Patient) -> Patient:
    """Make one patient of two records: `gone` moves into `keep`, which is returned as it stands then.

    The kept record's own contact goes on counting; what it lacks it takes from the other. Reminders stay off, and a
    record stays confidential, when either says so. Open tasks about the record that goes become tasks about the kept
    one. Raises CannotJoin, locks.TooBusy.
    """
    lock(patients=[keep.pk, gone.pk])
    rows = {
        row.pk: row
        for row in Patient.objects.select_for_update().filter(
            pk__in=[keep.pk, gone.pk], erased_at=None, merged_into=None
        )
    }
    if len(rows) != 2 or len({row.clinic_id for row in rows.values()}) != 1:
        raise CannotJoin
    kept, old = rows[keep.pk], rows[gone.pk]
    try:
        _fill(kept, old)
    except KeyDestroyed as error:  # an erasure that was begun and not finished
        raise CannotJoin from error
    for model, field in moved():
        special = _SPECIAL.get((model, field), _move)
        special(model, field, kept, old, now)
    old.merged_into = kept
    old.save(update_fields=["merged_into", "updated"])
    kept.save()
    kept = Patient.objects.get(pk=kept.pk)
    reindex(kept)
    keep_notice(
        now=now,
        clinic_id=kept.clinic_id,
        kind=Notice.Kind.PERHAPS_SAME,
        waiting=duplicates.waiting(clinic_id=kept.clinic_id),
    )
    return kept


def moved() -> Iterator[tuple[type[models.Model], str]]:
    """Every model and field that names a patient, as the models themselves say: a new one moves without being told."""
    for relation in Patient._meta.get_fields(include_hidden=True):  # those without a way back have a field as well
        if isinstance(relation, models.ManyToOneRel):
            yield relation.related_model, relation.field.name


def _move(model: type[models.Model], field: str, kept: Patient, old: Patient, now: datetime) -> None:
    model._base_manager.filter(**{field: old.pk}).update(**{field: kept.pk})


def _index(model: type[models.Model], field: str, kept: Patient, old: Patient, now: datetime) -> None:
    """The record that goes is found no more; the kept one is indexed anew at the end."""
    PatientIndex.objects.filter(patient=old).delete()


def _consents(model: type[models.Model], field: str, kept: Patient, old: Patient, now: datetime) -> None:
    """All are moved, and one at most stands: the later word counts, given or taken back (Art. 7(3) GDPR)."""
    rows = list(Consent.objects.filter(patient__in=[kept, old]).order_by("given_at", "pk"))
    for purpose in {row.purpose for row in rows}:
        same = [row for row in rows if row.purpose == purpose]
        standing = [row for row in same if row.withdrawn_at is None]
        last = standing[-1] if standing else None
        taken_back = max((row.withdrawn_at for row in same if row.withdrawn_at is not None), default=None)
        for row in standing:
            if row is not last and last is not None:
                row.withdrawn_at = last.given_at
            elif taken_back is not None and taken_back > row.given_at:
                row.withdrawn_at = taken_back
            if row.withdrawn_at is not None:
                row.save(update_fields=["withdrawn_at"])
    _move(Consent, field, kept, old, now)


def _tasks(model: type[models.Model], field: str, kept: Patient, old: Patient, now: datetime) -> None:
    """The task about these two is done; open ones about the record that goes are about the kept one now."""
    both = {kept.pk, old.pk}
    for task in PossibleDuplicate.objects.select_for_update().filter(**{field: old.pk}):
        if {task.patient_id, task.other_id} == both:
            task.state, task.settled_at = State.JOINED, now
        elif task.state != State.OPEN:
            continue
        else:
            third = task.other_id if field == "patient" else task.patient_id
            pair = models.Q(patient=kept.pk, other=third) | models.Q(patient=third, other=kept.pk)
            if PossibleDuplicate.objects.filter(pair).exists():  # asked about these two already
                task.state, task.settled_at = State.JOINED, now
            else:
                setattr(task, f"{field}_id", kept.pk)
        task.save()


_Way = Callable[[type[models.Model], str, Patient, Patient, datetime], None]
_SPECIAL: Final[Mapping[tuple[Any, str], _Way]] = {
    (PatientIndex, "patient"): _index,
    (Consent, "patient"): _consents,
    (PossibleDuplicate, "patient"): _tasks,
    (PossibleDuplicate, "other"): _tasks,
}


def _fill(kept: Patient, old: Patient) -> None:
    """Complete the kept record. Raises KeyDestroyed when either is being erased."""
    _ = kept.family_name, old.family_name  # every patient has one, and reading it needs the key
    for name in _FILLED:
        if not getattr(kept, name):
            setattr(kept, name, getattr(old, name))
    if old.known_since is not None and kept.known_since is not None:
        kept.known_since = min(kept.known_since, old.known_since)
    kept.remind = kept.remind and old.remind
    kept.confidential = kept.confidential or old.confidential
    kept.safe_contact = kept.safe_contact or old.safe_contact
