"""Appointments, series, holds, and occupancies: the one truth of what is taken."""

import uuid
from typing import Final

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited, exempt
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS
from bookings.models.patients import Patient, RelatedPerson
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Location, Room
from bookings.models.schedules import Schedule
from bookings.models.services import HealthcareService


class AppointmentStatus(models.TextChoices):
    """FHIR R4 AppointmentStatus."""

    PROPOSED = "proposed", _("proposed")
    PENDING = "pending", _("requested")
    BOOKED = "booked", _("booked")
    ARRIVED = "arrived", _("arrived")
    CHECKED_IN = "checked-in", _("checked in")
    FULFILLED = "fulfilled", _("fulfilled")
    CANCELLED = "cancelled", _("cancelled")
    NOSHOW = "noshow", _("did not come")
    ENTERED_IN_ERROR = "entered-in-error", _("entered in error")
    WAITLIST = "waitlist", _("on the waiting list")


#: Statuses in which an appointment takes its time.
TAKES_TIME: Final = ("proposed", "pending", "booked", "arrived", "checked-in", "fulfilled")


@audited(chain="clinic_id", use=APPOINTMENTS, technical="id clinic created", schedule="rrule")
class AppointmentSeries(models.Model):
    """A recurring series of appointments, by an RFC 5545 recurrence rule."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    rrule = models.CharField(_("rule"), max_length=400)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return self.rrule


@audited(
    chain="clinic_id",
    subject="patient",
    appointment="id",
    use=APPOINTMENTS,
    technical=(
        "id clinic patient contact_person idempotency_key sequence series recurrence_id occurrence_index language"
        " booked_online created updated"
    ),
    schedule=(
        "location service practitioner room start end status overbooked cancelled_by cancellation_reason"
        " arrived_at checked_in_at seen_at"
    ),
    health="reason",
    credential="link_digest",
    digest=("link_digest",),
)
class Appointment(models.Model):
    """One visit of one patient (FHIR Appointment). Its id is the iCalendar UID; `[start, end)` is what the patient
    is told."""

    class CancelledBy(models.TextChoices):
        PATIENT = "patient", _("the patient")
        CLINIC = "clinic", _("the clinic")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="appointments", verbose_name=_("clinic"))
    location = models.ForeignKey(Location, models.PROTECT, related_name="appointments", verbose_name=_("location"))
    service = models.ForeignKey(
        HealthcareService, models.PROTECT, related_name="appointments", verbose_name=_("service")
    )
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, related_name="appointments", verbose_name=_("practitioner")
    )
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, related_name="appointments", verbose_name=_("room")
    )
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="appointments", verbose_name=_("patient"))
    contact_person = models.ForeignKey(
        RelatedPerson, models.SET_NULL, null=True, blank=True, related_name="appointments", verbose_name=_("booked by")
    )
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    status = models.CharField(
        _("status"), max_length=16, choices=AppointmentStatus.choices, default=AppointmentStatus.BOOKED
    )
    reason = SealedTextField(_("reason"), max_length=500, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="en")
    booked_online = models.BooleanField(_("booked online"), default=True)
    overbooked = models.BooleanField(_("overbooked"), default=False)
    sequence = models.PositiveIntegerField(
        _("revision"), default=0, help_text=_("iCalendar SEQUENCE: rises with each move.")
    )
    series = models.ForeignKey(AppointmentSeries, models.PROTECT, null=True, blank=True, related_name="appointments")
    recurrence_id = models.DateTimeField(null=True, blank=True, editable=False)
    occurrence_index = models.PositiveIntegerField(null=True, blank=True, editable=False)
    cancelled_by = models.CharField(_("cancelled by"), max_length=8, choices=CancelledBy.choices, blank=True)
    cancellation_reason = models.CharField(_("why cancelled"), max_length=40, blank=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    checked_in_at = models.DateTimeField(_("checked in"), null=True, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    idempotency_key = models.UUIDField(editable=False)
    link_digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        indexes = [
            models.Index(fields=["clinic", "start"], name="appointment_by_clinic_start"),
            models.Index(fields=["practitioner", "start"], name="appointment_by_practitioner"),
            models.Index(fields=["patient", "start"], name="appointment_by_patient"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_by__in=("patient", "clinic")) | ~Q(status="cancelled"),
                name="appointment_cancelled_by_someone",
            ),
            models.UniqueConstraint(fields=["clinic", "idempotency_key"], name="appointment_command_once"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} UTC · {str(self.id)[:8]}"

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.patient.key_id


@exempt(
    "a reservation of minutes, gone when it ends; the appointment it leads to is the evidence",
    use=APPOINTMENTS,
    technical="id clinic visitor_digest created expires_at extended",
    schedule="location service practitioner room start end",
)
class Hold(models.Model):
    """An exclusive reservation (FHIR Slot `busy-tentative`) while a visitor fills in the form."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.CASCADE, related_name="+")
    room = models.ForeignKey(Room, models.CASCADE, null=True, related_name="+")
    start = models.DateTimeField()
    end = models.DateTimeField()
    visitor_digest = models.CharField(max_length=64, help_text="SHA-256 of the visitor's random first-party id.")
    expires_at = models.DateTimeField()
    extended = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="hold_by_expiry"),
            models.Index(fields=["visitor_digest", "expires_at"], name="hold_by_visitor"),
        ]

    def __str__(self) -> str:
        return f"hold {self.id}"


@exempt(
    "derived from Appointment and Hold, written with them; the database proves that nothing overlaps",
    use=APPOINTMENTS,
    technical="id clinic appointment hold",
    schedule="schedule period kind overbooked",
)
class Occupancy(models.Model):
    """`schedule` is taken during `period` (half-open, buffers included) by an appointment, a session, a hold or a
    foreign calendar."""

    class Kind(models.TextChoices):
        APPOINTMENT = "appointment"
        SESSION = "session"
        HOLD = "hold"
        EXTERNAL = "external"

    id = models.BigAutoField(primary_key=True)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+", db_index=False)
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="occupancies", db_index=False)
    period = DateTimeRangeField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    overbooked = models.BooleanField(default=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, null=True, related_name="occupancies")
    hold = models.ForeignKey(Hold, models.CASCADE, null=True, related_name="occupancies")

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
                    Q(kind="appointment", appointment__isnull=False, hold__isnull=True)
                    | Q(kind="hold", hold__isnull=False, appointment__isnull=True)
                    | Q(kind__in=("session", "external"), appointment__isnull=True, hold__isnull=True)
                ),
                name="occupancy_says_by_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.period} {self.kind}"
