"""Sets the demo's clinics up: what a manager would save once, and the staff accounts."""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.context import Actor, use_case
from bookings.models import (
    Clinic,
    ClinicText,
    ConsentPurpose,
    ConsentText,
    Device,
    HealthcareService,
    Location,
    LocationText,
    OpeningHours,
    Practitioner,
    PrivacyNotice,
    Question,
    QuestionText,
    Role,
    Room,
    Schedule,
    ServicePractitioner,
    ServiceTerms,
    ServiceText,
    StaffMembership,
    User,
)
from config.seed import asked, texts
from config.seed.places import COUNTED_FROM, LYON, VIENNA, Doctor, Practice

OPERATOR: Final = "operator"


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
            clinic=practice.legal_name,
            address=practice.address,
            phone=practice.phone,
            authority=practice.authority,
            reminders=asked.WHY_REMINDED[language][practice.slug in asked.REMINDERS],
        )
        PrivacyNotice.objects.create(clinic=clinic, version=1, language=language, body=filled)
    for language, body in asked.REMINDERS.get(practice.slug, {}).items():
        ConsentText.objects.create(
            clinic=clinic, purpose=ConsentPurpose.REMINDERS, version=1, language=language, body=body
        )
    for language, hours in asked.HOURS[practice.slug].items():
        ClinicText.objects.create(clinic=clinic, language=language, hours_text=hours)
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
        for language, notes in asked.ACCESS[site.slug].items():
            LocationText.objects.create(clinic=clinic, location=location, language=language, access_notes=notes)
        for name, kind, step_free in site.rooms:
            schedule = Schedule.objects.create(clinic=clinic, kind=Schedule.Kind.ROOM)
            Room.objects.create(
                clinic=clinic, location=location, schedule=schedule, name=name, kind=kind, step_free=step_free
            )
        for name, kind in site.devices:
            schedule = Schedule.objects.create(clinic=clinic, kind=Schedule.Kind.DEVICE)
            Device.objects.create(clinic=clinic, location=location, schedule=schedule, name=name, kind=kind)
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
        reschedule_until=offer.cancel_until,
        room_kind=offer.room_kind,
        **offer.more,
    )
    for terms in offer.terms:
        ServiceTerms.objects.create(clinic=clinic, service=service, **terms)
    for language, (translated, before_visit) in texts.SERVICES[offer.slug].items():
        if language != practice.language:
            ServiceText.objects.create(
                clinic=clinic, service=service, language=language, name=translated, instructions=before_visit
            )
    for number, asks in enumerate(asked.QUESTIONS.get(offer.slug, ()), 1):
        _question(service, asks, order=10 * number, language=practice.language)
    return service


def _question(service: HealthcareService, asks: asked.Asks, *, order: int, language: str) -> None:
    text, options = asks.words[language]
    question = Question.objects.create(
        clinic_id=service.clinic_id,
        service=service,
        order=order,
        kind=asks.kind,
        text=text,
        hint=asks.hints.get(language, ""),
        options=list(options),
    )
    for other, (translated, choices) in asks.words.items():
        if other != language:
            QuestionText.objects.create(
                clinic_id=service.clinic_id,
                question=question,
                language=other,
                text=translated,
                hint=asks.hints.get(other, ""),
                options=list(choices),
            )


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
    for every, hours in ((1, doctor.hours), (2, doctor.every_other_week)):
        for slug, weekdays, (opens, closes) in hours:
            for weekday in weekdays:
                OpeningHours.objects.create(
                    clinic=clinic,
                    schedule=schedule,
                    location=locations[slug],
                    weekday=weekday,
                    opens=opens,
                    closes=closes,
                    every=every,
                    valid_from=COUNTED_FROM if every > 1 else None,
                )
    return Login(doctor.username, str(practitioner), Role.PRACTITIONER, clinic.name)


def _staff(clinic: Clinic, username: str, name: str, role: Role, hashed: str) -> User:
    first, _, last = name.partition(" ")
    user = User.objects.create(username=username, first_name=first, last_name=last, password=hashed, is_staff=True)
    StaffMembership.objects.create(user=user, clinic=clinic, role=role)
    return user
