"""Closures, told in the clock of the place they are about."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import ClinicFilter
from bookings.admin.contradicted import MOST_TOLD, Contradicted, listed
from bookings.admin.forms import ConfinedForm
from bookings.admin.shown import short
from bookings.closures import SkippedTime, affected, affected_sessions, instant_of, zone_of
from bookings.models import Appointment, Closure, GroupSession, Location, Schedule


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
    """Schedules by the name of the person, the room or the device they belong to."""

    def label_from_instance(self, obj: Schedule) -> str:
        return schedule_name(obj)


def schedule_name(schedule: Schedule) -> str:
    """Whose time it is; expects `practitioner`, `room` and `device` to be loaded."""
    owners = (getattr(schedule, kind, None) for kind in Schedule.Kind.values)
    return str(next((owner for owner in owners if owner is not None), schedule))


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
class ClosureAdmin(Contradicted[Closure]):
    """When a clinic, a location, a person, a room or a device is closed. What is booked stands until the patients are
    called."""

    form = ClosureForm
    list_display = ("what", "begins", "ends", "reason")
    list_display_links = ("what",)
    list_select_related = (
        *("location", "schedule__practitioner", "schedule__room__location", "schedule__device__location"),
    )
    list_filter = (("location", ClinicFilter),)
    date_hierarchy = "start"
    fields = ("clinic", "location", "schedule", "start", "end", "reason", "appointments", "sessions")
    readonly_fields = ("appointments", "sessions", "begins", "ends")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Closure]:
        """With the zone in which each closure is told, so that a list asks once."""
        sites = Location.objects.order_by("pk").values("zone")
        worked = Subquery(sites.filter(opening_hours__schedule=OuterRef("schedule"))[:1])
        any_site = Subquery(sites.filter(clinic=OuterRef("clinic"))[:1])
        stands = ("schedule__room__location__zone", "schedule__device__location__zone")
        zone = Coalesce("location__zone", *stands, worked, any_site, Value("UTC"))
        return super().get_queryset(request).annotate(wall=zone)

    def get_fields(self, request: HttpRequest, obj: Closure | None = None) -> list[Any]:
        given = list(super().get_fields(request, obj))
        if obj is None:
            return [name for name in given if name not in ("appointments", "sessions")]
        if self.has_change_permission(request, obj):
            return given
        return [{"start": "begins", "end": "ends"}.get(str(name), name) for name in given]

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "schedule":
            rows = Schedule.objects.select_related("practitioner", "room", "device").order_by(
                "kind", "practitioner__name", "room__name", "device__name"
            )
            kwargs |= {"form_class": ScheduleField, "queryset": rows, "empty_label": _("everybody")}
        elif db_field.name == "location":
            kwargs["empty_label"] = _("everywhere")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("what is closed"))
    def what(self, closure: Closure) -> str:
        """The person, room, device or location, or everything."""
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
        return _in_it(closure, list(affected(closure)[: MOST_TOLD + 1]))

    @admin.display(description=_("group sessions in this time"))
    def sessions(self, closure: Closure) -> str | SafeString:
        """What has to be called off, with links."""
        return _in_it(closure, list(affected_sessions(closure)[: MOST_TOLD + 1]))


def _in_it(closure: Closure, rows: list[Appointment] | list[GroupSession]) -> str | SafeString:
    if closure._state.adding:
        return ""
    return listed(rows[:MOST_TOLD], more=len(rows) > MOST_TOLD) if rows else str(_("None."))


def _told(closure: Closure, moment: datetime) -> str:
    zone: str = closure.wall  # type: ignore[attr-defined]  # annotated in get_queryset
    return short(moment, zone=ZoneInfo(zone))
