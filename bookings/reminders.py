"""Whether an appointment's patient is reminded of it, and when."""

from datetime import datetime, time, timedelta
from typing import Final

from bookings.models import Appointment, Consent, ConsentPurpose, ConsentText

REMIND_AT: Final = time(10)
"""When a reminder goes out on the day before, by the clock of the location."""


def reminder_time(appointment: Appointment) -> datetime:
    """The day before the appointment at a decent hour, by the location's clock; aware."""
    zone = appointment.location.tz
    day_before = appointment.start.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(day_before, REMIND_AT, zone)


def wanted(appointment: Appointment) -> bool:
    """Whether the patient wants reminders: not switched off, and said yes where the clinic asks for that first.

    Needs `patient` loaded. It does not say that there is still time for one, nor an address.
    """
    if not appointment.patient.remind:
        return False
    reminders = ConsentPurpose.REMINDERS
    asks = ConsentText.objects.filter(clinic=appointment.clinic_id, purpose=reminders).exists()
    said = Consent.objects.filter(patient=appointment.patient_id, purpose=reminders, withdrawn_at=None)
    return not asks or said.exists()


def to_come(appointment: Appointment, *, now: datetime) -> bool:
    """Whether a reminder may be promised: it is wanted, and its time is still ahead."""
    return reminder_time(appointment) > now and wanted(appointment)
