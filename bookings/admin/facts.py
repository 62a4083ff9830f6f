"""What the page of an appointment tells beyond when, who and where: how it was asked for, and what it belongs to."""

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings import participants
from bookings.admin.sheet import group_of, overbooked_why
from bookings.admin.shown import short
from bookings.desk import places_taken
from bookings.models import Appointment, Need, VisitKind

_NEEDS: Final = dict(Need.choices)


class Facts(admin.ModelAdmin[Appointment]):
    """Read-only lines of the page; a dash where nothing was said, or what was said is erased."""

    def tells(self, appointment: Appointment, name: str) -> bool:
        """Whether a line says anything about this appointment: those that do not are left out."""
        match name:
            case "device" | "standing" | "coverage" | "referral":
                return bool(getattr(appointment, name))
            case "session_shown":
                return appointment.session_id is not None
            case "series_shown":
                return appointment.series_id is not None
            case "together_shown":
                return appointment.together is not None and appointment.series_id is None
            case "visit_address_shown":
                return appointment.kind == VisitKind.HOME
            case "overbooked_shown":
                return appointment.overbooked
            case "respond_by_shown":
                return appointment.respond_by is not None
        return True

    @admin.display(description=_("needs"))
    def needs_shown(self, appointment: Appointment) -> str:
        """What the patient needs, in words."""
        try:
            said = [str(_NEEDS.get(need, need)) for need in appointment.needs.split()]
        except KeyDestroyed:
            said = []
        return ", ".join(said) or self.get_empty_value_display()

    @admin.display(description=_("address of the visit"))
    def visit_address_shown(self, appointment: Appointment) -> str:
        """Where a visit at home leads."""
        try:
            return appointment.visit_address or self.get_empty_value_display()
        except KeyDestroyed:
            return self.get_empty_value_display()

    @admin.display(description=_("answer by"))
    def respond_by_shown(self, appointment: Appointment) -> str:
        """When the request or the offer lapses."""
        moment = appointment.respond_by
        return short(moment, zone=appointment.location.tz) if moment else self.get_empty_value_display()

    @admin.display(description=_("overbooked"))
    def overbooked_shown(self, appointment: Appointment) -> str:
        """Why it was squeezed in."""
        return overbooked_why(appointment) or self.get_empty_value_display()

    @admin.display(description=_("group"))
    def session_shown(self, appointment: Appointment) -> str:
        """How full the group is."""
        taken = places_taken(session_ids=[appointment.session_id] if appointment.session_id else [])
        return group_of(appointment, taken=taken) or self.get_empty_value_display()

    @admin.display(description=_("series"))
    def series_shown(self, appointment: Appointment) -> str | SafeString:
        """Which of how many, and the way to the others."""
        if appointment.series_id is None:
            return self.get_empty_value_display()
        rows = list(self._related(series=appointment.series_id).order_by("recurrence_id"))
        place = next((number for number, row in enumerate(rows, 1) if row.pk == appointment.pk), 0)
        told = _("%(place)d of %(count)d") % {"place": place, "count": len(rows)}
        return format_html("{}{}", told, self._links(row for row in rows if row.pk != appointment.pk))

    @admin.display(description=_("booked together with"))
    def together_shown(self, appointment: Appointment) -> str | SafeString:
        """What was booked by the same command."""
        if appointment.together is None:
            return self.get_empty_value_display()
        rows = self._related(clinic=appointment.clinic_id, together=appointment.together)
        return self._links(rows.exclude(pk=appointment.pk).order_by("start", "pk")) or self.get_empty_value_display()

    @admin.display(description=_("who takes part"))
    def participants_shown(self, appointment: Appointment) -> SafeString:
        """Everybody's part and answer."""
        parts = participants.participants_of(appointment)
        lines = ((part.role_label, part.label, part.status_label) for part in parts)
        return format_html('<ul class="visits">{}</ul>', format_html_join("", "<li>{}: {} · {}</li>", lines))

    def _related(self, **which: Any) -> QuerySet[Appointment]:
        return Appointment.objects.filter(**which).select_related("service", "location")

    def _links(self, rows: Iterable[Appointment]) -> SafeString:
        """Times that lead to their own pages; whose they are stands there, where looking is recorded."""
        listed = [
            (
                reverse("admin:bookings_appointment_change", args=[row.pk]),
                short(row.start, zone=row.location.tz),
                row.service,
                row.get_status_display(),
            )
            for row in rows
        ]
        if not listed:
            return SafeString("")
        return format_html(
            '<ul class="visits">{}</ul>', format_html_join("", '<li><a href="{}">{}</a> {} · {}</li>', listed)
        )
