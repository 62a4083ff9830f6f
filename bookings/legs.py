"""The visits a booking is made of: deciding what each gets, and writing it. Lock first (`bookings.booking`)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from bookings import links
from bookings.availability import Choice, Wish, choose
from bookings.holds import PROMISED
from bookings.models import (
    Appointment,
    AppointmentSeries,
    AppointmentStatus,
    HealthcareService,
    Hold,
    Patient,
    RelatedPerson,
)
from bookings.occupancies import occupy


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One visit of a booking: what is wished for whom. `hold` is the visitor's own for this time; `series`,
    `recurrence_id` (the original start) and `index` say which occurrence of a series it is."""

    wish: Wish
    patient: Patient
    hold: Hold | None = None
    contact_person: RelatedPerson | None = None
    series: AppointmentSeries | None = None
    recurrence_id: datetime | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What goes with every visit of a booking: language of messages, reason, address of visits at home, and (for staff
    only) why a time that is taken is booked all the same: a word of the clinic's list."""

    language: str = "en"
    reason: str = ""
    visit_address: str = ""
    overbook_reason: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What a booking came to: the appointments, and the legs left out because their time was not to be had."""

    appointments: list[Appointment]
    left_out: list[Leg]


def decide(leg: Leg, *, now: datetime) -> tuple[Wish, Choice]:
    """What the leg gets: the wish with its patient, and what it takes.

    A hold's row goes here: from now on its time is the appointment's or nobody's.
    """
    wish = replace(leg.wish, patient_id=leg.patient.pk)
    held = _held(leg.hold, wish=wish)
    if held is not None:  # who was named on the form is who it will be
        wish = replace(wish, practitioner=held.practitioner)
    choice = choose(
        wish=wish,
        now=now,
        own_hold=held.pk if held else None,
        promised=held is not None and now < held.expires_at + PROMISED,
    )
    if held is not None:
        held.delete()
    return wish, choice


def write(
    leg: Leg, *, wish: Wish, choice: Choice, now: datetime, key: UUID, told: Told, together: UUID | None
) -> Appointment:
    """Write the appointment of a decided leg, and take its time."""
    asks = wish.service.needs_approval and wish.online
    appointment = Appointment(
        clinic_id=wish.service.clinic_id,
        location=wish.location,
        service=wish.service,
        practitioner_id=choice.practitioner_id,
        room_id=choice.room_id,
        device_id=choice.device_id,
        session_id=choice.session_id,
        patient=leg.patient,
        contact_person=leg.contact_person,
        start=choice.start,
        end=choice.end,
        status=AppointmentStatus.PENDING if asks else AppointmentStatus.BOOKED,
        respond_by=answer_by(wish.service, start=choice.start, now=now) if asks else None,
        reason=told.reason,
        visit_address=told.visit_address,
        language=told.language,
        booked_online=wish.online,
        overbooked=choice.overbooked,
        overbook_reason=told.overbook_reason if choice.overbooked else "",
        series=leg.series,
        recurrence_id=leg.recurrence_id,
        occurrence_index=leg.index,
        together=together,
        idempotency_key=key,
        **wish.asking.fields,
    )
    appointment.link_digest = links.digest(links.token(appointment))
    appointment.save(force_insert=True)
    occupy(choice=choice, wish=wish, now=now, appointment=appointment)
    return appointment


def answer_by(service: HealthcareService, *, start: datetime, now: datetime) -> datetime:
    """When a request, or an offer, for `start` lapses: after the service's hours to answer, at the latest when the
    visit would begin."""
    return min(now + timedelta(hours=service.answer_hours), start)


def _held(hold: Hold | None, *, wish: Wish) -> Hold | None:
    """The hold as it is now, when it is for what is being booked; None when it is gone or for something else."""
    found = Hold.objects.filter(pk=hold.pk).select_related("practitioner").first() if hold is not None else None
    if found is None or found.service_id != wish.service.pk or found.location_id != wish.location.pk:
        return None
    if found.start != wish.start or wish.practitioner not in (None, found.practitioner):
        return None
    return found
