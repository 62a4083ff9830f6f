"""For the loser of a race: the nearest free times, each one press away, with everything typed kept."""

import uuid
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from bookings import availability
from bookings.availability import SlotTaken
from bookings.forms import slots
from bookings.intake import DraftGone
from bookings.models import Clinic
from bookings.offers import Offer
from bookings.refusals import Refusal
from bookings.views.errors import refused
from bookings.views.rendering import page


def taken(
    request: HttpRequest,
    refusal: Refusal,
    *,
    clinic: Clinic,
    offer: Offer,
    choice: slots.Choice,
    draft_id: uuid.UUID | None,
    now: datetime,
) -> HttpResponse:
    """409: the time was taken, or is not offered. `draft_id` is the form that moves to another, if one was begun."""
    if isinstance(refusal, SlotTaken):
        nearest = refusal.nearest
    else:
        nearest = availability.nearest(
            service=offer.service,
            now=now,
            to=choice.start,
            location=choice.location,
            practitioner=choice.practitioner,
        )
    address = reverse("bookings:times", args=[clinic.slug, offer.service.slug])
    return page(
        request,
        "bookings/taken.html",
        clinic=clinic,
        status=409,
        here=f"{address}?draft={draft_id}" if draft_id else address,
        refusal=refusal,
        offer=offer,
        choice=choice,
        nearest=slots.shown(nearest, offer=offer, practitioner=choice.practitioner),
        draft=draft_id,
        was_free=isinstance(refusal, SlotTaken),
    )


def draft_gone(request: HttpRequest, refusal: DraftGone, *, clinic: Clinic) -> HttpResponse:
    """404: no such form of this visitor's; whether it lapsed or never was, nobody can tell."""
    address = reverse("bookings:clinic", args=[clinic.slug])
    return refused(request, refusal, status=404, clinic=clinic, way=address, here=address)
