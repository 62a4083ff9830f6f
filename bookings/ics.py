"""Appointments as iCalendar objects (RFC 5545), neutral enough to lie in anybody's calendar."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.utils.translation import gettext, override
from icalendar import Calendar, Event, vCalAddress, vText

from bookings import links
from bookings.models import Appointment, AppointmentStatus

PRODID: Final = "-//Horae//Horae//EN"
_OVER: Final = (AppointmentStatus.CANCELLED, AppointmentStatus.ENTERED_IN_ERROR)
_OPEN: Final = (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED)


def calendar(appointment: Appointment, *, now: datetime, base_url: str) -> bytes:
    """One VEVENT: UID is the appointment's id, SEQUENCE its revision, times in the location's zone with its VTIMEZONE.

    The summary names the clinic neutrally; no service, practitioner, reason or patient is written. METHOD is PUBLISH
    (RFC 5546 3.2.1), the STATUS tentative while a request or an offer is open; or CANCEL once the appointment is
    cancelled, so that opening it again removes the entry.
    """
    return files([appointment], now=now, base_url=base_url)[0]


def files(appointments: Sequence[Appointment], *, now: datetime, base_url: str) -> tuple[bytes, ...]:
    """The same for several appointments: what is published lies in one object, and each that is cancelled in one of
    its own (RFC 5546 3.2.5: all of a CANCEL have one UID)."""
    standing = [one for one in appointments if one.status not in _OVER]
    parcels = [("PUBLISH", standing)] if standing else []
    parcels += [("CANCEL", [one]) for one in appointments if one.status in _OVER]
    return tuple(_document(method, parcel, now=now, base_url=base_url) for method, parcel in parcels)


def _document(method: str, appointments: Sequence[Appointment], *, now: datetime, base_url: str) -> bytes:
    document = Calendar()
    document.add("prodid", PRODID)
    document.add("version", "2.0")
    document.add("method", method)
    for appointment in appointments:
        document.add_component(_event(appointment, now=now, base_url=base_url))
    document.add_missing_timezones()
    return bytes(document.to_ical())


def _event(appointment: Appointment, *, now: datetime, base_url: str) -> Event:
    location, neutral_name = appointment.location, appointment.clinic.neutral_name
    event = Event()
    event.add("uid", str(appointment.id))  # RFC 7986 5.3: a UUID, no host that may change
    event.add("dtstamp", now.astimezone(UTC))
    event.add("last-modified", appointment.updated.astimezone(UTC))
    event.add("sequence", appointment.sequence)
    event.add("dtstart", appointment.start.astimezone(location.tz))
    event.add("dtend", appointment.end.astimezone(location.tz))
    with override(appointment.language):
        event.add("summary", gettext("Appointment, %(clinic)s") % {"clinic": neutral_name})
    event.add("location", location.address_line)
    event.add("url", f"{base_url}/a/{links.token(appointment)}/")
    # RFC 5546 wants one; the address mail comes from says no more than the mail.
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    organizer.params["CN"] = vText(neutral_name)
    event.add("organizer", organizer)
    tentative = appointment.status in _OPEN
    event.add("status", "CANCELLED" if appointment.status in _OVER else "TENTATIVE" if tentative else "CONFIRMED")
    event.add("class", "PRIVATE")
    return event
