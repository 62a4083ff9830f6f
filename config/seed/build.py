"""Fills an empty database with the demo's clinics. Configuration is saved as a manager would; appointments go through the use cases."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings import availability, booking, patients, visits
from bookings.models import (
    Appointment,
    Clinic,
    HealthcareService,
    Location,
    OpeningHours,
    Patient,
    Practitioner,
    PrivacyNotice,
    RelatedPerson,
    Role,
    Room,
    Schedule,
    ServicePractitioner,
    ServiceText,
    StaffMembership,
    User,
)
from bookings.refusals import Refusal
from config.seed import names, texts
from config.seed.places import LYON, VIENNA, Doctor, Practice

OPERATOR: Final = "operator"
REASONS: Final = (
    "", "", "", "Renouvellement d’ordonnance", "Knieschmerzen seit zwei Wochen", "Cough that does not go away",
    "Contrôle annuel", "Dolor de espalda", "Attestato per la palestra", "Controle bloeddruk",
)  # fmt: skip

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Login:
    """A demo account; `name` may sign in at /admin/ as `username`."""

    username: str
    name: str
    role: str
    clinic: str


@transaction.atomic(durable=True)
@use_case("seed.clinics", operation="create")
def clinics(*, actor: Actor, password: str) -> list[Login]:
    """Both clinics with all that is set up once, and the staff accounts, which share one password. Returns the logins."""
    hashed = make_password(password)
    User.objects.create(username=OPERATOR, first_name="Operator", password=hashed, is_staff=True, is_superuser=True)
    logins = [Login(OPERATOR, "Operator", "operator", "")]
    for practice in (LYON, VIENNA):
        logins += _clinic(practice, hashed)
    return logins


def _clinic(practice: Practice, hashed: str) -> list[Login]:
    clinic = Clinic.objects.create(
        name=practice.name,
        slug=practice.slug,
        neutral_name=practice.neutral_name,
        legal_name=practice.legal_name,
        address=practice.address,
        phone=practice.phone,
        email=practice.email,
        hours_text=practice.hours_text,
        language=practice.language,
        accent=practice.accent,
        imprint=f"{practice.legal_name}\n{practice.address}\n{practice.phone}\n{practice.email}",
    )
    for language, body in texts.NOTICE.items():
        filled = body.format(
            clinic=practice.legal_name, address=practice.address, phone=practice.phone, authority=practice.authority
        )
        PrivacyNotice.objects.create(clinic=clinic, version=1, language=language, body=filled)
    locations = {}
    for site in practice.sites:
        location = Location.objects.create(
            clinic=clinic,
            name=site.name,
            slug=site.slug,
            address=site.address,
            access_notes=site.access_notes,
            zone=site.zone,
            country=site.country,
            subdivision=site.subdivision,
        )
        locations[site.slug] = location
        for name, kind in site.rooms:
            schedule = Schedule.objects.create(clinic=clinic, kind=Schedule.Kind.ROOM)
            Room.objects.create(clinic=clinic, location=location, schedule=schedule, name=name, kind=kind)
    services = {offer.slug: _service(clinic, practice, index) for index, offer in enumerate(practice.offers)}
    logins = [_doctor(clinic, doctor, locations, services, hashed) for doctor in practice.doctors]
    for username, name, role in practice.staff:
        _staff(clinic, username, name, Role(role), hashed)
        logins.append(Login(username, name, role, clinic.name))
    return logins


def _service(clinic: Clinic, practice: Practice, index: int) -> HealthcareService:
    offer = practice.offers[index]
    name, instructions = texts.SERVICES[offer.slug][practice.language]
    service = HealthcareService.objects.create(
        clinic=clinic,
        name=name,
        slug=offer.slug,
        instructions=instructions,
        order=10 * (index + 1),
        duration=offer.duration,
        step=offer.step,
        buffer_before=offer.buffers[0],
        buffer_after=offer.buffers[1],
        minimum_notice=offer.minimum_notice,
        horizon=offer.horizon,
        cancel_until=offer.cancel_until,
        room_kind=offer.room_kind,
    )
    for language, (translated, before_visit) in texts.SERVICES[offer.slug].items():
        if language != practice.language:
            ServiceText.objects.create(
                clinic=clinic, service=service, language=language, name=translated, instructions=before_visit
            )
    return service


def _doctor(
    clinic: Clinic, doctor: Doctor, locations: dict[str, Location], services: dict[str, HealthcareService], hashed: str
) -> Login:
    user = _staff(clinic, doctor.username, doctor.name, Role.PRACTITIONER, hashed)
    schedule = Schedule.objects.create(clinic=clinic, kind=Schedule.Kind.PRACTITIONER)
    practitioner = Practitioner.objects.create(
        clinic=clinic, schedule=schedule, user=user, title=doctor.title, name=doctor.name, languages=doctor.languages
    )
    for slug in doctor.services:
        ServicePractitioner.objects.create(clinic=clinic, service=services[slug], practitioner=practitioner)
    for slug, weekdays, (opens, closes) in doctor.hours:
        for weekday in weekdays:
            OpeningHours.objects.create(
                clinic=clinic, schedule=schedule, location=locations[slug], weekday=weekday, opens=opens, closes=closes
            )
    return Login(doctor.username, str(practitioner), Role.PRACTITIONER, clinic.name)


def _staff(clinic: Clinic, username: str, name: str, role: Role, hashed: str) -> User:
    first, _, last = name.partition(" ")
    user = User.objects.create(username=username, first_name=first, last_name=last, password=hashed, is_staff=True)
    StaffMembership.objects.create(user=user, clinic=clinic, role=role)
    return user


@transaction.atomic(durable=True)
@use_case("seed.patients", operation="create")
def people(*, actor: Actor, clinic: Clinic, count: int, dice: random.Random, today: date) -> list[Patient]:
    """`count` patients with names in the shares of `names.SCRIPTS`; every eighth a child booked for by a parent."""
    shares = [script[2] for script in names.SCRIPTS]
    made = []
    for number in range(count):
        given_names, family_names, _ = dice.choices(names.SCRIPTS, weights=shares)[0]
        family_name, child = dice.choice(family_names), number % 8 == 7
        age = dice.randint(1, 15) if child else dice.randint(18, 94)
        patient = patients.register(
            clinic=clinic,
            key_id=keyring.create_subject_key(clinic_id=clinic.pk),
            given_name=dice.choice(given_names),
            family_name=family_name,
            birth_date=(today - timedelta(days=age * 365 + dice.randint(0, 364))).isoformat()
            if dice.random() < 0.95
            else "",
            email="" if child else f"patient{number}@{clinic.slug}.example",
            phone=f"+33 6 39 98 {number // 100:02} {number % 100:02}" if dice.random() < 0.6 else "",
            language=dice.choices(texts.LANGUAGES, weights=[12, 30, 40, 6, 6, 6])[0],
        )
        if child:
            RelatedPerson.objects.create(
                clinic=clinic,
                patient=patient,
                name=f"{dice.choice(given_names)} {family_name}".strip(),
                relationship=RelatedPerson.Relationship.PARENT,
                email=f"parent{number}@{clinic.slug}.example",
            )
            patients.reindex(patient)
        made.append(patient)
    return made


def diary(
    *,
    actor: Actor,
    clinic: Clinic,
    patients_: list[Patient],
    dice: random.Random,
    now: datetime,
    weeks: int,
    progress: Progress,
) -> int:
    """`weeks` of appointments either side of `now`, fewer the further ahead, in every status. Returns how many."""
    tomorrow = now.date() + timedelta(days=1)
    # What is over was booked before the diary begins, what is to come is booked now: notice and horizon held each time.
    then = now - timedelta(weeks=weeks, days=2)
    first, last = now.date() - timedelta(weeks=weeks), now.date() + timedelta(weeks=weeks)
    written = 0
    for service in clinic.services.all():
        slots = availability.free_slots(service=service, now=then, since=first, until=tomorrow)
        slots += availability.free_slots(service=service, now=now, since=tomorrow, until=last)
        wanted = [slot for slot in slots if dice.random() < _fill(slot.start, now)]
        dice.shuffle(wanted)
        for slot in wanted:
            patient = dice.choice(patients_)
            try:
                made = booking.book(
                    actor=actor,
                    now=then if slot.start.date() < tomorrow else now,
                    key=UUID(int=dice.getrandbits(128), version=4),
                    patient=patient,
                    service=service,
                    location=Location.objects.get(pk=slot.location_id),
                    practitioner=Practitioner.objects.get(pk=slot.practitioner_id),
                    start=slot.start,
                    language=patient.language,
                    reason=dice.choice(REASONS),
                    contact_person=patient.related_persons.first(),
                    online=dice.random() < 0.7,
                )
            except Refusal:
                continue  # an earlier service of this loop took the time or the room: the diary is full there
            _fate(actor=actor, appointment=made, dice=dice, now=now)
            written += 1
            if written % 100 == 0:
                progress(f"{clinic.name}: {written} appointments")
    return written


def _fill(start: datetime, now: datetime) -> float:
    """The share of slots to fill, by how far away they are."""
    days = (start - now).days
    return 0.28 if days < 0 else max(0.04, 0.26 - days * 0.009)


def _fate(*, actor: Actor, appointment: Appointment, dice: random.Random, now: datetime) -> None:
    """What became of it: past ones were mostly seen, some cancelled or missed; today's are under way; a few to come
    are cancelled."""
    luck, start = dice.random(), appointment.start
    if luck < 0.06:
        by: Literal["patient", "clinic"] = "patient" if luck < 0.04 else "clinic"
        booking.cancel(actor=actor, now=min(now, start - timedelta(days=2)), appointment_id=appointment.pk, by=by)
        return
    if start > now:
        return
    if luck < 0.09:
        visits.mark_noshow(actor=actor, now=start + timedelta(minutes=30), appointment_id=appointment.pk)
        return
    if luck < 0.10:
        visits.enter_in_error(actor=actor, now=start, appointment_id=appointment.pk)
        return
    if luck < 0.11:
        return  # nobody said what became of it: the desk's "needs a decision"
    steps = (
        (visits.arrive, start - timedelta(minutes=dice.randint(2, 15))),
        (visits.check_in, start - timedelta(minutes=1)),
        (visits.begin, start + timedelta(minutes=dice.randint(0, 12))),
        (visits.fulfil, appointment.end),
    )
    for step, at in steps:
        if at <= now:
            step(actor=actor, now=at, appointment_id=appointment.pk)
