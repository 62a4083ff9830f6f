"""Rows for tests, made by factory_boy; `cast()` is the fixed cast every story is told with.

Names: Ada the patient, Ben her guardian, Carla at reception, Dr Demir, Eva the data protection officer, Otto from
another clinic. Nothing here is random: a counter makes what must be unique.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import factory
from django.contrib.auth.models import Group
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from factory.django import DjangoModelFactory

from audit.keys import keyring
from bookings.models import (
    TAKES_TIME,
    Appointment,
    AppointmentStatus,
    Clinic,
    Closure,
    Device,
    GroupSession,
    HealthcareService,
    Hold,
    Location,
    Occupancy,
    OpeningHours,
    Patient,
    Practitioner,
    PrivacyNotice,
    RelatedPerson,
    Role,
    Room,
    Schedule,
    ServicePractitioner,
    ServiceTerms,
    StaffMembership,
    User,
)

#: A Monday morning in Paris, outside every school book of daylight-saving traps: 08:00 local.
MONDAY = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
WEEKDAYS = range(5)
PASSWORD = "a long password of the tests"


class ClinicFactory(DjangoModelFactory[Clinic]):
    class Meta:
        model = Clinic

    name = factory.Sequence(lambda n: f"Clinic {n}")
    slug = factory.Sequence(lambda n: f"clinic-{n}")
    neutral_name = factory.Sequence(lambda n: f"Practice {n}")
    legal_name = factory.LazyAttribute(lambda clinic: f"{clinic.name} SAS")
    address = "1 place Bellecour, 69002 Lyon"
    phone = "+33 4 72 00 00 00"
    email = "desk@clinic.example"
    hours_text = "Monday to Friday, 8:00 to 18:00"
    emergency_number = "15"
    imprint = "Imprint of the clinic"
    accessibility = "This site meets WCAG 2.2 AA."


class LocationFactory(DjangoModelFactory[Location]):
    class Meta:
        model = Location

    clinic = factory.SubFactory(ClinicFactory)
    name = factory.Sequence(lambda n: f"Location {n}")
    slug = factory.Sequence(lambda n: f"location-{n}")
    address = "1 place Bellecour, 69002 Lyon"
    access_notes = "Second floor, lift"
    zone = "Europe/Paris"
    country = "FR"


class ScheduleFactory(DjangoModelFactory[Schedule]):
    class Meta:
        model = Schedule

    clinic = factory.SubFactory(ClinicFactory)
    kind = Schedule.Kind.PRACTITIONER


class PractitionerFactory(DjangoModelFactory[Practitioner]):
    class Meta:
        model = Practitioner

    clinic = factory.SubFactory(ClinicFactory)
    schedule = factory.SubFactory(ScheduleFactory, clinic=factory.SelfAttribute("..clinic"))
    title = "Dr"
    name = factory.Sequence(lambda n: f"Practitioner {n}")
    languages = "fr en"


class RoomFactory(DjangoModelFactory[Room]):
    class Meta:
        model = Room

    location = factory.SubFactory(LocationFactory)
    clinic = factory.SelfAttribute("location.clinic")
    schedule = factory.SubFactory(
        ScheduleFactory, clinic=factory.SelfAttribute("..location.clinic"), kind=Schedule.Kind.ROOM
    )
    name = factory.Sequence(lambda n: f"Room {n}")
    kind = "consultation"


class DeviceFactory(DjangoModelFactory[Device]):
    class Meta:
        model = Device

    location = factory.SubFactory(LocationFactory)
    clinic = factory.SelfAttribute("location.clinic")
    schedule = factory.SubFactory(
        ScheduleFactory, clinic=factory.SelfAttribute("..location.clinic"), kind=Schedule.Kind.DEVICE
    )
    name = factory.Sequence(lambda n: f"Device {n}")
    kind = "ultrasound"


class ServiceFactory(DjangoModelFactory[HealthcareService]):
    """30 minutes, a start every 30, no buffers, two hours' notice, 90 days ahead, no room."""

    class Meta:
        model = HealthcareService

    clinic = factory.SubFactory(ClinicFactory)
    name = factory.Sequence(lambda n: f"Service {n}")
    slug = factory.Sequence(lambda n: f"service-{n}")


class TermsFactory(DjangoModelFactory[ServiceTerms]):
    """Other terms of a service for some patients: say for whom (`standing="new"`) and what differs (`duration=45`)."""

    class Meta:
        model = ServiceTerms

    service = factory.SubFactory(ServiceFactory)
    clinic = factory.SelfAttribute("service.clinic")


class OfferFactory(DjangoModelFactory[ServicePractitioner]):
    """A practitioner gives a service."""

    class Meta:
        model = ServicePractitioner

    service = factory.SubFactory(ServiceFactory)
    clinic = factory.SelfAttribute("service.clinic")
    practitioner = factory.SubFactory(PractitionerFactory, clinic=factory.SelfAttribute("..service.clinic"))


class OpeningHoursFactory(DjangoModelFactory[OpeningHours]):
    class Meta:
        model = OpeningHours

    schedule = factory.SubFactory(ScheduleFactory)
    clinic = factory.SelfAttribute("schedule.clinic")
    location = factory.SubFactory(LocationFactory, clinic=factory.SelfAttribute("..schedule.clinic"))
    weekday = 0
    opens = time(9)
    closes = time(12)


class ClosureFactory(DjangoModelFactory[Closure]):
    class Meta:
        model = Closure

    clinic = factory.SubFactory(ClinicFactory)
    start = MONDAY
    end = factory.LazyAttribute(lambda closure: closure.start + timedelta(days=1))


class PatientFactory(DjangoModelFactory[Patient]):
    """Ada, unless told otherwise; each patient has a data key of their own."""

    class Meta:
        model = Patient

    clinic = factory.SubFactory(ClinicFactory)
    code = factory.Sequence(lambda n: f"P{n:07d}")
    key_id = factory.LazyAttribute(lambda patient: keyring.create_subject_key(clinic_id=patient.clinic.pk))
    given_name = "Ada"
    family_name = "Lovelace"
    birth_date = "1985-12-10"
    email = "ada@example.org"
    phone = ""
    language = "en"


class RelatedPersonFactory(DjangoModelFactory[RelatedPerson]):
    """Ben, a patient's guardian."""

    class Meta:
        model = RelatedPerson

    patient = factory.SubFactory(PatientFactory)
    clinic = factory.SelfAttribute("patient.clinic")
    name = "Ben Lovelace"
    relationship = RelatedPerson.Relationship.GUARDIAN
    email = "ben@example.org"


class SessionFactory(DjangoModelFactory[GroupSession]):
    """A planned session of a group service, with the time it takes: past every rule. Two places unless told."""

    class Meta:
        model = GroupSession
        skip_postgeneration_save = True

    service = factory.SubFactory(ServiceFactory, capacity=2)
    clinic = factory.SelfAttribute("service.clinic")
    location = factory.SubFactory(LocationFactory, clinic=factory.SelfAttribute("..clinic"))
    practitioner = factory.SubFactory(PractitionerFactory, clinic=factory.SelfAttribute("..clinic"))
    start = MONDAY + timedelta(hours=1)
    end = factory.LazyAttribute(lambda session: session.start + timedelta(minutes=session.service.duration))
    capacity = factory.SelfAttribute("service.capacity")

    @factory.post_generation
    def occupancies(self: GroupSession, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Take the time of the practitioner, the room and the device."""
        if create:
            things = [thing for thing in (self.practitioner, self.room, self.device) if thing is not None]
            occupy(
                schedules=[thing.schedule_id for thing in things], start=self.start, end=self.end, group_session=self
            )


class NoticeFactory(DjangoModelFactory[PrivacyNotice]):
    class Meta:
        model = PrivacyNotice

    clinic = factory.SubFactory(ClinicFactory)
    version = 1
    language = "en"
    body = "What we do with your data."


class UserFactory(DjangoModelFactory[User]):
    """An account of staff; its password is `PASSWORD`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    first_name = "Carla"
    last_name = "Rossi"
    email = factory.LazyAttribute(lambda user: f"{user.username}@clinic.example")
    is_staff = True
    password = factory.django.Password(PASSWORD)


class MembershipFactory(DjangoModelFactory[StaffMembership]):
    """A role in a clinic; the user also joins the permission group of that name, where there is one."""

    class Meta:
        model = StaffMembership
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    clinic = factory.SubFactory(ClinicFactory)
    role = Role.RECEPTION

    @factory.post_generation
    def group(self: StaffMembership, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Join the group of the role, as the membership's own use case does."""
        self.user.groups.add(*Group.objects.filter(name=self.role))


class AppointmentFactory(DjangoModelFactory[Appointment]):
    """A booked visit with its occupancies: a shortcut for tests of what comes after booking, past every rule."""

    class Meta:
        model = Appointment
        skip_postgeneration_save = True

    clinic = factory.SubFactory(ClinicFactory)
    location = factory.SubFactory(LocationFactory, clinic=factory.SelfAttribute("..clinic"))
    service = factory.SubFactory(ServiceFactory, clinic=factory.SelfAttribute("..clinic"))
    practitioner = factory.SubFactory(PractitionerFactory, clinic=factory.SelfAttribute("..clinic"))
    patient = factory.SubFactory(PatientFactory, clinic=factory.SelfAttribute("..clinic"))
    start = MONDAY + timedelta(hours=1)
    end = factory.LazyAttribute(lambda visit: visit.start + timedelta(minutes=visit.service.duration))
    status = AppointmentStatus.BOOKED
    idempotency_key = factory.LazyFunction(uuid.uuid4)
    link_digest = factory.LazyAttribute(lambda visit: hashlib.sha256(visit.idempotency_key.bytes).hexdigest())

    @factory.post_generation
    def occupancies(self: Appointment, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Take the practitioner's and the room's time, buffers included, while the status takes time."""
        if create and self.status in TAKES_TIME:
            taken = [self.practitioner.schedule_id, *([self.room.schedule_id] if self.room else [])]
            occupy(
                schedules=taken,
                start=self.start - timedelta(minutes=self.service.buffer_before),
                end=self.end + timedelta(minutes=self.service.buffer_after),
                appointment=self,
            )


def occupy(
    *,
    schedules: Iterable[int],
    start: datetime,
    end: datetime,
    appointment: Appointment | None = None,
    hold: Hold | None = None,
    group_session: GroupSession | None = None,
    kind: str = "",
) -> list[Occupancy]:
    """Rows that say these schedules are taken in `[start, end)`; `kind` external when nothing says otherwise."""
    said = kind or ("appointment" if appointment else "hold" if hold else "session" if group_session else "external")
    return [
        Occupancy.objects.create(
            clinic_id=Schedule.objects.values_list("clinic_id", flat=True).get(pk=schedule),
            schedule_id=schedule,
            period=DateTimeTZRange(start, end),
            kind=said,
            appointment=appointment,
            hold=hold,
            session=group_session,
        )
        for schedule in schedules
    ]


def open_week(
    *,
    of: Practitioner | Room,
    at: Location,
    opens: time = time(9),
    closes: time = time(17),
    weekdays: Iterable[int] = WEEKDAYS,
    **fields: Any,
) -> list[OpeningHours]:
    """The same hours on each of `weekdays` (Monday is 0), at a location."""
    return [
        OpeningHoursFactory(
            schedule=of.schedule, location=at, weekday=weekday, opens=opens, closes=closes, clinic=of.clinic, **fields
        )
        for weekday in weekdays
    ]


@dataclass(frozen=True, slots=True)
class Cast:
    """One clinic in Lyon, one location, one practitioner with hours 9 to 17, one service; and the people."""

    clinic: Clinic
    location: Location
    service: HealthcareService
    demir: Practitioner
    ada: Patient
    ben: RelatedPerson
    carla: User
    eva: User
    otto: User
    """At reception of `elsewhere`: must never see anything of `clinic`."""
    elsewhere: Clinic


def cast(**service: Any) -> Cast:
    """The whole cast, saved. `service` overrides fields of the service, such as `duration=20`."""
    clinic = ClinicFactory(name="Cabinet du Parc", slug="parc", neutral_name="Practice at the park")
    location = LocationFactory(clinic=clinic, name="Bellecour", slug="bellecour")
    demir = PractitionerFactory(clinic=clinic, name="Demir")
    open_week(of=demir, at=location)
    offered = ServiceFactory(clinic=clinic, **{"name": "Consultation", "slug": "consultation", **service})
    OfferFactory(service=offered, practitioner=demir)
    ada = PatientFactory(clinic=clinic)
    carla = UserFactory(username="carla")
    eva = UserFactory(username="eva", first_name="Eva", last_name="Novak")
    otto = UserFactory(username="otto", first_name="Otto", last_name="Weber")
    elsewhere = ClinicFactory(name="Praxis am Ring", slug="ring", neutral_name="Practice at the ring")
    MembershipFactory(user=carla, clinic=clinic, role=Role.RECEPTION)
    MembershipFactory(user=eva, clinic=clinic, role=Role.DPO)
    MembershipFactory(user=otto, clinic=elsewhere, role=Role.RECEPTION)
    return Cast(
        clinic=clinic,
        location=location,
        service=offered,
        demir=demir,
        ada=ada,
        ben=RelatedPersonFactory(patient=ada),
        carla=carla,
        eva=eva,
        otto=otto,
        elsewhere=elsewhere,
    )
