"""Fields for a clinic's own questions: any may stay empty, a number or a date that is none is said, nothing is lost."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import pytest

from bookings.forms.details import DetailsForm
from bookings.forms.text import BIDI_CONTROLS
from bookings.offers import Words
from bookings.questions import Asked, Group

TYPED = {"who": "me", "family_name": "Lovelace", "email": "ada@example.org", "message_language": "en"}
KINDS = ("text", "choice", "number", "date")
TEXT, CHOICE, NUMBER, DATE = "q1", "q2", "q3", "q4"


def group(*, language: str = "en", options: tuple[str, ...] = ("Yes", "No")) -> Group:
    """One question of each kind, numbered from 1."""
    asked = tuple(
        Asked(
            pk=number,
            kind=kind,
            person=1,
            text=Words(f"What {kind}?", language),
            hint=Words("", language),
            options=options if kind == "choice" else (),
            wordings=(("Yes", "No"), ("Oui", "Non")) if kind == "choice" else (),
        )
        for number, kind in enumerate(KINDS, 1)
    )
    return Group(Words("Consultation", language), 1, asked)


def form(typed: Mapping[str, str] = MappingProxyType({}), *, groups: tuple[Group, ...] = (group(),)) -> DetailsForm:
    return DetailsForm({**TYPED, **typed}, today=date(2026, 11, 27), questions=groups)


def test_every_question_may_stay_empty() -> None:
    empty = form()
    assert empty.is_valid(), empty.errors
    assert [empty.details()[name] for name in (TEXT, CHOICE, NUMBER, DATE)] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("3", "3"),
        ("2.5", "2.5"),
        ("-2,5", "-2,5"),
        ("\u22124", "\u22124"),
        ("1 250,75", "1 250,75"),
        (" 12\u202f000 ", "12 000"),
        ("٣٥", "35"),
        ("0" * 40, "0" * 40),
    ],
)
def test_a_number_is_kept_as_it_was_written_in_plain_digits(typed: str, kept: str) -> None:
    written = form({NUMBER: typed})
    assert written.is_valid(), written.errors
    assert written.details()[NUMBER] == kept


@pytest.mark.parametrize("typed", ["many", "3 kg", "1e5", "--1", "1..2", "½", "1;2", "٣ عام"])
def test_a_number_that_is_none_is_said_and_kept(typed: str) -> None:
    wrong = form({NUMBER: typed})
    assert wrong.errors[NUMBER] == ["Write a number, such as 3 or 2.5, or leave this empty."]
    assert wrong.details()[NUMBER] == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("24.12.2026", "2026-12-24"),
        ("1/2/1999", "1999-02-01"),
        ("1. 2. 1999", "1999-02-01"),
        ("2026-12-24", "2026-12-24"),
        ("29.02.2024", "2024-02-29"),
        ("٢٤.١٢.٢٠٢٦", "2026-12-24"),
    ],
)
def test_a_date_is_kept_year_first_and_shown_again_day_first(typed: str, kept: str) -> None:
    written = form({DATE: typed})
    assert written.is_valid(), written.errors
    assert written.details()[DATE] == kept
    year, month, day = kept.split("-")
    assert form({DATE: kept})[DATE].value() == f"{day}.{month}.{year}"


@pytest.mark.parametrize(
    "typed", ["30.02.2026", "29.02.2025", "yesterday", "12.2026", "24.12.26", "1.1.0000", "2026-13-01"]
)
def test_a_date_that_is_none_is_said_and_kept(typed: str) -> None:
    wrong = form({DATE: typed})
    assert wrong.errors[DATE] == ["Write the date as day, month and year, such as 24.12.2026, or leave this empty."]
    assert wrong.details()[DATE] == typed
    assert wrong[DATE].value() == typed


def test_an_option_is_one_of_those_shown_in_the_words_shown() -> None:
    assert form({CHOICE: "Yes"}).details()[CHOICE] == "Yes"
    wrong = form({CHOICE: "Perhaps"})
    assert wrong.errors[CHOICE] == ["Choose one of these answers, or none."]


def test_an_option_chosen_in_another_language_stays_chosen_in_the_words_of_this_one() -> None:
    french = form({CHOICE: "No"}, groups=(group(language="fr", options=("Oui", "Non")),))
    assert french.details()[CHOICE] == "Non"
    buttons = french.parts[0].lines[1].options
    assert [(str(words or ""), "checked" in button.tag()) for button, words in buttons] == [
        ("", False),
        ("Oui", False),
        ("Non", True),
    ]


def test_text_is_tidied_like_any_other() -> None:
    written = form({TEXT: "\u202eabc\u202c\r\ndef"})
    assert written.details()[TEXT] == "abc\ndef"
    assert form({TEXT: "x" * 500}).is_valid()


@pytest.mark.parametrize("name", [TEXT, CHOICE, NUMBER, DATE])
@pytest.mark.parametrize("value", ["Nul\0l", "x" * 10_000, "\x1b[31m"])
def test_what_no_answer_can_be_is_refused_by_every_field(name: str, value: str) -> None:
    assert list(form({name: value}).errors) == [name]


def test_bidi_controls_alone_are_no_answer() -> None:
    for name in (TEXT, NUMBER, DATE):
        written = form({name: "\u202e\u2066"})
        assert written.is_valid(), written.errors
        assert BIDI_CONTROLS.search(written.details()[name]) is None


def test_a_draft_keeps_in_which_words_each_question_stood() -> None:
    kept = form().details()
    assert (kept["q1_asked"], kept["q1_language"]) == ("What text?", "en")
    assert "q1_asked" in form({NUMBER: "wrong"}).details()
