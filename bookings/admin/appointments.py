"""Appointments: looked at here, changed only by saying what happened, booked by phone."""

from typing import Any, Final, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import linebreaksbr
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from audit.sealed import KeyDestroyed
from bookings import moments, panels, participants, questions
from bookings.admin.confined import ClinicFilter, ConfinedAdmin
from bookings.admin.explaining import Explaining
from bookings.admin.facts import Facts
from bookings.admin.inviting import INVITE, Inviting
from bookings.admin.moving import WAYS, Moving
from bookings.admin.phone import PhoneBooking
from bookings.admin.reading import ReadRecorded
from bookings.admin.sheet import patient_name
from bookings.admin.shown import short
from bookings.admin.steps import ENDED, REASONS, STEPS, Step, offered
from bookings.admin.whenever import WhenFilter
from bookings.models import Appointment, User
from bookings.refusals import Refusal
from bookings.roles import staff_actor


def _action(step: Step) -> Any:
    @admin.action(description=cast(str, step.label), permissions=[step.permission.rpartition(".")[2].partition("_")[0]])
    def take(page: "AppointmentAdmin", request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        page.take(request, step, queryset)

    take.__name__ = step.name.replace("-", "_")
    return take


_WHAT: Final = (
    *(
        "clinic",
        "when",
        "lasts",
        "patient_link",
        "status",
        "respond_by_shown",
        "service",
        "kind",
        "visit_address_shown",
    ),
    *("practitioner", "room", "device", "location", "session_shown", "series_shown", "together_shown"),
    *("overbooked_shown", "participants_shown"),
)
_SAID: Final = (
    *("reason_shown", "answers_shown", "needs_shown", "standing", "coverage", "referral", "contact_person", "language"),
    "booked_online",
)
_VISIT: Final = ("arrived", "checked_in", "seen", "cancelled_by", "why_cancelled")


@admin.register(Appointment)
class AppointmentAdmin(Facts, ReadRecorded[Appointment], ConfinedAdmin[Appointment]):
    """Appointments of the person's clinics. No field is edited: steps are taken, each through its use case."""

    change_form_template = "admin/bookings/appointment/change_form.html"
    list_display = ("when", "patient_shown", "service", "practitioner", "room", "location", "status")
    list_display_links = ("when",)
    list_filter = (
        WhenFilter,
        "status",
        ("location", ClinicFilter),
        ("practitioner", ClinicFilter),
        ("service", ClinicFilter),
    )
    list_select_related = ("patient", "service", "practitioner", "room", "location")
    sortable_by = ("when", "status")
    actions = tuple(_action(STEPS[name]) for name in ("arrive", "check-in", "begin", "fulfil", "noshow"))
    fieldsets = (
        (None, {"fields": _WHAT}),
        (_("What was said"), {"fields": _SAID}),
        (_("The visit"), {"fields": _VISIT}),
        (_("Messages and calendars"), {"fields": ("said_elsewhere",)}),
    )
    readonly_fields = (*_WHAT, *_SAID, *_VISIT, "said_elsewhere")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        rows = super().get_queryset(request)
        related = ("patient", "service", "practitioner", "room", "device", "location", "session")
        return rows.select_related(*related, "contact_person__patient")

    def get_urls(self) -> list[URLPattern]:
        """Django's pages, and those of booking, moving and explaining."""
        own, site = self.admin_site.admin_view, self.admin_site
        moving = Moving(site)
        return [
            path("explain/", own(require_safe(Explaining(site).page)), name="bookings_appointment_explain"),
            *(
                path(
                    f"<uuid:appointment_id>/{way}/", own(moving.page), {"way": way}, name=f"bookings_appointment_{way}"
                )
                for way in WAYS
            ),
            path("<uuid:appointment_id>/invite/", own(Inviting(site).page), name="bookings_appointment_invite"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        """Only lines that say something about this appointment."""
        given = super().get_fieldsets(request, obj)
        if obj is None:
            return given
        return [
            (title, {**options, "fields": [name for name in options["fields"] if self.tells(obj, name)]})
            for title, options in given
        ]

    def tells(self, appointment: Appointment, name: str) -> bool:
        """Answers have a line where there are any."""
        if name == "answers_shown":
            return appointment.answers.exists()
        return super().tells(appointment, name)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """What is to come from the next on, what is past from the last on."""
        return ("-start", "id") if request.GET.get(WhenFilter.parameter_name) in ("past", "all") else ("start", "id")

    # --- what is shown

    @admin.display(description=_("when"), ordering="start")
    def when(self, appointment: Appointment) -> str:
        """Day and time on the location's clock."""
        return short(appointment.start, zone=appointment.location.tz)

    @admin.display(description=_("lasts"))
    def lasts(self, appointment: Appointment) -> str:
        """How long, and until when on the location's clock."""
        minutes = int((appointment.end - appointment.start).total_seconds()) // 60
        told = ngettext("%(count)d minute, until %(clock)s", "%(count)d minutes, until %(clock)s", minutes)
        return told % {"count": minutes, "clock": moments.clock(appointment.end, zone=appointment.location.tz)}

    @admin.display(description=_("patient"))
    def patient_shown(self, appointment: Appointment) -> SafeString:
        """Name and code."""
        code = appointment.patient.code
        return format_html('<bdi>{}</bdi> <span class="code">{}</span>', patient_name(appointment), code)

    @admin.display(description=_("patient"))
    def patient_link(self, appointment: Appointment) -> SafeString:
        """Name and code, leading to the patient."""
        url = reverse("admin:bookings_patient_change", args=[appointment.patient_id])
        return format_html('<a href="{}">{}</a>', url, self.patient_shown(appointment))

    @admin.display(description=_("reason for the visit"))
    def reason_shown(self, appointment: Appointment) -> str:
        """What the patient wrote; a dash when nothing, or when it was erased."""
        try:
            return appointment.reason or self.get_empty_value_display()
        except KeyDestroyed:
            return self.get_empty_value_display()

    @admin.display(description=_("questions of the clinic"))
    def answers_shown(self, appointment: Appointment) -> str | SafeString:
        """Each question as it was asked, in its language, and what was answered."""
        lines = format_html_join(
            "",
            '<dt lang="{}">{}</dt><dd>{}</dd>',
            (
                (one.asked.language, one.asked.text, linebreaksbr(one.value, autoescape=True))
                for one in questions.answered(appointment)
            ),
        )
        return format_html("<dl>{}</dl>", lines) if lines else self.get_empty_value_display()

    @admin.display(description=_("arrived"))
    def arrived(self, appointment: Appointment) -> str:
        """On the location's clock."""
        return self._stamp(appointment, "arrived_at")

    @admin.display(description=_("checked in"))
    def checked_in(self, appointment: Appointment) -> str:
        """On the location's clock."""
        return self._stamp(appointment, "checked_in_at")

    @admin.display(description=_("seen"))
    def seen(self, appointment: Appointment) -> str:
        """On the location's clock."""
        return self._stamp(appointment, "seen_at")

    @admin.display(description=_("why cancelled"))
    def why_cancelled(self, appointment: Appointment) -> str:
        """The word of the clinic's list, in the reader's language."""
        given = appointment.cancellation_reason
        return str({**REASONS, **ENDED}.get(given, given)) or self.get_empty_value_display()

    @admin.display(description=_("state"))
    def said_elsewhere(self, appointment: Appointment) -> str | SafeString:
        """What messages and calendars have to say about it."""
        said = panels.collect([appointment.pk]).get(appointment.pk, [])
        if not said:
            return self.get_empty_value_display()
        blocks = ((title, format_html_join("", "<dd>{}</dd>", ((line,) for line in lines))) for title, lines in said)
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt>{}", blocks))

    def _stamp(self, appointment: Appointment, name: str) -> str:
        moment = getattr(appointment, name)
        return short(moment, zone=appointment.location.tz) if moment else self.get_empty_value_display()

    # --- what can be done

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Booking for somebody who phones, or stands there."""
        return PhoneBooking(self.admin_site).page(request)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        given = dict(extra_context or {})
        if object_id is not None:
            row = self.get_object(request, object_id)
            if row is not None:
                given |= {"title": short(row.start, zone=row.location.tz), "subtitle": row.patient.code}
                access = self.access(request)
                given["may_invite"] = access.may(INVITE, clinic_id=row.clinic_id) and row.status in participants.OPEN
                given["steps"] = offered(
                    row,
                    now=timezone.now(),
                    permissions=lambda permission: access.may(permission, clinic_id=row.clinic_id),
                )
        return super().changeform_view(request, object_id, form_url, given)

    def take(self, request: HttpRequest, step: Step, queryset: QuerySet[Appointment]) -> None:
        """Take one step for each appointment chosen; each that cannot be is named, with why."""
        taken = 0
        for appointment in queryset:
            if not self.access(request).may(step.permission, clinic_id=appointment.clinic_id):
                self._refused(request, appointment, str(_("you may not do this in this clinic.")))
                continue
            actor = staff_actor(user=cast(User, request.user), clinic_id=appointment.clinic_id)
            try:
                step.take(actor=actor, now=timezone.now(), appointment_id=appointment.pk)
            except Refusal as refusal:
                self._refused(request, appointment, str(refusal))
            else:
                taken += 1
        if taken:
            said = ngettext("%(label)s: %(count)d appointment.", "%(label)s: %(count)d appointments.", taken)
            self.message_user(request, said % {"label": step.label, "count": taken}, messages.SUCCESS)

    def _refused(self, request: HttpRequest, appointment: Appointment, why: str) -> None:
        which = f"{short(appointment.start, zone=appointment.location.tz)} · {appointment.patient.code}"
        self.message_user(request, f"{which}: {why}", messages.ERROR)

    def has_visit_permission(self, request: HttpRequest) -> bool:
        """Whether visits can be told of anywhere; asked again for each appointment."""
        return self.access(request).may("bookings.visit_appointment")

    def has_change_permission(self, request: HttpRequest, obj: Appointment | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Appointment | None = None) -> bool:
        return False
