"""Who looked at a patient's data, in words they read: the day, what for, in which role. Never a name by default:
whether one is told is weighed by the data protection officer on request (CJEU C-579/21)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.chains import chain_of_clinic
from audit.looks import Look, looks
from bookings import moments
from bookings.models import Clinic, Patient, Role
from bookings.walls import zone_of

PAGE: Final = 50
#: What a page of the admin is for, by the name it is recorded under.
PURPOSES: Final[dict[str, str | Promise]] = {
    "appointment.history": _("Changes of an appointment"),
    "appointment.invite": _("Inviting somebody to an appointment"),
    "appointment.list": _("List of appointments"),
    "appointment.move": _("Moving an appointment"),
    "appointment.offer": _("Offering another time"),
    "appointment.page": _("Appointment"),
    "datarequest.list": _("Requests about data"),
    "datarequest.page": _("Request about data"),
    "desk": _("Day sheet"),
    "groupsession.page": _("Group session"),
    "message.list": _("List of messages"),
    "message.page": _("Message"),
    "message.history": _("Message"),
    "patient.consents": _("What they agreed to"),
    "patient.history": _("Changes of the patient record"),
    "patient.list": _("Search for patients"),
    "patient.page": _("Patient record"),
    "phone-booking": _("Booking at the desk or by phone"),
    "possibleduplicate.page": _("Records that may be of one patient"),
}
_ROLES: Final = {**dict(Role.choices), "operator": _("operator of the system")}


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the clock on the clinic's wall, what for, and in which role."""

    at: str
    purpose: str
    role: str


@dataclass(frozen=True, slots=True)
class Page:
    """Looks by day, newest first. `older` is where the next page begins; None on the last."""

    days: Sequence[tuple[date, Sequence[Seen]]]
    older: int | None


def seen(*, clinic: Clinic, patients: Collection[Patient], before: int | None = None) -> Page:
    """A page of the looks at these patients of a clinic, at records joined to theirs too; `before` as `older` said."""
    zone = zone_of(clinic_id=clinic.pk)
    pks = [patient.pk for patient in patients]
    codes = Patient.objects.filter(Q(pk__in=pks) | Q(merged_into__in=pks), clinic=clinic).values_list("code", flat=True)
    found = looks(chain=chain_of_clinic(clinic.pk), codes=set(codes), before=before, most=PAGE + 1) if pks else []
    shown = found[:PAGE]

    def day(look: Look) -> date:
        return look.at.astimezone(zone).date()

    days = [(one, [_told(look, at=look.at, zone=zone) for look in group]) for one, group in groupby(shown, key=day)]
    return Page(days=days, older=shown[-1].seq if len(found) > PAGE else None)


def purpose_of(view: str) -> str:
    """What a recorded view is for; a view nobody has words for is told as what it is, a page of the clinic's."""
    return str(PURPOSES.get(view, _("Another page of the clinic’s desk")))


def _told(look: Look, *, at: datetime, zone: ZoneInfo) -> Seen:
    roles = ", ".join(str(_ROLES.get(role, role)) for role in look.roles)
    nobody = gettext("the software itself") if look.kind == "system" else gettext("staff")
    return Seen(at=moments.clock(at, zone=zone), purpose=purpose_of(look.view), role=roles or nobody)
