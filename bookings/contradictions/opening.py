"""Opening hours that contradict each other, or themselves."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

from django.utils.translation import gettext as _

from bookings import moments
from bookings.contradictions.kinds import Contradiction, Kind
from bookings.contradictions.setup import Setup, hours_of
from bookings.intervals import Interval, intersect, union
from bookings.models import Device, OpeningHours, Practitioner, Room
from bookings.wallclock import day_number, instant

Owner = Practitioner | Room | Device


def of_hours(setup: Setup) -> Iterator[Contradiction]:
    """What contradicts itself about the hours of whoever, and whatever, is in use."""
    owners: dict[int, Owner] = {
        row.schedule_id: row for row in (*setup.practitioners.values(), *setup.things) if row.active
    }
    for row in setup.hours:
        owner = owners.get(row.schedule_id)
        if owner is not None and _never_holds(setup, row):
            yield _about(owner, Kind.NEVER_HOLDS, _("%(who)s: the hours “%(hours)s” hold on no day."), row)
        if isinstance(owner, (Room, Device)) and row.location_id != owner.location_id:
            yield _about(
                owner,
                Kind.HOURS_ELSEWHERE,
                _("%(who)s: the hours “%(hours)s” belong to another location than its own, and do not count."),
                row,
            )
    yield from _two_places(setup)
    yield from _open_for_nobody(setup)


def _about(owner: Owner, kind: Kind, sentence: str, row: OpeningHours) -> Contradiction:
    said = sentence % {"who": owner, "hours": row}
    return Contradiction(kind, about=(str(owner._meta.model_name), owner.pk), detail=str(row.pk), sentence=said)


def _never_holds(setup: Setup, row: OpeningHours) -> bool:
    """Whether a rule that is not past has no date on which it holds."""
    if row.valid_from is None or row.valid_until is None or row.valid_until < setup.today:
        return False
    rule = hours_of(row)
    dates = (row.valid_from + timedelta(days=number) for number in range(7 * row.every))
    return not any(day.weekday() == rule.weekday and rule.holds_on(day_number(day)) for day in dates)


def _two_places(setup: Setup) -> Iterator[Contradiction]:
    """One person open at two locations at once."""
    for one, other in combinations(setup.posts.values(), 2):
        if one.practitioner != other.practitioner:
            continue
        both = intersect(setup.opened(one), setup.opened(other))
        if both:
            places = sorted((one.site.id, other.site.id))
            yield Contradiction(
                Kind.TWO_PLACES,
                about=("practitioner", one.practitioner),
                detail=",".join(map(str, places)),
                sentence=_("%(who)s is open at %(one)s and at %(other)s at once, first on %(day)s.")
                % {
                    "who": setup.practitioners[one.practitioner],
                    "one": setup.locations[places[0]],
                    "other": setup.locations[places[1]],
                    "day": moments.day(instant(both[0][0]).astimezone(one.site.zone).date()),
                },
            )


def _open_for_nobody(setup: Setup) -> Iterator[Contradiction]:
    """A room or a device that is open only when nobody works at its location."""
    worked: dict[int, list[Interval]] = defaultdict(list)
    for post in setup.posts.values():
        worked[post.site.id].extend(setup.opened(post))
    for thing in setup.things:
        place = setup.places.get(thing.schedule_id)
        if place is None or not place.hours or not worked.get(place.location):
            continue
        opened = setup.place_opened(place)
        if opened and not intersect(opened, union(worked[place.location])):
            yield Contradiction(
                Kind.OPEN_FOR_NOBODY,
                about=(str(thing._meta.model_name), thing.pk),
                sentence=_("%(what)s is open only when nobody works at %(location)s.")
                % {"what": thing, "location": setup.locations[place.location]},
            )
