"""A chosen time, as the buttons of the pages carry it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.core.exceptions import BadRequest

from bookings.availability import Slot
from bookings.models import Location, Practitioner
from bookings.offers import Offer

_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(2999, 1, 1, tzinfo=UTC)
_STAMP: Final = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True, slots=True)
class Choice:
    """A start at a place, with one practitioner or (None) anyone who is free."""

    start: datetime
    location: Location
    practitioner: Practitioner | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A free time as a page words it; `practitioner` is None when anyone will do."""

    start: datetime
    location: Location
    practitioner: Practitioner | None

    @property
    def value(self) -> str:
        """What its button carries."""
        return value(start=self.start, location=self.location.slug, practitioner=self.practitioner)


def shown(slots: Iterable[Slot], *, offer: Offer, practitioner: Practitioner | None) -> list[Shown]:
    """Free times as a page words them, each start at a place once: with `practitioner`, or with anyone."""
    places = {place.pk: place for place in offer.locations}
    found = {(slot.start, slot.location_id): slot for slot in slots if slot.location_id in places}
    return [Shown(start, places[place], practitioner) for start, place in sorted(found)]


def value(*, start: datetime, location: str, practitioner: Practitioner | None = None) -> str:
    """`2027-06-01T08:30Z~part-dieu~12`; the last part is empty for anyone."""
    return f"{start.astimezone(UTC):{_STAMP}}~{location}~{practitioner.pk if practitioner else ''}"


def chosen(post: Mapping[str, str], *, offer: Offer) -> Choice | None:
    """The time a button named; None when the place or person does not give the service. Raises BadRequest."""
    stamp, _, rest = post.get("slot", "").partition("~")
    place, _, person = rest.partition("~")
    try:
        start = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest("no such time") from error
    start = min(max(start, _FIRST), _LAST)  # beyond, zones and sums of days overflow; the rules refuse both ends
    location = offer.location(place)
    practitioner = offer.practitioner(person) if person else None
    if location is None or (person and practitioner is None):
        return None
    return Choice(start, location, practitioner)


def draft_id(text: str) -> uuid.UUID | None:
    """The draft a page was asked for; None when none was. Raises BadRequest on anything else."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError as error:
        raise BadRequest("no such form") from error
