"""A week of free times for one offer: what the page of times shows, and where its links lead."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from bookings import availability
from bookings.availability import Slot
from bookings.days import Day, by_day
from bookings.models import Location, Practitioner
from bookings.offers import Offer

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
    first: Slot | None
    following: Slot | None
    following_day: date | None
    earlier: date | None
    later: date | None
    last: date

    @property
    def shown_until(self) -> date:
        """The last day of this page."""
        return self.until - timedelta(days=1)


def agenda(
    *, offer: Offer, now: datetime, since: date | None, location: Location | None, practitioner: Practitioner | None
) -> Agenda:
    """The week that begins on `since`, else with the first free time; kept between today and the horizon."""
    places = offer.locations
    zone = (location or places[0]).tz
    today = now.astimezone(zone).date()
    last = today + timedelta(days=offer.service.horizon)
    first = _next(offer=offer, now=now, after=now, location=location, practitioner=practitioner)
    opening = first.start.astimezone(zone).date() if first else today
    begins = min(max(since or opening, today), last)
    until = min(begins + WEEK, last + timedelta(days=1))
    slots = availability.free_slots(
        service=offer.service, now=now, since=begins, until=until, location=location, practitioner=practitioner
    )
    by_id = {place.pk: place for place in places}
    days, cut = by_day(
        ((slot.start, by_id[slot.location_id]) for slot in slots if slot.location_id in by_id), places=places
    )
    following = None
    if first and not days:
        after = datetime.combine(until, time(0), tzinfo=zone)
        following = _next(offer=offer, now=now, after=after, location=location, practitioner=practitioner)
    ends = cut or until
    return Agenda(
        days=days,
        since=begins,
        until=ends,
        first=first,
        following=following,
        following_day=following.start.astimezone(by_id[following.location_id].tz).date() if following else None,
        earlier=max(opening, begins - WEEK) if begins > opening else None,
        later=ends if ends <= last else None,
        last=last,
    )


def _next(
    *, offer: Offer, now: datetime, after: datetime, location: Location | None, practitioner: Practitioner | None
) -> Slot | None:
    found = availability.next_free(
        service=offer.service, now=now, after=after, location=location, practitioner=practitioner, count=1
    )
    return found[0] if found else None
