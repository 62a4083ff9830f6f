"""What pages say about an appointment-to-be: every visit of a form, how people meet, what the clinic has to confirm."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise

from bookings import offers, parties
from bookings.booking import answer_by
from bookings.forms.questions import KINDS
from bookings.forms.wanted import query_of
from bookings.models import Draft, Hold, Location, Practitioner
from bookings.offers import Words
from bookings.plans import Repeat
from bookings.recurrence import occurrences
from bookings.views import lookups


@dataclass(frozen=True, slots=True)
class Told:
    """One visit as a page tells it; `person` is the number of the one it is for."""

    service_name: Words
    start: datetime
    location: Location
    practitioner: Practitioner
    person: int
    minutes: int | None
    """How long it is; None once its time is not kept any more."""


def held(draft: Draft, *, now: datetime) -> bool:
    """Whether the draft's time is still kept for it alone."""
    return draft.hold is not None and draft.hold.expires_at > now


def of_draft(draft: Draft, *, now: datetime) -> dict[str, Any]:
    """What the pages of a draft say about its visits and the time held for them."""
    language, clinic = lookups.language(), draft.clinic
    wishes = [(visit.wish, visit.person) for visit in parties.visits_of(draft)]
    names = {
        wish.service.pk: offers.name_of(wish.service, clinic=clinic, language=language)
        for wish, _ in {wish.service.pk: (wish, person) for wish, person in wishes}.values()
    }
    lengths = _lengths(draft, several=len(wishes) > 1)
    visits = [
        Told(
            service_name=names[wish.service.pk],
            start=wish.start,
            location=wish.location,
            practitioner=wish.practitioner or draft.practitioner,
            person=person,
            minutes=lengths.get((wish.service.pk, wish.start)),
        )
        for wish, person in wishes
    ]
    form = parties.read(draft)
    confirmed = [wish for wish, _ in wishes if wish.service.needs_approval]
    times = reverse("bookings:times", args=[clinic.slug, draft.service.slug])
    return {
        "draft": draft,
        "service_name": names[draft.service_id],
        "minutes": visits[0].minutes,
        "visits": visits if len(visits) > 1 else [],
        "people": parties.people_in(draft),
        "several_services": len(names) > 1,
        "repeat": Repeat.of(rrule=draft.rrule, skipping=draft.skipping),
        "left_out": _left_out(draft, visits),
        "kind": parties.asking_of(form).kind,
        "how": how(parties.asking_of(form).kind),
        "visit_address": form["visit_address"],
        "confirmed_by": min((answer_by(wish.service, start=wish.start, now=now) for wish in confirmed), default=None),
        "other_times": times + query_of(draft),
        "held_until": draft.hold.expires_at if draft.hold is not None and held(draft, now=now) else None,
    }


def how(kind: str) -> str | Promise:
    """How people meet, in words for the patient."""
    return KINDS[kind]


def _lengths(draft: Draft, *, several: bool) -> dict[tuple[int, datetime], int]:
    """How long the visits held for a draft are, in minutes, by service and start; empty once nothing is held."""
    if draft.hold is None:
        return {}
    held = Hold.objects.filter(together=draft.hold.together) if several else [draft.hold]
    return {(one.service_id, one.start): (one.end - one.start) // timedelta(minutes=1) for one in held}


def _left_out(draft: Draft, visits: list[Told]) -> list[datetime]:
    """The dates of a series that are taken and left out."""
    if not draft.rrule:
        return []
    kept = {visit.start for visit in visits}
    found = occurrences(rrule=draft.rrule, start=draft.start, zone=draft.location.tz)
    return [one.start for one in found if one.start not in kept]
