"""What can be busy, and when it is open: schedules, weekly opening hours, closures."""

from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import RUNNING


@audited(chain="clinic_id", use=RUNNING, technical="id clinic kind created")
class Schedule(models.Model):
    """The time of one thing that can be busy (FHIR Schedule): a practitioner, a room or a device."""

    class Kind(models.TextChoices):
        PRACTITIONER = "practitioner", _("practitioner")
        ROOM = "room", _("room")
        DEVICE = "device", _("device")

    clinic = models.ForeignKey("bookings.Clinic", models.PROTECT, related_name="schedules", verbose_name=_("clinic"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Weekday(models.IntegerChoices):
    """ISO 8601 weekday less one, as `date.weekday()` gives it."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic schedule location created updated",
    schedule="weekday opens closes every valid_from valid_until",
)
class OpeningHours(models.Model):
    """A weekly interval in which a schedule is open at a location, in that location's wall time. Midnight as the end
    means the day's end."""

    clinic = models.ForeignKey(
        "bookings.Clinic", models.PROTECT, related_name="opening_hours", verbose_name=_("clinic")
    )
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="opening_hours", verbose_name=_("schedule"))
    location = models.ForeignKey(
        "bookings.Location", models.CASCADE, related_name="opening_hours", verbose_name=_("location")
    )
    weekday = models.SmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))
    every = models.PositiveSmallIntegerField(
        _("every … weeks"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(8)],
        help_text=_("2 for every other week, counted from the week of “valid from”."),
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last day on which it holds.")
    )
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("schedule_id", "weekday", "opens")
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")) | Q(closes=time(0)),
                name="opening_hours_end_after_they_begin",
                violation_error_message=_("The closing time must be after the opening time."),
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="opening_hours_validity_in_order",
                violation_error_message=_("The last day must not be before the first."),
            ),
            models.CheckConstraint(
                condition=Q(every=1) | Q(every__gt=1, valid_from__isnull=False),
                name="opening_hours_weeks_counted_from",
                violation_error_message=_("Say from when the weeks are counted: “valid from”."),
            ),
        ]

    def __str__(self) -> str:
        return f"{Weekday(self.weekday).label} {self.opens:%H:%M}–{self.closes:%H:%M}"


@audited(
    chain="clinic_id", use=RUNNING, technical="id clinic location created updated", schedule="schedule start end reason"
)
class Closure(models.Model):
    """A period `[start, end)` in which a schedule, a location or (neither given) the whole clinic is closed."""

    clinic = models.ForeignKey("bookings.Clinic", models.PROTECT, related_name="closures", verbose_name=_("clinic"))
    schedule = models.ForeignKey(
        Schedule, models.CASCADE, null=True, blank=True, related_name="closures", verbose_name=_("schedule")
    )
    location = models.ForeignKey(
        "bookings.Location", models.CASCADE, null=True, blank=True, related_name="closures", verbose_name=_("location")
    )
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    reason = models.CharField(
        _("reason"), max_length=120, blank=True, help_text=_("For colleagues; patients never see it.")
    )
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("-start",)
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        indexes = [models.Index(fields=["clinic", "end"], name="closure_by_clinic_and_end")]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gt=F("start")),
                name="closure_ends_after_it_begins",
                violation_error_message=_("The end must be after the beginning."),
            ),
            models.CheckConstraint(
                condition=Q(schedule__isnull=True) | Q(location__isnull=True),
                name="closure_of_one_thing",
                violation_error_message=_("Name a schedule or a location, not both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} – {self.end:%Y-%m-%d %H:%M}"
