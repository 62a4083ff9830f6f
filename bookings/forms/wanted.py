"""What somebody wants of a service, as the address of its times and the form that holds one carry it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.utils.datastructures import MultiValueDict

from bookings import parties
from bookings.availability import Narrowed, PartOfDay
from bookings.forms.questions import Answers, Pairs, answers_in, pairs_of
from bookings.forms.slots import draft_id
from bookings.models import Draft, HealthcareService, Location, Practitioner
from bookings.offers import Offer
from bookings.parties import MOST_PEOPLE
from bookings.plans import EVERY, Plan, Repeat


class NotThere(Exception):
    """A place, a person or a language in the address is not one of the service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A service, what is said of the visit, what the search is narrowed to, and what makes it more than one visit.

    `then` is a second service that follows, `since` the day on which the list begins, `draft` a form begun that moves.
    """

    offer: Offer
    then: Offer | None
    answers: Answers
    places: tuple[Location, ...]
    place: str
    practitioner: Practitioner | None
    language: str
    weekdays: frozenset[int]
    part: PartOfDay | None
    people: int
    repeat: Repeat | None
    since: date | None
    draft: uuid.UUID | None
    grid: bool = False
    """Whether the week is shown side by side."""

    @property
    def location(self) -> Location | None:
        """The place asked for, or the only one."""
        if not self.place:
            return self.places[0] if len(self.places) == 1 else None
        return next(place for place in self.places if place.slug == self.place)

    @property
    def several(self) -> bool:
        """Whether more than one visit follows another."""
        return self.people > 1 or self.then is not None

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(self.place or self.practitioner or self.language or self.weekdays or self.part)

    @property
    def plan(self) -> Plan:
        """The same as times are looked for."""
        return self.plan_of(
            Narrowed(
                location=self.location,
                practitioner=self.practitioner,
                language=self.language,
                weekdays=self.weekdays,
                part=self.part,
            )
        )

    def plan_of(self, narrowed: Narrowed) -> Plan:
        """The same, narrowed otherwise."""
        return Plan(
            service=self.offer.service,
            asking=self.answers.asking,
            narrowed=narrowed,
            people=self.people,
            then=self.then.service if self.then else None,
            repeat=self.repeat,
        )

    @property
    def pairs(self) -> Pairs:
        """Everything but the day, as an address carries it."""
        narrowed = [
            ("location", self.place),
            ("practitioner", str(self.practitioner.pk) if self.practitioner else ""),
            ("language", self.language),
            *(("weekday", str(weekday)) for weekday in sorted(self.weekdays)),
            ("part", str(self.part or "")),
            ("view", "week" if self.grid else ""),
        ]
        return [*((name, value) for name, value in narrowed if value), *self.carried]

    @property
    def carried(self) -> Pairs:
        """What holding a time needs to know beside the time."""
        more = [
            ("people", str(self.people) if self.people > 1 else ""),
            ("with", self.then.service.slug if self.then else ""),
            *repeat_pairs(self.repeat),
            ("draft", str(self.draft or "")),
        ]
        return [*self.answers.pairs, *((name, value) for name, value in more if value)]

    def without(self, *names: str) -> Pairs:
        """Everything, the day included, but these."""
        since = [("from", self.since.isoformat())] if self.since else []
        return [(name, value) for name, value in [*self.pairs, *since] if name not in names]

    def query(self, changed: Mapping[str, str | Sequence[str]]) -> str:
        """The address's query with these changed; an empty value takes one out."""
        pairs = self.without(*changed)
        for name, value in changed.items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value) if one]
        return f"?{urlencode(pairs)}"


def wanted_in(
    data: MultiValueDict[str, str], *, offer: Offer, then: Offer | None = None, begun: Draft | None = None
) -> Wanted:
    """What an address or a form asks for. A form `begun` keeps how often its visit repeats.

    Raises BadRequest for what no page of ours says, NotThere for what is not the service's.
    """
    places = offer.locations
    if then is not None:
        elsewhere = {place.pk for place in then.locations}
        places = tuple(place for place in places if place.pk in elsewhere)
    place, person, language = (data.get(name) or "" for name in ("location", "practitioner", "language"))
    practitioner = offer.practitioner(person)
    unknown = place and place not in {site.slug for site in places}
    if not places or unknown or (person and practitioner is None) or (language and language not in offer.languages):
        raise NotThere
    people = _number(data, "people", most=MOST_PEOPLE if can_be_several(offer.service) else 1)
    repeat = Repeat.of(rrule=begun.rrule, skipping=begun.skipping) if begun else _repeat(data, offer.service)
    if sum((people > 1, then is not None, repeat is not None)) > 1:
        raise BadRequest("one or the other")
    several = people > 1 or then is not None
    return Wanted(
        offer=offer,
        then=then,
        answers=answers_in(data, services=[offer.service, *([then.service] if then else [])]),
        places=places,
        place=place,
        practitioner=practitioner if then is None else None,
        language="" if several else language,
        weekdays=frozenset(_weekday(word) for word in data.getlist("weekday")),
        part=_part(data.get("part") or ""),
        people=people,
        repeat=repeat,
        since=_day(data.get("from") or ""),
        draft=draft_id(data.get("draft") or ""),
        grid=data.get("view") == "week",
    )


def can_be_several(service: HealthcareService) -> bool:
    """Whether several people, or two services, can be booked in a row with this one: not with a group."""
    return service.capacity is None


def repeat_pairs(repeat: Repeat | None) -> Pairs:
    """A repetition as an address carries it."""
    if repeat is None:
        return []
    taken = [("taken", "skip")] if repeat.skipping else []
    return [("every", repeat.every), ("times", str(repeat.times)), *taken]


def query_of(draft: Draft) -> str:
    """The query of the page on which a form begun finds another time."""
    pairs = pairs_of(parties.asking_of(parties.read(draft)))
    people = parties.people_in(draft)
    if people > 1:
        pairs.append(("people", str(people)))
    elif draft.further and not draft.rrule:
        second = HealthcareService.objects.get(pk=draft.further[0]["service"])
        pairs.append(("with", second.slug))
    return f"?{urlencode([*pairs, ('draft', str(draft.pk))])}"


def _number(data: MultiValueDict[str, str], name: str, *, most: int, least: int = 1) -> int:
    text = data.get(name) or ""
    if not text:
        return least
    if text not in {str(number) for number in range(least, most + 1)}:
        raise BadRequest("no such number")
    return int(text)


def _repeat(data: MultiValueDict[str, str], service: HealthcareService) -> Repeat | None:
    every, taken = data.get("every") or "", data.get("taken") or ""
    if taken not in ("", "all", "skip") or (every and every not in EVERY):
        raise BadRequest("no such repetition")
    times = _number(data, "times", most=max(service.most_repeats, 2), least=2)
    if not every:
        return None
    if service.most_repeats < times:
        raise BadRequest("no repetitions")
    return Repeat(every=every, times=times, skipping=taken == "skip")


def _weekday(text: str) -> int:
    if text not in {str(weekday) for weekday in range(7)}:
        raise BadRequest("no such weekday")
    return int(text)


def _part(text: str) -> PartOfDay | None:
    try:
        return PartOfDay(text) if text else None
    except ValueError as error:
        raise BadRequest("no such part of the day") from error


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadRequest("no such date") from error
