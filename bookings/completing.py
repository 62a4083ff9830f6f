"""From a draft to a booking: the code that proves the contact, the people, the visits."""

import uuid
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, Shown, resting_on, use_case
from audit.keys import keyring
from bookings import booking, consents, parties, patients, proof, questions, reach
from bookings.contacts import same_email
from bookings.intake import DRAFT_LIVES, find, locked
from bookings.locks import TooBusy, lock
from bookings.models import Appointment, ConsentText, ContactChallenge, Draft, NoticeShown, VisitKind
from bookings.occupancies import scope_for
from bookings.parties import read
from bookings.reach import Proven
from bookings.refusals import Refusal


class Incomplete(Refusal):
    """The form lacks what a booking needs: a name and an address to prove."""

    message = _("Please fill in the name and an e-mail address.")


class NotProved(Refusal):
    """No code for the address in the form was typed yet."""

    message = _("Please type the code we sent you.")


def send_code(*, actor: Actor, now: datetime, visitor: str, draft_id: uuid.UUID) -> ContactChallenge:
    """Send a code to the address in the draft. Raises DraftGone, Incomplete, proof.TooManyCodes."""
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    form = complete_form(draft)
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


def complete(
    *,
    actor: Actor,
    now: datetime,
    visitor: str,
    draft_id: uuid.UUID,
    code: str = "",
    proofs: Collection[Proven] = (),
) -> Appointment:
    """Prove the contact, then book; the same draft again gives the same appointment.

    Once proved, the contact stays proved while the code lives, so that a visitor who lost the slot need not type
    another. `proofs` are addresses the visitor has proved elsewhere, as by signing in.
    Raises DraftGone, Incomplete, NotProved, proof.WrongCode, proof.CodeExpired, booking.SlotTaken,
    availability.NotOffered.
    """
    draft = find(now=now, visitor=visitor, draft_id=draft_id)
    if draft.appointment is not None:
        return draft.appointment
    contact = complete_form(draft)["email"]
    if not is_proved(now=now, draft=draft, contact=contact, proofs=proofs):
        sent = ContactChallenge.objects.filter(draft=draft).order_by("-created").first()
        if sent is None or not code or not same_email(sent.contact, contact):
            raise NotProved
        proof.prove(actor=actor, now=now, visitor=visitor, challenge_id=sent.pk, code=code)
    for _attempt in range(2):
        try:
            return booking.retelling_the_nearest(
                _finish, actor=actor, now=now, visitor=visitor, wanted=draft, proofs=proofs
            )
        except _Changed:
            draft = find(now=now, visitor=visitor, draft_id=draft_id)
    raise TooBusy


def is_proved(*, now: datetime, draft: Draft, contact: str, proofs: Collection[Proven] = ()) -> bool:
    """Whether this draft's visitor has proved this address within the draft's life, or elsewhere (`proofs`)."""
    if not contact:
        return False
    if proofs and reach.proven(clinic_id=draft.clinic_id, email=contact) in proofs:
        return True
    proved = ContactChallenge.objects.filter(draft=draft, proved_at__gt=now - DRAFT_LIVES).order_by("-proved_at")
    return any(same_email(sent.contact, contact) for sent in proved)


class _Changed(Exception):
    """Between looking and locking somebody was registered, or the draft was changed: other schedules and people must be
    locked, and a second look finds them."""


@use_case("intake.complete", operation="create")
def _finish(*, actor: Actor, now: datetime, visitor: str, wanted: Draft, proofs: Collection[Proven]) -> Appointment:
    # Schedules before the draft's row, as everybody who ends a hold does: the other way round, two tabs deadlock. The
    # contact is locked so that one person is registered once, and a known patient so that their caps are counted right.
    if wanted.appointment is not None:
        return wanted.appointment
    form = complete_form(wanted)
    visits = parties.visits_of(wanted)
    scope = scope_for(visit.wish for visit in visits)
    known = patients.ids_with_email(clinic_id=wanted.clinic_id, email=form["email"])
    lock(
        schedules=scope.schedules,
        sessions=scope.sessions,
        command=wanted.pk,
        patients=known,
        contact=proof.token_of(clinic_id=wanted.clinic_id, contact=form["email"]),
    )
    draft = locked(now=now, visitor=visitor, draft_id=wanted.pk)
    if draft.appointment is not None:
        return draft.appointment
    if (_place(draft), draft.form) != (_place(wanted), wanted.form):
        raise _Changed
    if not is_proved(now=now, draft=draft, contact=form["email"], proofs=proofs):
        raise NotProved  # the address was changed since it was asked for
    draft.clinic, draft.location = wanted.clinic, wanted.location
    new_keys = {draft.key_id}

    def new_key() -> uuid.UUID:
        key_id = keyring.create_subject_key(clinic_id=draft.clinic_id)
        new_keys.add(key_id)
        return key_id

    legs = parties.legs_of(draft, visits=visits, form=form, new_key=new_key, now=now)
    if any(leg.patient.key_id not in new_keys and leg.patient.pk not in known for leg in legs):
        raise _Changed
    ticked = consents.ticked(draft=draft, form=form)
    with resting_on(*_shown(draft, ticked=ticked)):
        made = booking._book_together(
            actor=actor,
            now=now,
            key=draft.pk,
            legs=legs,
            told=booking.Told(
                language=form["language"] or draft.language, reason=form["reason"], visit_address=form["visit_address"]
            ),
            skipping=draft.skipping,
        )
    appointment = made.appointments[0]
    if draft.notice_id is not None and draft.notice_shown_at is not None:
        NoticeShown.objects.bulk_create(
            NoticeShown(
                clinic_id=draft.clinic_id,
                patient_id=one.patient_id,
                appointment=one,
                notice_id=draft.notice_id,
                shown_at=draft.notice_shown_at,
            )
            for one in made.appointments
        )
    booked = parties.came_to(visits=visits, legs=legs, made=made)
    questions.record(draft=draft, form=form, booked=booked)
    consents.record(texts=ticked, now=now, appointments=made.appointments)
    draft.form, draft.hold, draft.appointment = "", None, appointment
    draft.save(update_fields=["form", "hold", "appointment"])
    return appointment


def _shown(draft: Draft, *, ticked: Iterable[ConsentText]) -> list[Shown]:
    """What the booking rests on: the privacy notice beside the form, and the words of each box that was ticked."""
    notice = [Shown("notice", str(draft.notice_id), "web")] if draft.notice_id and draft.notice_shown_at else []
    return notice + [Shown("consent", str(text.pk), "web") for text in ticked]


def complete_form(draft: Draft) -> dict[str, str]:
    """The draft's form when it can become a booking; raises Incomplete otherwise. Pages say which field, this is the
    rule."""
    form = read(draft)
    try:
        validate_email(form["email"])
        if form["birth_date"]:
            date.fromisoformat(form["birth_date"])
    except (ValidationError, ValueError) as error:
        raise Incomplete from error
    wanted = ["family_name", *(f"family_name_{number}" for number in range(2, parties.people_in(draft) + 1))]
    wanted += ["helper_name"] if form["who"] == "other" else []
    wanted += ["visit_address"] if form["kind"] == VisitKind.HOME else []
    wanted += ["phone"] if form["kind"] == VisitKind.PHONE else []
    if not all(form[name].strip() for name in wanted):
        raise Incomplete
    return form


def _place(draft: Draft) -> tuple[Any, ...]:
    return draft.service_id, draft.location_id, draft.practitioner_id, draft.start, draft.further
