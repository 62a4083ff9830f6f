"""Group sessions: a time planned once that several patients join."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Device, Location, Room
from bookings.models.services import HealthcareService


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic created updated",
    schedule="service location practitioner room device start end capacity cancelled_at",
)
class GroupSession(models.Model):
    """A planned session `[start, end)` of a group service. Its schedules are taken once; patients take its numbered
    seats, 1 to `capacity`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="sessions", verbose_name=_("clinic"))
    service = models.ForeignKey(HealthcareService, models.PROTECT, related_name="sessions", verbose_name=_("service"))
    location = models.ForeignKey(Location, models.PROTECT, related_name="sessions", verbose_name=_("location"))
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, related_name="sessions", verbose_name=_("practitioner")
    )
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("room")
    )
    device = models.ForeignKey(
        Device, models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("device")
    )
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    capacity = models.PositiveSmallIntegerField(_("places"), validators=[MinValueValidator(1)])
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("group session")
        verbose_name_plural = _("group sessions")
        indexes = [models.Index(fields=["service", "start"], name="session_by_service_start")]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="session_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="session_has_places"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} UTC · {str(self.id)[:8]}"
