"""Group sessions as availability sees them: planned once, joined while places are left."""

import math
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from bookings.intervals import Interval
from bookings.models import Closure, GroupSession, HealthcareService, Need, Occupancy
from bookings.wallclock import instant


@dataclass(frozen=True, slots=True)
class Session:
    """One planned session `[start, end)` in epoch seconds; `seats` are left (0 when full), `closed` says that a closure
    was laid over it, `step_free` that its room, if it has one, can be reached without steps."""

    id: uuid.UUID
    location: int
    zone: ZoneInfo
    practitioner: int
    schedule: int
    start: int
    end: int
    capacity: int
    seats: int
    closed: bool
    step_free: bool

    def can_be_reached(self, needs: Collection[str]) -> bool:
        """Whether somebody with these needs gets there."""
        return self.step_free or Need.WHEELCHAIR not in needs


def load_sessions(
    *,
    service: HealthcareService,
    now: datetime,
    between: Interval,
    location_id: int | None = None,
    practitioner_id: int | None = None,
    language: str = "",
    own_hold: uuid.UUID | None = None,
    moved: Collection[uuid.UUID] = (),
) -> list[Session]:
    """The sessions of a group service that start in `between`, by start. One query.

    A seat held counts as taken until its hold expires; the appointments `moved` do not count. `own_hold` keeps its
    seat, whoever was squeezed in meanwhile.
    """
    since, until = map(instant, between)
    rows = _planned(service).filter(start__gte=since, start__lt=until)
    if location_id is not None:
        rows = rows.filter(location=location_id)
    if practitioner_id is not None:
        rows = rows.filter(practitioner=practitioner_id)
    if language:
        rows = rows.filter(practitioner__languages__iregex=rf"(^|\s){language}(\s|$)")
    seat = Q(occupancies__kind=Occupancy.Kind.SEAT)
    held = Q(occupancies__hold__expires_at__gt=now)
    own = Q(occupancies__hold=own_hold) if own_hold is not None else Q(pk__in=())
    booked = Q(occupancies__appointment__isnull=False) & ~Q(occupancies__appointment__in=list(moved))
    closures = Closure.objects.filter(clinic=OuterRef("clinic"), start__lt=OuterRef("end"), end__gt=OuterRef("start"))
    whose = (
        Q(schedule=OuterRef("practitioner__schedule"))
        | Q(schedule__isnull=False, schedule=OuterRef("room__schedule"))
        | Q(schedule__isnull=False, schedule=OuterRef("device__schedule"))
        | Q(location=OuterRef("location"))
        | Q(schedule=None, location=None)
    )
    return [
        Session(
            id=identity,
            location=location,
            zone=ZoneInfo(zone),
            practitioner=practitioner,
            schedule=schedule,
            start=math.floor(start.timestamp()),
            end=math.ceil(end.timestamp()),
            capacity=capacity,
            seats=max(0, capacity - taken, own),
            closed=closed,
            step_free=step_free,
        )
        for (
            identity,
            location,
            zone,
            practitioner,
            schedule,
            start,
            end,
            capacity,
            taken,
            own,
            closed,
            step_free,
        ) in rows.annotate(
            taken=Count("occupancies", filter=seat & (booked | held & ~own)),
            own=Count("occupancies", filter=seat & own),
            closed=Exists(closures.filter(whose)),
            step_free=Coalesce("room__step_free", True),
        ).values_list(
            "id",
            "location",
            "location__zone",
            "practitioner",
            "practitioner__schedule",
            "start",
            "end",
            "capacity",
            "taken",
            "own",
            "closed",
            "step_free",
        )
    ]


def _planned(service: HealthcareService) -> QuerySet[GroupSession]:
    return GroupSession.objects.filter(
        service=service.pk,
        service__active=True,
        clinic__active=True,
        location__active=True,
        practitioner__active=True,
        cancelled_at=None,
    ).order_by("start", "id")
