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
from bookings import approval, booking, series, status, visits
from bookings.desk import is_undecided
from bookings.models import Appointment, AppointmentStatus
from bookings.wallclock import epoch, local_date

VISIT: Final = "bookings.visit_appointment"
CANCEL: Final = "bookings.cancel_appointment"
WITHDRAW: Final = "bookings.withdraw_appointment"
MOVE: Final = "bookings.move_appointment"
ANSWER: Final = "bookings.answer_appointment"

#: Why the clinic cancels: a word of a list, never free text about a patient.
REASONS: Final = {
    "patient-asked": _("The patient asked for it"),
    "practitioner-away": _("The practitioner is away"),
    "clinic-closed": _("The clinic is closed"),
    "moved": _("It is booked anew at another time"),
    "other": _("Something else"),
}
#: Why a time is booked that is taken: a word of a list too.
OVERBOOK_REASONS: Final = {
    "urgent": _("It is urgent"),
    "practitioner-asked": _("The practitioner asked for it"),
    "patient-waits": _("The patient is here and waits"),
    "other": _("Something else"),
}
#: Why an appointment ended that nobody cancelled by hand.
ENDED: Final = {
    approval.DECLINED: _("The request was declined"),
    approval.REQUEST_LAPSED: _("Nobody answered the request in time"),
    approval.OFFER_LAPSED: _("The offer was not answered in time"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be said. `asks` means it is confirmed on a page first; `page` names a page of another kind."""

    name: str
    label: str | Promise
    """On the button."""
    said: str | Promise
    """When it is done."""
    permission: str
    take: Callable[..., Appointment]
    """The use case: `take(actor=, now=, appointment_id=)`."""
    asks: bool = False
    page: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether it is a link and no button."""
        return self.asks or bool(self.page)


def _cancel(*, actor: Actor, now: datetime, appointment_id: UUID, reason: str = "") -> Appointment:
    return booking.cancel(actor=actor, now=now, appointment_id=appointment_id, by="clinic", reason=reason)


def _cancel_following(*, actor: Actor, now: datetime, appointment_id: UUID, reason: str = "") -> Appointment:
    ended = series.cancel_following(actor=actor, now=now, appointment_id=appointment_id, by="clinic", reason=reason)
    return ended[0]


def _on_its_page(**command: object) -> Appointment:
    raise booking.NotPossible  # moving asks for a time first


_ALL: Final = (
    Step("arrive", _("Arrived"), _("has arrived"), VISIT, visits.arrive),
    Step("check-in", _("Check in"), _("is checked in"), VISIT, visits.check_in),
    Step("begin", _("Being seen"), _("is being seen"), VISIT, visits.begin),
    Step("fulfil", _("Took place"), _("took place"), VISIT, visits.fulfil),
    Step("noshow", _("Did not come"), _("did not come"), VISIT, visits.mark_noshow),
    Step("approve", _("Approve"), _("is confirmed"), ANSWER, approval.approve),
    Step(
        "offer",
        _("Offer another time"),
        _("is offered another time"),
        ANSWER,
        _on_its_page,
        page="admin:bookings_appointment_offer",
    ),
    Step("decline", _("Decline"), _("is declined"), ANSWER, approval.decline, asks=True),
    Step("move", _("Move"), _("is moved"), MOVE, _on_its_page, page="admin:bookings_appointment_move"),
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
#: Cancelling an occurrence of a series and all that follow: a choice on the page of `cancel`.
CANCEL_FOLLOWING: Final = Step(
    "cancel", _("Cancel"), _("is cancelled, and all that follow"), CANCEL, _cancel_following, asks=True
)


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
        "approve": before == AppointmentStatus.PENDING,
        "offer": before in (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED),
        "decline": before == AppointmentStatus.PENDING,
        "move": before == AppointmentStatus.BOOKED and now < appointment.end,
        # A request is declined, not cancelled; an offer can be taken back.
        "cancel": AppointmentStatus.CANCELLED in follows and before != AppointmentStatus.PENDING and not seen,
        "undo": status.undone(before) is not None,
        "withdraw": AppointmentStatus.ENTERED_IN_ERROR in follows,
    }
    order = "approve offer decline arrive check-in begin fulfil noshow move cancel undo withdraw".split()
    if is_undecided(appointment, now=now):  # what the desk is asked is how it ended
        order = ["fulfil", "noshow", *(name for name in order if name not in ("fulfil", "noshow"))]
    elif before == AppointmentStatus.ARRIVED:
        order.remove("begin")
        order.insert(order.index("check-in") + 1, "begin")
    elif seen:
        order.insert(0, order.pop(order.index("fulfil")))
    return [name for name in order if wanted[name]]
