"""Text people type or paste: tidied without loss, refused where it could deceive."""

import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from bookings.forms.text import BIDI_CONTROLS, LongTextField, PersonNameField, PhoneField


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("O’Neill-Škvorecká", "O’Neill-Škvorecká"),
        ("Zoe\u0308", "Zoë"),
        ("נעמה", "נעמה"),
        ("می‌خواهم", "می‌خواهم"),
        ("क्‍ष", "क्‍ष"),
        ("\u202eadA\u202c", "adA"),
        ("Ada\u00a0L.", "Ada L."),
        ("X Æ A-12", "X Æ A-12"),
    ],
)
def test_a_name_of_any_script_is_kept_as_its_bearer_writes_it(typed: str, kept: str) -> None:
    assert PersonNameField().clean(typed) == kept


@pytest.mark.parametrize("typed", ["\0Ada", "A\x1bda", "Ada\x7f", "\ue000", "123", "🙂", "--", "A" * 121])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        PersonNameField(max_length=120).clean(typed)


@given(st.text(max_size=200))
def test_no_name_that_passes_carries_controls_or_turns_the_text_around(typed: str) -> None:
    try:
        kept = PersonNameField().clean(typed)
    except ValidationError:
        return
    assert not BIDI_CONTROLS.search(kept)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Co") for character in kept)
    assert kept == PersonNameField().clean(kept)


def test_lines_of_a_text_end_in_one_way_and_count_once() -> None:
    assert LongTextField(max_length=3).clean("a\r\nb") == "a\nb"
    with pytest.raises(ValidationError):
        LongTextField().clean("a\x00b")


@pytest.mark.parametrize("typed", ["+33 4 12 34 56 78", "01/234 56-78", "(0043) 1.890", "12345", ""])
def test_a_phone_number_passes_as_people_write_it(typed: str) -> None:
    assert PhoneField(required=False).clean(typed) == typed


@pytest.mark.parametrize("typed", ["1234", "call me", "+33 4 12 34 56 78 90 12 34", "１２３４５６", "++331234567"])
def test_what_no_phone_can_dial_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        PhoneField(required=False).clean(typed)
