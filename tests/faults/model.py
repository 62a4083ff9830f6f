"""A small clinic, and a diary of it kept in plain Python: who has what taken, worked out from answers alone."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from bookings.models import (
    TAKES_TIME,
    Appointment,
    Clinic,
    Closure,
    Device,
    GroupSession,
    HealthcareService,
    Hold,
    Location,
    Patient,
    Practitioner,
    Room,
)
from tests.factories import (
    DeviceFactory,
    OfferFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    cast,
    open_week,
)

PARIS: Final = ZoneInfo("Europe/Paris")
#: The Monday of the tests at nine, local time, and the days somebody may wish for after it.
NINE: Final = datetime(2026, 11, 30, 9, 0, tzinfo=PARIS)
DAYS: Final = (0, 1)
_EMPTIED: Final = "occupancy hold appointment appointmentseries groupsession closure".split()


@dataclass(frozen=True)
class House:
    """Two practitioners, two rooms, a device; a consultation, a scan the clinic confirms, a group."""

    clinic: Clinic
    location: Location
    people: tuple[Practitioner, ...]
    rooms: tuple[Room, ...]
    device: Device
    visit: HealthcareService
    scan: HealthcareService
    group: HealthcareService
    patients: tuple[Patient, ...]

    @property
    def services(self) -> tuple[HealthcareService, ...]:
        return self.visit, self.scan, self.group


def house() -> House:
    """Write the clinic; what happens in it is emptied by `empty`."""
    made = cast(
        step=15, buffer_after=5, room_kind="consultation", cap_day=2, overbook_cap=1, most_repeats=4, minimum_notice=0
    )
    people = (made.demir, PractitionerFactory(clinic=made.clinic))
    made.clinic.opening_hours.all().delete()
    shared = {"clinic": made.clinic, "step": 15, "minimum_notice": 0}
    scan = ServiceFactory(
        **shared,
        duration=45,
        room_kind="consultation",
        device_kind="ultrasound",
        needs_approval=True,
        answer_hours=24,
        cap_open=2,
        most_repeats=4,
    )
    group = ServiceFactory(**shared, duration=60, capacity=2, overbook_cap=1)
    for practitioner in people:
        open_week(of=practitioner, at=made.location, opens=time(9), closes=time(13))
        for service in (made.service, scan, group):
            if (service, practitioner) != (made.service, made.demir):
                OfferFactory(service=service, practitioner=practitioner)
    return House(
        clinic=made.clinic,
        location=made.location,
        people=people,
        rooms=tuple(RoomFactory(location=made.location) for _ in range(2)),
        device=DeviceFactory(location=made.location),
        visit=made.service,
        scan=scan,
        group=group,
        patients=(made.ada, *(PatientFactory(clinic=made.clinic) for _ in range(2))),
    )


def empty() -> None:
    """Take away all that happened, and leave the clinic."""
    with connection.cursor() as cursor:
        for table in _EMPTIED:
            cursor.execute(f"DELETE FROM bookings_{table}")


class Row(NamedTuple):
    """What the diary knows of an appointment."""

    service: int
    patient: int
    status: str
    start: datetime
    end: datetime
    schedules: frozenset[int]
    session: UUID | None
    overbooked: bool
    sequence: int
    respond_by: datetime | None
    series: UUID | None
    recurrence_id: datetime | None


@dataclass
class Diary:
    """All that was ever answered. It knows nothing of the tables, and is compared with them."""

    house: House
    visits: dict[UUID, Row] = field(default_factory=dict)
    sessions: dict[UUID, GroupSession] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    closures: dict[int, Closure] = field(default_factory=dict)

    def row(self, visit: Appointment) -> Row:
        things: list[Any] = [*self.house.people, *self.house.rooms, self.house.device]
        ids = {("p", visit.practitioner_id), ("r", visit.room_id), ("d", visit.device_id)}
        schedules = frozenset(thing.schedule_id for thing in things if (_letter(thing), thing.pk) in ids)
        return Row(
            service=visit.service_id,
            patient=visit.patient_id,
            status=str(visit.status),
            start=visit.start,
            end=visit.end,
            schedules=schedules,
            session=visit.session_id,
            overbooked=visit.overbooked,
            sequence=visit.sequence,
            respond_by=visit.respond_by,
            series=visit.series_id,
            recurrence_id=visit.recurrence_id,
        )

    def write(self, visits: Iterable[Appointment]) -> None:
        self.visits |= {visit.pk: self.row(visit) for visit in visits}

    def differences(self) -> list[str]:
        """What the tables say that the diary does not, and the other way round."""
        there = {visit.pk: self.row(visit) for visit in Appointment.objects.all()}
        return [
            f"{key}: {self.visits.get(key)} is {there.get(key)}"
            for key in {*there, *self.visits}
            if there.get(key) != self.visits.get(key)
        ]

    # --- what is taken

    def _taking(self, *, now: datetime, but: Collection[object]) -> Iterator[tuple[int, datetime, datetime]]:
        after = {service.pk: timedelta(minutes=service.buffer_after) for service in self.house.services}
        for key, row in self.visits.items():
            if row.status in TAKES_TIME and row.session is None and key not in but:
                yield from ((schedule, row.start, row.end + after[row.service]) for schedule in row.schedules)
        for session in self.sessions.values():
            if session.cancelled_at is None:
                yield session.practitioner.schedule_id, session.start, session.end
        for key, hold in self.holds.items():
            if hold.expires_at > now and hold.session_id is None and key not in but:
                for thing in (hold.practitioner, hold.room, hold.device):
                    if thing is not None:
                        yield thing.schedule_id, hold.start, hold.end + after[hold.service_id]

    def closed(self, schedule: int, *, start: datetime, end: datetime) -> bool:
        """Whether a closure of this schedule, or of everything, lies over the visit."""
        return any(
            closure.schedule_id in (None, schedule) and closure.start < end and closure.end > start
            for closure in self.closures.values()
        )

    def is_free(
        self,
        service: HealthcareService,
        *,
        start: datetime,
        length: timedelta,
        now: datetime,
        practitioner: Practitioner | None,
        but: Collection[object] = (),
    ) -> bool:
        """Whether somebody, a room and a device are free and not closed; in a group, whether a place is left."""
        people = [practitioner] if practitioner is not None else list(self.house.people)
        if service == self.house.group:
            return any(
                session.start == start
                and session.practitioner in people
                and session.cancelled_at is None
                and not self.closed(session.practitioner.schedule_id, start=session.start, end=session.end)
                and self.people_in(session.pk, now=now, but=but) < session.capacity
                for session in self.sessions.values()
            )
        end = start + length
        taken = list(self._taking(now=now, but=but))

        def able(schedule: int) -> bool:
            until = end + timedelta(minutes=service.buffer_after)
            clear = not any(key == schedule and begun < until and ended > start for key, begun, ended in taken)
            return clear and not self.closed(schedule, start=start, end=end)

        needed: list[list[Any]] = [
            people,
            list(self.house.rooms),
            *([[self.house.device]] if service == self.house.scan else []),
        ]
        return all(any(able(thing.schedule_id) for thing in things) for things in needed)

    def people_in(self, session: UUID, *, now: datetime, but: Collection[object] = ()) -> int:
        """How many sit in a session, those for whom a place is held included."""
        seated = sum(
            row.session == session and row.status in TAKES_TIME and key not in but for key, row in self.visits.items()
        )
        held = sum(
            hold.session_id == session and hold.expires_at > now and key not in but for key, hold in self.holds.items()
        )
        return seated + held

    # --- what one may have

    def of_patient(self, patient: int, service: int, *, but: Collection[object] = ()) -> list[Row]:
        rows = ((key, row) for key, row in self.visits.items() if key not in but)
        return [row for _, row in rows if (row.patient, row.service) == (patient, service)]

    def squeezed(self, visit: Appointment) -> int:
        """How many others were squeezed in with this practitioner, in this service, on that day."""
        schedule = visit.practitioner.schedule_id
        return sum(
            row.overbooked
            and row.status in TAKES_TIME
            and row.service == visit.service_id
            and schedule in row.schedules
            and row.start.astimezone(PARIS).date() == visit.start.astimezone(PARIS).date()
            for key, row in self.visits.items()
            if key != visit.pk
        )


def _letter(thing: Practitioner | Room | Device) -> str:
    return "p" if isinstance(thing, Practitioner) else "r" if isinstance(thing, Room) else "d"
