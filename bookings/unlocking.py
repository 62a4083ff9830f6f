"""Opening one appointment's page: whoever holds its link proves the contact it was booked with."""

import uuid
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from audit.context import Actor
from bookings import booking, proof, reach, status
from bookings.contacts import contact_of, same_email
from bookings.models import Appointment, AppointmentStatus, ContactChallenge
from bookings.reach import Proven
from bookings.refusals import Refusal


class NoContact(Refusal):
    """The appointment was made without an e-mail address, so no code can be sent."""

    message = _("We have no e-mail address for this appointment. Please call us.")


def send_code(
    *, actor: Actor, now: datetime, visitor: str, appointment: Appointment, language: str
) -> ContactChallenge:
    """Send a code, in `language`, to the contact the appointment was booked with.

    Raises NoContact, proof.TooManyCodes, and audit.sealed.KeyDestroyed when the patient's data were erased.
    """
    contact = contact_of(appointment, now=now).email
    if not contact:
        raise NoContact
    return proof.challenge(
        actor=actor,
        now=now,
        clinic=appointment.clinic,
        purpose=ContactChallenge.Purpose.MANAGE,
        contact=contact,
        visitor=visitor,
        language=language,
        key_id=appointment.patient.key_id,
        appointment=appointment,
    )


def unlock(
    *, actor: Actor, now: datetime, visitor: str, appointment: Appointment, challenge_id: uuid.UUID, code: str
) -> Proven:
    """Check the code typed for this appointment; returns the address it proves.

    Raises proof.WrongCode, and proof.CodeExpired also for a code that was sent for another one, or to an address that
    was corrected since.
    """
    sent = ContactChallenge.objects.filter(pk=challenge_id, appointment=appointment).first()
    if sent is None or not same_email(sent.contact, contact_of(appointment, now=now).email):
        raise proof.CodeExpired
    proof.prove(actor=actor, now=now, visitor=visitor, challenge_id=sent.pk, code=code)
    return reach.proven(clinic_id=appointment.clinic_id, email=sent.contact)


def cancellable(appointment: Appointment, *, now: datetime) -> bool:
    """Whether the patient may still cancel online."""
    possible = status.may_follow(before=appointment.status, after=AppointmentStatus.CANCELLED)
    return possible and now <= booking.cancellable_until(appointment)
