"""What the day sheet shows: whose day, read from the address, and its lines, ready to be written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.sealed import KeyDestroyed
from bookings import moments
from bookings.admin.shown import short
from bookings.admin.steps import OVERBOOK_REASONS, Step, offered
from bookings.desk import Sheet, is_undecided, local_today, places_taken, zones_of
from bookings.models import (
    Appointment,
    AppointmentStatus,
    Clinic,
    Location,
    Practitioner,
    Role,
    Room,
    User,
    VisitKind,
)
from bookings.roles import access_of

VIEW: Final = "bookings.view_appointment"
VISIBLE: Final = 2
"""Buttons shown in a row; the others are behind "More"."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the day is shown, as it stands in the address."""

    clinic: Clinic
    clinics: list[Clinic]
    day: date
    today: date
    location: int | None
    show: str
    """Whose day it is: `p3` a practitioner, `r5` a room, `all` everybody."""
    own: str
    """What is shown when nothing is asked for."""

    @property
    def practitioner(self) -> int | None:
        """The practitioner whose day it is."""
        return _number(self.show[1:]) if self.show.startswith("p") else None

    @property
    def room(self) -> int | None:
        """The room whose day it is."""
        return _number(self.show[1:]) if self.show.startswith("r") else None

    def query(self, **changed: Any) -> str:
        """The address of the sheet with these values changed; what is the default is left out."""
        values = {
            "clinic": self.clinic.pk if len(self.clinics) > 1 else None,
            "day": self.day.isoformat() if self.day != self.today else None,
            "location": self.location,
            "show": self.show if self.show != self.own else None,
        }
        kept = {name: value for name, value in (values | changed).items() if value not in (None, "")}
        return f"{reverse('admin:desk')}{'?' if kept else ''}{urlencode(kept)}"

    def choices(self) -> dict[str, Any]:
        """What the sheet can be narrowed to, and the days next to this one."""
        people = Practitioner.objects.filter(clinic=self.clinic, active=True)
        rooms = Room.objects.filter(clinic=self.clinic, active=True)
        return {
            "locations": list(Location.objects.filter(clinic=self.clinic)),
            "practitioners": [(f"p{row.pk}", str(row)) for row in people],
            "rooms": [(f"r{row.pk}", str(row)) for row in rooms],
            "yesterday": self.query(day=(self.day - timedelta(days=1)).isoformat()),
            "tomorrow": self.query(day=(self.day + timedelta(days=1)).isoformat()),
            "to_today": self.query(day=None),
            "back": self.query().partition("?")[2],
        }


def filters_of(asked: Mapping[str, str], *, user: User, now: datetime) -> Filters | None:
    """Read the address. None for a clinic that is none of the person's; what else cannot be read is ignored."""
    clinics = list(Clinic.objects.filter(pk__in=access_of(user).clinics(VIEW)).order_by("name", "pk"))
    wanted = asked.get("clinic", "")
    clinic = next((row for row in clinics if not wanted or str(row.pk) == wanted), None)
    if clinic is None:
        return None
    today = local_today(now=now, zones=zones_of(clinic_ids=[clinic.pk])[clinic.pk])
    own = _own(user=user, clinic=clinic)
    return Filters(
        clinic=clinic,
        clinics=clinics,
        day=_day(asked.get("day", ""), today=today),
        today=today,
        location=_number(asked.get("location", "")),
        show=asked.get("show", "") or own,
        own=own,
    )


def tidy(query: str) -> str:
    """A query made of the sheet's own words only: it came back from a form."""
    words = ("clinic", "day", "location", "show")
    pairs = [part.partition("=") for part in query.split("&")]
    return urlencode([(name, said) for name, _is, said in pairs if name in words and said.replace("-", "").isalnum()])


def way_back(given: str, *, appointment_id: UUID | None = None) -> str:
    """The sheet somebody came from (`given`, its query), at the appointment's row; `page` means the appointment's own
    page."""
    if given == "page" and appointment_id is not None:
        return reverse("admin:bookings_appointment_change", args=[appointment_id])
    anchor = f"#a-{appointment_id}" if appointment_id else ""
    return f"{reverse('admin:desk')}{'?' if given else ''}{tidy(given)}{anchor}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sheet."""

    appointment: Appointment
    begins: str
    ends: str
    day: str
    """The date, when it is not the sheet's."""
    name: str
    state: str | Promise
    since: str
    """The clock time at which it became so, when that is known."""
    undecided: bool
    answer_by: str
    """When a request or an offer lapses."""
    marks: list[str]
    """What is out of the ordinary: how people meet, and why the visit was squeezed in."""
    group: str
    """The heading of a group session, above the first of its people."""
    now: str
    """The clock time, above the first visit that begins later today; empty where nothing came before."""
    left: bool
    """Whether what is left of other days begins here."""
    buttons: list[Step]
    more: list[Step]


def rows_of(sheet: Sheet, *, now: datetime, permissions: Callable[[str], bool]) -> list[Row]:
    """The sheet's lines, with the steps somebody of these permissions may take. Two queries, for all names at once, and
    one for the places taken in groups."""
    taken = places_taken(session_ids={row.session_id for row in sheet.appointments if row.session_id})
    rows, before = [], None
    first_left = sheet.left[0].pk if sheet.left else None
    begins = _next(sheet, now=now)
    for appointment in sheet.appointments:
        heads = appointment.session_id is not None and appointment.session_id != before
        before = appointment.session_id
        row = row_of(appointment, day=sheet.day, now=now, permissions=permissions)
        rows.append(
            replace(
                row,
                group=group_of(appointment, taken=taken) if heads else "",
                now=moments.clock(now, zone=appointment.location.tz) if appointment.pk == begins else "",
                left=appointment.pk == first_left,
            )
        )
    return rows


def _next(sheet: Sheet, *, now: datetime) -> UUID | None:
    """The first visit of the sheet's day that has not begun; None on another day, and where none came before it."""
    coming = [row for row in sheet.visits if row.start > now]
    if not coming or len(coming) == len(sheet.visits):
        return None
    return coming[0].pk if now.astimezone(coming[0].location.tz).date() == sheet.day else None


def group_of(appointment: Appointment, *, taken: Mapping[UUID, int]) -> str:
    """How full the session of an appointment is, such as `Group, 3 of 8 places taken`; empty for a single visit."""
    session = appointment.session
    if session is None:
        return ""
    return _("Group, %(taken)d of %(places)d places taken") % {
        "taken": taken.get(session.pk, 0),
        "places": session.capacity,
    }


def overbooked_why(appointment: Appointment) -> str:
    """Why an appointment was squeezed in, in the reader's language; empty when it was not."""
    given = appointment.overbook_reason
    return str(OVERBOOK_REASONS.get(given, given)) if appointment.overbooked else ""


def patient_name(appointment: Appointment) -> str:
    """Family name first, as people look down a list; empty when the data were erased."""
    try:
        patient = appointment.patient
        return ", ".join(part for part in (patient.family_name, patient.given_name) if part)
    except KeyDestroyed:
        return ""


def row_of(
    appointment: Appointment,
    *,
    day: date | None,
    now: datetime,
    permissions: Callable[[str], bool],
) -> Row:
    """One line; its date is told unless it is `day`."""
    zone = appointment.location.tz
    local = appointment.start.astimezone(zone).date()
    steps = offered(appointment, now=now, permissions=permissions)
    visible = [step for step in steps if not step.elsewhere and step.name != "undo"][:VISIBLE]
    since = _since(appointment)
    being_seen = appointment.status == AppointmentStatus.CHECKED_IN and appointment.seen_at is not None
    return Row(
        appointment=appointment,
        begins=moments.clock(appointment.start, zone=zone),
        ends=moments.clock(appointment.end, zone=zone),
        day="" if local == day else moments.day(local),
        name=patient_name(appointment),
        state=_("being seen") if being_seen else appointment.get_status_display(),
        since=moments.clock(since, zone=zone) if since else "",
        undecided=is_undecided(appointment, now=now),
        answer_by=short(appointment.respond_by, zone=zone) if appointment.respond_by else "",
        marks=_marks(appointment),
        group="",
        now="",
        left=False,
        buttons=visible,
        more=[step for step in steps if step not in visible],
    )


def _marks(appointment: Appointment) -> list[str]:
    elsewhere = appointment.kind != VisitKind.ON_SITE
    why = overbooked_why(appointment)
    return [
        *([appointment.get_kind_display()] if elsewhere else []),
        *([str(_("said they will come"))] if appointment.confirmed_at else []),
        *([_("squeezed in: %(why)s") % {"why": why}] if why else []),
    ]


def _since(appointment: Appointment) -> datetime | None:
    """When a patient who is here arrived, was checked in, or began to be seen."""
    if appointment.status == AppointmentStatus.ARRIVED:
        return appointment.arrived_at
    if appointment.status == AppointmentStatus.CHECKED_IN:
        return appointment.seen_at or appointment.checked_in_at
    return None


def _own(*, user: User, clinic: Clinic) -> str:
    """A practitioner opens their own day; everybody else sees all of it."""
    if access_of(user).roles.get(clinic.pk) != frozenset({str(Role.PRACTITIONER)}):
        return "all"
    own = Practitioner.objects.filter(clinic=clinic, user=user, active=True).first()
    return f"p{own.pk}" if own else "all"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _day(text: str, *, today: date) -> date:
    """The day asked for, in ISO form; today when there is none, or it is none."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return today
    return asked if date(2000, 1, 1) <= asked <= date(2200, 1, 1) else today
