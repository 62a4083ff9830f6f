"""Erasing a person (GDPR Art. 17) by destroying the keys their data are sealed under.

Three steps, each of which may be the last before a crash, and all of which may run again:
1. the plan is committed: who, which keys, under which request;
2. the keys are written on the list beside the key store, then destroyed: from here nothing opens any more;
3. indexes, links and remaining clear fields go, the chain gets one `erasure` event (key ids and the request's
   reference, no person), the plan is done. `resume` finishes plans that were left; `replay` repeats erasures that a
   restored backup took back.
"""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from audit import context, holds, subjects
from audit.alone import beside
from audit.chains import chain_of
from audit.context import Actor
from audit.declare import Category, OnErasure, declarations
from audit.keys import keyring
from audit.keys.backend import backend
from audit.models.erasures import Erasure

BACKUP_DAYS: Final = 35
"""Longest life of a backup of the key database, unless `settings.KEYS_BACKUP_DAYS` says otherwise."""

NOT_REACHED: Final = (
    "Logs of mail and SMS gateways, and messages already in a mailbox",
    "Printed day sheets and downtime sheets",
    "Exports already delivered",
    "Calendars of staff and patients outside Horae (pushed events say Busy and carry no name)",
    "What people remember or wrote down elsewhere",
)
"""What destroying a key cannot reach; the controller informs recipients (GDPR Art. 19)."""


def erase(*, actor: Actor, now: datetime.datetime, subject: models.Model, reference: str = "") -> dict[str, Any]:
    """Erase a person everywhere this installation can; returns the certificate.

    `subject` is the person's row (a Patient). `reference` names the request in the clinic's own files (at most 64
    characters, no personal data); one is made when it is empty. Asking again under the same reference returns the same
    certificate. Not callable inside a transaction: each step commits. An exception in a later step leaves data already
    unreadable and the plan to `resume`. Raises `holds.UnderHold`, and plans nothing, while a legal hold stands on a
    record that the person's keys open.
    """
    plan = _plan(now=now, subject=subject, reference=reference or f"E-{uuid.uuid4().hex[:12]}")
    return _carry_out(plan=plan, actor=actor, now=now)


def resume(*, now: datetime.datetime) -> int:
    """Finish every erasure that was planned and not done; returns how many. One under a legal hold waits.

    One that fails does not stop the next: what failed is raised together, as an ExceptionGroup, at the end.
    """
    unfinished = list(Erasure.objects.filter(state=Erasure.State.PLANNED).order_by("planned_at"))
    finished = 0
    failed: list[Exception] = []
    for plan in unfinished:
        try:
            _carry_out(plan=plan, actor=Actor.system("erasure"), now=now)
            finished += 1
        except holds.UnderHold:
            continue
        except Exception as error:  # noqa: BLE001 - raised below; nobody's erasure waits for another's
            failed.append(error)
    if failed:
        raise ExceptionGroup("erasures that could not be finished", failed)
    return finished


def replay(*, now: datetime.datetime) -> int:
    """Repeat erasures that a restored database took back, by the list beside the key store; returns how many.

    Until it runs the listed keys stay closed anyway: the keyring asks the list. One under a legal hold waits, planned.
    """
    listed: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for entry in backend().destroyed().values():
        listed[entry.erasure, entry.subject].append(entry.key_id)
    repeated = 0
    undone = [found for found in listed.items() if _undone(*found[0], key_ids=found[1])]
    for (reference, person), key_ids in undone:
        label, _, pk = person.partition(":")
        plan, _created = Erasure.objects.update_or_create(
            reference=reference,
            subject_model=label,
            subject_pk=pk,
            defaults={"state": Erasure.State.PLANNED, "key_ids": key_ids, "done_at": None},
            create_defaults={
                "key_ids": key_ids,
                "planned_at": now,
                "chain": chain_of(_person(label, pk)),
            },
        )
        with suppress(holds.UnderHold):
            _carry_out(plan=plan, actor=Actor.system("erasure.replay"), now=now)
            repeated += 1
    return repeated


@transaction.atomic(durable=True)
def _plan(*, now: datetime.datetime, subject: models.Model, reference: str) -> Erasure:
    named = {"reference": reference, "subject_model": subject._meta.label, "subject_pk": str(subject.pk)}
    if (known := Erasure.objects.filter(**named).first()) is not None:
        return known
    key_ids = sorted(_keys(subject))
    holds.refuse_destruction(key_ids=key_ids)
    plan, _created = Erasure.objects.get_or_create(
        **named, defaults={"planned_at": now, "chain": chain_of(subject), "key_ids": key_ids}
    )
    return plan


def _carry_out(*, plan: Erasure, actor: Actor, now: datetime.datetime) -> dict[str, Any]:
    if plan.state == Erasure.State.DONE and plan.certificate is not None:
        return dict(plan.certificate)
    subject = _person(plan.subject_model, plan.subject_pk)
    with beside(holds.LOCK):  # nobody places a hold between the look and the end of the keys
        # Whatever was sealed between plan and now belongs to it too.
        key_ids = sorted(set(plan.key_ids) | (_keys(subject) if subject is not None else set()))
        holds.refuse_destruction(key_ids=key_ids)
        # The plan names every key before one is destroyed: who finishes it finds what hung on them by the plan alone.
        Erasure.objects.filter(pk=plan.pk).update(key_ids=key_ids)
        backend().remember_destroyed(
            key_ids=key_ids, erasure=plan.reference, subject=f"{plan.subject_model}:{plan.subject_pk}"
        )
        keyring.destroy_subject_keys(key_ids=key_ids)
    with context.use("erasure.erase", operation="erase", actor=actor), transaction.atomic(durable=True):
        plan = Erasure.objects.select_for_update().get(pk=plan.pk)
        if plan.state == Erasure.State.DONE and plan.certificate is not None:
            return dict(plan.certificate)
        done = [source.erase(subject=subject, now=now) for source in subjects.sources()] if subject is not None else []
        plan.key_ids = key_ids
        plan.certificate = _certificate(plan=plan, subject=subject, done=done, now=now)
        plan.state, plan.done_at = Erasure.State.DONE, now
        plan.save()
        context.note(
            chain=plan.chain,
            event="erasure",
            data={"reference": plan.reference, "keys": [str(key_id) for key_id in key_ids]},
        )
    return dict(plan.certificate)


def _certificate(
    *, plan: Erasure, subject: models.Model | None, done: Iterable[subjects.Erased], now: datetime.datetime
) -> dict[str, Any]:
    days = int(getattr(settings, "KEYS_BACKUP_DAYS", BACKUP_DAYS))
    deleted: dict[str, int] = defaultdict(int)
    blanked: dict[str, set[str]] = defaultdict(set)
    for part in done:
        for model, rows in part.deleted.items():
            deleted[model] += rows
        for model, names in part.blanked.items():
            blanked[model].update(names)
    return {
        "reference": plan.reference,
        "chain": plan.chain,
        "erased_at": now.isoformat(),
        "keys": [str(key_id) for key_id in plan.key_ids],
        "rows_deleted": dict(sorted(deleted.items())),
        "fields_blanked": {model: sorted(names) for model, names in sorted(blanked.items())},
        "stays_readable": _stays(subject),
        "recipients_to_inform": _recipients(subject),
        "unreadable_in_backups_from": (now + datetime.timedelta(days=days)).date().isoformat(),
        "not_reached": list(NOT_REACHED),
        "kind": "The keys were destroyed (crypto-erasure); the ciphertext is deleted when its retention ends.",
    }


def _stays(subject: models.Model | None) -> dict[str, list[str]]:
    """Fields about the person that remain readable in tables and in locked evidence, by model."""
    found: dict[str, list[str]] = {}
    for declaration in declarations().values():
        if subject is None or subjects.subject_model(declaration) is not subject._meta.concrete_model:
            continue
        if declaration.on_erasure is OnErasure.DELETE and not declaration.audited:
            continue
        names = [*declaration.fields_of(Category.SCHEDULE, Category.TECHNICAL, Category.AUDIT), *declaration.clear]
        found[declaration.label] = names
    return found


def _recipients(subject: models.Model | None) -> list[str]:
    return sorted(
        {
            recipient
            for declaration in declarations().values()
            if subject is not None
            and declaration.use is not None
            and subjects.subject_model(declaration) is subject._meta.concrete_model
            for recipient in declaration.use.recipients
        }
    )


def _keys(subject: models.Model) -> set[UUID]:
    return {key_id for source in subjects.sources() for key_id in source.keys(subject=subject)}


def _person(label: str, pk: str) -> models.Model | None:
    model: type[models.Model] = apps.get_model(label)
    return model._base_manager.filter(pk=pk).first()


def _undone(reference: str, person: str, *, key_ids: Iterable[UUID]) -> bool:
    label, _, pk = person.partition(":")
    finished = Erasure.objects.filter(
        reference=reference, subject_model=label, subject_pk=pk, state=Erasure.State.DONE
    ).exists()
    return not finished or keyring.any_live(key_ids=key_ids)
