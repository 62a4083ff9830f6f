"""Notices to staff: what needs a person's eye."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING
from bookings.models.appointments import Appointment
from bookings.models.people import Practitioner
from bookings.models.places import Clinic


@audited(
    chain="clinic_id",
    use=RUNNING,
    appointment="appointment_id",
    technical="id clinic practitioner appointment kind created resolved_at",
)
class Notice(models.Model):
    """Something staff should look at, raised once per kind and thing until it is resolved."""

    class Kind(models.TextChoices):
        CALENDAR_FAILING = "calendar-failing", _("A calendar cannot be reached; its appointments stand.")
        MESSAGE_FAILED = "message-failed", _("A message could not be delivered.")
        PERHAPS_SAME = "perhaps-same", _("Two records may be of one patient.")
        DATA_REQUEST = "data-request", _("Patients wait for an answer about their data.")
        PARTICIPANT_DECLINED = "participant-declined", _("Somebody who must be there has declined.")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="notices", verbose_name=_("clinic"))
    kind = models.CharField(_("what"), max_length=20, choices=Kind.choices)
    practitioner = models.ForeignKey(
        Practitioner, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name=_("practitioner")
    )
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name=_("appointment")
    )
    created = models.DateTimeField(_("since"), db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "kind", "practitioner", "appointment"],
                condition=Q(resolved_at__isnull=True),
                nulls_distinct=False,
                name="notice_open_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
