"""The boxes in which a visitor agrees to something: never ticked beforehand, each beside the words it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django import forms

from bookings.consents import Ask


@dataclass(frozen=True, slots=True)
class Box:
    """One box on the page, and what it means."""

    field: forms.BoundField
    ask: Ask

    @property
    def ticked(self) -> bool:
        """Whether it was ticked beside these words; a tick beside an older version of them says nothing about these."""
        form = self.field.form
        beside = (form.data if form.is_bound else form.initial).get(self.shown_as, "")
        return bool(self.field.value()) and beside in self.ask.alike

    @property
    def shown_as(self) -> str:
        """The hidden field that says which words stood beside the box."""
        return _shown(self.ask)


def fields_for(asks: Sequence[Ask]) -> dict[str, forms.Field]:
    """A box for each, by its name."""
    return {_name(ask): forms.BooleanField(required=False, label=ask.text.body) for ask in asks}


def boxes_of(asks: Sequence[Ask], form: forms.Form) -> list[Box]:
    """The boxes as they stand on the page."""
    return [Box(form[_name(ask)], ask) for ask in asks]


def given_in(values: Mapping[str, object], *, shown: Mapping[str, object], asks: Sequence[Ask]) -> dict[str, str]:
    """What a draft keeps: whether each box was ticked, and which words stood beside it."""
    kept: dict[str, str] = {}
    for ask in asks:
        kept[_name(ask)] = "1" if values.get(_name(ask)) else ""
        kept[_shown(ask)] = str(shown.get(_shown(ask), ""))
    return kept


def _name(ask: Ask) -> str:
    return f"consent_{ask.text.purpose}"


def _shown(ask: Ask) -> str:
    return f"{_name(ask)}_text"
