"""Appointments that belong to one: booked by the same command, or of the same series."""

from datetime import datetime

from django.db.models import Q

from audit.sealed import KeyDestroyed
from bookings.contacts import contact_of, same_email
from bookings.models import Appointment


def of(appointment: Appointment, *, now: datetime) -> list[Appointment]:
    """Those whose messages go where this one's go, by start: who proved its contact may open them too."""
    same = Q(together=appointment.together) if appointment.together else Q()
    if appointment.series_id:
        same |= Q(series=appointment.series_id)
    if not same:
        return []
    related = ("clinic", "location", "service", "practitioner", "patient", "contact_person__patient")
    rows = Appointment.objects.filter(same, clinic=appointment.clinic_id, patient__erased_at=None)
    listed = rows.exclude(pk=appointment.pk).select_related(*related).order_by("start", "pk")
    try:
        mine = contact_of(appointment, now=now).email
        return [one for one in listed if same_email(contact_of(one, now=now).email, mine)]
    except KeyDestroyed:
        return []
