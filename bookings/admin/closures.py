"""Closures, told in the clock of the place they are about."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings.admin.confined import ClinicFilter, ConfinedAdmin
from bookings.admin.forms import ConfinedForm
from bookings.admin.shown import short
from bookings.closures import SkippedTime, affected, instant_of, zone_of
from bookings.models import Closure, Location, Schedule

MOST_TOLD = 50


class WallTimeField(forms.SplitDateTimeField):
    """A date and a time as the clock on some wall shows them: naive, whatever zone the reader sits in."""

    widget = forms.SplitDateTimeWidget(
        date_attrs=cast(Any, {"type": "date", "aria-label": _("Date")}),
        time_attrs=cast(Any, {"type": "time", "aria-label": _("Time")}),
        date_format="%Y-%m-%d",
        time_format="%H:%M",
    )

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list:
            return None
        if data_list[0] in self.empty_values:
            raise ValidationError(self.error_messages["invalid_date"], code="invalid_date")
        if data_list[1] in self.empty_values:
            raise ValidationError(self.error_messages["invalid_time"], code="invalid_time")
        return datetime.combine(*data_list)


class ScheduleField(ModelChoiceField[Schedule]):
    """Schedules by the name of the person or room they belong to."""

    def label_from_instance(self, obj: Schedule) -> str:
        return schedule_name(obj)


def schedule_name(schedule: Schedule) -> str:
    """Whose time it is; expects `practitioner` and `room` to be loaded."""
    owner = getattr(schedule, "practitioner", None) or getattr(schedule, "room", None)
    return str(owner or schedule)


class ClosureForm(ConfinedForm[Closure]):
    """A closure's times in the zone of its place."""

    start = WallTimeField(label=_("From"), help_text=_("In the location's own time."))
    end = WallTimeField(label=_("Until"), help_text=_("In the location's own time."))

    class Meta:
        model = Closure
        fields = ("clinic", "location", "schedule", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        closure = self.instance
        if closure._state.adding:
            return
        zone = zone_of(clinic_id=closure.clinic_id, location=closure.location, schedule=closure.schedule)
        for name in ("start", "end"):
            # Without one zone there is no wall time to show: another's digits, saved again, would move the closure.
            local = getattr(closure, name).astimezone(zone).replace(tzinfo=None) if zone is not None else None
            self.initial[name] = local

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        clinic = cleaned.get("clinic")
        clinic_id = clinic.pk if clinic is not None else self.instance.clinic_id
        zone = None
        if clinic_id is not None and not {"location", "schedule"} & set(self.errors):
            zone = zone_of(clinic_id=clinic_id, location=cleaned.get("location"), schedule=cleaned.get("schedule"))
            if zone is None:
                self.add_error("location", _("There are several time zones here: say which location is meant."))
        for name in ("start", "end"):
            if name in cleaned:
                try:
                    cleaned[name] = instant_of(cleaned[name], zone=zone or ZoneInfo("UTC"), last=name == "end")
                except SkippedTime as skipped:
                    self.add_error(name, str(skipped))
        return cleaned


@admin.register(Closure)
class ClosureAdmin(ConfinedAdmin[Closure]):
    """When a clinic, a location, a person or a room is closed. What is booked stands until the patients are called."""

    form = ClosureForm
    list_display = ("what", "begins", "ends", "reason")
    list_display_links = ("what",)
    list_select_related = ("location", "schedule__practitioner", "schedule__room__location")
    list_filter = (("location", ClinicFilter),)
    date_hierarchy = "start"
    fields = ("clinic", "location", "schedule", "start", "end", "reason", "appointments")
    readonly_fields = ("appointments", "begins", "ends")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Closure]:
        """With the zone in which each closure is told, so that a list asks once."""
        sites = Location.objects.order_by("pk").values("zone")
        worked = Subquery(sites.filter(opening_hours__schedule=OuterRef("schedule"))[:1])
        any_site = Subquery(sites.filter(clinic=OuterRef("clinic"))[:1])
        zone = Coalesce("location__zone", "schedule__room__location__zone", worked, any_site, Value("UTC"))
        return super().get_queryset(request).annotate(wall=zone)

    def get_fields(self, request: HttpRequest, obj: Closure | None = None) -> list[Any]:
        given = list(super().get_fields(request, obj))
        if obj is None:
            return [name for name in given if name != "appointments"]
        if self.has_change_permission(request, obj):
            return given
        return [{"start": "begins", "end": "ends"}.get(str(name), name) for name in given]

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "schedule":
            rows = Schedule.objects.select_related("practitioner", "room").order_by(
                "kind", "practitioner__name", "room__name"
            )
            kwargs |= {"form_class": ScheduleField, "queryset": rows, "empty_label": _("everybody")}
        elif db_field.name == "location":
            kwargs["empty_label"] = _("everywhere")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Closure, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        count = affected(obj).count()
        if count:
            said = ngettext(
                "%(count)d booked appointment falls into this closure and stands until you cancel it."
                " It is listed on the closure’s page.",
                "%(count)d booked appointments fall into this closure and stand until you cancel them."
                " They are listed on the closure’s page.",
                count,
            )
            self.message_user(request, said % {"count": count}, messages.WARNING)

    @admin.display(description=_("what is closed"))
    def what(self, closure: Closure) -> str:
        """The person, room or location, or everything."""
        if closure.schedule:
            return schedule_name(closure.schedule)
        return str(closure.location or _("the whole clinic"))

    @admin.display(description=_("from"), ordering="start")
    def begins(self, closure: Closure) -> str:
        """The beginning on the wall clock of the place."""
        return _told(closure, closure.start)

    @admin.display(description=_("until"), ordering="end")
    def ends(self, closure: Closure) -> str:
        """The end on the wall clock of the place."""
        return _told(closure, closure.end)

    @admin.display(description=_("booked appointments in this time"))
    def appointments(self, closure: Closure) -> str | SafeString:
        """Who has to be called, by code, with links."""
        if closure._state.adding:
            return ""
        rows = list(affected(closure)[: MOST_TOLD + 1])
        if not rows:
            return str(_("None."))
        lines = format_html_join(
            "",
            '<li><a href="{}">{} · {}</a> · {}</li>',
            (
                (
                    reverse("admin:bookings_appointment_change", args=[row.pk]),
                    short(row.start, zone=row.location.tz),
                    row.patient.code,
                    row.practitioner,
                )
                for row in rows[:MOST_TOLD]
            ),
        )
        more = "" if len(rows) <= MOST_TOLD else _("and more: look at the list of appointments.")
        return format_html("<ul>{}</ul>{}", lines, more)


def _told(closure: Closure, moment: datetime) -> str:
    zone: str = closure.wall  # type: ignore[attr-defined]  # annotated in get_queryset
    return short(moment, zone=ZoneInfo(zone))
