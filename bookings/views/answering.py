"""The patient's answer to a time the clinic has offered."""

from contextlib import suppress
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bookings import approval, booking
from bookings.models import Appointment, AppointmentStatus
from bookings.views import lookups
from bookings.views.appointments import by_link, unlocked
from bookings.views.errors import refused
from bookings.views.methods import allow


@allow("POST")
@by_link
@unlocked
def accept(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Take the time offered."""
    way = reverse("bookings:manage", args=[token])
    try:
        approval.accept(actor=lookups.patient_of(appointment), now=now, appointment_id=appointment.pk)
    except approval.Lapsed as refusal:
        return refused(request, refusal, status=409, clinic=appointment.clinic, way=way, here=way)
    except booking.NotPossible:
        pass  # answered already, or taken back: the page says how it stands
    return redirect(way)


@allow("POST")
@by_link
@unlocked
def decline(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Turn the offer down: the patient cancels. Only an offer ends here; a booking is cancelled on its own page."""
    if appointment.status == AppointmentStatus.PROPOSED:
        with suppress(booking.NotPossible, booking.TooLateToCancel):  # answered meanwhile: the page says how it stands
            booking.cancel(actor=lookups.patient_of(appointment), now=now, appointment_id=appointment.pk, by="patient")
    return redirect("bookings:manage", token=token)
