"""A patient about whom everything is held that can be, for what is told and copied of it."""

from datetime import timedelta
from typing import Any

from bookings import patients
from bookings.models import (
    Answer,
    Appointment,
    Consent,
    ConsentText,
    DataRequest,
    NoticeShown,
    Participant,
    PatientIdentifier,
    PossibleDuplicate,
    Question,
)
from notifications.models import Message
from tests.bookings.entering import visit
from tests.factories import MONDAY, Cast, NoticeFactory, PatientFactory


def fill(story: Cast) -> Appointment:
    """Write a row of every kind about Ada; returns her appointment."""
    clinic: dict[str, Any] = {"clinic": story.clinic}
    ada = {**clinic, "patient": story.ada}
    appointment = visit(
        story,
        start=MONDAY + timedelta(hours=2),
        contact_person=story.ben,
        reason="A cough since Monday",
        needs="wheelchair interpreter",
        language="en",
    )
    visit(
        story,
        start=MONDAY + timedelta(days=2),
        status="cancelled",
        cancelled_by="clinic",
        cancellation_reason="practitioner-away",
    )
    question = Question.objects.create(**clinic, service=story.service, text="Allergies?")
    Answer.objects.create(
        **clinic, appointment=appointment, question=question, asked="Allergies?", value="Penicillin", language="en"
    )
    Participant.objects.create(
        **clinic, appointment=appointment, role="interpreter", name="Ines Interpreter", link_digest="1" * 64
    )
    PatientIdentifier.objects.create(**ada, system="https://clinic.example/mrn", value="MRN-77")
    NoticeShown.objects.create(**ada, notice=NoticeFactory(clinic=story.clinic, version=7), shown_at=MONDAY)
    text = ConsentText.objects.create(
        **clinic, purpose="reminders", version=1, language="en", body="May we remind you?"
    )
    Consent.objects.create(**ada, purpose="reminders", text=text, source="web", given_at=MONDAY)
    DataRequest.objects.create(**ada, kind="access", text="What is held?", received_at=MONDAY, due_at=MONDAY)
    Message.objects.create(
        **clinic, appointment=appointment, kind="confirmation", planned_for=MONDAY, next_try=MONDAY, state="delivered"
    )
    twin = PatientFactory(clinic=story.clinic)
    PossibleDuplicate.objects.create(**ada, other=twin)
    patients.reindex(story.ada)
    return appointment
