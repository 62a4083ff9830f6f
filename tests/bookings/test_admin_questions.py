"""Questions in the admin: lines of their service, each with a page for its translations."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Question, QuestionText, Role
from tests.bookings.asking import choice, question
from tests.bookings.entering import enter, settled_count, someone, url
from tests.bookings.test_admin_services import form, saved, tables
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def manager(story: Cast) -> Client:
    return enter(someone(clinic=story.clinic, role=Role.MANAGER))


def line(row: Question | None = None, **typed: Any) -> dict[str, Any]:
    """A question as a line of its service's page."""
    kept = {"order": 100, "kind": "text", "text": "Do you smoke?", "active": "on"}
    there = {"id": row.pk, "kind": row.kind, "options": "\n".join(row.options)} if row else {}
    return {**kept, **there, **typed}


def page(row: Question, *, texts: list[dict[str, Any]], **typed: Any) -> dict[str, Any]:
    """A question's own page."""
    kept = {"text": row.text, "kind": row.kind, "options": "\n".join(row.options), "order": row.order, "active": "on"}
    return {**kept, **typed, **tables(texts=texts)}


def mistakes(response: Any) -> list[str]:
    """What the lines of a page are refused for."""
    assert response.status_code == 200
    return [
        str(error)
        for formset in response.context["inline_admin_formsets"]
        for one in formset.formset.errors
        for errors in one.values()
        for error in errors
    ]


def test_a_manager_writes_a_services_questions_with_answers_one_a_line(manager, story):
    lines = [
        line(kind="choice", options="Yes\r\n\r\n  No \r\nSometimes", hint="Now or before.", order=1),
        line(kind="number", text="How tall?", options="left over"),
    ]
    assert saved(manager, url(story.service), form(story, questions=lines)) == []
    first, second = Question.objects.all()
    assert (first.options, first.hint, first.clinic) == (["Yes", "No", "Sometimes"], "Now or before.", story.clinic)
    assert (second.kind, second.options, second.active) == ("number", [], True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("", "Write the answers to choose from, one a line."),
        (" \n\n", "Write the answers to choose from, one a line."),
        ("Yes\nYes", "Write each answer once."),
        ("x" * 81, "At most 20 answers of at most 80 characters."),
        ("\n".join(map(str, range(21))), "At most 20 answers of at most 80 characters."),
    ],
)
def test_a_choice_that_cannot_be_shown_is_refused_with_a_sentence(manager, story, options, sentence):
    refused = manager.post(url(story.service), form(story, questions=[line(kind="choice", options=options)]))
    assert mistakes(refused) == [sentence]
    assert Question.objects.count() == 0


def test_a_translation_has_as_many_answers_as_its_question(manager, story):
    row = choice(story.service)
    german = row.texts.get()
    there = {"id": german.pk, "language": "de", "text": "Rauchen Sie?"}
    refused = manager.post(url(row), page(row, texts=[{**there, "options": "Ja"}]))
    assert mistakes(refused) == ["The question has 2 answers: write as many, in the same order."]
    both = page(row, options="Yes\nNo\nAt times", texts=[{**there, "options": "Ja\nNein\nManchmal"}])
    response = manager.post(url(row), both)
    assert (response.status_code, response["Location"]) == (302, url(story.service))
    assert QuestionText.objects.get().options == ["Ja", "Nein", "Manchmal"]


def test_answers_are_not_changed_on_the_services_page_while_translations_would_not_fit(manager, story):
    row = choice(story.service)
    refused = manager.post(url(story.service), form(story, questions=[line(row, options="Yes\nNo\nAt times")]))
    assert mistakes(refused) == [
        "Its translations have another number of answers. Change both on the question’s own page."
    ]
    assert saved(manager, url(story.service), form(story, questions=[line(row, options="Yes\nNever")])) == []
    assert Question.objects.get().options == ["Yes", "Never"]


def test_a_translation_is_added_on_the_questions_page_in_the_clinic_of_the_question(manager, story):
    row = question(story.service)
    assert f'href="{url(row)}">add</a>' in manager.get(url(story.service)).content.decode()
    typed = page(row, texts=[{"language": "fr", "text": "Fumez-vous ?", "options": "left over"}])
    assert manager.post(url(row), typed).status_code == 302
    text = QuestionText.objects.get()
    assert (text.text, text.options, text.clinic) == ("Fumez-vous ?", [], story.clinic)
    assert f'href="{url(row)}">fr</a>' in manager.get(url(story.service)).content.decode()


def test_reception_reads_questions_and_changes_none(story):
    row = question(story.service)
    desk = enter(story.carla)
    assert "Do you smoke?" in desk.get(url(story.service)).content.decode()
    assert desk.get(url(row)).status_code == 200
    assert desk.post(url(row), page(row, texts=[], text="Other?")).status_code == 403
    assert Question.objects.get().text == "Do you smoke?"


def test_questions_have_no_line_of_their_own_on_the_front_page(manager):
    assert reverse("admin:bookings_question_changelist") not in manager.get("/admin/").content.decode()


def test_a_services_page_takes_as_many_queries_for_three_questions_as_for_one(manager, story):
    choice(story.service)
    one = settled_count(manager, url(story.service))
    choice(story.service)
    choice(story.service)
    assert settled_count(manager, url(story.service)) == one
