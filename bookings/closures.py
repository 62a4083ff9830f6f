"""Closures: whose clock they are told in, and which booked appointments and planned sessions they fall on."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.models import Appointment, Closure, GroupSession, Location, OpeningHours, Schedule
from bookings.refusals import Refusal
from bookings.wallclock import is_imaginary

#: Statuses of somebody who is still expected, or there.
EXPECTED = ("proposed", "pending", "booked", "arrived", "checked-in")


class SkippedTime(Refusal):
    """The wall time does not exist on that day, because the clocks go forward."""

    message = _("This time does not exist on that day: the clocks go forward. Choose one before or after.")


def zone_of(*, clinic_id: int, location: Location | None, schedule: Schedule | None) -> ZoneInfo | None:
    """The zone in which a closure's times are told: the location's, that of the room or the device, or the only one the
    person works in.

    None when a practitioner works in several zones, or a clinic has locations in several: the location must be named.
    """
    if location is not None:
        return location.tz
    locations = Location.objects.filter(clinic_id=clinic_id)
    if schedule is not None:
        hours = OpeningHours.objects.filter(schedule=schedule).values("location")
        stands = Q(rooms__schedule=schedule) | Q(devices__schedule=schedule)
        own = locations.filter(stands | Q(pk__in=hours))
        locations = own if own.exists() else locations
    zones = set(locations.values_list("zone", flat=True).order_by())
    return ZoneInfo(zones.pop()) if len(zones) == 1 else None


def instant_of(wall: datetime, *, zone: ZoneInfo, last: bool) -> datetime:
    """The instant (aware, UTC) a naive wall time means in `zone`.

    In an hour that comes twice, a beginning is the first instant and an end (`last`) the second, so that the closure
    covers both. Raises SkippedTime for a time that does not exist.
    """
    moment = wall.replace(tzinfo=zone, fold=1 if last else 0)
    try:
        if is_imaginary(moment):
            raise SkippedTime
        return moment.astimezone(UTC)
    except OverflowError as error:  # the first and last days of the calendar
        raise SkippedTime from error


def affected(closure: Closure) -> QuerySet[Appointment]:
    """Appointments of people still expected that overlap the closure, earliest first. In a group the session's room and
    device count."""
    rows = Appointment.objects.filter(
        clinic_id=closure.clinic_id, status__in=EXPECTED, start__lt=closure.end, end__gt=closure.start
    )
    if closure.schedule_id:
        whose = Q(practitioner__schedule=closure.schedule_id)
        for thing in ("room", "device", "session__room", "session__device"):
            whose |= Q(**{f"{thing}__schedule": closure.schedule_id})
        rows = rows.filter(whose)
    if closure.location_id:
        rows = rows.filter(location=closure.location_id)
    return rows.select_related("patient", "practitioner", "location").order_by("start", "pk")


def affected_sessions(closure: Closure) -> QuerySet[GroupSession]:
    """Group sessions, not called off, that overlap the closure, earliest first."""
    rows = GroupSession.objects.filter(
        clinic_id=closure.clinic_id, cancelled_at=None, start__lt=closure.end, end__gt=closure.start
    )
    if closure.schedule_id:
        whose = Q(practitioner__schedule=closure.schedule_id)
        rows = rows.filter(whose | Q(room__schedule=closure.schedule_id) | Q(device__schedule=closure.schedule_id))
    if closure.location_id:
        rows = rows.filter(location=closure.location_id)
    return rows.select_related("service", "practitioner", "location").order_by("start", "pk")
