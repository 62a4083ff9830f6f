"""What a clinic has set up and what is still to come there, read in one query for each kind of row."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import BooleanField, Case, ExpressionWrapper, Q, When

from bookings.availability.bounds import STAFF_HORIZON, utc_date
from bookings.availability.caps import TO_COME
from bookings.availability.diary import Diary, Hours, Lengths, Place, Post, Site
from bookings.intervals import Interval, union
from bookings.models import (
    Appointment,
    Closure,
    Device,
    GroupSession,
    HealthcareService,
    Location,
    OpeningHours,
    Practitioner,
    Room,
    VisitKind,
)
from bookings.wallclock import DAY, day_number

#: How many days ahead opening hours are looked at: every n-th week (8 at most) has met every weekday by then.
AHEAD: Final = 400


class Visit(NamedTuple):
    """An appointment or a group session to come. An appointment in a group has its session's room and device, and is
    `seated`: what the group needs is the session's affair."""

    model: str
    id: uuid.UUID
    start: datetime
    end: datetime
    service: int
    location: int
    practitioner: int
    room: int | None
    device: int | None
    kind: str
    standing: str
    coverage: str
    seated: bool


@dataclass
class Setup:
    """One clinic. Rows by id, in use or not; `places` are rooms and devices that are, by schedule."""

    today: date
    services: dict[int, HealthcareService]
    practitioners: dict[int, Practitioner]
    locations: dict[int, Location]
    rooms: dict[int, Room]
    devices: dict[int, Device]
    hours: list[OpeningHours]
    closures: list[Closure]
    visits: list[Visit]
    """By start."""
    diary: Diary
    posts: dict[tuple[int, int], Post] = field(default_factory=dict)
    """Active practitioners at locations in use, where they have hours."""
    places: dict[int, Place] = field(default_factory=dict)
    """Rooms and devices in use that can be open; one with hours at other locations only never is."""
    _opened: dict[tuple[int, int], list[Interval]] = field(default_factory=dict)
    _place_opened: dict[int, list[Interval]] = field(default_factory=dict)

    def opened(self, post: Post) -> list[Interval]:
        """When this practitioner has hours at this site; closures are not taken out."""
        key = post.practitioner, post.site.id
        if key not in self._opened:
            by_day = self.diary.openings_by_day(hours=post.hours, site=post.site)
            self._opened[key] = union(interval for _, intervals in by_day for interval in intervals)
        return self._opened[key]

    def place_opened(self, place: Place) -> list[Interval]:
        """When a room or a device is open; closures are not taken out."""
        if place.schedule not in self._place_opened:
            site = site_of(self.locations[place.location])
            self._place_opened[place.schedule] = self.diary.place_opened(place=place, site=site)
        return self._place_opened[place.schedule]

    @property
    def things(self) -> list[Room | Device]:
        """Rooms and devices, in use or not."""
        return [*self.rooms.values(), *self.devices.values()]


def site_of(location: Location) -> Site:
    """A location as availability sees it."""
    return Site(location.pk, location.tz, location.country, location.subdivision, location.observes_holidays)


def hours_of(row: OpeningHours) -> Hours:
    """Opening hours as availability sees them."""
    return Hours(
        weekday=row.weekday,
        opens=row.opens.hour * 3600 + row.opens.minute * 60,
        closes=row.closes.hour * 3600 + row.closes.minute * 60 or DAY,
        valid_from=day_number(row.valid_from or date.min),
        valid_until=day_number(row.valid_until or date.max),
        every=row.every,
    )


def load(*, clinic_id: int, now: datetime) -> Setup:
    """Read the clinic. Eleven queries."""
    today = utc_date(now)
    services = HealthcareService.objects.filter(clinic=clinic_id).prefetch_related("terms", "offers")
    visits = _visits(clinic_id=clinic_id, now=now)
    last = max((utc_date(visit.end) for visit in visits), default=today)
    until = max(today + timedelta(days=AHEAD), min(last, today + timedelta(days=STAFF_HORIZON)) + timedelta(days=2))
    setup = Setup(
        today=today,
        services={row.pk: row for row in services},
        practitioners={row.pk: row for row in Practitioner.objects.filter(clinic=clinic_id)},
        locations={row.pk: row for row in Location.objects.filter(clinic=clinic_id)},
        rooms={row.pk: row for row in Room.objects.filter(clinic=clinic_id)},
        devices={row.pk: row for row in Device.objects.filter(clinic=clinic_id)},
        hours=list(OpeningHours.objects.filter(clinic=clinic_id).order_by("pk")),
        closures=list(Closure.objects.filter(clinic=clinic_id, end__gt=now).order_by("pk")),
        visits=visits,
        diary=Diary(since=today - timedelta(days=1), until=until, lengths=Lengths(0, 1, 0, 0)),
    )
    _arrange(setup)
    return setup


def _arrange(setup: Setup) -> None:
    rules: dict[tuple[int, int], list[Hours]] = defaultdict(list)
    scheduled = set()
    for row in setup.hours:
        rules[row.schedule_id, row.location_id].append(hours_of(row))
        scheduled.add(row.schedule_id)
    people = {row.schedule_id: row for row in setup.practitioners.values() if row.active}
    for (schedule, at), kept in rules.items():
        if schedule in people and setup.locations[at].active:
            who = people[schedule].pk
            setup.posts[who, at] = Post(who, schedule, site_of(setup.locations[at]), tuple(kept))
    for thing in setup.things:
        own = rules.get((thing.schedule_id, thing.location_id), [])
        if thing.active and setup.locations[thing.location_id].active and (own or thing.schedule_id not in scheduled):
            setup.places[thing.schedule_id] = Place(thing.pk, thing.schedule_id, thing.location_id, tuple(own))


def _visits(*, clinic_id: int, now: datetime) -> list[Visit]:
    shared = ("pk", "start", "end", "service", "location", "practitioner")
    sessions = GroupSession.objects.filter(clinic=clinic_id, cancelled_at=None, start__gt=now)
    found = [
        Visit._make(("groupsession", *row, VisitKind.ON_SITE, "", "", False))
        for row in sessions.values_list(*shared, "room", "device")
    ]
    seat = Q(session__isnull=False)
    appointments = Appointment.objects.filter(clinic=clinic_id, status__in=TO_COME, start__gt=now).annotate(
        taken_room=Case(When(seat, then="session__room"), default="room"),
        taken_device=Case(When(seat, then="session__device"), default="device"),
        seated=ExpressionWrapper(seat, output_field=BooleanField()),
    )
    found += [
        Visit._make(("appointment", *row))
        for row in appointments.values_list(
            *shared, "taken_room", "taken_device", "kind", "standing", "coverage", "seated"
        )
    ]
    return sorted(found, key=lambda visit: (visit.start, visit.model, str(visit.id)))
