"""Taking and freeing the time of schedules. Call these with the schedules locked (`bookings.locks`)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import IntegrityError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from psycopg.errors import ExclusionViolation

from bookings.availability import Choice, SlotTaken
from bookings.availability.taken import Wish
from bookings.models import (
    Appointment,
    HealthcareService,
    Hold,
    Location,
    Occupancy,
    Practitioner,
    Room,
    ServicePractitioner,
)

_NOTHING_OVERLAPS: Final = "nothing_overlaps"


def schedules_for(*, service: HealthcareService, location: Location, practitioner: Practitioner | None) -> list[int]:
    """Every schedule such a booking may read or take, to be locked before deciding.

    Its practitioner's, or those of all who give the service; and of all rooms of the kind it needs.
    """
    offers = ServicePractitioner.objects.filter(service=service.pk)
    if practitioner is not None:
        offers = offers.filter(practitioner=practitioner.pk)
    schedules = list(offers.values_list("practitioner__schedule", flat=True))
    if service.room_kind:
        rooms = Room.objects.filter(location=location.pk, kind=service.room_kind)
        schedules += rooms.values_list("schedule", flat=True)
    return schedules


def forget_expired(*, schedules: Iterable[int], now: datetime) -> None:
    """Free what expired holds still take of these schedules.

    Of these only: whoever deletes a whole hold touches schedules that others have locked, and deadlocks with them.
    """
    Occupancy.objects.filter(schedule__in=list(schedules), hold__expires_at__lte=now).delete()


def occupy(
    *, choice: Choice, wish: Wish, now: datetime, appointment: Appointment | None = None, hold: Hold | None = None
) -> None:
    """Take the time of all schedules of a choice for an appointment or a hold, all or nothing.

    Raises SlotTaken when the database's own exclusion constraint knows better than the check before it; the transaction
    is then broken and must be left.
    """
    period = DateTimeTZRange(*choice.period)
    kind = Occupancy.Kind.APPOINTMENT if appointment else Occupancy.Kind.HOLD
    try:
        Occupancy.objects.bulk_create(
            Occupancy(
                clinic_id=wish.service.clinic_id,
                schedule_id=schedule,
                period=period,
                kind=kind,
                appointment=appointment,
                hold=hold,
            )
            for schedule in sorted(choice.schedules)
        )
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(cause, ExclusionViolation) and cause.diag.constraint_name == _NOTHING_OVERLAPS:
            raise SlotTaken(wish=wish, now=now) from error
        raise


def schedules_of(appointment: Appointment) -> list[int]:
    """The schedules an appointment takes: its practitioner's and its room's."""
    schedules = [appointment.practitioner.schedule_id]
    return schedules if appointment.room is None else [*schedules, appointment.room.schedule_id]


def free(*, appointment: Appointment) -> None:
    """Give back all time an appointment takes."""
    Occupancy.objects.filter(appointment=appointment.pk).delete()
