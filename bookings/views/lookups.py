"""From the parts of an address to what they name; whatever does not exist, or is not theirs to see, is a 404."""

import uuid
from datetime import date, datetime

from django.http import Http404, HttpRequest
from django.utils.translation import get_language

from audit.context import Actor
from bookings import intake, links, offers
from bookings.models import Appointment, Clinic, Draft
from bookings.offers import Offer
from bookings.views.sessions import visitor_if_known

#: Whoever uses the pages without having proved a contact.
VISITOR = Actor(kind="visitor", id="", label="")


def language() -> str:
    """The reader's language, one of the six."""
    return (get_language() or "en").split("-")[0]


def clinic_or_404(slug: str) -> Clinic:
    """A clinic open for booking."""
    clinic = Clinic.objects.filter(slug=slug, active=True).first()
    if clinic is None:
        raise Http404
    return clinic


def offer_or_404(clinic: Clinic, slug: str, *, today: date) -> Offer:
    """A service of the clinic that can be booked online and is given somewhere by someone."""
    offer = offers.offer(clinic=clinic, slug=slug, language=language(), today=today)
    if offer is None or not offer.locations:
        raise Http404
    return offer


def draft_of(request: HttpRequest, *, clinic: str, draft_id: uuid.UUID, now: datetime) -> Draft:
    """The visitor's own draft at this clinic. Raises intake.DraftGone for any other."""
    draft = intake.find(now=now, visitor=visitor_if_known(request), draft_id=draft_id)
    if draft.clinic.slug != clinic:
        raise intake.DraftGone
    return draft


def appointment_or_none(token: str, *, now: datetime) -> Appointment | None:
    """The appointment a link leads to; None for any other link, and for a patient whose data were erased."""
    appointment = links.by_token(token=token, now=now)
    return None if appointment is None or appointment.patient.erased_at else appointment


def holder_of(appointment: Appointment) -> Actor:
    """Whoever holds the appointment's link: that proves nothing about who it is."""
    return Actor(kind="visitor", id=str(appointment.pk), label="link")


def patient_of(appointment: Appointment) -> Actor:
    """The patient, or whoever acts for them, once the contact is proved."""
    return Actor(kind="patient", id=str(appointment.patient_id), label=appointment.patient.code)
