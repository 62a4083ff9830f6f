"""The page of free times, however it was come to: by its address, or by a press that lost a race."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from bookings.agenda import Agenda, agenda
from bookings.availability import terms_of
from bookings.availability.terms import ELSEWHERE
from bookings.forms import filters
from bookings.forms.slots import Choice, draft_id
from bookings.forms.wanted import NotThere, Wanted, can_be_several, wanted_in
from bookings.models import Clinic, Draft
from bookings.offers import Offer
from bookings.refusals import Refusal
from bookings.views import lookups, summaries
from bookings.views.rendering import page


def wanted_or_404(
    data: MultiValueDict[str, str], *, clinic: Clinic, offer: Offer, now: datetime, begun: Draft | None = None
) -> Wanted:
    """What these data ask of a service; 404 for a place, a person, a language or a second service that is not there."""
    then = None
    if second := data.get("with"):
        if "\0" in second:
            raise Http404
        then = lookups.offer_or_404(clinic, second, today=now.date())
        if then.service == offer.service or not (can_be_several(offer.service) and can_be_several(then.service)):
            raise Http404
    try:
        return wanted_in(data, offer=offer, then=then, begun=begun)
    except NotThere as error:
        raise Http404 from error


def begun_draft(request: HttpRequest, text: str, *, clinic: Clinic, now: datetime) -> Draft | None:
    """The visitor's form that moves to another time; None when none was named. Raises BadRequest, intake.DraftGone."""
    named = draft_id(text)
    if named is None:
        return None
    return lookups.draft_of(request, clinic=clinic.slug, draft_id=named, now=now)


def times_page(
    request: HttpRequest,
    *,
    wanted: Wanted,
    clinic: Clinic,
    now: datetime,
    refusal: Refusal | None = None,
    slot: str = "",
    picked: Choice | None = None,
    framed: bool = False,
) -> HttpResponse:
    """The questions while they are not answered, else a week of free times. With `refusal` it is a 409 that says it;
    `slot` is then a series's first time, offered again without the dates that are taken. Without a refusal `slot` is a
    time `picked` elsewhere, which one press takes. `framed` in another site it offers what needs no session."""
    offer, then, answers = wanted.offer, wanted.then, wanted.answers
    path = reverse("bookings:times", args=[clinic.slug, offer.service.slug])
    base = path if request.method == "POST" else ""
    status = 409 if refusal else 200
    sent = "sent" in request.GET
    services = [offer.service, *([then.service] if then else [])]
    told: dict[str, Any] = {
        "clinic": clinic,
        "framed": framed,
        "status": status,
        "here": path + wanted.query({}) if base else "",
        "offer": offer,
        "then": then,
        "wanted": wanted,
        "base": base or request.path,
        "answers": answers,
        "questions": answers.questions(sent=sent),
        "unanswered": sent and answers.unanswered,
        "kept": wanted.without("kind", "standing", "coverage", "referral", "needs"),
        "minutes": _minutes(wanted),
        "elsewhere": summaries.how(answers.asking.kind) if answers.asking.kind in ELSEWHERE else "",
        "answer_hours": max((service.answer_hours for service in services if service.needs_approval), default=0),
        "lost": refusal,
        "roomy": wanted.several or offer.service.capacity is not None,
        "swapped": _swapped(wanted, clinic=clinic),
    }
    if answers.unanswered or answers.refusal:
        return page(request, "bookings/questions.html", refusal=answers.refusal, **told)
    week = agenda(plan=wanted.plan, places=wanted.places, people=offer.practitioners, now=now, since=wanted.since)
    more = filters.more_filters(wanted, base=base)
    alone = not (wanted.several or wanted.draft or framed)
    repeats = offer.service.most_repeats > 1 and alone
    return page(
        request,
        "bookings/times.html",
        location=wanted.location,
        practitioner=wanted.practitioner,
        week=week,
        ways=ways(wanted, week, base=base),
        filters=filters.main_filters(wanted, base=base),
        more_filters=more,
        chosen=filters.chosen_words(more),
        people=None if wanted.draft or framed else filters.people_filter(wanted, base=base),
        counts=range(2, offer.service.most_repeats + 1) if repeats else (),
        unrepeated=wanted.without("every", "times", "taken"),
        together=can_be_several(offer.service) and alone and not wanted.repeat,
        slot=slot,
        picked=picked,
        listed=base + wanted.query({"view": ""}),
        grid=base + wanted.query({"view": "week"}),
        **told,
    )


def ways(wanted: Wanted, week: Agenda, *, base: str) -> dict[str, str]:
    """Where the links of a list of times lead, empty where there is nothing."""
    days = {"earlier": week.earlier, "later": week.later, "following": week.following_day}
    links = {name: base + wanted.query({"from": day.isoformat()}) if day else "" for name, day in days.items()}
    none = dict.fromkeys(("location", "practitioner", "language", "weekday", "part"), "")
    links["first"] = base + wanted.query({"from": ""})
    links["loosened"] = base + wanted.query(none) if wanted.is_narrowed else ""
    links["alone"] = base + wanted.query({"with": "", "people": "", "every": "", "times": "", "taken": ""})
    return links


def _minutes(wanted: Wanted) -> list[int]:
    """How long each service takes with these answers."""
    asking = wanted.answers.asking
    services = [one.service for one in (wanted.offer, wanted.then) if one is not None]
    return [terms_of(service=service, asking=asking).lengths.duration // 60 for service in services]


def _swapped(wanted: Wanted, *, clinic: Clinic) -> str:
    """The address of the same two services the other way round."""
    if wanted.then is None:
        return ""
    path = reverse("bookings:times", args=[clinic.slug, wanted.then.service.slug])
    turned = wanted.query({"with": wanted.offer.service.slug, "practitioner": "", "from": ""})
    return path + turned
