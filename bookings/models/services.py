"""What a clinic offers: services, their texts per language, and who gives them."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING
from bookings.models.people import Practitioner
from bookings.models.places import Clinic

A_DAY = 24 * 60
#: Addresses below a clinic's own that are pages of the clinic.
PAGES_OF_CLINIC = ("accessibility", "book", "imprint", "privacy")


def check_no_page(value: str) -> None:
    """Raise ValidationError when a service would hide behind a page of the clinic's."""
    if value in PAGES_OF_CLINIC:
        raise ValidationError(
            _("“%(name)s” is the address of a page; choose another short name."), params={"name": value}
        )


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic slug order bookable_online active created updated",
    schedule="name instructions duration step buffer_before buffer_after minimum_notice horizon cancel_until room_kind",
)
class HealthcareService(models.Model):
    """A service patients can book (FHIR HealthcareService). All lengths are whole minutes unless said otherwise."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="services", verbose_name=_("clinic"))
    name = models.CharField(_("name"), max_length=120, help_text=_("In the clinic's first language."))
    slug = models.SlugField(_("short name"), max_length=60, validators=[check_no_page])
    instructions = models.TextField(_("before the visit"), max_length=2000, blank=True)
    order = models.PositiveSmallIntegerField(_("place in the list"), default=100)
    duration = models.PositiveSmallIntegerField(
        _("duration"), default=30, validators=[MinValueValidator(5), MaxValueValidator(A_DAY)], help_text=_("Minutes.")
    )
    step = models.PositiveSmallIntegerField(
        _("a start every"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(A_DAY)],
        help_text=_("Minutes."),
    )
    buffer_before = models.PositiveSmallIntegerField(_("kept free before"), default=0, help_text=_("Minutes."))
    buffer_after = models.PositiveSmallIntegerField(_("kept free after"), default=0, help_text=_("Minutes."))
    minimum_notice = models.PositiveIntegerField(_("earliest, from now"), default=120, help_text=_("Minutes."))
    horizon = models.PositiveSmallIntegerField(
        _("latest, from now"),
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
        help_text=_("Days."),
    )
    cancel_until = models.PositiveIntegerField(
        _("online cancelling until"), default=240, help_text=_("Minutes before the start.")
    )
    room_kind = models.SlugField(_("kind of room needed"), max_length=40, blank=True)
    bookable_online = models.BooleanField(_("patients book it online"), default=True)
    active = models.BooleanField(_("offered"), default=True)
    practitioners: models.ManyToManyField[Practitioner, "ServicePractitioner"] = models.ManyToManyField(
        Practitioner, through="ServicePractitioner", related_name="services", verbose_name=_("practitioners")
    )
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("order", "name")
        verbose_name = _("service")
        verbose_name_plural = _("services")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "slug"], name="service_slug_once_per_clinic"),
            models.CheckConstraint(
                condition=Q(duration__gt=0, step__gt=0),
                name="service_lengths_positive",
                violation_error_message=_("Duration and step must be at least five minutes."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


@audited(chain="clinic_id", use=RUNNING, technical="id clinic service language", schedule="name instructions")
class ServiceText(models.Model):
    """A service's name and instructions in one more language."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="texts", verbose_name=_("service"))
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    name = models.CharField(_("name"), max_length=120)
    instructions = models.TextField(_("before the visit"), max_length=2000, blank=True)

    class Meta:
        ordering = ("service_id", "language")
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["service", "language"], name="service_text_once_per_language")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


@audited(chain="clinic_id", use=RUNNING, technical="id clinic", schedule="service practitioner")
class ServicePractitioner(models.Model):
    """This practitioner gives this service."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="offers", verbose_name=_("service"))
    practitioner = models.ForeignKey(
        Practitioner, models.CASCADE, related_name="offers", verbose_name=_("practitioner")
    )

    class Meta:
        verbose_name = _("practitioner of the service")
        verbose_name_plural = _("practitioners of the service")
        constraints = [models.UniqueConstraint(fields=["service", "practitioner"], name="service_practitioner_once")]

    def __str__(self) -> str:
        return f"{self.service_id} · {self.practitioner_id}"
