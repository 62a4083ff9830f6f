"""From a held slot to a booked appointment: the visitor's draft, the proof of their contact, the booking.

A draft is sealed under a key of its own. When it becomes a booking of a new patient the key becomes the patient's;
when it lapses,
or turns out to be of a patient already known, the key is destroyed and with it everything that was typed.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings import booking, holds, patients, proof
from bookings.contacts import same_email
from bookings.locks import TooBusy, lock
from bookings.models import (
    Appointment,
    ContactChallenge,
    Draft,
    HealthcareService,
    Hold,
    Location,
    NoticeShown,
    Practitioner,
    PrivacyNotice,
)
from bookings.occupancies import schedules_for
from bookings.refusals import Refusal
from bookings.visitors import visitor_digest

DRAFT_LIVES: Final = timedelta(hours=2)
FIELDS: Final = (
    "who",
    "given_name",
    "family_name",
    "birth_date",
    "email",
    "phone",
    "language",
    "reason",
    "helper_name",
    "relationship",
)


class DraftGone(Refusal):
    """The draft lapsed, never existed, or is another visitor's: nobody can tell which."""

    message = _("This form is no longer open. Please choose a time again.")


class Incomplete(Refusal):
    """The form lacks what a booking needs: a name and an address to prove."""

    message = _("Please fill in the name and an e-mail address.")


class NotProved(Refusal):
    """No code for the address in the form was typed yet."""

    message = _("Please type the code we sent you.")


@transaction.atomic(durable=True)
@use_case("intake.start", operation="create")
def start(*, actor: Actor, now: datetime, visitor: str, hold: Hold, language: str) -> Draft:
    """Open a draft for a held slot; the same slot again gives the draft that is open for it."""
    lock(visitor=visitor)
    opened = Draft.objects.filter(
        hold=hold, visitor_digest=visitor_digest(visitor), appointment=None, expires_at__gt=now
    ).first()
    return opened or Draft.objects.create(
        clinic_id=hold.clinic_id,
        hold=hold,
        service_id=hold.service_id,
        location_id=hold.location_id,
        practitioner_id=hold.practitioner_id,
        start=hold.start,
        key_id=keyring.create_subject_key(clinic_id=hold.clinic_id),
        visitor_digest=visitor_digest(visitor),
        language=language,
        expires_at=now + DRAFT_LIVES,
    )


def find(*, now: datetime, visitor: str, draft_id: uuid.UUID) -> Draft:
    """The visitor's draft, with its hold and clinic. Raises DraftGone."""
    draft = (
        Draft.objects.select_related("clinic", "hold", "service", "location", "practitioner", "appointment", "notice")
        .filter(pk=draft_id, visitor_digest=visitor_digest(visitor), expires_at__gt=now)
        .first()
    )
    if draft is None:
        raise DraftGone
    return draft


def read(draft: Draft) -> dict[str, str]:
    """What was typed so far, right or wrong, by field name."""
    typed = json.loads(draft.form) if draft.form else {}
    return {name: str(typed.get(name, "")) for name in FIELDS}


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
    """Keep what was typed, whether it is right or not, and which privacy notice stood beside it. Raises DraftGone."""
    draft = _locked(now=now, visitor=visitor, draft_id=draft_id)
    draft.form = json.dumps(
        {name: str(form.get(name, ""))[:1000].replace("\0", "") for name in FIELDS}, ensure_ascii=False
    )
    draft.expires_at = now + DRAFT_LIVES
    if notice is not None:
        draft.notice, draft.notice_shown_at = notice, now
    draft.save(update_fields=["form", "expires_at", "notice", "notice_shown_at"])
    return draft


def send_code(*, actor: Actor, now: datetime, visitor: str, draft_id: uuid.UUID) -> ContactChallenge:
    """Send a code to the address in the draft. Raises DraftGone, Incomplete, proof.TooManyCodes."""
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    form = _complete_form(draft)
    return proof.challenge(
        actor=actor,
        now=now,
        clinic=draft.clinic,
        purpose=ContactChallenge.Purpose.BOOK,
        contact=form["email"],
        visitor=visitor,
        language=form["language"] or draft.language,
        key_id=draft.key_id,
        draft=draft,
    )


def complete(*, actor: Actor, now: datetime, visitor: str, draft_id: uuid.UUID, code: str = "") -> Appointment:
    """Prove the contact, then book; the same draft again gives the same appointment.

    Once proved, the contact stays proved while the code lives, so that a visitor who lost the slot need not type
    another.
    Raises DraftGone, Incomplete, NotProved, proof.WrongCode, proof.CodeExpired, booking.SlotTaken,
    availability.NotOffered.
    """
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    if draft.appointment is not None:
        return draft.appointment
    contact = _complete_form(draft)["email"]
    if not is_proved(now=now, draft=draft, contact=contact):
        sent = ContactChallenge.objects.filter(draft=draft).order_by("-created").first()
        if sent is None or not code or not same_email(sent.contact, contact):
            raise NotProved
        proof.prove(actor=actor, now=now, visitor=visitor, challenge_id=sent.pk, code=code)
    return booking.retelling_the_nearest(_finish, actor=actor, now=now, visitor=visitor, draft_id=draft_id)


def is_proved(*, now: datetime, draft: Draft, contact: str) -> bool:
    """Whether this draft's visitor has proved this address within the draft's life."""
    proved = ContactChallenge.objects.filter(draft=draft, proved_at__gt=now - DRAFT_LIVES).order_by("-proved_at")
    return any(same_email(sent.contact, contact) for sent in proved)


@use_case("intake.complete", operation="create")
def _finish(*, actor: Actor, now: datetime, visitor: str, draft_id: uuid.UUID) -> Appointment:
    # Schedules before the draft's row, as everybody who ends a hold does: the other way round, two tabs deadlock.
    wanted = find(now=now, visitor=visitor, draft_id=draft_id)
    schedules = schedules_for(service=wanted.service, location=wanted.location, practitioner=wanted.practitioner)
    lock(schedules=schedules, command=draft_id)
    draft = _locked(now=now, visitor=visitor, draft_id=draft_id)
    if draft.appointment is not None:
        return draft.appointment
    form = _complete_form(draft)
    if not is_proved(now=now, draft=draft, contact=form["email"]):
        raise NotProved  # the address was changed since it was asked for
    if _place(draft) != _place(wanted):
        raise TooBusy  # the time was changed meanwhile: other schedules must be locked
    patient, helper = patients.people_of(
        clinic=draft.clinic, key_id=draft.key_id, form=form, language=draft.language, now=now
    )
    appointment = booking._book(
        actor=actor,
        now=now,
        key=draft.pk,
        patient=patient,
        service=draft.service,
        location=draft.location,
        practitioner=draft.practitioner,
        start=draft.start,
        hold=draft.hold,
        language=form["language"] or draft.language,
        reason=form["reason"],
        contact_person=helper,
        online=True,
    )
    if draft.notice_id is not None and draft.notice_shown_at is not None:
        NoticeShown.objects.create(
            clinic_id=draft.clinic_id,
            patient=patient,
            appointment=appointment,
            notice_id=draft.notice_id,
            shown_at=draft.notice_shown_at,
        )
    draft.form, draft.hold, draft.appointment = "", None, appointment
    draft.save(update_fields=["form", "hold", "appointment"])
    return appointment


def rehold(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    draft_id: uuid.UUID,
    service: HealthcareService,
    location: Location,
    practitioner: Practitioner | None,
    start: datetime,
) -> Draft:
    """Move a draft to another time and keep all that was typed. Raises DraftGone and what `holds.hold` raises."""
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    if service.clinic_id != draft.clinic_id or draft.appointment is not None:
        raise DraftGone
    before = draft.hold_id
    held = holds.hold(
        actor=actor,
        now=now,
        visitor=visitor,
        service=service,
        location=location,
        practitioner=practitioner,
        start=start,
    )
    if before is not None and before != held.pk:
        holds.release(actor=actor, now=now, visitor=visitor, hold_id=before)
    return _attach(actor=actor, now=now, visitor=visitor, draft_id=draft_id, hold=held)


@transaction.atomic(durable=True)
@use_case("intake.rehold", operation="update")
def _attach(*, actor: Actor, now: datetime, visitor: str, draft_id: uuid.UUID, hold: Hold) -> Draft:
    draft = _locked(now=now, visitor=visitor, draft_id=draft_id)
    if draft.appointment is not None:
        raise DraftGone
    draft.hold, draft.start, draft.expires_at = hold, hold.start, now + DRAFT_LIVES
    draft.service_id, draft.location_id, draft.practitioner_id = hold.service_id, hold.location_id, hold.practitioner_id
    draft.save(update_fields=["hold", "start", "service", "location", "practitioner", "expires_at"])
    return draft


def _locked(*, now: datetime, visitor: str, draft_id: uuid.UUID) -> Draft:
    draft = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("clinic", "hold", "service", "location", "practitioner", "appointment")
        .filter(pk=draft_id, visitor_digest=visitor_digest(visitor), expires_at__gt=now)
        .first()
    )
    if draft is None:
        raise DraftGone
    return draft


def _complete_form(draft: Draft) -> dict[str, str]:
    """The draft's form when it can become a booking; raises Incomplete otherwise. Pages say which field, this is the
    rule."""
    form = read(draft)
    try:
        validate_email(form["email"])
        if form["birth_date"]:
            date.fromisoformat(form["birth_date"])
    except (ValidationError, ValueError) as error:
        raise Incomplete from error
    if not form["family_name"].strip() or (form["who"] == "other" and not form["helper_name"].strip()):
        raise Incomplete
    return form


def _place(draft: Draft) -> tuple[int, int, int]:
    return draft.service_id, draft.location_id, draft.practitioner_id
