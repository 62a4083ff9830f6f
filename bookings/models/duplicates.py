"""Two records that may be of one patient: a task for a person."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import APPOINTMENTS
from bookings.models.patients import Patient
from bookings.models.places import Clinic


@audited(
    chain="clinic_id",
    subject="patient",
    use=APPOINTMENTS,
    technical="id clinic patient other state created settled_at",
)
class PossibleDuplicate(models.Model):
    """A new record that has the name and birth date of an older one, and another contact. Nobody is taken for anybody:
    the desk looks, and joins the two or says that they are two."""

    class State(models.TextChoices):
        OPEN = "open", _("to be looked at")
        JOINED = "joined", _("one patient, joined")
        DIFFERENT = "different", _("two patients")

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+", verbose_name=_("clinic"))
    patient = models.ForeignKey(
        Patient, models.CASCADE, related_name="possible_duplicates", verbose_name=_("new record")
    )
    other = models.ForeignKey(Patient, models.CASCADE, related_name="+", verbose_name=_("older record"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    created = models.DateTimeField(_("since"), db_default=Now(), editable=False)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(fields=["patient", "other"], name="possible_duplicate_once"),
            models.CheckConstraint(condition=~Q(patient=F("other")), name="possible_duplicate_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.patient} · {self.other}"
