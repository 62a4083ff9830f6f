"""The form for several people, and for a visit elsewhere than at the clinic."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bookings.forms.details import DetailsForm
from bookings.forms.persons import initial_of
from bookings.models import VisitKind

TODAY = date(2026, 11, 27)
TYPED = {"who": "me", "family_name": "Lovelace", "email": "ada@example.org", "message_language": "en"}
PLAIN = st.text(st.characters(exclude_characters="-", exclude_categories=["Cs", "Z", "Cc"]), max_size=8)


def form(*, people: int = 1, kind: str = VisitKind.ON_SITE, **typed: str) -> DetailsForm:
    return DetailsForm({**TYPED, **typed}, today=TODAY, people=people, kind=kind)


def test_only_so_many_people_are_asked_for() -> None:
    assert [person.number for person in form(people=3).persons] == [1, 2, 3]
    assert "family_name_2" not in form().fields
    assert "family_name_4" not in form(people=3).fields


def test_each_person_needs_one_name_and_no_birth_date() -> None:
    assert set(form(people=3, family_name_2="Byron").errors) == {"family_name_3"}
    assert form(people=2, family_name_2="Byron").is_valid()


def test_a_wrong_birth_date_is_told_at_the_person_it_is_of() -> None:
    wrong = form(people=2, family_name_2="Byron", birth_day_2="31", birth_month_2="2", birth_year_2="2020")
    assert [bool(person.birth_mistakes) for person in wrong.persons] == [False, True]


def test_an_address_is_asked_for_at_home_only_and_a_phone_by_phone() -> None:
    assert "visit_address" not in form().fields
    assert set(form(kind=VisitKind.HOME).errors) == {"visit_address"}
    assert set(form(kind=VisitKind.PHONE).errors) == {"phone"}
    assert form(kind=VisitKind.PHONE, phone="+33 4 12 34 56 78").is_valid()
    assert form(kind=VisitKind.HOME, visit_address="3 rue Basse").is_valid()


def test_one_form_does_not_change_the_next() -> None:
    form(people=5, kind=VisitKind.PHONE)
    assert form().is_valid()
    assert form().fields["given_name"].widget.attrs["autocomplete"] == "given-name"


@given(st.lists(st.tuples(PLAIN, PLAIN, PLAIN, PLAIN), min_size=2, max_size=5))
def test_what_was_typed_of_everybody_comes_back_from_the_draft(rows: list[tuple[str, str, str, str]]) -> None:
    typed: dict[str, str] = {}
    for number, (name, day, month, year) in enumerate(rows, 1):
        suffix = f"_{number}" if number > 1 else ""
        fields = {"family_name": name, "birth_day": day, "birth_month": month, "birth_year": year}
        typed |= {field + suffix: value for field, value in fields.items()}
    shown = initial_of(form(people=len(rows), **typed).typed(), language="de")
    for field, value in typed.items():
        expected = value.lstrip("0") if field.startswith(("birth_day", "birth_month")) else value
        assert shown[field] == expected
