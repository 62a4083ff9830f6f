"""Free times of a service, and taking one."""

from datetime import date, datetime

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from bookings import holds, intake
from bookings.agenda import agenda
from bookings.availability import NotOffered, SlotTaken
from bookings.forms import slots
from bookings.models import Hold
from bookings.views.lookups import VISITOR, clinic_or_404, language, offer_or_404
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import visitor_of
from bookings.views.taken import draft_gone, taken
from bookings.visitors import visitor_digest


@allow("GET")
def times(request: HttpRequest, *, clinic: str, service: str) -> HttpResponse:
    """A week of free times by day, narrowed by place and person; with `draft`, to move a form already begun."""
    now = timezone.now()
    found = clinic_or_404(clinic)
    offer = offer_or_404(found, service, today=now.date())
    place, person = request.GET.get("location", ""), request.GET.get("practitioner", "")
    location = offer.location(place) or (offer.locations[0] if len(offer.locations) == 1 else None)
    practitioner = offer.practitioner(person)
    if (place and offer.location(place) is None) or (person and practitioner is None):
        raise Http404
    since = _date(request.GET.get("from", ""))
    week = agenda(offer=offer, now=now, since=since, location=location, practitioner=practitioner)
    return page(
        request,
        "bookings/times.html",
        clinic=found,
        offer=offer,
        location=location,
        practitioner=practitioner,
        week=week,
        first=slots.shown([week.first] if week.first else [], offer=offer, practitioner=practitioner),
        following=slots.shown([week.following] if week.following else [], offer=offer, practitioner=practitioner),
        sites={site.pk: site for site in offer.locations},
        draft=slots.draft_id(request.GET.get("draft", "")),
    )


@allow("POST")
def hold(request: HttpRequest, *, clinic: str, service: str) -> HttpResponse:
    """Hold a time and open a form for it, or move the form begun; the loser of a race gets the nearest times."""
    now = timezone.now()
    found = clinic_or_404(clinic)
    offer = offer_or_404(found, service, today=now.date())
    choice = slots.chosen(request.POST, offer=offer)
    if choice is None:
        raise Http404
    draft_id = slots.draft_id(request.POST.get("draft", ""))
    visitor = visitor_of(request)
    if "instead" in request.POST:
        _give_back(visitor=visitor, now=now)
    try:
        if draft_id is None:
            held = holds.hold(
                actor=VISITOR,
                now=now,
                visitor=visitor,
                service=offer.service,
                location=choice.location,
                practitioner=choice.practitioner,
                start=choice.start,
            )
            draft = intake.start(actor=VISITOR, now=now, visitor=visitor, hold=held, language=language())
        else:
            draft = intake.rehold(
                actor=VISITOR,
                now=now,
                visitor=visitor,
                draft_id=draft_id,
                service=offer.service,
                location=choice.location,
                practitioner=choice.practitioner,
                start=choice.start,
            )
    except (SlotTaken, NotOffered) as refusal:
        return taken(request, refusal, clinic=found, offer=offer, choice=choice, draft_id=draft_id, now=now)
    except holds.TooManyHolds as refusal:
        return page(
            request,
            "bookings/too_many_holds.html",
            clinic=found,
            status=429,
            here=reverse("bookings:times", args=[found.slug, offer.service.slug]),
            refusal=refusal,
            offer=offer,
            slot=request.POST["slot"],
            draft=draft_id,
        )
    except intake.DraftGone as refusal:
        return draft_gone(request, refusal, clinic=found)
    return redirect("bookings:details", clinic=found.slug, draft=draft.pk)


def _give_back(*, visitor: str, now: datetime) -> None:
    """Release all the visitor keeps: their forms stay, and say that the time is no longer kept."""
    for kept in Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now):
        holds.release(actor=VISITOR, now=now, visitor=visitor, hold_id=kept.pk)


def _date(text: str) -> date | None:
    """A day asked for; raises BadRequest for what is no date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadRequest("no such date") from error
