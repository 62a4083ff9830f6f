"""The details form and the draft it is kept in."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.forms.details import DetailsForm
from bookings.forms.persons import initial_of

TODAY = date(2026, 11, 27)
TYPED = {"who": "me", "family_name": "Lovelace", "email": "ada@example.org", "message_language": "en"}


def form(**changed: str) -> DetailsForm:
    return DetailsForm({**TYPED, **changed}, today=TODAY)


@pytest.mark.parametrize(
    ("day", "month", "year", "kept"),
    [
        ("10", "12", "1985", "1985-12-10"),
        (" 1", "2 ", "1990", "1990-02-01"),
        ("01", "02", "1990", "1990-02-01"),
        ("٣", "1", "1990", "1990-01-03"),
        ("1_0", "1", "1990", "1990-01-10"),
        ("", "", "", ""),
    ],
)
def test_a_birth_date_is_kept_as_iso(day: str, month: str, year: str, kept: str) -> None:
    typed = form(birth_day=day, birth_month=month, birth_year=year)
    assert typed.is_valid(), typed.errors
    assert typed.details()["birth_date"] == kept


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [
        ("31", "2", "1990"),
        ("1", "13", "1990"),
        ("", "2", "1990"),
        ("1", "2", ""),
        ("1", "2", "90"),
        ("28", "11", "2026"),
        ("1", "1", "1850"),
        ("x", "y", "z"),
        ("1", "2", "²027"),
        ("1" * 20, "2", "1990"),
    ],
)
def test_a_date_nobody_was_born_on_is_refused(day: str, month: str, year: str) -> None:
    typed = form(birth_day=day, birth_month=month, birth_year=year)
    assert not typed.is_valid()
    assert typed.persons[0].birth_mistakes


def test_only_who_books_for_another_is_asked_who_they_are() -> None:
    assert form(who="me", helper_name="", relationship="").is_valid()
    assert set(form(who="other").errors) == {"helper_name", "relationship"}
    assert form(who="other", helper_name="Ben", relationship="guardian").is_valid()


PLAIN = st.text(st.characters(exclude_characters="-", exclude_categories=["Cs", "Z", "Cc"]), max_size=8)


@given(day=PLAIN, month=PLAIN, year=PLAIN, name=PLAIN)
def test_what_was_typed_comes_back_from_the_draft(day: str, month: str, year: str, name: str) -> None:
    typed = form(birth_day=day, birth_month=month, birth_year=year, family_name=name).typed()
    shown = initial_of(typed, language="de")
    assert shown["family_name"] == name
    assert (shown["birth_day"], shown["birth_month"]) == (day.lstrip("0"), month.lstrip("0"))
    assert (shown["birth_year"], shown["message_language"], shown["who"]) == (year, "en", "me")


def test_an_empty_draft_opens_for_me_and_in_the_readers_language() -> None:
    shown = initial_of({}, language="de")
    assert (shown["who"], shown["message_language"], shown["birth_day"]) == ("me", "de", "")
