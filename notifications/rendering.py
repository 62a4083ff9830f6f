"""A message's words: made at sending from what may be told, in the recipient's language.

`VARIABLES` is the whole vocabulary of the templates, each with the field it is made from; `notifications.checks`
refuses a template that uses anything else, and a variable made from a field classified as identity or health.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from bookings import ics, links, moments
from bookings.contacts import contact_of
from bookings.models import Appointment, Clinic, ContactChallenge
from notifications.models import Kind

VARIABLES: Mapping[str, str] = {
    "clinic": "bookings.Clinic.neutral_name",
    "phone": "bookings.Clinic.phone",
    "phone_hours": "bookings.Clinic.hours_text",
    "date": "bookings.Appointment.start",
    "time": "bookings.Appointment.start",
    "city": "bookings.Location.zone",
    "link": "bookings.Appointment.link_digest",
    "by_clinic": "bookings.Appointment.cancelled_by",
    "code": "bookings.ContactChallenge.code",
    "purpose": "bookings.ContactChallenge.purpose",
    "minutes": "bookings.ContactChallenge.expires_at",
    "language": "bookings.Appointment.language",
}
PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to send. Never logged: `repr` hides everything a person could be known by."""

    to: str = field(repr=False)
    sender: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    calendar: bytes | None = field(repr=False, default=None)


def for_appointment(appointment: Appointment, *, kind: Kind, now: datetime) -> Rendered | None:
    """The message about an appointment as it now stands; None when there is no address to write to.

    Raises audit.sealed.KeyDestroyed when the patient was erased. `now` stamps the confirmation's calendar file.
    """
    contact = contact_of(appointment, now=now)
    if not contact.email:
        return None
    values = {
        **_of_clinic(appointment.clinic),
        **_when(appointment, language=contact.language),
        "link": f"{settings.BASE_URL}/a/{links.token(appointment)}/",
        "by_clinic": appointment.cancelled_by == Appointment.CancelledBy.CLINIC,
    }
    attached = ics.calendar(appointment, now=now, base_url=settings.BASE_URL) if kind == Kind.CONFIRMATION else None
    return _render(
        kind, to=contact.email, clinic=appointment.clinic, language=contact.language, values=values, calendar=attached
    )


def for_code(challenge: ContactChallenge) -> Rendered:
    """The message that carries a code. Raises audit.sealed.KeyDestroyed when the draft or the patient is gone."""
    minutes = round((challenge.expires_at - challenge.created).total_seconds() / 60)
    values = {
        **_of_clinic(challenge.clinic),
        "code": challenge.code,
        "purpose": challenge.purpose,
        "minutes": minutes,
    }
    return _render(Kind.CODE, to=challenge.contact, clinic=challenge.clinic, language=challenge.language, values=values)


def _when(appointment: Appointment, *, language: str) -> dict[str, str]:
    """Date and clock time at the location, as its pages write them; the city says where that clock hangs."""
    zone = appointment.location.tz
    with translation.override(language):
        return {
            "date": moments.day(appointment.start.astimezone(zone).date()),
            "time": moments.clock(appointment.start, zone=zone),
            "city": moments.city(zone),
        }


def _of_clinic(clinic: Clinic) -> dict[str, str]:
    return {"clinic": clinic.neutral_name, "phone": clinic.phone, "phone_hours": clinic.hours_text}


def _render(
    kind: Kind, *, to: str, clinic: Clinic, language: str, values: Mapping[str, object], calendar: bytes | None = None
) -> Rendered:
    with translation.override(language):
        subject, text, html = (
            render_to_string(f"notifications/{kind}/{part}", {**values, "language": language}) for part in PARTS
        )
    return Rendered(
        to=to,
        sender=clinic.neutral_name,
        subject=" ".join(subject.split()),
        text=text.strip() + "\n",
        html=html,
        calendar=calendar,
    )
