"""Moving an appointment to another time: one atomic step that keeps its identity."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from bookings import status
from bookings.availability import Asking, Choice, NotOffered, SlotTaken, Wish, choose, retelling_the_nearest
from bookings.booking import NotPossible, all_locked, answer_by
from bookings.models import Appointment, AppointmentStatus, Location, Practitioner
from bookings.occupancies import forget_expired, free, occupy, scope_for
from bookings.refusals import Refusal

__all__ = [
    "NotOffered",
    "NotPossible",
    "SlotTaken",
    "TooLateToMove",
    "movable_until",
    "reschedule",
    "wish_to_move",
    "with_whom",
]

#: Statuses of an appointment that can still be moved.
MOVABLE: Final = (AppointmentStatus.PROPOSED, AppointmentStatus.PENDING, AppointmentStatus.BOOKED)


class TooLateToMove(Refusal):
    """The service's time for moving online is over."""

    message = _("It is too late to move this online. Please phone the clinic.")


def reschedule(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    by: Literal["patient", "clinic"],
    overbook_reason: str = "",
) -> Appointment:
    """Move an appointment to `start`, as long as it was, and free its old time at once.

    Without `location` it stays where it is, without `practitioner` anyone who gives the service takes it, whoever has
    it now first. Its id stays and its iCalendar SEQUENCE rises by one; the time it has already changes nothing. A
    patient may until the service's `reschedule_until` minutes before the old start, under the rules for patients; where
    the clinic confirms each request the move is a request again. Raises NotOffered, SlotTaken (with its nearest free
    times), TooLateToMove, NotPossible, locks.TooBusy, Appointment.DoesNotExist.
    """
    return retelling_the_nearest(
        _reschedule,
        actor=actor,
        now=now,
        appointment_id=appointment_id,
        start=start,
        location=location,
        practitioner=practitioner,
        by=by,
        overbook_reason=overbook_reason,
    )


@use_case("moving.reschedule", operation="reschedule")
def _reschedule(
    *,
    actor: Actor,
    now: datetime,
    appointment_id: UUID,
    start: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    by: Literal["patient", "clinic"],
    overbook_reason: str = "",
) -> Appointment:
    before = Appointment.objects.select_related("service", "location", "practitioner", "patient").get(pk=appointment_id)
    wish = wish_to_move(before, start=start, location=location, practitioner=practitioner, online=by == "patient")
    wish = replace(wish, overbook=bool(overbook_reason) and by == "clinic")
    appointment = all_locked([appointment_id], also=scope_for([wish]))[0]
    if appointment.status not in MOVABLE:
        raise NotPossible
    if is_there(appointment, start=wish.start, location=wish.location, practitioner=wish.practitioner):
        return appointment
    if by == "patient" and now > movable_until(appointment):
        raise TooLateToMove
    wish = replace(wish, moved=(appointment,))
    move(appointment, wish=wish, now=now, to=status_after(appointment, by=by), why=overbook_reason)
    return appointment


def status_after(appointment: Appointment, *, by: Literal["patient", "clinic"]) -> AppointmentStatus | None:
    """The status a move leads to, None where it stays: a patient's is a request again where the clinic confirms each
    time, and takes the place of an offer where it does not any more."""
    if by == "patient" and appointment.service.needs_approval:
        return AppointmentStatus.PENDING
    if by == "patient" and appointment.status == AppointmentStatus.PROPOSED:
        return AppointmentStatus.BOOKED
    return None


def wish_to_move(
    appointment: Appointment,
    *,
    start: datetime,
    location: Location | None = None,
    practitioner: Practitioner | None = None,
    online: bool,
) -> Wish:
    """What moving it to `start` asks for. A single visit keeps its length; in a group the session has its own."""
    service = appointment.service
    length = appointment.end - appointment.start
    return Wish(
        service=service,
        location=location or appointment.location,
        practitioner=practitioner,
        start=start,
        online=online,
        asking=Asking.of(appointment),
        patient_id=appointment.patient_id,
        moved=(appointment,),
        length=None if service.capacity is not None else int(length.total_seconds()),
    )


def is_there(
    appointment: Appointment, *, start: datetime, location: Location, practitioner: Practitioner | None
) -> bool:
    """Whether it has this time already, at this place and with whoever is asked for: moving it would change nothing."""
    return (appointment.start, appointment.location_id) == (start, location.pk) and (
        practitioner is None or practitioner.pk == appointment.practitioner_id
    )


def with_whom(appointment: Appointment, *, wish: Wish, now: datetime) -> Practitioner | None:
    """Who would see the patient if it were moved now; None when nobody can."""
    try:
        return Practitioner.objects.get(pk=_chosen(appointment, wish=wish, now=now).practitioner_id)
    except (NotOffered, SlotTaken):
        return None


def move(appointment: Appointment, *, wish: Wish, now: datetime, to: str | None = None, why: str = "") -> None:
    """Move a locked appointment where the (locked) wish asks, and to another status where one is given.

    Raises NotPossible, NotOffered, SlotTaken.
    """
    if appointment.status not in MOVABLE:
        raise NotPossible
    after = to or appointment.status
    if after != appointment.status and not status.may_follow(before=appointment.status, after=after):
        raise NotPossible
    forget_expired(scope=scope_for([wish]), now=now)
    choice = _chosen(appointment, wish=wish, now=now)
    free(appointment=appointment)
    appointment.location, appointment.practitioner_id = wish.location, choice.practitioner_id
    appointment.room_id, appointment.device_id, appointment.session_id = (
        choice.room_id,
        choice.device_id,
        choice.session_id,
    )
    appointment.start, appointment.end = choice.start, choice.end
    appointment.overbooked, appointment.overbook_reason = choice.overbooked, why if choice.overbooked else ""
    appointment.status = after
    appointment.confirmed_at = None  # said of another time
    waits = after in (AppointmentStatus.PENDING, AppointmentStatus.PROPOSED)
    appointment.respond_by = answer_by(appointment.service, start=choice.start, now=now) if waits else None
    appointment.sequence += 1  # RFC 5546 2.1.4: DTSTART changed
    appointment.save(update_fields=_MOVED)
    occupy(choice=choice, wish=wish, now=now, appointment=appointment)


_MOVED: Final[Sequence[str]] = (
    "location",
    "practitioner",
    "room",
    "device",
    "session",
    "start",
    "end",
    "overbooked",
    "overbook_reason",
    "status",
    "confirmed_at",
    "respond_by",
    "sequence",
    "updated",
)


def _chosen(appointment: Appointment, *, wish: Wish, now: datetime) -> Choice:
    """Whoever has the appointment keeps it where they can; otherwise anyone who was asked for; squeezed in only where
    nobody is free."""
    free = replace(wish, overbook=False)
    keeping = [free.with_practitioner(appointment.practitioner)] if wish.practitioner is None else []
    for tried in [*keeping, free]:
        with contextlib.suppress(NotOffered, SlotTaken):
            return choose(wish=tried, now=now)
    return choose(wish=wish, now=now)


def movable_until(appointment: Appointment) -> datetime:
    """The last moment at which a patient may move it online."""
    return appointment.start - timedelta(minutes=appointment.service.reschedule_until)
