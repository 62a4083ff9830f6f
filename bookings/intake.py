"""From a held slot to a booked appointment: the visitor's draft, the proof of their contact, the booking.

A draft is sealed under a key of its own. When it becomes a booking of a new patient the key becomes the patient's;
when it lapses,
or turns out to be of a patient already known, the key is destroyed and with it everything that was typed.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings import holds, parties
from bookings.availability import NOTHING_SAID, Asking, Wish
from bookings.locks import lock
from bookings.models import (
    Draft,
    Hold,
    PrivacyNotice,
)
from bookings.parties import read
from bookings.refusals import Refusal
from bookings.visitors import visitor_digest

DRAFT_LIVES: Final = timedelta(hours=2)


class DraftGone(Refusal):
    """The draft lapsed, never existed, or is another visitor's: nobody can tell which."""

    message = _("This form is no longer open. Please choose a time again.")


@transaction.atomic(durable=True)
@use_case("intake.start", operation="create")
def start(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    hold: Hold,
    language: str,
    asking: Asking = NOTHING_SAID,
    further: Sequence[tuple[Hold, int]] = (),
    rrule: str = "",
    skipping: bool = False,
) -> Draft:
    """Open a draft for a held slot; the same slot again gives the draft that is open for it.

    `further` are visits held with it, each with the number of the person it is for; `rrule` says that they are a series
    (RFC 5545), `skipping` that what is taken is left out of it.
    """
    lock(visitor=visitor)
    opened = Draft.objects.filter(
        hold=hold, visitor_digest=visitor_digest(visitor), appointment=None, expires_at__gt=now
    ).first()
    if opened is not None:  # what was answered last counts; what was typed stays
        opened.form = parties.written({**read(opened), **parties.answers(asking)})
        opened.further, opened.rrule, opened.skipping = parties.further_of(further), rrule, skipping
        opened.save(update_fields=["form", "further", "rrule", "skipping"])
        return opened
    draft = Draft(
        clinic_id=hold.clinic_id,
        hold=hold,
        service_id=hold.service_id,
        location_id=hold.location_id,
        practitioner_id=hold.practitioner_id,
        start=hold.start,
        key_id=keyring.create_subject_key(clinic_id=hold.clinic_id),
        visitor_digest=visitor_digest(visitor),
        language=language,
        further=parties.further_of(further),
        rrule=rrule,
        skipping=skipping,
        expires_at=now + DRAFT_LIVES,
    )
    draft.form = parties.written(parties.answers(asking))
    draft.save(force_insert=True)
    return draft


def find(*, now: datetime, visitor: str, draft_id: uuid.UUID) -> Draft:
    """The visitor's draft, with its hold and clinic. Raises DraftGone."""
    draft = (
        Draft.objects.select_related("clinic", "hold", "service", "location", "practitioner")
        .filter(pk=draft_id, visitor_digest=visitor_digest(visitor), expires_at__gt=now)
        .first()
    )
    if draft is None:
        raise DraftGone
    return draft


@transaction.atomic(durable=True)
@use_case("intake.save", operation="update")
def save(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    draft_id: uuid.UUID,
    form: Mapping[str, str],
    notice: PrivacyNotice | None = None,
) -> Draft:
    """Keep what was typed, whether it is right or not, and which privacy notice stood beside it. What was answered
    before the time was chosen stays. Raises DraftGone."""
    draft = locked(now=now, visitor=visitor, draft_id=draft_id)
    before = read(draft)
    draft.form = parties.written({**form, **{name: before[name] for name in parties.ASKED}})
    draft.expires_at = now + DRAFT_LIVES
    if notice is not None:
        draft.notice, draft.notice_shown_at = notice, now
    draft.save(update_fields=["form", "expires_at", "notice", "notice_shown_at"])
    return draft


def rehold(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    draft_id: uuid.UUID,
    wishes: Sequence[Wish],
    persons: Sequence[int] = (),
) -> Draft:
    """Move a draft to other times and keep all that was typed; `persons` are the numbers of the people the wishes after
    the first are for. Raises DraftGone and what `holds.hold_together` raises."""
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    if any(wish.service.clinic_id != draft.clinic_id for wish in wishes) or draft.appointment is not None:
        raise DraftGone
    before = draft.hold_id
    held = holds.hold_together(actor=actor, now=now, visitor=visitor, wishes=wishes, skipping=draft.skipping)
    if before is not None and before not in {one.pk for one in held}:
        holds.release(actor=actor, now=now, visitor=visitor, hold_id=before)
    asking = wishes[0].asking
    return _attach(actor=actor, now=now, visitor=visitor, draft_id=draft_id, holds=held, persons=persons, asking=asking)


def hold_again(*, actor: Actor, now: datetime, visitor: str, draft: Draft) -> Draft:
    """Hold the same times anew. Raises what `rehold` raises."""
    visits = parties.visits_of(draft)
    return rehold(
        actor=actor,
        now=now,
        visitor=visitor,
        draft_id=draft.pk,
        wishes=[visit.wish for visit in visits],
        persons=[visit.person for visit in visits[1:]],
    )


@transaction.atomic(durable=True)
@use_case("intake.rehold", operation="update")
def _attach(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    draft_id: uuid.UUID,
    holds: Sequence[Hold],
    persons: Sequence[int],
    asking: Asking,
) -> Draft:
    draft = locked(now=now, visitor=visitor, draft_id=draft_id)
    if draft.appointment is not None:
        raise DraftGone
    first, *rest = holds
    draft.hold, draft.start, draft.expires_at = first, first.start, now + DRAFT_LIVES
    draft.service_id, draft.location_id = first.service_id, first.location_id
    draft.practitioner_id = first.practitioner_id
    numbers = [*persons, *([1] * (len(rest) - len(persons)))]
    draft.further = parties.further_of(list(zip(rest, numbers, strict=False)))
    draft.form = parties.written({**read(draft), **parties.answers(asking)})
    draft.save(update_fields=["hold", "start", "service", "location", "practitioner", "further", "form", "expires_at"])
    return draft


def locked(*, now: datetime, visitor: str, draft_id: uuid.UUID) -> Draft:
    """The visitor's draft, once its row is locked. Raises DraftGone."""
    draft = (
        Draft.objects.select_for_update()
        .filter(pk=draft_id, visitor_digest=visitor_digest(visitor), expires_at__gt=now)
        .first()
    )
    if draft is None:
        raise DraftGone
    return draft
