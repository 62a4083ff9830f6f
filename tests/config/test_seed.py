"""The demo's data: believable, and the same for the same seed and day."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from audit.context import Actor
from bookings.models import (
    Appointment,
    Clinic,
    Consent,
    ConsentText,
    Location,
    OpeningHours,
    Patient,
    PrivacyNotice,
    Question,
    User,
)
from config.seed import build

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
Row = tuple[Any, ...]


def seeded(seed: int) -> tuple[list[Row], list[Row]]:
    """The people and the diary of the smaller clinic, in a database emptied afterwards."""
    build.clinics(actor=ACTOR, password="tests only")
    clinic = Clinic.objects.get(slug="ordination-alsergrund")
    dice = random.Random(seed)
    people = build.people(actor=ACTOR, clinic=clinic, count=8, dice=dice, today=NOW.date())
    build.diary(actor=ACTOR, clinic=clinic, patients_=people, dice=dice, now=NOW, weeks=1, progress=lambda text: None)
    names = [(p.given_name, p.family_name, p.birth_date, p.email) for p in Patient.objects.order_by("pk")]
    diary = list(
        Appointment.objects.order_by("start", "practitioner__name", "idempotency_key").values_list(
            "start", "service__slug", "practitioner__name", "status", "idempotency_key"
        )
    )
    tables = ", ".join(f'"{model._meta.db_table}"' for model in (Clinic, Patient, User))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")
    return names, diary


def test_the_same_seed_and_day_give_the_same_people_and_diary() -> None:
    first = seeded(1)
    assert first == seeded(1)
    assert first != seeded(2)
    starts = [row[0] for row in first[1]]
    statuses = {row[3] for row in first[1]}
    assert min(starts) < NOW < max(starts)
    assert {"booked", "fulfilled"} <= statuses
    services = {row[1] for row in first[1] if row[0] > NOW}
    assert services >= {"first-visit", "check-up", "vaccination"}
    assert "home-visit" in {row[1] for row in first[1]}


def test_the_demo_shows_what_the_engine_can() -> None:
    build.clinics(actor=ACTOR, password="tests only")
    clinic = Clinic.objects.get(slug="cabinet-des-terreaux")
    dice = random.Random(1)
    people = build.people(actor=ACTOR, clinic=clinic, count=12, dice=dice, today=NOW.date())
    build.diary(actor=ACTOR, clinic=clinic, patients_=people, dice=dice, now=NOW, weeks=2, progress=lambda text: None)
    rows = Appointment.objects.filter(clinic=clinic)
    waiting = rows.filter(service__slug="minor-procedure").order_by("status").values_list("status", flat=True)
    assert list(waiting) == ["pending", "pending", "proposed"]
    assert rows.filter(service__slug="back-class", start__lt=NOW, session__isnull=False).exists()
    assert rows.filter(service__slug="back-class", start__gt=NOW, session__isnull=False).exists()
    assert rows.filter(series__isnull=False).count() > 2
    assert rows.filter(overbooked=True).values_list("overbook_reason", flat=True).get() == "urgent"
    assert rows.filter(kind="video").exists()
    assert not rows.filter(service__slug="ultrasound", device=None).exists()
    assert rows.filter(service__slug="consultation").values_list("standing", flat=True).distinct().count() == 2
    assert OpeningHours.objects.filter(clinic=clinic, every=2).exists()
    sunday = [row.start for row in rows if row.start.astimezone(row.location.tz).weekday() == 6]
    assert sunday
    assert not rows.filter(status__in=("pending", "proposed"), start__lt=NOW).exists()


def test_the_demo_asks_each_kind_of_question_once_and_one_clinic_asks_for_consent() -> None:
    build.clinics(actor=ACTOR, password="tests only")
    asked = Question.objects.order_by("service_id", "order")
    assert sorted(asked.values_list("kind", flat=True)) == ["choice", "date", "number", "text"]
    assert asked.values("service").distinct().count() == 2
    for question in asked.prefetch_related("texts", "service__clinic"):
        spoken = {question.service.clinic.language, *(text.language for text in question.texts.all())}
        assert spoken == {"fr", "de", "en"}
        assert {len(text.options) for text in question.texts.all()} == {len(question.options)}
    assert set(ConsentText.objects.values_list("clinic__slug", "language")) == {
        ("ordination-alsergrund", "de"),
        ("ordination-alsergrund", "en"),
    }
    lyon = PrivacyNotice.objects.get(clinic__slug="cabinet-des-terreaux", language="en")
    vienna = PrivacyNotice.objects.get(clinic__slug="ordination-alsergrund", language="en")
    assert ("tell us if you do not want that" in lyon.body, "only if you agreed" in vienna.body) == (True, True)
    for location in Location.objects.prefetch_related("texts", "clinic"):
        assert len({location.clinic.language, *(text.language for text in location.texts.all())}) == 3


def test_some_of_the_demos_patients_agreed_to_reminders_and_some_did_not() -> None:
    build.clinics(actor=ACTOR, password="tests only")
    clinic = Clinic.objects.get(slug="ordination-alsergrund")
    people = build.people(actor=ACTOR, clinic=clinic, count=9, dice=random.Random(1), today=NOW.date())
    assert (len(people), Consent.objects.filter(withdrawn_at=None, given_at__lt=NOW).count()) == (9, 6)
