"""What one patient, or one day, may have at most."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from bookings.availability.rules import Rule
from bookings.availability.wish import Wish
from bookings.models import TAKES_TIME, Appointment, AppointmentStatus
from bookings.wallclock import DAY, day_number, instant, instants, local_date, regimes

#: Statuses of an appointment that is still to come.
TO_COME: Final = (AppointmentStatus.PROPOSED, AppointmentStatus.PENDING, AppointmentStatus.BOOKED)


def over_cap(*, wish: Wish, now: datetime, seconds: int) -> Rule | None:
    """The cap a patient's wish would break; None for a patient not known yet, who has nothing booked.

    A visit that is moved is still one to come, and adds none. The answer stands only while the patient is locked.
    """
    if wish.patient_id is None:
        return None
    service = wish.service
    own = Appointment.objects.filter(patient=wish.patient_id, service=service.pk).exclude(
        pk__in=[appointment.pk for appointment in wish.moved]
    )
    if service.cap_open is not None and not wish.moved:
        to_come = own.filter(status__in=TO_COME, start__gt=now)
        if to_come.count() >= service.cap_open:
            return Rule.CAP_OPEN
    if service.cap_day is not None and on_day_of(own, wish=wish, seconds=seconds).count() >= service.cap_day:
        return Rule.CAP_DAY
    return None


def may_overbook(*, wish: Wish, seconds: int, practitioner_id: int) -> bool:
    """Whether the service's cap leaves room for one more squeezed-in visit of this practitioner on that local day."""
    squeezed = Appointment.objects.filter(practitioner=practitioner_id, service=wish.service.pk, overbooked=True)
    squeezed = squeezed.exclude(pk__in=[appointment.pk for appointment in wish.moved])
    return on_day_of(squeezed, wish=wish, seconds=seconds).count() < wish.service.overbook_cap


def on_day_of(rows: QuerySet[Appointment], *, wish: Wish, seconds: int) -> QuerySet[Appointment]:
    """Those of the appointments that take time on the local date, at the wish's location, of an epoch second."""
    zone = wish.location.tz
    day = local_date(seconds, zone=zone)
    offsets = regimes(zone=zone, since=day, until=day + timedelta(days=1))
    whole = instants(day=day_number(day), opens=0, closes=DAY, offsets=offsets)
    return rows.filter(status__in=TAKES_TIME, start__gte=instant(whole[0][0]), start__lt=instant(whole[-1][1]))
