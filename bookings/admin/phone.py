"""Booking for somebody who phones or stands at the desk: what, when, for whom, on one page and without a script."""

import uuid
from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import booking, moments, patients, registration
from bookings.admin.patient_form import NewPatientForm
from bookings.admin.reading import record_reads
from bookings.admin.wishes import SHOWN, FreeDay, WishForm, chosen_slot, days_of, free_days, query, turned
from bookings.forms.text import LongTextField
from bookings.models import Appointment, Clinic, HealthcareService, Location, Patient, User
from bookings.refusals import Refusal
from bookings.roles import access_of, staff_actor

ADD: Final = "bookings.add_appointment"
HITS: Final = 25


class LastForm(forms.Form):
    """What goes with the appointment itself."""

    language = forms.ChoiceField(label=_("Language of our messages"), choices=settings.LANGUAGES)
    reason = LongTextField(
        label=_("Reason for the visit (optional)"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PhoneBooking:
    """The page at /admin/bookings/appointment/add/."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest) -> HttpResponse:
        """Choose (GET), find the patient (GET), book (POST). Raises PermissionDenied for who may book nowhere."""
        clinics = Clinic.objects.filter(pk__in=access_of(request.user).clinics(ADD)).order_by("name", "pk")
        if not clinics:
            raise PermissionDenied
        now = timezone.now()
        chosen = self._patient(request, request.POST.get("patient") or request.GET.get("patient", ""))
        wanted = request.GET.get("clinic", "")
        clinic = chosen.clinic if chosen else next((row for row in clinics if str(row.pk) == wanted), clinics[0])
        wish = WishForm(request.GET.dict(), clinics=clinics, clinic=clinic, today=now.date())
        wish.is_valid()
        slot = chosen_slot(request.GET, wish=wish)
        new = NewPatientForm(None, initial={"language": clinic.language}, prefix="new")
        last = LastForm(None, initial={"language": chosen.language if chosen else clinic.language})
        nearest: list[FreeDay] = []
        if request.method == "POST" and slot is not None:
            last = LastForm(request.POST)
            if chosen is None:
                new = NewPatientForm(request.POST, prefix="new")
            if last.is_valid() and (chosen is not None or new.is_valid()):
                try:
                    return self._book(request, wish, slot, chosen=chosen, new=new, last=last, now=now)
                except booking.SlotTaken as taken:
                    messages.error(request, str(taken))
                    nearest = days_of(taken.nearest, given=request.GET, wish=wish)
                except Refusal as refusal:
                    messages.error(request, str(refusal))
        found, asked = self._found(request, clinic)
        record_reads(request=request, view="phone-booking", patients=[*found, *([chosen] if chosen else [])])
        return TemplateResponse(
            request,
            "admin/bookings/appointment/book.html",
            {
                **self.site.each_context(request),
                "title": _("Book an appointment"),
                "opts": Appointment._meta,
                "wish": wish,
                "days": free_days(request.GET, wish=wish, now=now) if slot is None else [],
                "nearest": nearest,
                "service": wish.cleaned_data.get("service"),
                "slot": slot,
                "slot_told": self._told(slot, wish) if slot else "",
                "key": request.POST.get("key") or uuid.uuid4(),
                "q": asked,
                "found": [(row, query(request.GET, patient=row.pk, q=None)) for row in found],
                "chosen": chosen,
                "new": new,
                "last": last,
                "kept": [(name, value) for name, value in request.GET.items() if name not in ("q", "patient")],
                "earlier": turned(request.GET, wish=wish, by=-SHOWN, now=now),
                "later": turned(request.GET, wish=wish, by=SHOWN, now=now),
                "here": query(request.GET, q=None),
                "other_time": query(request.GET, start=None, at=None),
                "other_patient": query(request.GET, patient=None, q=None),
            },
        )

    def _told(self, slot: tuple[datetime, Location], wish: WishForm) -> str:
        start, place = slot
        who = wish.cleaned_data.get("practitioner")
        parts = [wish.cleaned_data["service"], moments.moment(start, zone=place.tz), place, *([who] if who else [])]
        return " · ".join(str(part) for part in parts)

    # --- the patient

    def _patient(self, request: HttpRequest, given: str) -> Patient | None:
        if not given.isdecimal():
            return None
        clinics = access_of(request.user).clinics(ADD)
        return (
            Patient.objects.filter(clinic__in=clinics, erased_at=None, pk=int(given)).select_related("clinic").first()
        )

    def _found(self, request: HttpRequest, clinic: Clinic) -> tuple[list[Patient], str]:
        asked = request.GET.get("q", "").strip()[:200]
        return (patients.search(clinic_ids=[clinic.pk], query=asked, limit=HITS), asked) if asked else ([], "")

    # --- booking

    def _book(
        self,
        request: HttpRequest,
        wish: WishForm,
        slot: tuple[datetime, Location],
        *,
        chosen: Patient | None,
        new: NewPatientForm,
        last: LastForm,
        now: datetime,
    ) -> HttpResponse:
        start, place = slot
        service: HealthcareService = wish.cleaned_data["service"]
        command: dict[str, Any] = {
            "actor": staff_actor(user=cast(User, request.user), clinic_id=service.clinic_id),
            "now": now,
            "key": _key(request.POST.get("key", "")),
            "service": service,
            "location": place,
            "practitioner": wish.cleaned_data.get("practitioner"),
            "start": start,
            "language": last.cleaned_data["language"],
            "reason": last.cleaned_data["reason"],
        }
        if chosen is not None:
            booked = booking.book(patient=chosen, online=False, **command)
        else:
            booked = registration.admit_and_book(person=new.written(), **command)
        told = {"moment": moments.moment(booked.start, zone=place.tz), "code": booked.patient.code}
        messages.success(request, _("Booked: %(moment)s · %(code)s.") % told)
        return HttpResponseRedirect(reverse("admin:bookings_appointment_change", args=[booked.pk]))


def _key(text: str) -> uuid.UUID:
    """The command's key as the page carried it, so that a second press books nothing more."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()
