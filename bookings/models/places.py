"""Clinics (controllers), their locations (sites) and rooms."""

from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.fields.files import ImageFieldFile
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from PIL import Image

from audit.declare import audited
from bookings.models.activities import RUNNING, TRANSPARENCY
from bookings.models.schedules import Schedule
from bookings.models.words import languages


def check_zone(value: str) -> None:
    """Raise ValidationError unless `value` names an IANA time zone."""
    if value not in available_timezones():
        raise ValidationError(
            _("“%(zone)s” is not a time zone; use a name such as Europe/Paris."), params={"zone": value}
        )


check_origin = RegexValidator(
    r"^https://[a-z0-9.-]+(:[0-9]{1,5})?$|^http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?$",
    _("Write the site as https:// and its name, with nothing after it."),
)
MOST_LOGO: Final = 20_000
LOGO_FORMATS: Final = ("PNG", "JPEG", "WEBP")


def check_logo(value: ImageFieldFile) -> None:
    """Raise ValidationError for an image that would weigh a page down, or is of another kind."""
    if value.size > MOST_LOGO:
        raise ValidationError(_("This image is larger than 20 kB."))
    with Image.open(value) as image:
        kind = image.format
    if kind not in LOGO_FORMATS:
        raise ValidationError(_("Use a PNG, JPEG or WebP image."))


check_colour = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as # and six digits, such as #1f6f78."))


@audited(
    chain="id",
    use=RUNNING,
    technical="id slug language created updated active link_days logo_width logo_height",
    schedule=(
        "name neutral_name phone email hours_text emergency_number imprint accessibility legal_name address website"
        " accent logo embed_sites confidential_age"
    ),
)
class Clinic(models.Model):
    """A controller under the GDPR (FHIR Organization): one practice, with one or more locations."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("address on the booking pages"), max_length=60, unique=True)
    neutral_name = models.CharField(
        _("neutral name"), max_length=60, help_text=_("Stands in messages. It must not reveal a medical specialty.")
    )
    legal_name = models.CharField(_("legal name"), max_length=160)
    address = models.TextField(_("postal address"), max_length=500)
    phone = models.CharField(_("phone"), max_length=40)
    email = models.EmailField(_("e-mail"), blank=True)
    website = models.URLField(_("website"), blank=True)
    hours_text = models.CharField(_("phone hours"), max_length=200, help_text=_("When the phone is answered."))
    emergency_number = models.CharField(_("emergency number"), max_length=20, default="112")
    imprint = models.TextField(_("imprint"), max_length=5000, blank=True)
    accessibility = models.TextField(_("accessibility statement"), max_length=10000, blank=True)
    accent = models.CharField(_("accent colour"), max_length=7, blank=True, validators=[check_colour])
    logo = models.ImageField(
        _("logo"),
        upload_to="logos/",
        blank=True,
        default="",
        db_default="",
        validators=[check_logo],
        help_text=_("PNG, JPEG or WebP, at most 20 kB; shown 40 pixels high."),
    )
    logo_width = models.PositiveIntegerField(null=True, editable=False)
    logo_height = models.PositiveIntegerField(null=True, editable=False)
    embed_sites = ArrayField(
        models.CharField(max_length=200, validators=[check_origin]),
        verbose_name=_("sites that may embed the booking"),
        default=list,
        blank=True,
        db_default=[],
        help_text=_("Such as https://www.example.org; separated by commas."),
    )
    confidential_age = models.PositiveSmallIntegerField(
        _("confidential from age"),
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(18)],
        help_text=_("From this age on, parents are shown only what they booked themselves. Empty: no such age."),
    )
    language = models.CharField(_("first language"), max_length=5, choices=languages, default="en")
    link_days = models.PositiveSmallIntegerField(
        _("days a link lives"), default=7, help_text=_("How long after an appointment its link still opens.")
    )
    active = models.BooleanField(_("open for booking"), default=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")

    def __str__(self) -> str:
        return self.name

    @property
    def logo_shown(self) -> int:
        """How wide the logo is shown, in pixels, 40 high and no wider than 160: a page that knows does not jump."""
        return min(160, 40 * (self.logo_width or 1) // (self.logo_height or 1))


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic slug zone country subdivision observes_holidays active created updated",
    schedule="name address access_notes phone",
)
class Location(models.Model):
    """A site of a clinic (FHIR Location): where patients go, with its time zone and public holidays."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="locations", verbose_name=_("clinic"))
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name"), max_length=60)
    address = models.TextField(_("address"), max_length=500)
    access_notes = models.TextField(_("how to get in"), max_length=1000, blank=True)
    phone = models.CharField(
        _("phone"), max_length=40, blank=True, help_text=_("Only if it differs from the clinic's.")
    )
    zone = models.CharField(_("time zone"), max_length=40, default="Europe/Paris", validators=[check_zone])
    country = models.CharField(
        _("country"), max_length=2, help_text=_("Two letters, such as FR; gives the public holidays.")
    )
    subdivision = models.CharField(
        _("region"), max_length=10, blank=True, help_text=_("As in ISO 3166-2, after the country.")
    )
    observes_holidays = models.BooleanField(_("closed on public holidays"), default=True)
    active = models.BooleanField(_("in use"), default=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("clinic_id", "name")
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        constraints = [models.UniqueConstraint(fields=["clinic", "slug"], name="location_slug_once_per_clinic")]

    def __str__(self) -> str:
        return self.name

    @property
    def address_line(self) -> str:
        """The address in one line."""
        return ", ".join(line.strip() for line in self.address.splitlines() if line.strip())

    @property
    def tz(self) -> ZoneInfo:
        """The IANA zone in which this site's wall clock runs."""
        return ZoneInfo(self.zone)


class Resource(models.Model):
    """What stands at a location and can be busy beside a practitioner: a service may need one of its kind."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="%(class)ss", verbose_name=_("clinic"))
    location = models.ForeignKey(Location, models.PROTECT, related_name="%(class)ss", verbose_name=_("location"))
    schedule = models.OneToOneField(Schedule, models.PROTECT, related_name="%(class)s", editable=False)
    name = models.CharField(_("name"), max_length=80)
    active = models.BooleanField(_("in use"), default=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        abstract = True
        ordering = ("location_id", "name")

    def __str__(self) -> str:
        return self.name


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic location schedule kind active created updated",
    schedule="name step_free",
)
class Room(Resource):
    """A room that can be busy: a service may need one of its kind."""

    kind = models.SlugField(_("kind"), max_length=40, help_text=_("Such as consultation, ultrasound or treatment."))
    step_free = models.BooleanField(
        _("step-free"), default=False, db_default=False, help_text=_("Reached and used with a wheelchair.")
    )

    class Meta(Resource.Meta):
        verbose_name = _("room")
        verbose_name_plural = _("rooms")


@audited(
    chain="clinic_id", use=RUNNING, technical="id clinic location schedule kind active created updated", schedule="name"
)
class Device(Resource):
    """A device that can be busy (FHIR Device): a service may need it, or any of its kind."""

    kind = models.SlugField(_("kind"), max_length=40, help_text=_("Such as ultrasound, ecg or laser."))

    class Meta(Resource.Meta):
        verbose_name = _("device")
        verbose_name_plural = _("devices")


@audited(chain="clinic_id", use=TRANSPARENCY, technical="id clinic version language created", schedule="body")
class PrivacyNotice(models.Model):
    """One version of what a clinic tells people about their data (Art. 13 GDPR), in one language. Never edited: a
    new version is added."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="privacy_notices", verbose_name=_("clinic"))
    version = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
    body = models.TextField(_("text"), max_length=20000)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("clinic_id", "-version", "language")
        verbose_name = _("privacy notice")
        verbose_name_plural = _("privacy notices")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "version", "language"], name="privacy_notice_once_per_version_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.clinic_id} v{self.version} ({self.language})"
