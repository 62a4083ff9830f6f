"""Appointments, and the series some of them belong to."""

import uuid
from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS
from bookings.models.patients import Patient, RelatedPerson
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Device, Location, Room
from bookings.models.services import HealthcareService
from bookings.models.sessions import GroupSession
from bookings.models.words import Coverage, Standing, VisitKind, languages


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
        " booked_online together created updated"
    ),
    schedule=(
        "location service practitioner room device session start end status kind standing coverage referral"
        " respond_by overbooked overbook_reason cancelled_by cancellation_reason confirmed_at arrived_at checked_in_at"
        " seen_at"
    ),
    health="reason needs",
    contact="visit_address",
    credential="link_digest",
    digest=("link_digest",),
)
class Appointment(models.Model):
    """One visit of one patient (FHIR Appointment). Its id is the iCalendar UID; `[start, end)` is what the patient
    is told."""

    class CancelledBy(models.TextChoices):
        PATIENT = "patient", _("the patient")
        CLINIC = "clinic", _("the clinic")
        SYSTEM = "system", _("nobody answered in time")

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
    device = models.ForeignKey(
        Device, models.PROTECT, null=True, blank=True, related_name="appointments", verbose_name=_("device")
    )
    session = models.ForeignKey(
        GroupSession, models.PROTECT, null=True, blank=True, related_name="appointments", verbose_name=_("group")
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
    kind = models.CharField(
        _("how people meet"), max_length=8, choices=VisitKind.choices, default=VisitKind.ON_SITE, db_default="on-site"
    )
    standing = models.CharField(
        _("new or known"), max_length=5, choices=Standing.choices, blank=True, default="", db_default=""
    )
    coverage = models.CharField(
        _("who pays"), max_length=9, choices=Coverage.choices, blank=True, default="", db_default=""
    )
    referral = models.BooleanField(_("has a referral"), default=False, db_default=False)
    needs = SealedTextField(
        _("needs"), max_length=120, blank=True, default="", db_default="", help_text="Words of Need, with spaces."
    )
    visit_address = SealedTextField(_("address of the visit"), max_length=500, blank=True, default="", db_default="")
    reason = SealedTextField(_("reason"), max_length=500, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=languages, default="en")
    booked_online = models.BooleanField(_("booked online"), default=True)
    overbooked = models.BooleanField(_("overbooked"), default=False)
    overbook_reason = models.CharField(_("why overbooked"), max_length=40, blank=True, default="", db_default="")
    respond_by = models.DateTimeField(
        _("answer by"), null=True, blank=True, help_text=_("When a request or an offer lapses.")
    )
    sequence = models.PositiveIntegerField(
        _("revision"), default=0, help_text=_("iCalendar SEQUENCE: rises with each move.")
    )
    series = models.ForeignKey(AppointmentSeries, models.PROTECT, null=True, blank=True, related_name="appointments")
    recurrence_id = models.DateTimeField(
        _("original start"), null=True, blank=True, editable=False, help_text="RFC 5545 RECURRENCE-ID."
    )
    occurrence_index = models.PositiveIntegerField(
        _("place in the series"), null=True, blank=True, editable=False, help_text="From 0, skipped ones counted."
    )
    together = models.UUIDField(
        null=True, blank=True, editable=False, help_text="What was booked by one command is told in one message."
    )
    cancelled_by = models.CharField(_("cancelled by"), max_length=8, choices=CancelledBy.choices, blank=True)
    cancellation_reason = models.CharField(_("why cancelled"), max_length=40, blank=True)
    confirmed_at = models.DateTimeField(
        _("confirmed"), null=True, blank=True, help_text=_("When the patient said that they will come.")
    )
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
            models.Index(fields=["together"], name="appointment_together", condition=Q(together__isnull=False)),
            models.Index(fields=["respond_by"], name="appointment_unanswered", condition=Q(respond_by__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_by__in=("patient", "clinic", "system"))
                | ~Q(status="cancelled"),
                name="appointment_cancelled_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(overbooked=False) | ~Q(overbook_reason=""), name="appointment_overbooked_with_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(respond_by__isnull=True) | Q(status__in=("pending", "proposed")),
                name="appointment_answered_or_waiting",
            ),
            models.UniqueConstraint(
                fields=["series", "recurrence_id"],
                condition=Q(series__isnull=False),
                name="appointment_occurrence_once",
            ),
            models.UniqueConstraint(fields=["clinic", "idempotency_key"], name="appointment_command_once"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} UTC · {str(self.id)[:8]}"

    @property
    def minutes(self) -> int:
        """How long it is."""
        return (self.end - self.start) // timedelta(minutes=1)

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.patient.former_key_ids
