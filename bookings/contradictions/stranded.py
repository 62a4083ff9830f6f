"""Visits to come that the set-up no longer carries."""

from bisect import bisect_left
from collections.abc import Iterator

from bookings.availability.terms import ELSEWHERE
from bookings.contradictions.kinds import Contradiction, Kind
from bookings.contradictions.setup import Setup, Visit
from bookings.intervals import Interval, covers
from bookings.models import Device, HealthcareService, Room
from bookings.wallclock import epoch, local_date


def of_visits(setup: Setup) -> Iterator[Contradiction]:
    """What is in the way of each appointment and each group session to come."""
    offered = {
        (service.pk, offer.practitioner_id) for service in setup.services.values() for offer in service.offers.all()
    }
    for visit in setup.visits:
        for kind in _against(setup, visit, offered=offered):
            yield Contradiction(kind, visit=visit)
    yield from _closed(setup)


def _against(setup: Setup, visit: Visit, *, offered: set[tuple[int, int]]) -> Iterator[Kind]:
    if not setup.practitioners[visit.practitioner].active:
        yield Kind.PRACTITIONER
    elif (visit.service, visit.practitioner) not in offered:
        yield Kind.NOT_GIVEN
    location = setup.locations[visit.location]
    if not location.active:
        yield Kind.LOCATION
    if visit.room is not None and not setup.rooms[visit.room].active:
        yield Kind.ROOM
    if visit.device is not None and not setup.devices[visit.device].active:
        yield Kind.DEVICE
    if setup.practitioners[visit.practitioner].active and location.active:
        yield from _when(setup, visit)
    if not visit.seated:
        yield from _with_what(setup, visit)


def _when(setup: Setup, visit: Visit) -> Iterator[Kind]:
    post = setup.posts.get((visit.practitioner, visit.location))
    taken: Interval = epoch(visit.start), epoch(visit.end)
    if post is not None and post.site.is_holiday(local_date(taken[0], zone=post.site.zone)):
        yield Kind.HOLIDAY
        return
    open_then = post is not None and covers(setup.opened(post), taken)
    for thing in _things(setup, visit):
        if thing.active:
            place = setup.places.get(thing.schedule_id)
            open_then = open_then and place is not None and covers(setup.place_opened(place), taken)
    if not open_then:
        yield Kind.HOURS


def _with_what(setup: Setup, visit: Visit) -> Iterator[Kind]:
    """Whether the visit still has a room and a device as its service wants them. What the patient needs is sealed and
    not read: any room the terms could name is right."""
    service = setup.services[visit.service]
    if visit.kind not in service.kinds:
        yield Kind.WAY
    if visit.kind in ELSEWHERE:
        return
    wanted = _room_kinds(service, visit)
    room = setup.rooms[visit.room] if visit.room is not None else None
    right_room = "" in wanted or (room is not None and room.kind in wanted)
    if not right_room or (room is not None and room.location_id != visit.location):
        yield Kind.ROOM_KIND
    device = setup.devices[visit.device] if visit.device is not None else None
    needed = service.device_id is not None or service.device_kind != ""
    right = device is not None and (
        device.pk == service.device_id if service.device_id is not None else device.kind == service.device_kind
    )
    if (needed and not right) or (device is not None and device.location_id != visit.location):
        yield Kind.DEVICE_KIND


def _room_kinds(service: HealthcareService, visit: Visit) -> set[str]:
    held = [
        row
        for row in service.terms.all()
        if row.room_kind
        and row.standing in ("", visit.standing)
        and row.coverage in ("", visit.coverage)
        and row.kind in ("", visit.kind)
    ]
    always = any(row.need == "" for row in held)
    return {row.room_kind for row in held} | (set() if always else {service.room_kind})


def _closed(setup: Setup) -> Iterator[Contradiction]:
    """What lies in each closure that is not over."""
    starts = [visit.start for visit in setup.visits]
    longest = max((visit.end - visit.start for visit in setup.visits), default=None)
    for closure in setup.closures:
        if longest is None:
            return
        first, last = bisect_left(starts, closure.start - longest), bisect_left(starts, closure.end)
        for visit in setup.visits[first:last]:
            there = closure.location_id in (None, visit.location)
            theirs = closure.schedule_id is None or closure.schedule_id in _schedules(setup, visit)
            if visit.end > closure.start and there and theirs:
                yield Contradiction(Kind.CLOSURE, about=("closure", closure.pk), visit=visit)


def _schedules(setup: Setup, visit: Visit) -> list[int]:
    """Whose time it takes."""
    things = [thing.schedule_id for thing in _things(setup, visit)]
    return [setup.practitioners[visit.practitioner].schedule_id, *things]


def _things(setup: Setup, visit: Visit) -> list[Room | Device]:
    """The room and the device it takes."""
    room = [setup.rooms[visit.room]] if visit.room is not None else []
    return [*room, *([setup.devices[visit.device]] if visit.device is not None else [])]
