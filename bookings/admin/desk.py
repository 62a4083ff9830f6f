"""The pages of the desk at /admin/desk/: one screen for a receptionist with forty patients waiting, or a phone."""

from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from bookings import moments, series
from bookings.admin.reading import record_reads
from bookings.admin.sheet import filters_of, patient_name, rows_of, way_back
from bookings.admin.shown import short
from bookings.admin.steps import CANCEL_FOLLOWING, REASONS, STEPS, Step
from bookings.admin.unanswered import waiting_of
from bookings.contacts import mail_reaches
from bookings.desk import day_sheet, is_undecided, unanswered, zones_of
from bookings.models import Appointment, User
from bookings.refusals import Refusal
from bookings.roles import access_of, staff_actor

#: On the button of a step's own page.
ACTS: Final = {
    "cancel": _("Cancel this appointment"),
    "decline": _("Decline this request"),
    "withdraw": _("Mark as entered in error"),
}


class DaySheet:
    """The pages of the desk, below the admin's door."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        """Addresses below /admin/."""
        return [
            path("desk/", self.site.admin_view(require_safe(self.show)), name="desk"),
            path("desk/step/", self.site.admin_view(require_POST(self.take)), name="desk_step"),
            path("desk/<uuid:appointment_id>/<str:step>/", self.site.admin_view(self.ask), name="desk_ask"),
        ]

    def show(self, request: HttpRequest) -> HttpResponse:
        """The sheet. Raises Http404 for a clinic, place or person that is none of the reader's."""
        now = timezone.now()
        filters = filters_of(request.GET.dict(), user=cast(User, request.user), now=now)
        if filters is None:
            raise Http404
        clinic_id = filters.clinic.pk
        access = access_of(request.user)
        zones = zones_of(clinic_ids=[clinic_id])[clinic_id]
        cities = list(dict.fromkeys(moments.city(zone) for zone in zones.values()))
        narrowed: dict[str, Any] = {
            "clinic": filters.clinic,
            "location_id": filters.location,
            "practitioner_id": filters.practitioner,
            "room_id": filters.room,
        }
        sheet = day_sheet(day=filters.day, now=now, **narrowed)
        waiting = unanswered(**narrowed)
        record_reads(request=request, view="desk", patients=[row.patient for row in (*sheet.appointments, *waiting)])

        def may(wanted: str) -> bool:
            return access.may(wanted, clinic_id=clinic_id)

        rows = rows_of(sheet, now=now, permissions=may)
        asked, offers = waiting_of(waiting, now=now, permissions=may)
        return TemplateResponse(
            request,
            "admin/desk/day_sheet.html",
            {
                **self.site.each_context(request),
                "title": _("Day sheet"),
                "subtitle": moments.day(filters.day),
                "filters": filters,
                "rows": rows,
                "comes_next": any(row.now for row in rows),
                "asked": asked,
                "offers": offers,
                "visits": len(sheet.visits),
                "left": len(sheet.left),
                "undecided": sum(is_undecided(row, now=now) for row in sheet.visits),
                "zones": ", ".join(cities) if len(cities) > 1 else "",
                "printed": moments.moment(now, zone=next(iter(zones.values()), ZoneInfo("UTC"))),
                "may_book": may("bookings.add_appointment"),
                **filters.choices(),
            },
        )

    def take(self, request: HttpRequest) -> HttpResponse:
        """Take one step for one appointment, say how it went, and go back to its row."""
        name, _colon, rest = request.POST.get("do", "").partition(":")
        given, _colon, before = rest.partition(":")
        step = STEPS.get(name)
        appointment = self._mine(request, given, step)
        if step is None or step.elsewhere or appointment is None:
            messages.error(request, _("This appointment is not on your desk."))
            return HttpResponseRedirect(self._back(request))
        if name == "undo" and before != appointment.status:
            messages.warning(request, _("Somebody else changed this appointment meanwhile. Look again."))
        else:
            self._take(request, step, appointment)
        return HttpResponseRedirect(self._back(request, appointment))

    def ask(self, request: HttpRequest, appointment_id: UUID, step: str) -> HttpResponse:
        """A step that is told to the patient, or cannot be undone, is confirmed on a page of its own."""
        chosen = STEPS.get(step)
        appointment = self._mine(request, str(appointment_id), chosen)
        if chosen is None or not chosen.asks or appointment is None:
            raise Http404
        if request.method == "POST":
            extra = {"reason": request.POST.get("reason", "")} if chosen.name == "cancel" else {}
            if extra and extra["reason"] not in REASONS:
                messages.error(request, _("Say why, please."))
            else:
                everything = chosen.name == "cancel" and request.POST.get("extent") == "following"
                self._take(request, CANCEL_FOLLOWING if everything else chosen, appointment, **extra)
                return HttpResponseRedirect(self._back(request, appointment))
        in_series = chosen.name == "cancel" and appointment.series_id is not None
        record_reads(request=request, view="desk", patients=[appointment.patient])
        return TemplateResponse(
            request,
            "admin/desk/confirm.html",
            {
                **self.site.each_context(request),
                "title": chosen.label,
                "step": chosen,
                "appointment": appointment,
                "name": patient_name(appointment),
                "moment": moments.moment(appointment.start, zone=appointment.location.tz),
                "reasons": REASONS.items() if chosen.name == "cancel" else (),
                "following": len(series.following(appointment)) if in_series else 0,
                "mail": mail_reaches(appointment, now=timezone.now()),
                "act": ACTS[chosen.name],
                "given_back": request.POST.get("back") or request.GET.get("back", ""),
                "back": self._back(request, appointment),
            },
        )

    def _take(self, request: HttpRequest, step: Step, appointment: Appointment, **extra: str) -> None:
        """Call the use case. What is said names the patient by code only: messages are kept in the session."""
        actor = staff_actor(user=cast(User, request.user), clinic_id=appointment.clinic_id)
        who = f"{short(appointment.start, zone=appointment.location.tz)} · {appointment.patient.code}"
        try:
            step.take(actor=actor, now=timezone.now(), appointment_id=appointment.pk, **extra)
        except Refusal as refusal:
            messages.error(request, f"{who}: {refusal}")
        else:
            messages.success(request, f"{who} {step.said}.")

    def _mine(self, request: HttpRequest, given: str, step: Step | None) -> Appointment | None:
        """The appointment, when the person may take the step in its clinic; None tells nothing of why not."""
        if step is None:
            return None
        try:
            pk = UUID(given)
        except ValueError:
            return None
        clinics = access_of(request.user).clinics(step.permission)
        rows = Appointment.objects.filter(clinic__in=clinics).select_related(
            "patient", "location", "service", "practitioner"
        )
        return rows.filter(pk=pk).first()

    def _back(self, request: HttpRequest, appointment: Appointment | None = None) -> str:
        """The sheet the person came from, at the row they pressed; or the appointment's own page."""
        given = request.POST.get("back") or request.GET.get("back") or ""
        return way_back(given, appointment_id=appointment.pk if appointment else None)
