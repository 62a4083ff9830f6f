"""Times at which several visits fit one after the other: two siblings, or a blood test and then a consultation."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from bookings.availability.search import Narrowed, free_slots
from bookings.availability.slots import Slot
from bookings.availability.terms import terms_of
from bookings.availability.wish import NOTHING_SAID, Asking
from bookings.models import HealthcareService, Location, Practitioner

#: How long somebody may be left waiting between two visits.
WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of several visits: a service, with a practitioner or with anyone."""

    service: HealthcareService
    practitioner: Practitioner | None = None


def combined_slots(
    *,
    parts: Sequence[Part],
    now: datetime,
    since: date,
    until: date,
    location: Location | None = None,
    online: bool = True,
    asking: Asking = NOTHING_SAID,
    within: timedelta = WITHIN,
) -> list[tuple[Slot, ...]]:
    """The ways to have these visits in this order at one location, one per first start, by start.

    Each begins when the one before it and the buffers of both are over, so that no schedule is asked for twice, and at
    most `within` later. Of several people free at once the one of the visit before is preferred, then the first by id.
    People who join the same group sit in one session.
    """
    first = parts[0].service
    if first.capacity is not None and all(part.service.pk == first.pk for part in parts):
        slots = _free(parts[0], now=now, since=since, until=until, location=location, online=online, asking=asking)
        return [(slot,) * len(parts) for slot in slots if (slot.seats or 0) >= len(parts)]
    read = {
        part: _Table(_free(part, now=now, since=since, until=until, location=location, online=online, asking=asking))
        for part in dict.fromkeys(parts)
    }
    tables = [read[part] for part in parts]
    gaps = [_gap(before, after, asking=asking) for before, after in pairwise(parts)]
    found: dict[tuple[datetime, int], tuple[Slot, ...]] = {}
    for slot in tables[0].slots:
        if (slot.start, slot.location_id) in found:
            continue
        chain = [slot]
        for table, gap in zip(tables[1:], gaps, strict=True):
            following = table.after(chain[-1], earliest=chain[-1].end + gap, within=within)
            if following is None:
                break
            chain.append(following)
        else:
            found[slot.start, slot.location_id] = tuple(chain)
    return list(found.values())


class _Table:
    """The free times of one part, by location and start."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots
        self._by_place: dict[int, list[Slot]] = defaultdict(list)
        for slot in slots:
            self._by_place[slot.location_id].append(slot)
        self._starts = {place: [slot.start for slot in listed] for place, listed in self._by_place.items()}

    def after(self, before: Slot, *, earliest: datetime, within: timedelta) -> Slot | None:
        """The first free time at the same place from `earliest` on, no later than `within`."""
        starts = self._starts.get(before.location_id, [])
        at = bisect_left(starts, earliest)
        if at == len(starts) or starts[at] > earliest + within:
            return None
        listed = self._by_place[before.location_id]
        same = listed[at : bisect_right(starts, starts[at])]
        return next((slot for slot in same if slot.practitioner_id == before.practitioner_id), same[0])


def _free(
    part: Part,
    *,
    now: datetime,
    since: date,
    until: date,
    location: Location | None,
    online: bool,
    asking: Asking,
) -> list[Slot]:
    return free_slots(
        service=part.service,
        now=now,
        since=since,
        until=until,
        online=online,
        asking=asking,
        narrowed=Narrowed(location=location, practitioner=part.practitioner),
    )


def _gap(before: Part, after: Part, *, asking: Asking) -> timedelta:
    ended = terms_of(service=before.service, asking=asking).lengths.after
    begins = terms_of(service=after.service, asking=asking).lengths.before
    return timedelta(seconds=ended + begins)
