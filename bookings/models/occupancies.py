"""Holds, and occupancies: the one truth of what is taken."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from audit.declare import exempt
from bookings.models.activities import APPOINTMENTS
from bookings.models.appointments import Appointment
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Device, Location, Room
from bookings.models.schedules import Schedule
from bookings.models.services import HealthcareService
from bookings.models.sessions import GroupSession


@exempt(
    "a reservation of minutes, gone when it ends; the appointment it leads to is the evidence",
    use=APPOINTMENTS,
    technical="id clinic visitor_digest together created expires_at extended",
    schedule="location service practitioner room device session start end",
)
class Hold(models.Model):
    """An exclusive reservation (FHIR Slot `busy-tentative`) while a visitor fills in the form."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.CASCADE, related_name="+")
    room = models.ForeignKey(Room, models.CASCADE, null=True, related_name="+")
    device = models.ForeignKey(Device, models.CASCADE, null=True, related_name="+")
    session = models.ForeignKey(GroupSession, models.CASCADE, null=True, related_name="+")
    start = models.DateTimeField()
    end = models.DateTimeField()
    together = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), help_text="Holds of one wish begin, grow and end as one."
    )
    visitor_digest = models.CharField(max_length=64, help_text="SHA-256 of the visitor's random first-party id.")
    expires_at = models.DateTimeField()
    extended = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="hold_by_expiry"),
            models.Index(fields=["visitor_digest", "expires_at"], name="hold_by_visitor"),
            models.Index(fields=["together"], name="hold_together"),
        ]

    def __str__(self) -> str:
        return f"hold {self.id}"


@exempt(
    "derived from Appointment and Hold, written with them; the database proves that nothing overlaps",
    use=APPOINTMENTS,
    technical="id clinic appointment hold",
    schedule="schedule period kind overbooked session seat",
)
class Occupancy(models.Model):
    """`schedule` is taken during `period` (half-open, buffers included) by an appointment, a session, a hold or a
    foreign calendar; or, of kind `seat`, one numbered place in a session is taken by an appointment or a hold."""

    class Kind(models.TextChoices):
        APPOINTMENT = "appointment"
        SESSION = "session"
        HOLD = "hold"
        EXTERNAL = "external"
        SEAT = "seat"

    id = models.BigAutoField(primary_key=True)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+", db_index=False)
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="occupancies", db_index=False)
    period = DateTimeRangeField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    overbooked = models.BooleanField(default=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, null=True, related_name="occupancies")
    hold = models.ForeignKey(Hold, models.CASCADE, null=True, related_name="occupancies")
    session = models.ForeignKey(GroupSession, models.CASCADE, null=True, related_name="occupancies")
    seat = models.PositiveSmallIntegerField(null=True, help_text="From 1.")

    class Meta:
        indexes = [
            GistIndex(
                Func(F("schedule_id"), F("schedule_id"), Value("[]"), function="int8range"),
                "period",
                name="occupancy_by_schedule_period",
            )
        ]
        constraints = [
            ExclusionConstraint(
                name="nothing_overlaps",
                expressions=[
                    (
                        Func(F("schedule_id"), F("schedule_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(kind__in=("appointment", "session", "hold"), overbooked=False),
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="appointment", appointment__isnull=False, hold__isnull=True, session__isnull=True)
                    | Q(kind="hold", hold__isnull=False, appointment__isnull=True, session__isnull=True)
                    | Q(kind="session", session__isnull=False, appointment__isnull=True, hold__isnull=True)
                    | Q(kind="external", appointment__isnull=True, hold__isnull=True, session__isnull=True)
                    | Q(kind="seat", session__isnull=False, appointment__isnull=False, hold__isnull=True)
                    | Q(kind="seat", session__isnull=False, appointment__isnull=True, hold__isnull=False)
                ),
                name="occupancy_says_by_what",
            ),
            models.CheckConstraint(
                condition=Q(kind="seat", seat__isnull=False, seat__gte=1) | (~Q(kind="seat") & Q(seat__isnull=True)),
                name="occupancy_seat_has_a_number",
            ),
            models.UniqueConstraint(fields=["session", "seat"], condition=Q(kind="seat"), name="no_seat_taken_twice"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.period} {self.kind}"
