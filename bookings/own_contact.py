"""How an account's holder is reached: their address, and what they want of messages.

A new address is proved by a code sent to it before anything changes. Whether it has an account here already is told
only then, to whoever has just shown that it is theirs: asking tells nobody anything.
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.sealed import KeyDestroyed
from bookings import consents, patient_accounts, patients, proof, reach
from bookings.consents import Ask
from bookings.contacts import normalise_email, same_email
from bookings.locks import TooBusy, lock
from bookings.models import (
    TAKES_TIME,
    AccountIndex,
    Appointment,
    Consent,
    ConsentPurpose,
    ConsentText,
    ContactChallenge,
    Patient,
    PatientAccount,
)
from bookings.refusals import Refusal


class AddressTaken(Refusal):
    """Another account at this clinic signs in with the new address."""

    message = _("This address cannot be used for this account. Please call us.")


class NotTheirOwn(Refusal):
    """The record is not the account holder's own, or not any more."""

    message = _("This record is not yours to change.")


def own_records(*, account: PatientAccount, now: datetime) -> list[Patient]:
    """The records of which the account's address is the patient's own, in the order of registration."""
    found = reach.reached(proven=patient_accounts.proven(account), now=now)
    return [one.patient for one in found if one.person is None]


def own_record(*, account: PatientAccount, now: datetime, code: str) -> Patient:
    """The holder's own record of that code. Raises NotTheirOwn."""
    for patient in own_records(account=account, now=now):
        if patient.code == code:
            return patient
    raise NotTheirOwn


def ask_change(
    *, actor: Actor, now: datetime, account: PatientAccount, email: str, visitor: str, language: str
) -> ContactChallenge:
    """Send a code to the new address, whoever's it is. Raises proof.TooManyCodes."""
    return proof.challenge(
        actor=actor,
        now=now,
        clinic=account.clinic,
        purpose=ContactChallenge.Purpose.CHANGE,
        contact=email,
        visitor=visitor,
        language=language,
        key_id=account.key_id,
    )


def change(
    *, actor: Actor, now: datetime, account: PatientAccount, visitor: str, challenge: ContactChallenge, code: str
) -> PatientAccount:
    """Check the code sent to the new address; then the account, every record whose own address the old one was, and
    everybody who acts for a patient with it, get the new one: all of them, or none.

    Raises proof.WrongCode, proof.CodeExpired (also for a code sent for another account), AddressTaken, and
    locks.TooBusy when whom the address reaches changed meanwhile.
    """
    if challenge.purpose != ContactChallenge.Purpose.CHANGE or challenge.key_id != account.key_id:
        raise proof.CodeExpired
    proved = proof.prove(actor=actor, now=now, visitor=visitor, challenge_id=challenge.pk, code=code)
    return _change(actor=actor, now=now, account=account, email=proved.contact)


@transaction.atomic(durable=True)
@use_case("account.change-address", operation="update")
def _change(*, actor: Actor, now: datetime, account: PatientAccount, email: str) -> PatientAccount:
    clinic_id, new = account.clinic_id, normalise_email(email)
    token = reach.email_token(clinic_id=clinic_id, email=new)
    listed = patients.ids_with_email(clinic_id=clinic_id, email=account.contact)
    lock(patients=listed, contact=token)
    held = PatientAccount.objects.select_for_update().get(pk=account.pk)
    if not same_email(held.contact, account.contact):
        raise proof.CodeExpired  # changed in another window meanwhile: what was listed above is not what it reaches
    if AccountIndex.objects.filter(clinic=clinic_id, token=token).exclude(account=held).exists():
        raise AddressTaken
    if set(patients.ids_with_email(clinic_id=clinic_id, email=account.contact)) != set(listed):
        raise TooBusy  # somebody was registered, joined or given this address while the locks were waited for
    affected = Patient.objects.select_for_update().filter(pk__in=listed, erased_at=None).order_by("pk")
    for patient in affected.prefetch_related("related_persons"):
        with contextlib.suppress(KeyDestroyed):  # an erasure has begun: nothing of this patient can be written any more
            _write_to(patient, old=held.contact, new=new, now=now)
    held.contact = new
    held.save(update_fields=["contact"])
    AccountIndex.objects.filter(account=held).update(token=token)
    return held


def _write_to(patient: Patient, *, old: str, new: str, now: datetime) -> None:
    """Correct one patient's address and that of whoever acts for them. Somebody who is kept out for now because the
    patient is confidential is corrected too: their old address must not open anything later."""
    if same_email(patient.email, old):
        patient.email = new
        patient.save(update_fields=["email", "updated"])
    for person in patient.related_persons.all():
        if person.acts_on(now.date()) and same_email(person.email, old):
            person.email = new
            person.save(update_fields=["email", "updated"])
    # What the index reads was prefetched with the old address in it.
    patients.reindex(Patient.objects.get(pk=patient.pk))


@transaction.atomic(durable=True)
@use_case("account.prefer", operation="update")
def prefer(
    *,
    actor: Actor,
    now: datetime,
    account: PatientAccount,
    code: str,
    phone: str,
    language: str,
    remind: bool,
    safe_contact: bool,
    reminders_text: ConsentText | None = None,
) -> Patient:
    """Write what the holder of their own record (by its `code`) wants: phone, language, reminders, how much messages
    tell. Visits to come that they are written to about follow in the new language.

    `reminders_text`: the clinic's words that stood beside the box, to which `remind` then says yes. Raises NotTheirOwn.
    """
    found = own_record(account=account, now=now, code=code)
    lock(patients=[found.pk])
    patient = own_record(account=account, now=now, code=code)
    patient.phone, patient.language = phone, language
    patient.remind, patient.safe_contact = remind, safe_contact
    patient.full_clean(exclude=["clinic", "key_id"])
    patient.save(update_fields=["phone", "language", "remind", "safe_contact", "updated"])
    patients.reindex(patient)
    if remind and reminders_text is not None:
        consents._give(actor=actor, now=now, patient=patient, text=reminders_text, source=Consent.Source.ACCOUNT)
    _speak(_to_come(now=now, patient=patient), language=language)
    PatientAccount.objects.filter(pk=account.pk).exclude(language=language).update(language=language)
    return patient


@transaction.atomic(durable=True)
@use_case("account.speak", operation="update")
def speak(*, actor: Actor, now: datetime, account: PatientAccount, language: str) -> None:
    """Write the language of an account that has no record of its own."""
    PatientAccount.objects.filter(pk=account.pk).exclude(language=language).update(language=language)


def reminders_asked(*, patient: Patient, language: str) -> Ask | None:
    """The words the clinic needs a yes to before it reminds this patient; None when it needs none, or has it."""
    asks = consents.asked(clinic=patient.clinic, language=language, patient=patient)
    return next((ask for ask in asks if ask.text.purpose == ConsentPurpose.REMINDERS), None)


def _to_come(*, now: datetime, patient: Patient) -> Iterable[Appointment]:
    """Of those with somebody else as contact that person is written to, in a language of their own."""
    ahead = Appointment.objects.filter(patient=patient, contact_person=None, start__gt=now, status__in=TAKES_TIME)
    return ahead.order_by("pk")


def _speak(appointments: Iterable[Appointment], *, language: str) -> None:
    for appointment in appointments:
        if appointment.language != language:
            appointment.language = language
            appointment.save(update_fields=["language", "updated"])
