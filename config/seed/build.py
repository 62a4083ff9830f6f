"""Fills the demo's clinics with people and a diary. Appointments go through the use cases."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID

from django.db import transaction

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings import availability, booking, consents, patients, visits
from bookings.availability import Asking
from bookings.models import (
    Appointment,
    Clinic,
    Consent,
    HealthcareService,
    Location,
    Patient,
    Practitioner,
    RelatedPerson,
    VisitKind,
)
from bookings.refusals import Refusal
from config.seed import names, showing, texts
from config.seed.places import asked_of
from config.seed.setup import OPERATOR, Login, clinics

__all__ = ["OPERATOR", "PARENT_OF_TWO", "Login", "clinics", "diary", "people"]

REASONS: Final = (
    "", "", "", "Renouvellement d’ordonnance", "Knieschmerzen seit zwei Wochen", "Cough that does not go away",
    "Contrôle annuel", "Dolor de espalda", "Attestato per la palestra", "Controle bloeddruk",
)  # fmt: skip
ADDRESSES: Final = (
    "Nussdorfer Straße 12/7, 1090 Wien",
    "Liechtensteinstraße 88/3, 1090 Wien",
    "Sobieskigasse 4, 1090 Wien",
)

#: The number of an adult who has two children among the patients.
PARENT_OF_TWO: Final = 6
Progress = Callable[[str], None]


@transaction.atomic(durable=True)
@use_case("seed.patients", operation="create")
def people(*, actor: Actor, clinic: Clinic, count: int, dice: random.Random, today: date) -> list[Patient]:
    """`count` patients with names in the shares of `names.SCRIPTS`; every eighth a child, for whom a patient before
    it books: patient 6 of each clinic has two."""
    shares = [script[2] for script in names.SCRIPTS]
    asked_in = {language: consents.asked(clinic=clinic, language=language) for language in texts.LANGUAGES}
    first_here = datetime.combine(today - timedelta(days=30), time(9), UTC)
    made: list[Patient] = []
    for number in range(count):
        given_names, family_names, _ = dice.choices(names.SCRIPTS, weights=shares)[0]
        family_name, child = dice.choice(family_names), number % 8 == 7
        parent = made[PARENT_OF_TWO if number == 15 else number - 1] if child else None
        age = dice.randint(1, 15) if child else dice.randint(18, 94)
        patient = patients.register(
            clinic=clinic,
            key_id=keyring.create_subject_key(clinic_id=clinic.pk),
            given_name=given_names[number % len(given_names)] if child else dice.choice(given_names),
            family_name=parent.family_name if parent is not None else family_name,
            birth_date=(today - timedelta(days=age * 365 + dice.randint(0, 364))).isoformat()
            if dice.random() < 0.95
            else "",
            email="" if child else f"patient{number}@{clinic.slug}.example",
            phone=f"+33 6 39 98 {number // 100:02} {number % 100:02}" if dice.random() < 0.6 else "",
            language=dice.choices(texts.LANGUAGES, weights=[12, 30, 40, 6, 6, 6])[0],
        )
        if parent is not None:
            RelatedPerson.objects.create(
                clinic=clinic,
                patient=patient,
                name=parent.full_name,
                relationship=RelatedPerson.Relationship.PARENT,
                authority=RelatedPerson.Authority.PARENTAL,
                email=parent.email,
            )
            patients.reindex(patient)
        for ask in asked_in[patient.language] if number % 3 else ():  # two of three said yes when they were first here
            consents._give(actor=actor, now=first_here, patient=patient, text=ask.text, source=Consent.Source.DESK)
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
    show = showing.Show(actor=actor, clinic=clinic, patients=patients_, dice=dice, then=then, now=now, weeks=weeks)
    made_for_groups = show.groups()  # sessions are planned before their hours fill up
    for joined in made_for_groups:
        _fate(actor=actor, appointment=joined, dice=dice, now=now)
    written = len(made_for_groups) + show.what_waits_and_repeats()
    for service in clinic.services.filter(capacity=None, needs_approval=False):
        asking = asked_of(service)
        slots = availability.free_slots(service=service, now=then, since=first, until=tomorrow, asking=asking)
        slots += availability.free_slots(service=service, now=now, since=tomorrow, until=last, asking=asking)
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
                    asking=_met(service, asking, dice),
                    visit_address=dice.choice(ADDRESSES) if asking.kind == VisitKind.HOME else "",
                )
            except Refusal:
                continue  # an earlier service of this loop took the time or the room: the diary is full there
            _fate(actor=actor, appointment=made, dice=dice, now=now)
            written += 1
            if written % 100 == 0:
                progress(f"{clinic.name}: {written} appointments")
    return written + show.squeezed_in()


def _met(service: HealthcareService, asking: Asking, dice: random.Random) -> Asking:
    """Every sixth visit by video, where that is offered; it takes as long."""
    by_video = VisitKind.VIDEO in service.kinds and dice.random() < 0.17
    return replace(asking, kind=VisitKind.VIDEO) if by_video else asking


def _fill(start: datetime, now: datetime) -> float:
    """The share of slots to fill, by how far away they are."""
    days = (start - now).days
    return 0.25 if days < 0 else max(0.04, 0.24 - days * 0.009)


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
