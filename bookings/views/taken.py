"""For the loser of a race: the nearest free times, each one press away, with everything typed kept."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from bookings import availability
from bookings.availability import Asking, SlotTaken
from bookings.forms import slots
from bookings.forms.questions import Pairs
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
    asking: Asking,
    carried: Pairs,
    now: datetime,
) -> HttpResponse:
    """409: the time was taken, or is not offered. `carried` is what was answered, and the form that moves if one was
    begun."""
    if isinstance(refusal, SlotTaken):
        nearest = refusal.nearest
    else:
        nearest = availability.nearest(
            service=offer.service,
            now=now,
            to=choice.start,
            location=choice.location,
            practitioner=choice.practitioner,
            asking=asking,
        )
    address = reverse("bookings:times", args=[clinic.slug, offer.service.slug])
    address += f"?{urlencode(carried)}" if carried else ""
    return page(
        request,
        "bookings/taken.html",
        clinic=clinic,
        status=409,
        here=address,
        refusal=refusal,
        offer=offer,
        choice=choice,
        nearest=slots.shown(nearest, offer=offer, practitioner=choice.practitioner),
        carried=carried,
        draft=dict(carried).get("draft", ""),
        was_free=isinstance(refusal, SlotTaken),
    )


def draft_gone(request: HttpRequest, refusal: DraftGone, *, clinic: Clinic) -> HttpResponse:
    """404: no such form of this visitor's; whether it lapsed or never was, nobody can tell."""
    address = reverse("bookings:clinic", args=[clinic.slug])
    return refused(request, refusal, status=404, clinic=clinic, way=address, here=address)
