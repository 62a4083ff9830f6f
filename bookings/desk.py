"""The day as the desk sees it: who comes when, to whom, and what nobody has decided yet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet

from bookings.models import Appointment, AppointmentStatus, Clinic, Location, Notice, Occupancy

#: Somebody must say how these ended once their time is over.
OPEN: Final = (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN)
#: How far back the desk is reminded of what was not decided, and of how many at once.
REMINDED: Final = timedelta(days=30)
MOST_UNDECIDED: Final = 100
#: How many requests and offers are listed at once.
MOST_UNANSWERED: Final = 200
_SHOWN: Final = ("patient", "service", "practitioner", "room", "location", "session")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One day of one clinic. `left` are those of earlier days that are over and without an outcome, when `day` is
    today."""

    day: date
    visits: Sequence[Appointment]
    left: Sequence[Appointment]

    @property
    def appointments(self) -> list[Appointment]:
        """Every row of the sheet in the order shown."""
        return [*self.visits, *self.left]


def day_sheet(
    *,
    clinic: Clinic,
    day: date,
    now: datetime,
    location_id: int | None = None,
    practitioner_id: int | None = None,
    room_id: int | None = None,
) -> Sheet:
    """The appointments of a local day, earliest first, people of a group together; two queries, and none for names
    until they are read.

    What was entered in error is left out; what was cancelled stays, so that nobody who comes all the same is unknown.
    """
    rows = _of(clinic, location_id=location_id, practitioner_id=practitioner_id, room_id=room_id)
    rows = rows.exclude(status=AppointmentStatus.ENTERED_IN_ERROR)
    zones = zones_of(clinic_ids=[clinic.pk])[clinic.pk]
    today = on_day(day=day, zones=zones)
    wanted = today
    if day == local_today(now=now, zones=zones):
        late = Q(status__in=OPEN, end__lte=now, end__gt=now - REMINDED)
        wanted |= Q(pk__in=rows.filter(late).order_by("-start").values("pk")[:MOST_UNDECIDED])
    listed = sorted(
        rows.filter(wanted).select_related(*_SHOWN).order_by("start", "pk"),
        key=lambda row: (row.start, str(row.session_id or "")),
    )

    def of_the_day(row: Appointment) -> bool:
        return row.start.astimezone(row.location.tz).date() == day

    return Sheet(day=day, visits=list(filter(of_the_day, listed)), left=[row for row in listed if not of_the_day(row)])


def unanswered(
    *,
    clinic: Clinic,
    location_id: int | None = None,
    practitioner_id: int | None = None,
    room_id: int | None = None,
) -> list[Appointment]:
    """Requests and offers that wait for an answer, the oldest deadline first, whatever their day; one query."""
    rows = _of(clinic, location_id=location_id, practitioner_id=practitioner_id, room_id=room_id)
    waiting = rows.filter(status__in=(AppointmentStatus.PENDING, AppointmentStatus.PROPOSED))
    return list(waiting.select_related(*_SHOWN).order_by("respond_by", "start", "pk")[:MOST_UNANSWERED])


def places_taken(*, session_ids: Collection[UUID]) -> dict[UUID, int]:
    """Session id -> how many people have a place in it; one query, none without sessions."""
    if not session_ids:
        return {}
    seats = Occupancy.objects.filter(session__in=session_ids, kind=Occupancy.Kind.SEAT, appointment__isnull=False)
    return dict(seats.order_by().values_list("session").annotate(Count("pk")))


def _of(
    clinic: Clinic, *, location_id: int | None, practitioner_id: int | None, room_id: int | None
) -> QuerySet[Appointment]:
    rows = Appointment.objects.filter(clinic=clinic)
    for name, value in (("location", location_id), ("practitioner", practitioner_id), ("room", room_id)):
        if value is not None:
            rows = rows.filter(**{name: value})
    return rows


def is_undecided(appointment: Appointment, *, now: datetime) -> bool:
    """Whether the appointment is over and nobody has said how it ended."""
    return appointment.status in OPEN and appointment.end <= now


def zones_of(*, clinic_ids: Collection[int]) -> dict[int, dict[int, ZoneInfo]]:
    """Clinic id -> location id -> its zone; one query."""
    zones: dict[int, dict[int, ZoneInfo]] = {clinic_id: {} for clinic_id in clinic_ids}
    for clinic_id, location_id, zone in (
        Location.objects.filter(clinic__in=clinic_ids).order_by("pk").values_list("clinic", "pk", "zone")
    ):
        zones[clinic_id][location_id] = ZoneInfo(zone)
    return zones


def local_today(*, now: datetime, zones: Mapping[int, ZoneInfo]) -> date:
    """Today's date at the clinic's first location."""
    zone = next(iter(zones.values()), ZoneInfo("UTC"))
    return now.astimezone(zone).date()


def on_day(*, day: date, zones: Mapping[int, ZoneInfo]) -> Q:
    """Appointments that start on that date of their own location's clock."""
    by_zone: dict[str, list[int]] = {}
    for location_id, zone in zones.items():
        by_zone.setdefault(zone.key, []).append(location_id)
    condition = Q(pk__in=())
    for key, location_ids in by_zone.items():
        since, until = midnight(day, ZoneInfo(key)), midnight(day + timedelta(days=1), ZoneInfo(key))
        condition |= Q(location__in=location_ids, start__gte=since, start__lt=until)
    return condition


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which a date begins on a wall in `zone`."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Today:
    """A clinic's day in numbers. `notices` are open; `undecided` are over and without an outcome; `requests` wait for
    the clinic's answer, for whatever day."""

    clinic: Clinic
    day: date
    expected: int
    here: int
    done: int
    missed: int
    cancelled: int
    undecided: int
    requests: int
    notices: int


_COUNTED: Final = ("expected", "here", "done", "missed", "cancelled", "undecided", "requests")


def overview(*, clinic_ids: Collection[int], now: datetime) -> list[Today]:
    """Today in each of these clinics, by name; four queries however many there are."""
    if not clinic_ids:
        return []
    clinics = list(Clinic.objects.filter(pk__in=clinic_ids).order_by("name", "pk"))
    zones = zones_of(clinic_ids=clinic_ids)
    days = {clinic.pk: local_today(now=now, zones=zones[clinic.pk]) for clinic in clinics}
    todays = Q(pk__in=())
    for clinic in clinics:
        todays |= on_day(day=days[clinic.pk], zones=zones[clinic.pk])
    late, asked = Q(status__in=OPEN, end__lte=now), Q(status=AppointmentStatus.PENDING)
    counts: dict[int, dict[str, int]] = {
        row["clinic"]: {name: row[name] for name in _COUNTED}
        for row in Appointment.objects.filter(clinic__in=clinic_ids)
        .filter(todays | late & Q(end__gt=now - REMINDED) | asked)
        .order_by()
        .values("clinic")
        .annotate(
            expected=Count("pk", filter=todays & Q(status=AppointmentStatus.BOOKED, end__gt=now)),
            here=Count("pk", filter=todays & Q(status__in=(AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN))),
            done=Count("pk", filter=todays & Q(status=AppointmentStatus.FULFILLED)),
            missed=Count("pk", filter=todays & Q(status=AppointmentStatus.NOSHOW)),
            cancelled=Count("pk", filter=todays & Q(status=AppointmentStatus.CANCELLED)),
            undecided=Count("pk", filter=late),
            requests=Count("pk", filter=asked),
        )
    }
    open_notices = Notice.objects.filter(clinic__in=clinic_ids, resolved_at=None).order_by()
    notices: dict[int, int] = dict(open_notices.values_list("clinic").annotate(Count("pk")))
    return [
        Today(
            clinic=clinic,
            day=days[clinic.pk],
            notices=notices.get(clinic.pk, 0),
            **{name: counts.get(clinic.pk, {}).get(name, 0) for name in _COUNTED},
        )
        for clinic in clinics
    ]
