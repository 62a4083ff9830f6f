"""An appointment as an iCalendar object (RFC 5545), neutral enough to lie in anybody's calendar."""

from datetime import UTC, datetime

from django.utils.translation import gettext, override
from icalendar import Calendar, Event

from bookings import links
from bookings.models import Appointment

PRODID = "-//Horae//Horae//EN"


def calendar(appointment: Appointment, *, now: datetime, base_url: str) -> bytes:
    """One VEVENT: UID is the appointment's id, SEQUENCE its revision, times in the location's zone with its VTIMEZONE.

    The summary names the clinic neutrally; no service, practitioner, reason or patient is written. METHOD is PUBLISH
    (RFC 5546 3.2.1),
    or CANCEL once the appointment is cancelled, so that opening it again removes the entry.
    """
    cancelled = appointment.status in ("cancelled", "entered-in-error")
    location = appointment.location
    event = Event()
    event.add("uid", str(appointment.id))  # RFC 7986 5.3: a UUID, no host that may change
    event.add("dtstamp", now.astimezone(UTC))
    event.add("last-modified", appointment.updated.astimezone(UTC))
    event.add("sequence", appointment.sequence)
    event.add("dtstart", appointment.start.astimezone(location.tz))
    event.add("dtend", appointment.end.astimezone(location.tz))
    with override(appointment.language):
        event.add("summary", gettext("Appointment, %(clinic)s") % {"clinic": appointment.clinic.neutral_name})
    event.add("location", location.address_line)
    event.add("url", f"{base_url}/a/{links.token(appointment)}/")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    document = Calendar()
    document.add("prodid", PRODID)
    document.add("version", "2.0")
    document.add("method", "CANCEL" if cancelled else "PUBLISH")
    document.add_component(event)
    document.add_missing_timezones()
    return bytes(document.to_ical())
