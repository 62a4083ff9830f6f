"""A message's words: made at sending from what may be told, in the recipient's language.

`VARIABLES` is the whole vocabulary of the templates, each with the field it is made from; `notifications.checks`
refuses a template that uses anything else, and a variable made from a field classified as identity or health.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import mark_safe

from bookings import ics, links, moments, offers, participants
from bookings.contacts import contact_of, contact_of_request
from bookings.models import Appointment, Clinic, ContactChallenge, DataRequest, Participant
from notifications.models import Kind

VARIABLES: Mapping[str, str] = {
    "clinic": "bookings.Clinic.neutral_name",
    "phone": "bookings.Clinic.phone",
    "phone_hours": "bookings.Clinic.hours_text",
    "date": "bookings.Appointment.start",
    "time": "bookings.Appointment.start",
    "city": "bookings.Location.zone",
    "when": "bookings.Appointment.start",
    "several": "bookings.Appointment.together",
    "link": "bookings.Appointment.link_digest",
    "answer_by": "bookings.Appointment.respond_by",
    "by_clinic": "bookings.Appointment.cancelled_by",
    "why": "bookings.Appointment.cancellation_reason",
    "invited": "bookings.Participant.role",
    "answered": "bookings.DataRequest.answered_at",
    "code": "bookings.ContactChallenge.code",
    "purpose": "bookings.ContactChallenge.purpose",
    "minutes": "bookings.ContactChallenge.expires_at",
    "language": "bookings.Appointment.language",
}
PARTS = ("subject.txt", "body.txt", "body.html")
WHEN = {"txt": "notifications/_when.txt", "html": "notifications/_when.html"}
"""How one visit's time is written in each kind of part; `when` is those of all visits of a message."""


QUIET: Final = "quiet"
"""The templates that say only that there is news: for whoever asked for nothing without a code."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to send. Never logged: `repr` hides everything a person could be known by."""

    to: str = field(repr=False)
    sender: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    calendars: tuple[bytes, ...] = field(repr=False, default=())


def for_appointments(appointments: Sequence[Appointment], *, kind: Kind, now: datetime) -> Rendered | None:
    """The message about these appointments of one booking as they now stand, in their order, to the contact of the
    first; None when there is no address to write to. A patient who asked for nothing without a code is told that there
    is news, and nothing of it.

    Raises audit.sealed.KeyDestroyed when the patient was erased. `now` stamps the calendar file.
    """
    first = appointments[0]
    contact = contact_of(first, now=now)
    if not contact.email:
        return None
    links_of = links.tokens(appointments)
    visits = [
        {**_when(one, language=contact.language), "link": f"{settings.BASE_URL}/a/{links_of[one.id]}/"}
        for one in appointments
    ]
    if first.patient.safe_contact:
        link = visits[0]["link"]
        return _render(QUIET, to=contact.email, clinic=first.clinic, language=contact.language, values={"link": link})
    deadlines = [one.respond_by for one in appointments if one.respond_by is not None]
    with translation.override(contact.language):
        answer_by = moments.moment(min(deadlines), zone=first.location.tz) if deadlines else ""
    return _render(
        kind,
        to=contact.email,
        clinic=first.clinic,
        language=contact.language,
        visits=visits,
        values={
            "link": visits[0]["link"],
            "answer_by": answer_by,
            "by_clinic": first.cancelled_by == Appointment.CancelledBy.CLINIC,
            "why": first.cancellation_reason,
            "invited": False,
        },
        calendars=() if kind == Kind.REMINDER else ics.files(appointments, now=now, base_url=settings.BASE_URL),
    )


def for_participant(participant: Participant, *, kind: Kind, now: datetime) -> Rendered | None:
    """The message to somebody invited to an appointment as it now stands; None when there is no address to write to.

    Raises audit.sealed.KeyDestroyed when the patient was erased.
    """
    to = participants.address_of(participant)
    if not to:
        return None
    link = f"{settings.BASE_URL}/p/{links.participant_token(participant)}/"
    appointment, language = participant.appointment, participant.language
    return _render(
        kind,
        to=to,
        clinic=appointment.clinic,
        language=language,
        visits=[{**_when(appointment, language=language), "link": link}],
        values={"link": link, "answer_by": "", "by_clinic": False, "why": "", "invited": True},
    )


def for_code(challenge: ContactChallenge) -> Rendered:
    """The message that carries a code. Raises audit.sealed.KeyDestroyed when the draft or the patient is gone."""
    minutes = round((challenge.expires_at - challenge.created).total_seconds() / 60)
    values = {"code": challenge.code, "purpose": challenge.purpose, "minutes": minutes}
    return _render(Kind.CODE, to=challenge.contact, clinic=challenge.clinic, language=challenge.language, values=values)


def for_request(request: DataRequest, *, now: datetime) -> Rendered | None:
    """Word that the clinic said something to a request about data, and where to sign in to read it; None when there is
    no address to write to. Raises audit.sealed.KeyDestroyed when the patient was erased.
    """
    contact = contact_of_request(request, now=now)
    if not contact.email:
        return None
    quiet = request.patient.safe_contact
    link = settings.BASE_URL + reverse("bookings:my-data-requests")
    values = {"link": link} if quiet else {"link": link, "answered": request.answered_at is not None}
    kind = QUIET if quiet else Kind.ANSWER
    return _render(kind, to=contact.email, clinic=request.clinic, language=contact.language, values=values)


def _when(appointment: Appointment, *, language: str) -> dict[str, str]:
    """Date and clock time at the location, as its pages write them; the city says where that clock hangs."""
    zone = appointment.location.tz
    with translation.override(language):
        return {
            "date": moments.day(appointment.start.astimezone(zone).date()),
            "time": moments.clock(appointment.start, zone=zone),
            "city": moments.city(zone),
        }


def _render(
    kind: str,
    *,
    to: str,
    clinic: Clinic,
    language: str,
    values: Mapping[str, object],
    visits: Sequence[Mapping[str, str]] = (),
    calendars: tuple[bytes, ...] = (),
) -> Rendered:
    known = {
        "clinic": clinic.neutral_name,
        "phone": clinic.phone,
        "phone_hours": offers.words_of(clinic, "hours_text", language=language).text,
        "several": len(visits) > 1,
        "language": language,
        **values,
    }
    with translation.override(language):
        when = {
            form: mark_safe("".join(render_to_string(template, {**known, **visit}) for visit in visits))  # noqa: S308 - both templates escape what they are given as their form needs
            for form, template in WHEN.items()
        }
        subject, text, html = (
            render_to_string(f"notifications/{kind}/{part}", {**known, "when": when[part.rpartition(".")[2]]})
            for part in PARTS
        )
    return Rendered(
        to=to,
        sender=clinic.neutral_name,
        subject=" ".join(subject.split()),
        text=text.strip() + "\n",
        html=html,
        calendars=calendars,
    )
