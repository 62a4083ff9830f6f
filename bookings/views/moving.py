"""Moving an appointment to another time: the times, what would change, and the move."""

from dataclasses import replace
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bookings import moving, offers, series
from bookings.agenda import agenda
from bookings.availability import Asking, Narrowed, NotOffered, SlotTaken
from bookings.forms import filters, slots
from bookings.forms.scopes import scope_in
from bookings.forms.wanted import NotThere, wanted_in
from bookings.models import Appointment
from bookings.offers import Offer
from bookings.plans import Plan
from bookings.refusals import Refusal
from bookings.views import lookups
from bookings.views.appointments import by_link, movable, open_page, unlocked
from bookings.views.errors import refused
from bookings.views.listing import ways
from bookings.views.methods import allow


@allow("GET", "POST")
@by_link
@unlocked
def move(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """The times it could move to; with `slot` the question whether to; and by POST the move."""
    offer = offers.offer(
        clinic=appointment.clinic,
        slug=appointment.service.slug,
        language=lookups.language(),
        today=now.date(),
    )
    if offer is None or not offer.locations:
        return redirect("bookings:manage", token=token)
    if request.method == "POST":
        return _move(request, appointment, offer=offer, token=token, now=now)
    if not movable(appointment, now=now):
        return redirect("bookings:manage", token=token)
    if "slot" not in request.GET:
        return _times(request, appointment, offer=offer, token=token, now=now)
    choice = slots.chosen(request.GET, offer=offer)
    if choice is None:
        raise Http404
    if moving.is_there(appointment, start=choice.start, location=choice.location, practitioner=choice.practitioner):
        return redirect(f"{request.path}?same=1")
    wish = moving.wish_to_move(
        appointment, start=choice.start, location=choice.location, practitioner=choice.practitioner, online=True
    )
    who = moving.with_whom(appointment, wish=wish, now=now)
    if appointment.series_id is None:  # those that follow may be with anyone
        choice = replace(choice, practitioner=who)
    return open_page(
        request,
        appointment,
        template="bookings/move_confirm.html",
        token=token,
        now=now,
        choice=choice,
        who=who,
        slot=slots.value(start=choice.start, location=choice.location.slug, practitioner=choice.practitioner),
    )


def _move(request: HttpRequest, appointment: Appointment, *, offer: Offer, token: str, now: datetime) -> HttpResponse:
    choice, scope = slots.chosen(request.POST, offer=offer), scope_in(request.POST)
    if choice is None:
        raise Http404
    way = reverse("bookings:manage", args=[token])
    actor, place, who = lookups.patient_of(appointment), choice.location, choice.practitioner
    try:
        if scope == "following":
            series.reschedule_following(
                actor=actor,
                now=now,
                appointment_id=appointment.pk,
                start=choice.start,
                location=place,
                practitioner=who,
                by="patient",
                skipping="skip" in request.POST,
            )
        else:
            moving.reschedule(
                actor=actor,
                now=now,
                appointment_id=appointment.pk,
                start=choice.start,
                location=place,
                practitioner=who,
                by="patient",
            )
    except moving.TooLateToMove as refusal:
        return refused(request, refusal, status=409, clinic=appointment.clinic, way=way, here=way)
    except (SlotTaken, NotOffered) as refusal:
        slot = request.POST["slot"] if scope == "following" and "skip" not in request.POST else ""
        return _times(request, appointment, offer=offer, token=token, now=now, refusal=refusal, slot=slot)
    except moving.NotPossible:
        return redirect(way)  # cancelled or over meanwhile: the page says how it stands
    return redirect(f"{way}?moved=1")


def _times(
    request: HttpRequest,
    appointment: Appointment,
    *,
    offer: Offer,
    token: str,
    now: datetime,
    refusal: Refusal | None = None,
    slot: str = "",
) -> HttpResponse:
    """The free times, its own counted as free; with `refusal` a 409 that says it."""
    try:
        wanted = wanted_in(request.GET, offer=offer)
    except NotThere as error:
        raise Http404 from error
    length = appointment.end - appointment.start
    plan = Plan(
        service=offer.service,
        asking=Asking.of(appointment),
        narrowed=Narrowed(
            location=wanted.location,
            practitioner=wanted.practitioner,
            language=wanted.language,
            weekdays=wanted.weekdays,
            part=wanted.part,
            moved=(appointment,),
        ),
        length=None if offer.service.capacity is not None else int(length.total_seconds()),
    )
    week = agenda(plan=plan, places=wanted.places, people=offer.practitioners, now=now, since=wanted.since)
    more = filters.more_filters(wanted, base="")
    return open_page(
        request,
        appointment,
        template="bookings/move.html",
        token=token,
        now=now,
        status=409 if refusal else 200,
        offer=offer,
        wanted=wanted,
        location=wanted.location,
        week=week,
        ways=ways(wanted, week, base=""),
        filters=filters.main_filters(wanted, base=""),
        more_filters=more,
        chosen=filters.chosen_words(more),
        roomy=offer.service.capacity is not None,
        lost=refusal,
        same="same" in request.GET,
        slot=slot,
    )
