"""The fields in which a clinic's own questions are answered. Each may stay empty; what is typed is kept as typed.

Only the form of a number or a date is looked at. What it says is compared with nothing.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.forms.text import LongTextField, without_bidi
from bookings.models import Question
from bookings.offers import Words
from bookings.questions import Asked, Group

LONGEST_TEXT: Final = 500
DAY_HINT: Final = _("Day, month and year, such as 24.12.2026.")
#: Digits with spaces, dots, commas or apostrophes among them, as people group and point them.
_NUMBER: Final = re.compile(r"[+\-\u2212]?[0-9]+(?:[ .,'\u2019\u00a0\u202f][0-9]+)*")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[.\-/]([0-9]{1,2})[.\-/]([0-9]{1,2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[.\-/ ]+([0-9]{1,2})[.\-/ ]+([0-9]{4})")


class _ShortField(forms.CharField):
    """One line without what cannot be read; digits of any script become plain ones."""

    def to_python(self, value: Any) -> str:
        """Plain digits, single spaces, no bidi controls."""
        text = " ".join(without_bidi(super().to_python(value) or "").split())
        return "".join(
            str(unicodedata.digit(character)) if unicodedata.category(character) == "Nd" else character
            for character in text
        )


class NumberField(_ShortField):
    """A number as people write it."""

    def validate(self, value: str) -> None:
        """Refuse what is no number."""
        super().validate(value)
        if value and not _NUMBER.fullmatch(value):
            raise ValidationError(_("Write a number, such as 3 or 2.5, or leave this empty."), code="number")


class DayField(_ShortField):
    """A date, day first as Europe writes it, or year first; its value is year-month-day."""

    def clean(self, value: Any) -> str:
        """The date. Raises ValidationError for what is none."""
        text = super().clean(value)
        if not text:
            return ""
        year_first, day_first = _YEAR_FIRST.fullmatch(text), _DAY_FIRST.fullmatch(text)
        parts = year_first.groups() if year_first else day_first.groups()[::-1] if day_first else ()
        try:
            year, month, day = (int(part) for part in parts)
            return date(year, month, day).isoformat()
        except ValueError as error:
            raise ValidationError(
                _("Write the date as day, month and year, such as 24.12.2026, or leave this empty."), code="date"
            ) from error

    def prepare_value(self, value: Any) -> Any:
        """Day first, as the hint asks for it; what is no date as it was typed."""
        try:
            return date.fromisoformat(value).strftime("%d.%m.%Y")
        except (TypeError, ValueError):
            return value


@dataclass(frozen=True, slots=True)
class Line:
    """A question on the page: its words, its field, and how it stands there."""

    asked: Asked
    field: forms.BoundField

    @property
    def buttons(self) -> bool:
        """Whether its answers stand side by side to be chosen from."""
        return self.asked.kind == Question.Kind.CHOICE

    @property
    def options(self) -> list[tuple[Any, Words | None]]:
        """Each button with the clinic's word beside it; the first leaves the question open."""
        words = [None, *(Words(option, self.asked.text.language) for option in self.asked.options)]
        return list(zip(self.field, words, strict=True))

    @property
    def described_by(self) -> str:
        """The ids of its explanation and its mistake, for a group of buttons: Django names them for other fields."""
        said = (("helptext", self.asked.hint.text), ("error", self.field.errors))
        return " ".join(f"{self.field.auto_id}_{part}" for part, there in said if there)

    @property
    def is_date(self) -> bool:
        """Whether a date is asked for."""
        return self.asked.kind == Question.Kind.DATE


@dataclass(frozen=True, slots=True)
class Part:
    """The questions of one service to one person, on the page."""

    group: Group
    lines: tuple[Line, ...]


def fields_for(groups: Sequence[Group]) -> dict[str, forms.Field]:
    """A field for each question, by its name."""
    return {one.name: _field(one) for group in groups for one in group.questions}


def parts_of(groups: Sequence[Group], form: forms.Form) -> list[Part]:
    """What is asked, as it stands on the page."""
    return [Part(group, tuple(Line(one, form[one.name]) for one in group.questions)) for group in groups]


def in_their_words(typed: Mapping[str, str], groups: Iterable[Group]) -> dict[str, str]:
    """What was typed, with each option in the words in which it stands on the page now."""
    asked = {one.name: one for group in groups for one in group.questions if one.kind == Question.Kind.CHOICE}
    return {name: asked[name].in_these_words(typed[name]) if name in asked else typed[name] for name in typed}


def _field(asked: Asked) -> forms.Field:
    attrs = {"autocomplete": "off"}  # a shared browser must not offer what somebody else answered
    given: dict[str, Any] = {"label": asked.text.text, "help_text": asked.hint.text, "required": False}
    match asked.kind:
        case Question.Kind.CHOICE:
            return forms.ChoiceField(
                **given,
                choices=[("", _("No answer")), *((option, option) for option in asked.options)],
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": _("Choose one of these answers, or none.")},
            )
        case Question.Kind.NUMBER:
            return NumberField(**given, max_length=40, widget=forms.TextInput({**attrs, "inputmode": "decimal"}))
        case Question.Kind.DATE:
            given["help_text"] = DAY_HINT  # the page shows the clinic's own before it
            return DayField(**given, max_length=40, widget=forms.TextInput(attrs))
    return LongTextField(**given, max_length=LONGEST_TEXT, widget=forms.Textarea({**attrs, "rows": 2}))
