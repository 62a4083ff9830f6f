"""A clinic with a diary in Horae's tables, filled as fast as PostgreSQL copies.

The clinic, its people and one appointment are made with the factories of the tests. All other appointments are copies
of that one but for their time, person and names, so that whatever columns there are, they hold what Horae wrote. They
are loaded past the evidence, whose triggers come back on afterwards: thousands of invented visits are not what is
measured.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import connection, models, transaction
from psycopg.sql import SQL, Composable, Identifier

from bookings.models import Appointment, Clinic, HealthcareService, Occupancy, Practitioner
from tests.bench import diary
from tests.bench.diary import Diary
from tests.factories import (
    AppointmentFactory,
    ClinicFactory,
    LocationFactory,
    NoticeFactory,
    OfferFactory,
    PatientFactory,
    PractitionerFactory,
    ServiceFactory,
    open_week,
)

SERVICE: Final = "visit"
HORIZON: Final = 180

#: What makes a copy an appointment of its own.
_APPOINTMENT: Final = {
    "id": "wanted.id",
    "practitioner_id": "wanted.practitioner_id",
    "start": "lower(wanted.period)",
    "end": "upper(wanted.period)",
    "idempotency_key": "wanted.id",
    "link_digest": "encode(sha256(wanted.id::text::bytea), 'hex')",
}
_OCCUPANCY: Final = {
    "schedule_id": "wanted.schedule_id",
    "period": "wanted.period",
    "appointment_id": "wanted.id",
}


@dataclass(frozen=True, slots=True)
class Furnished:
    """A clinic ready to be asked: quarter-hour visits, every quarter-hour, with any of `practitioners`."""

    clinic: Clinic
    service: HealthcareService
    practitioners: tuple[Practitioner, ...]

    def numbered(self) -> dict[int, int]:
        """Which of the staff a practitioner id is: the number by which the diary, and every peer, knows them."""
        return {practitioner.pk: number for number, practitioner in enumerate(self.practitioners)}


def furnish(booked: Diary, *, slug: str = "bench") -> Furnished:
    """Make the clinic and load its diary. The statistics are the caller's to bring up to date."""
    clinic = ClinicFactory(name=f"Bench {slug}", slug=slug)
    location = LocationFactory(clinic=clinic, zone=diary.ZONE, observes_holidays=False)
    NoticeFactory(clinic=clinic)
    people: list[Practitioner] = PractitionerFactory.create_batch(booked.staff, clinic=clinic)
    for practitioner in people:
        open_week(of=practitioner, at=location, opens=diary.OPENS, closes=diary.CLOSES)
    service = offer(clinic=clinic, slug=SERVICE, practitioners=people)
    if booked.appointments:
        pattern = AppointmentFactory(
            clinic=clinic,
            location=location,
            service=service,
            practitioner=people[0],
            patient=PatientFactory(clinic=clinic),
            start=diary.instant(booked.days[-1], diary.QUARTERS + 4),  # after hours: in nobody's way
        )
        _multiply(pattern, booked=booked, people=people)
        pattern.delete()
    return Furnished(clinic, service, tuple(people))


def offer(*, clinic: Clinic, slug: str, practitioners: Iterable[Practitioner]) -> HealthcareService:
    """A service of quarter-hours given by these people."""
    service: HealthcareService = ServiceFactory(
        clinic=clinic, name=slug.capitalize(), slug=slug, duration=15, step=15, horizon=HORIZON
    )
    for practitioner in practitioners:
        OfferFactory(service=service, practitioner=practitioner)
    return service


def _multiply(pattern: Appointment, *, booked: Diary, people: list[Practitioner]) -> None:
    with transaction.atomic(), _unwatched(Appointment, Occupancy), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE wanted (id uuid, practitioner_id bigint, schedule_id bigint, period tstzrange)"
            " ON COMMIT DROP"
        )
        with cursor.copy("COPY wanted (practitioner_id, schedule_id, period) FROM STDIN") as copy:
            for person, day, quarter in booked.taken():
                start = diary.instant(day, quarter)
                period = f"[{start.isoformat()},{(start + diary.QUARTER).isoformat()})"
                copy.write_row((people[person].pk, people[person].schedule_id, period))
        cursor.execute("UPDATE wanted SET id = md5(practitioner_id || ' ' || period::text)::uuid")
        cursor.execute(_copies(Appointment, _APPOINTMENT, of="id"), [pattern.pk])
        cursor.execute(_copies(Occupancy, _OCCUPANCY, of="appointment_id"), [pattern.pk])
        cursor.execute("DROP TABLE wanted")


def _copies(model: type[models.Model], own: dict[str, str], *, of: str) -> Composable:
    """INSERT of one row for each of `wanted`: as the pattern, but for the columns in `own`."""
    fields = (field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField))
    columns = [str(field.column) for field in fields]
    values = [SQL(own[name]) if name in own else SQL("pattern.") + Identifier(name) for name in columns]
    return SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM wanted, {table} pattern WHERE pattern.{of} = %s"
        " ORDER BY wanted.id"  # in no order of time: as rows lie that came over months
    ).format(
        table=Identifier(model._meta.db_table),
        columns=SQL(", ").join(map(Identifier, columns)),
        values=SQL(", ").join(values),
        of=Identifier(of),
    )


@contextmanager
def _unwatched(*watched: type[models.Model]) -> Iterator[None]:
    """Within this transaction no trigger of these tables fires, foreign keys included; afterwards all do, as before."""
    tables = [model._meta.db_table for model in watched]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending on a table that is altered
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgenabled = 'A' AND tgrelid = ANY(%s::regclass[])",
            [tables],
        )
        always = cursor.fetchall()
        for table, name in always:
            cursor.execute(SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(Identifier(table), Identifier(name)))
        yield
        for table, name in always:
            cursor.execute(SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(Identifier(table), Identifier(name)))
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
