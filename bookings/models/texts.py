"""What clinics and locations say of themselves in further languages."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING
from bookings.models.places import Clinic, Location
from bookings.models.words import languages


@audited(chain="clinic_id", use=RUNNING, technical="id clinic language", schedule="hours_text imprint accessibility")
class ClinicText(models.Model):
    """A clinic's own texts in one more language; what is left empty is read in the first language, marked as such."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="texts", verbose_name=_("clinic"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
    hours_text = models.CharField(_("phone hours"), max_length=200, blank=True)
    imprint = models.TextField(_("imprint"), max_length=5000, blank=True)
    accessibility = models.TextField(_("accessibility statement"), max_length=10000, blank=True)

    class Meta:
        ordering = ("clinic_id", "language")
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["clinic", "language"], name="clinic_text_once_per_language")]

    def __str__(self) -> str:
        return str(self.get_language_display())


@audited(chain="clinic_id", use=RUNNING, technical="id clinic location language", schedule="access_notes")
class LocationText(models.Model):
    """How to get in, in one more language."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="texts", verbose_name=_("location"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
    access_notes = models.TextField(_("how to get in"), max_length=1000)

    class Meta:
        ordering = ("location_id", "language")
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["location", "language"], name="location_text_once_per_language")]

    def __str__(self) -> str:
        return str(self.get_language_display())
