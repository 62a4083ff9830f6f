"""The one event we write: “Busy”, private, opaque, and nothing else (RFC 5545). Pure."""

from datetime import UTC, datetime
from typing import Final

from icalendar import Calendar, Event

from calendars.providers import Entry

PRODID: Final = "-//Horae//Horae//EN"
MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


def document(entry: Entry, *, now: datetime) -> bytes:
    """An iCalendar object with one VEVENT in UTC.

    No ORGANIZER, ATTENDEE, VALARM or METHOD: without them a server never schedules (RFC 6638) and never mails anybody.
    """
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", entry.start.astimezone(UTC))
    event.add("dtend", entry.end.astimezone(UTC))
    event.add("sequence", entry.sequence)
    event.add("summary", "Busy")
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE")
    event.add("url", entry.link)
    event.add("x-clinic-key", entry.key)
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
