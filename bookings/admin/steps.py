"""What the desk can say about an appointment: the steps, who may take them, when they are offered, and taking one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.context import Actor
from bookings import booking, status, visits
from bookings.desk import is_undecided
from bookings.models import Appointment, AppointmentStatus
from bookings.wallclock import epoch, local_date

VISIT: Final = "bookings.visit_appointment"
CANCEL: Final = "bookings.cancel_appointment"
WITHDRAW: Final = "bookings.withdraw_appointment"

#: Why the clinic cancels: a word of a list, never free text about a patient.
REASONS: Final = {
    "patient-asked": _("The patient asked for it"),
    "practitioner-away": _("The practitioner is away"),
    "clinic-closed": _("The clinic is closed"),
    "moved": _("It is booked anew at another time"),
    "other": _("Something else"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be said. `asks` means it has a page of its own before it is done."""

    name: str
    label: str | Promise
    """On the button."""
    said: str | Promise
    """When it is done."""
    permission: str
    take: Callable[..., Appointment]
    """The use case: `take(actor=, now=, appointment_id=)`."""
    asks: bool = False


def _cancel(*, actor: Actor, now: datetime, appointment_id: UUID, reason: str = "") -> Appointment:
    return booking.cancel(actor=actor, now=now, appointment_id=appointment_id, by="clinic", reason=reason)


_ALL: Final = (
    Step("arrive", _("Arrived"), _("has arrived"), VISIT, visits.arrive),
    Step("check-in", _("Check in"), _("is checked in"), VISIT, visits.check_in),
    Step("begin", _("Being seen"), _("is being seen"), VISIT, visits.begin),
    Step("fulfil", _("Took place"), _("took place"), VISIT, visits.fulfil),
    Step("noshow", _("Did not come"), _("did not come"), VISIT, visits.mark_noshow),
    Step("cancel", _("Cancel"), _("is cancelled"), CANCEL, _cancel, asks=True),
    Step("undo", _("Undo"), _("is one step back"), VISIT, visits.undo),
    Step(
        "withdraw",
        _("Entered in error"),
        _("is marked as entered in error"),
        WITHDRAW,
        visits.enter_in_error,
        asks=True,
    ),
)
STEPS: Final[Mapping[str, Step]] = MappingProxyType({step.name: step for step in _ALL})


def offered(appointment: Appointment, *, now: datetime, permissions: Callable[[str], bool]) -> list[Step]:
    """The steps that make sense now for somebody with these permissions, the likeliest first.

    Expects `location` to be loaded. What is offered is a courtesy: the use case decides.
    """
    return [STEPS[name] for name in _sensible(appointment, now=now) if permissions(STEPS[name].permission)]


def _sensible(appointment: Appointment, *, now: datetime) -> list[str]:
    before = appointment.status
    follows = status.following(before)
    zone = appointment.location.tz
    today, day = local_date(epoch(now), zone=zone), local_date(epoch(appointment.start), zone=zone)
    come, there = today >= day, today == day
    begun = now >= appointment.start
    seen = appointment.seen_at is not None
    wanted = {
        "arrive": there and AppointmentStatus.ARRIVED in follows,
        "check-in": there and AppointmentStatus.CHECKED_IN in follows and before != AppointmentStatus.NOSHOW,
        "begin": there and before in (AppointmentStatus.ARRIVED, AppointmentStatus.CHECKED_IN) and not seen,
        "fulfil": come and AppointmentStatus.FULFILLED in follows and before != AppointmentStatus.NOSHOW,
        "noshow": begun and AppointmentStatus.NOSHOW in follows and not seen,
        "cancel": AppointmentStatus.CANCELLED in follows and not seen,
        "undo": status.undone(before) is not None,
        "withdraw": AppointmentStatus.ENTERED_IN_ERROR in follows,
    }
    order = ["arrive", "check-in", "begin", "fulfil", "noshow", "cancel", "undo", "withdraw"]
    if is_undecided(appointment, now=now):  # what the desk is asked is how it ended
        order = ["fulfil", "noshow", *(name for name in order if name not in ("fulfil", "noshow"))]
    elif before == AppointmentStatus.ARRIVED:
        order.remove("begin")
        order.insert(order.index("check-in") + 1, "begin")
    elif seen:
        order.insert(0, order.pop(order.index("fulfil")))
    return [name for name in order if wanted[name]]
