"""Whether the times a visitor keeps are those they now wish for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bookings.availability import NotOffered, SlotTaken, Wish, choose, terms_of
from bookings.models import Hold
from bookings.wallclock import epoch, instant


def in_order(holds: list[Hold], wishes: Sequence[Wish], *, skipping: bool) -> list[Hold] | None:
    """The holds in the order of the wishes, when they are for exactly these, or (`skipping`) the first and others."""
    left = list(holds)
    found: list[Hold] = []
    for wish in wishes:
        one = next((kept for kept in left if _is_for(kept, wish)), None)
        if one is None and skipping and found:
            continue
        if one is None:
            return None
        left.remove(one)
        found.append(one)
    return None if left else found


def left_out(holds: Sequence[Hold], wishes: Sequence[Wish]) -> list[Wish]:
    """The wishes none of the holds is for."""
    starts = {one.start for one in holds}
    return [wish for wish in wishes if wish.start not in starts]


def can_be_had(wish: Wish, *, now: datetime) -> bool:
    """Whether it would be granted at this moment."""
    try:
        choose(wish=wish, now=now)
    except (NotOffered, SlotTaken):
        return False
    return True


def begins(kept: Hold, wish: Wish) -> bool:
    """Whether the hold is for this service, place, time and person."""
    asked = (wish.service.pk, wish.location.pk, wish.start)
    named = wish.practitioner is None or kept.practitioner_id == wish.practitioner.pk
    return (kept.service_id, kept.location_id, kept.start) == asked and named


def _is_for(kept: Hold, wish: Wish) -> bool:
    """Whether it keeps all that the wish takes under the answers given: time, travel, a room, a device, a seat."""
    if not begins(kept, wish):
        return False
    if kept.session_id is not None:
        return True
    terms = terms_of(service=wish.service, asking=wish.asking)
    taken = kept.occupancies.first()
    period = tuple(map(instant, terms.lengths.period(epoch(kept.start))))
    return (
        kept.end - kept.start == timedelta(seconds=terms.lengths.duration)
        and (kept.room is not None) == bool(terms.room_kind)
        and (kept.room is None or kept.room.step_free or not terms.step_free)
        and (kept.device_id is not None) == bool(terms.device_kind or terms.device_id)
        and (taken is None or (taken.period.lower, taken.period.upper) == period)
    )
