"""A clinic that asks: questions of a service, the words of a consent."""

from typing import Any

from bookings.models import Clinic, ConsentText, HealthcareService, Question, QuestionText


def question(service: HealthcareService, text: str = "Do you smoke?", **fields: Any) -> Question:
    """A question of a service; text unless told otherwise."""
    return Question.objects.create(clinic_id=service.clinic_id, service=service, text=text, **fields)


def choice(service: HealthcareService, text: str = "Do you smoke?", **fields: Any) -> Question:
    """A question with Yes and No to choose from, and the same in German."""
    row = question(service, text, kind="choice", options=["Yes", "No"], **fields)
    translated(row, text="Rauchen Sie?", options=["Ja", "Nein"])
    return row


def translated(row: Question, language: str = "de", **fields: Any) -> QuestionText:
    """A question in one more language."""
    return QuestionText.objects.create(clinic_id=row.clinic_id, question=row, language=language, **fields)


def wording(clinic: Clinic, body: str = "Remind me of my appointments by e-mail.", **fields: Any) -> ConsentText:
    """Words a clinic asks consent in: the first version, in English, for reminders unless told otherwise."""
    given = {"purpose": "reminders", "version": 1, "language": "en", **fields}
    return ConsentText.objects.create(clinic=clinic, body=body, **given)
