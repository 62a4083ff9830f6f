"""People in the form of a booking: how the fields about one stand together, and what a draft says in them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django import forms

from bookings.parties import MOST_PEOPLE


@dataclass(frozen=True, slots=True)
class Person:
    """The fields about one person, as they stand together; the first is number 1."""

    number: int
    given_name: forms.BoundField
    family_name: forms.BoundField
    birth: list[forms.BoundField]
    """Day, month and year, side by side."""
    chosen: forms.BoundField | None
    """Where somebody on record can be chosen instead."""

    @property
    def birth_mistakes(self) -> list[tuple[str, str]]:
        """What is wrong with the date: the id each field points to, and its sentence."""
        return [(f"{field.auto_id}_error", str(error)) for field in self.birth for error in field.errors]


def initial_of(typed: Mapping[str, str], *, language: str) -> dict[str, str]:
    """A draft's fields as the form shows them."""
    shown = {name: value for name, value in typed.items() if not name.startswith("birth_date") and name != "language"}
    shown |= {"who": typed.get("who") or "me", "message_language": typed.get("language") or language}
    for suffix in ("", *(f"_{number}" for number in range(2, MOST_PEOPLE + 1))):
        year, month, day = [*typed.get(f"birth_date{suffix}", "").split("-", 2), "", "", ""][:3]
        shown[f"birth_year{suffix}"] = year
        shown[f"birth_month{suffix}"], shown[f"birth_day{suffix}"] = month.lstrip("0"), day.lstrip("0")
    return shown
