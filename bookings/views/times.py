"""Free times of a service, and taking one."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from bookings import holds, intake, offers, plans
from bookings.availability import Narrowed, NotOffered, SlotTaken
from bookings.forms import slots
from bookings.forms.wanted import Wanted, can_be_several
from bookings.models import Clinic, Draft, Hold
from bookings.views.listing import begun_draft, times_page, wanted_or_404
from bookings.views.lookups import VISITOR, clinic_or_404, language, offer_or_404
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import visitor_of
from bookings.views.taken import draft_gone, taken
from bookings.visitors import visitor_digest


@allow("GET")
def times(request: HttpRequest, *, clinic: str, service: str) -> HttpResponse:
    """A week of free times by day, narrowed by place, person and more; with `draft`, to move a form already begun; with
    `slot`, that time first: it was chosen in a frame of another site."""
    now = timezone.now()
    found = clinic_or_404(clinic)
    offer = offer_or_404(found, service, today=now.date())
    try:
        begun = begun_draft(request, request.GET.get("draft", ""), clinic=found, now=now)
    except intake.DraftGone:
        begun = None  # said when a time is pressed
    wanted = wanted_or_404(request.GET, clinic=found, offer=offer, now=now, begun=begun)
    slot = request.GET.get("slot", "")
    picked = slots.chosen(request.GET, offer=offer) if slot else None
    return times_page(request, wanted=wanted, clinic=found, now=now, slot=slot if picked else "", picked=picked)


@allow("GET")
def together(request: HttpRequest, *, clinic: str, service: str) -> HttpResponse:
    """Choose a second service to be booked together with this one, right after it."""
    now = timezone.now()
    found = clinic_or_404(clinic)
    offer = offer_or_404(found, service, today=now.date())
    if not can_be_several(offer.service):
        raise Http404
    places = {place.pk for place in offer.locations}
    others = [
        other
        for other in offers.clinic_offers(clinic=found, language=language(), today=now.date())
        if other.service != offer.service
        and can_be_several(other.service)
        and set(other.service.kinds) & set(offer.service.kinds)
        and any(place.pk in places for place in other.locations)
    ]
    return page(request, "bookings/together.html", clinic=found, offer=offer, others=others)


@allow("POST", counted="hold")
def hold(request: HttpRequest, *, clinic: str, service: str) -> HttpResponse:
    """Hold a time and open a form for it, or move the form begun; the loser of a race gets the nearest times."""
    now = timezone.now()
    found = clinic_or_404(clinic)
    offer = offer_or_404(found, service, today=now.date())
    choice = slots.chosen(request.POST, offer=offer)
    if choice is None:
        raise Http404
    visitor = visitor_of(request)
    try:
        begun = begun_draft(request, request.POST.get("draft", ""), clinic=found, now=now)
    except intake.DraftGone as refusal:
        return draft_gone(request, refusal, clinic=found)
    wanted = wanted_or_404(request.POST, clinic=found, offer=offer, now=now, begun=begun)
    if "instead" in request.POST:
        _give_back(visitor=visitor, now=now)
    try:
        draft = _take(wanted, choice, begun=begun, visitor=visitor, now=now)
    except (SlotTaken, NotOffered) as refusal:
        return _lost(request, refusal, wanted=wanted, choice=choice, clinic=found, now=now)
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
            carried=wanted.carried,
        )
    except intake.DraftGone as refusal:
        return draft_gone(request, refusal, clinic=found)
    return redirect("bookings:details", clinic=found.slug, draft=draft.pk)


def _take(wanted: Wanted, choice: slots.Choice, *, begun: Draft | None, visitor: str, now: datetime) -> Draft:
    """Hold what is wanted at the time chosen. Its further times are looked up again: a button names the first only."""
    plan = wanted.plan_of(Narrowed(location=choice.location, practitioner=choice.practitioner))
    asked = plans.wishes(plan=plan, visitor=visitor, start=choice.start, location=choice.location, now=now)
    if begun is not None:
        return intake.rehold(
            actor=VISITOR, now=now, visitor=visitor, draft_id=begun.pk, wishes=asked, persons=plan.persons
        )
    first, *rest = holds.hold_together(actor=VISITOR, now=now, visitor=visitor, wishes=asked, skipping=plan.skipping)
    persons = plan.persons or [1] * len(rest)
    return intake.start(
        actor=VISITOR,
        now=now,
        visitor=visitor,
        hold=first,
        language=language(),
        asking=plan.asking,
        further=list(zip(rest, persons, strict=True)),
        rrule=plan.rrule,
        skipping=plan.skipping,
    )


def _lost(
    request: HttpRequest,
    refusal: SlotTaken | NotOffered,
    *,
    wanted: Wanted,
    choice: slots.Choice,
    clinic: Clinic,
    now: datetime,
) -> HttpResponse:
    """409: the nearest times; for more than one visit, and while a question is open, the page of times with a word."""
    if wanted.several or wanted.repeat or wanted.answers.unanswered or wanted.answers.refusal:
        alone = wanted.repeat is not None and not wanted.repeat.skipping and wanted.draft is None
        return times_page(
            request, wanted=wanted, clinic=clinic, now=now, refusal=refusal, slot=request.POST["slot"] if alone else ""
        )
    return taken(
        request,
        refusal,
        clinic=clinic,
        offer=wanted.offer,
        choice=choice,
        asking=wanted.answers.asking,
        carried=wanted.carried,
        now=now,
    )


def _give_back(*, visitor: str, now: datetime) -> None:
    """Release all the visitor keeps: their forms stay, and say that the time is no longer kept."""
    for kept in Hold.objects.filter(visitor_digest=visitor_digest(visitor), expires_at__gt=now):
        holds.release(actor=VISITOR, now=now, visitor=visitor, hold_id=kept.pk)
