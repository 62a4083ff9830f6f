"""What a clinic offers: services, their texts per language, and who gives them."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Device
from bookings.models.words import Coverage, Need, Standing, VisitKind, languages

A_DAY = 24 * 60


def on_site_only() -> list[str]:
    """The kinds of visit of a service that says nothing else."""
    return [VisitKind.ON_SITE]


#: Addresses below a clinic's own that are pages of the clinic.
PAGES_OF_CLINIC = ("accessibility", "book", "embed", "imprint", "logo", "privacy")


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
    schedule=(
        "name instructions duration step buffer_before buffer_after minimum_notice horizon cancel_until"
        " reschedule_until room_kind device_kind device capacity kinds travel referral_needed needs_approval"
        " answer_hours cap_day cap_open overbook_cap most_repeats confidential"
    ),
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
    reschedule_until = models.PositiveIntegerField(
        _("online moving until"), default=240, db_default=240, help_text=_("Minutes before the start.")
    )
    room_kind = models.SlugField(_("kind of room needed"), max_length=40, blank=True)
    device_kind = models.SlugField(
        _("kind of device needed"),
        max_length=40,
        blank=True,
        db_default="",
        help_text=_("Any device of this kind at the location."),
    )
    device = models.ForeignKey(
        Device,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name=_("device needed"),
        help_text=_("This very device, instead of any of a kind."),
    )
    capacity = models.PositiveSmallIntegerField(
        _("places in a group"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2)],
        help_text=_("Only for groups: patients then join sessions that you plan. Empty for single visits."),
    )
    kinds = ArrayField(
        models.CharField(max_length=8, choices=VisitKind.choices),
        verbose_name=_("how people meet"),
        default=on_site_only,
        db_default=[VisitKind.ON_SITE.value],
    )
    travel = models.PositiveSmallIntegerField(
        _("travel"),
        default=0,
        db_default=0,
        help_text=_("Minutes kept free on either side of a visit at the patient’s home."),
    )
    referral_needed = models.BooleanField(_("needs a referral"), default=False, db_default=False)
    needs_approval = models.BooleanField(
        _("the clinic confirms each request"),
        default=False,
        db_default=False,
        help_text=_("Until then the time is kept."),
    )
    answer_hours = models.PositiveSmallIntegerField(
        _("hours to answer"),
        default=48,
        db_default=48,
        validators=[MinValueValidator(1)],
        help_text=_("A request, or the clinic’s other offer, lapses when nobody answers in this time."),
    )
    cap_day = models.PositiveSmallIntegerField(
        _("visits a day, at most (one patient)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    cap_open = models.PositiveSmallIntegerField(
        _("visits booked ahead, at most (one patient)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    overbook_cap = models.PositiveSmallIntegerField(
        _("overbooked a day, at most"),
        default=0,
        db_default=0,
        help_text=_("How many visits a day staff may squeeze in for each practitioner. None when 0."),
    )
    most_repeats = models.PositiveSmallIntegerField(
        _("visits in a series, at most"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("How many visits patients may book at once. 1 for no series."),
    )
    confidential = models.BooleanField(
        _("confidential"),
        default=False,
        db_default=False,
        help_text=_("Nobody is shown such a visit but the patient and whoever booked it."),
    )
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
            models.CheckConstraint(
                condition=Q(device__isnull=True) | Q(device_kind=""),
                name="service_one_word_on_devices",
                violation_error_message=_("Name one device, or a kind of device, not both."),
            ),
            models.CheckConstraint(
                condition=~Q(kinds=[]),
                name="service_meets_somehow",
                violation_error_message=_("Say at least one way in which people meet."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


@audited(chain="clinic_id", use=RUNNING, technical="id clinic service language", schedule="name instructions")
class ServiceText(models.Model):
    """A service's name and instructions in one more language."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="texts", verbose_name=_("service"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
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


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic service",
    schedule="standing coverage kind need offered duration extra room_kind",
)
class ServiceTerms(models.Model):
    """Terms under which a service is given to some patients: who is meant (all that is not empty must hold), and
    what then differs. Of several that hold, one refusal refuses, the longest duration counts, extras add up."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="terms", verbose_name=_("service"))
    standing = models.CharField(_("patient"), max_length=5, choices=Standing.choices, blank=True)
    coverage = models.CharField(_("who pays"), max_length=9, choices=Coverage.choices, blank=True)
    kind = models.CharField(_("how people meet"), max_length=8, choices=VisitKind.choices, blank=True)
    need = models.CharField(_("need"), max_length=13, choices=Need.choices, blank=True)
    offered = models.BooleanField(_("offered online"), default=True)
    duration = models.PositiveSmallIntegerField(
        _("duration"),
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(A_DAY)],
        help_text=_("Minutes, instead of the service’s own."),
    )
    extra = models.PositiveSmallIntegerField(_("added"), default=0, help_text=_("Minutes on top."))
    room_kind = models.SlugField(
        _("kind of room"), max_length=40, blank=True, help_text=_("Instead of the service’s own.")
    )

    class Meta:
        ordering = ("service_id", "id")
        verbose_name = _("other terms")
        verbose_name_plural = _("other terms for some patients")
        constraints = [
            models.UniqueConstraint(
                fields=["service", "standing", "coverage", "kind", "need"], name="service_terms_once_per_case"
            ),
            models.CheckConstraint(
                condition=~Q(standing="", coverage="", kind="", need=""),
                name="service_terms_are_for_some",
                violation_error_message=_("Say for whom these terms are; for everybody, change the service itself."),
            ),
            models.CheckConstraint(
                condition=Q(duration__isnull=True) | Q(duration__gt=0),
                name="service_terms_length_positive",
            ),
        ]

    def __str__(self) -> str:
        words = (self.get_standing_display(), self.get_coverage_display(), self.get_kind_display())
        return ", ".join(str(word) for word in (*words, self.get_need_display()) if word)
