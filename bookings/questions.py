"""What a clinic asks before a visit: which questions stand in a form, in which words, and what was answered.

An answer is kept and shown to people. Nothing reads it: it ranks, routes and refuses nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from audit.sealed import KeyDestroyed
from bookings import moments
from bookings.models import Answer, Appointment, Clinic, Draft, Question
from bookings.offers import Words, name_of
from bookings.parties import ANSWER, Visit, services_in

#: More questions than this of one service are not asked: a form is no examination.
MOST: Final = 20
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as one person is asked it: in the reader's words, or marked with the language it has."""

    pk: int
    kind: str
    person: int
    text: Words
    hint: Words
    options: tuple[str, ...]
    """In the language of `text`."""
    wordings: tuple[tuple[str, ...], ...]
    """The options in every language they have, each in the same order."""

    @property
    def name(self) -> str:
        """Its field in the form."""
        return f"q{self.pk}" if self.person == 1 else f"q{self.pk}_{self.person}"

    def in_these_words(self, answer: str) -> str:
        """An option chosen in other words (before the language was changed) in these; anything else as it is."""
        for wording in (self.options, *self.wordings):
            if answer in wording:
                return self.options[wording.index(answer)]
        return answer


@dataclass(frozen=True, slots=True)
class Group:
    """What one person is asked about one service."""

    service_name: Words
    person: int
    questions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question as it was asked, and what was answered: a date in the reader's own writing."""

    asked: Words
    value: str


def asked(*, draft: Draft, language: str) -> list[Group]:
    """What the people of a draft are asked in `language`: each person once for each of their services.

    One query, and two more when there is anything to ask.
    """
    wanted = services_in(draft)
    rows = (
        Question.objects.filter(service__in={service for _, service in wanted}, active=True)
        .select_related("service")
        .prefetch_related("texts", "service__texts")
        .order_by("order", "pk")
    )
    of_service: dict[int, list[Question]] = {}
    for row in rows:
        of_service.setdefault(row.service_id, []).append(row)
    return [
        Group(
            service_name=name_of(of_service[service][0].service, clinic=draft.clinic, language=language),
            person=person,
            questions=tuple(
                _worded(row, clinic=draft.clinic, language=language, person=person)
                for row in of_service[service][:MOST]
            ),
        )
        for person, service in wanted
        if service in of_service
    ]


def answered(appointment: Appointment) -> list[Answered]:
    """What was answered for an appointment, in the order of asking; nothing once it was erased."""
    rows = Answer.objects.filter(appointment=appointment).select_related("question", "appointment__patient")
    try:
        return [Answered(Words(row.asked, row.language), _readable(row)) for row in rows]
    except KeyDestroyed:
        return []


def record(*, draft: Draft, form: Mapping[str, str], booked: Sequence[tuple[Visit, Appointment]]) -> list[Answer]:
    """Write each answer of a draft's form beside the visit it is about, as part of the booking that calls this.

    A service booked more than once for one person (a series) is told at the first of its visits. The words are those
    the form was shown in, whatever the clinic asks by now. Each row is saved alone, so that each is expected.
    """
    given = _given(form)
    questions = Question.objects.in_bulk({pk for pk, _, _ in given}) if given else {}
    known = sorted(given, key=lambda one: (one[1], *_place(questions.get(one[0])), one[0]))
    written = []
    for pk, person, value in known:
        question = questions.get(pk)
        appointment = _visit_of(question, person=person, booked=booked)
        if appointment is None:
            continue  # its visit was left out of the series, or its person is not among those booked
        answer = Answer(
            clinic_id=draft.clinic_id,
            appointment=appointment,
            question=question,
            asked=form[f"q{pk}_asked"],
            value=value[:1000],
            language=form[f"q{pk}_language"],
        )
        answer.save(force_insert=True)
        written.append(answer)
    return written


def shown_beside(groups: Iterable[Group]) -> dict[str, str]:
    """The words in which each question stands in a form, by the names under which a draft keeps them."""
    shown = {}
    for one in (one for group in groups for one in group.questions):
        shown[f"q{one.pk}_asked"], shown[f"q{one.pk}_language"] = one.text.text, one.text.language
    return shown


def _worded(question: Question, *, clinic: Clinic, language: str, person: int) -> Asked:
    """In `language` where all of it is translated: a question and its options are never in two languages."""
    chosen_from = question.kind == Question.Kind.CHOICE
    whole = [text for text in question.texts.all() if not chosen_from or len(text.options) == len(question.options)]
    translated = next((text for text in whole if text.language == language and language != clinic.language), None)
    own = Words(question.hint, clinic.language)
    return Asked(
        pk=question.pk,
        kind=question.kind,
        person=person,
        text=Words(translated.text, language) if translated else Words(question.text, clinic.language),
        hint=Words(translated.hint, language) if translated and translated.hint else own,
        options=tuple(translated.options if translated else question.options),
        wordings=(tuple(question.options), *(tuple(text.options) for text in whole)),
    )


def _given(form: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Question, person and answer of each that was not left empty."""
    found = []
    for name, value in form.items():
        match = ANSWER.fullmatch(name)
        if match is not None and value.strip() and form.get(f"q{match[1]}_asked"):
            found.append((int(match[1]), int(match[2] or 1), value.strip()))
    return found


def _visit_of(
    question: Question | None, *, person: int, booked: Sequence[tuple[Visit, Appointment]]
) -> Appointment | None:
    """The person's first visit for the question's service; of a question that is gone, their first."""
    theirs = [
        appointment
        for visit, appointment in booked
        if visit.person == person and (question is None or appointment.service_id == question.service_id)
    ]
    return min(theirs, key=lambda one: (one.start, one.pk), default=None)


def _place(question: Question | None) -> tuple[bool, int]:
    return (question is None, question.order if question is not None else 0)


def _readable(answer: Answer) -> str:
    is_date = answer.question is not None and answer.question.kind == Question.Kind.DATE
    if not is_date or not _ISO.fullmatch(answer.value):
        return answer.value
    try:
        return moments.day(date.fromisoformat(answer.value))
    except ValueError:
        return answer.value
