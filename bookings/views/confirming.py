"""What a link alone allows: to say yes. (No is said on the page that cancels.)"""

from contextlib import suppress
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from bookings import booking, confirming
from bookings.models import Appointment
from bookings.views import lookups, sessions
from bookings.views.appointments import by_link
from bookings.views.methods import allow


@allow("POST")
@by_link
def confirm(request: HttpRequest, *, appointment: Appointment, token: str, now: datetime) -> HttpResponse:
    """Write that the patient comes. Where the link alone does not allow it the page asks for the code."""
    proved = sessions.proved(request, appointment=appointment, now=now)
    if proved or confirming.by_link_alone(appointment, now=now):
        with suppress(booking.NotPossible):  # cancelled, or begun meanwhile: the page says how it stands
            actor = lookups.patient_of(appointment) if proved else lookups.holder_of(appointment)
            confirming.confirm(actor=actor, now=now, appointment_id=appointment.pk)
    return redirect("bookings:manage", token=token)
