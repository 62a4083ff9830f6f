"""A week of free times for one plan: what the page of times shows, and where its links lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from bookings.days import Day, Time, by_day
from bookings.models import Location, Practitioner
from bookings.plans import Chain, Plan, chains, first_chain

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Agenda:
    """Free times from `since` until (not including) `until`, local days of the place.

    `following` is the next free time after them when there are none here, on the local day `following_day`; `first` is
    the earliest of all; `earlier` and `later` are the days on which the neighbouring pages begin, None at the ends;
    `last` is the last day that can be booked.
    """

    days: list[Day[Location]]
    since: date
    until: date
    first: Time[Location] | None
    following: Time[Location] | None
    following_day: date | None
    earlier: date | None
    later: date | None
    last: date

    @property
    def columns(self) -> list[tuple[date, Day[Location] | None]]:
        """Every date of this page with its free times, None where there are none."""
        found = {day.date: day for day in self.days}
        dates = (self.since + timedelta(days=number) for number in range((self.until - self.since).days))
        return [(one, found.get(one)) for one in dates]

    @property
    def shown_until(self) -> date:
        """The last day of this page."""
        return self.until - timedelta(days=1)


def agenda(
    *, plan: Plan, places: Sequence[Location], people: Sequence[Practitioner], now: datetime, since: date | None
) -> Agenda:
    """The week that begins on `since`, else with the first free time; kept between today and the horizon. Times at
    other than these places are not listed."""
    zone = (plan.narrowed.location or places[0]).tz
    today = now.astimezone(zone).date()
    last = today + timedelta(days=plan.service.horizon)
    told = _Told(plan, places=places, people=people)
    first = told.time(first_chain(plan=plan, places=places, now=now, after=now))
    opening = first.start.astimezone(zone).date() if first else today
    begins = min(max(since or opening, today), last)
    until = min(begins + WEEK, last + timedelta(days=1))
    found = chains(plan=plan, places=places, now=now, since=begins, until=until)
    listed = (told.time(chain) for chain in found)
    days, cut = by_day((one for one in listed if one is not None), places=places)
    following = None
    if first and not days:
        after = datetime.combine(until, time(0), tzinfo=zone)
        following = told.time(first_chain(plan=plan, places=places, now=now, after=after))
    ends = cut or until
    return Agenda(
        days=days,
        since=begins,
        until=ends,
        first=first,
        following=following,
        following_day=following.start.astimezone(following.place.tz).date() if following else None,
        earlier=max(opening, begins - WEEK) if begins > opening else None,
        later=ends if ends <= last else None,
        last=last,
    )


class _Told:
    """How a plan's times are told."""

    def __init__(self, plan: Plan, *, places: Sequence[Location], people: Sequence[Practitioner]) -> None:
        self.plan = plan
        self.places: Mapping[int, Location] = {place.pk: place for place in places}
        self.people: Mapping[int, Practitioner] = {person.pk: person for person in people}

    def time(self, chain: Chain | None) -> Time[Location] | None:
        """A chain as a time of its place; None where that is not listed."""
        place = self.places.get(chain[0].location_id) if chain else None
        if chain is None or place is None:
            return None
        first, narrowed = chain[0], self.plan.narrowed
        # Who speaks the language asked for is somebody in particular, not anyone who is free.
        speaker = self.people.get(first.practitioner_id) if narrowed.language else None
        return Time(
            start=first.start,
            place=place,
            end=chain[-1].end if chain[-1] != first else None,
            seats=first.seats,
            who=narrowed.practitioner or speaker,
        )
