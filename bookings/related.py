"""Who acts for whom, as the people themselves say it: naming somebody, ending it, and no longer acting for others.

What ends, ends at once: the last day counts (`RelatedPerson.acts_on`), so it becomes the day before.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import own_contact, patient_accounts, patients, reach
from bookings.contacts import normalise_email, same_email
from bookings.locks import lock
from bookings.models import Patient, PatientAccount, RelatedPerson
from bookings.reach import Reached
from bookings.refusals import Refusal

#: How many may act for one patient at the same time, as they name them themselves.
MOST: Final = 10
#: Rights that the patient did not give, and cannot take: a court or the law did.
_NOT_GIVEN: Final = (RelatedPerson.Authority.PARENTAL, RelatedPerson.Authority.COURT)


class ActsAlready(Refusal):
    """Somebody with this address acts for the patient already."""

    message = _("Somebody with this e-mail address acts for you already.")


class OwnAddress(Refusal):
    """The address is the patient's own."""

    message = _("This is your own e-mail address. Write the address of the person who acts for you.")


class TooManyPeople(Refusal):
    """As many people act for the patient as may."""

    message = _("Ten people act for you already. End one of these first, or call us.")


class NotYoursToEnd(Refusal):
    """The right to act comes from the law or a court: the clinic ends it, on proof."""

    message = _("This right was given by law or by a court. Please call us if it has ended.")


class NoSuchPerson(Refusal):
    """The account reaches no such person: not as the patient, and not as the person who acts."""

    message = _("There is nobody like that here.")


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody who acts for the account's holder, and whether the holder may end it here."""

    person: RelatedPerson
    patient: Patient
    endable: bool


def acting_for_holder(*, account: PatientAccount, now: datetime) -> list[Acting]:
    """Who acts for the holder, by each record of their own; those of a confidential record too, who are kept out."""
    return [
        Acting(person, patient, _endable(person))
        for patient in own_contact.own_records(account=account, now=now)
        for person in sorted(patient.related_persons.all(), key=lambda one: one.pk)
        if person.acts_on(now.date())
    ]


def held_for(*, account: PatientAccount, now: datetime) -> list[Reached]:
    """For whom the holder acts now, each with the row that says so."""
    found = reach.reached(proven=patient_accounts.proven(account), now=now)
    return [one for one in found if one.person is not None]


@transaction.atomic(durable=True)
@use_case("related.name", operation="create")
def name(
    *,
    actor: Actor,
    now: datetime,
    account: PatientAccount,
    code: str,
    name: str,
    relationship: str,
    email: str,
    phone: str = "",
    valid_until: date | None = None,
) -> RelatedPerson:
    """Let somebody act for the holder, by the holder's own wish, from now until the end of `valid_until`.

    `code` names the record. Raises own_contact.NotTheirOwn, OwnAddress, ActsAlready, TooManyPeople, and
    ValidationError when a value does not fit its field.
    """
    lock(patients=[own_contact.own_record(account=account, now=now, code=code).pk])
    patient = own_contact.own_record(account=account, now=now, code=code)
    acting = [person for person in patient.related_persons.all() if person.acts_on(now.date())]
    if same_email(patient.email, email):
        raise OwnAddress
    if any(same_email(person.email, email) for person in acting):
        raise ActsAlready
    if len(acting) >= MOST:
        raise TooManyPeople
    person = RelatedPerson(
        clinic_id=patient.clinic_id,
        patient=patient,
        name=name,
        relationship=relationship,
        email=normalise_email(email),
        phone=phone,
        authority=RelatedPerson.Authority.GIVEN,
        valid_until=valid_until,
    )
    person.full_clean(exclude=["clinic", "patient"])
    person.save()
    patients.reindex(Patient.objects.get(pk=patient.pk))
    return person


@transaction.atomic(durable=True)
@use_case("related.end", operation="end")
def end(*, actor: Actor, now: datetime, account: PatientAccount, person_id: int) -> RelatedPerson:
    """End it now that somebody acts for the holder. Raises NoSuchPerson, NotYoursToEnd."""
    for one in acting_for_holder(account=account, now=now):
        if one.person.pk == person_id:
            if not one.endable:
                raise NotYoursToEnd
            return _ended(one.person, now=now)
    raise NoSuchPerson


@transaction.atomic(durable=True)
@use_case("related.leave", operation="end")
def leave(*, actor: Actor, now: datetime, account: PatientAccount, person_id: int) -> RelatedPerson:
    """The holder acts for a patient no longer. Raises NoSuchPerson."""
    for one in held_for(account=account, now=now):
        if one.person is not None and one.person.pk == person_id:
            return _ended(one.person, now=now)
    raise NoSuchPerson


def _endable(person: RelatedPerson) -> bool:
    return person.authority not in _NOT_GIVEN


def _ended(person: RelatedPerson, *, now: datetime) -> RelatedPerson:
    person.valid_until = now.date() - timedelta(days=1)
    person.save(update_fields=["valid_until", "updated"])
    return person
