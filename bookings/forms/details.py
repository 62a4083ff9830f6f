"""The details of a booking: for whom, who they are, how to reach whoever books."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from bookings.forms.text import LongTextField, PersonNameField, PhoneField
from bookings.models import RelatedPerson, VisitKind
from bookings.parties import MOST_PEOPLE

OLDEST: Final = 130
_PERSON: Final = ("given_name", "family_name", "birth_day", "birth_month", "birth_year")
NAME_LENGTH: Final = 120
#: Names of languages in themselves: a reader looks for their own.
LANGUAGE_NAMES: Final = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
}


def language_choices() -> list[tuple[str, str]]:
    """The languages of the pages, each by its own name."""
    return [(code, LANGUAGE_NAMES.get(code, str(name))) for code, name in settings.LANGUAGES]


@dataclass(frozen=True, slots=True)
class Person:
    """The fields about one person, as they stand together; the first is number 1."""

    number: int
    given_name: forms.BoundField
    family_name: forms.BoundField
    birth: list[forms.BoundField]
    """Day, month and year, side by side."""

    @property
    def birth_mistakes(self) -> list[tuple[str, str]]:
        """What is wrong with the date: the id each field points to, and its sentence."""
        return [(f"{field.auto_id}_error", str(error)) for field in self.birth for error in field.errors]


class DetailsForm(forms.Form):
    """What a visitor types to be booked. One name is enough; a birth date may be unknown.

    For several `people` each after the first is asked for a name too. A visit at home needs its address, one by phone a
    number.
    """

    use_required_attribute = False

    who = forms.ChoiceField(
        label=_("Who is the appointment for?"),
        choices=[("me", _("For me")), ("other", _("For someone else"))],
        widget=forms.RadioSelect,
        initial="me",
        error_messages={"required": _("Say whether the appointment is for you or for someone else.")},
    )
    helper_name = PersonNameField(
        label=_("Your own name"),
        required=False,
        max_length=240,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    relationship = forms.ChoiceField(
        label=_("What are you to the patient?"),
        required=False,
        choices=[("", _("Choose")), *RelatedPerson.Relationship.choices],
    )
    given_name = PersonNameField(
        label=_("Given name"),
        required=False,
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    family_name = PersonNameField(
        label=_("Family name"),
        help_text=_("If there is only one name, write it here."),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
        error_messages={"required": _("Write the family name. If there is only one name, write it here.")},
    )
    birth_day = forms.CharField(
        label=_("Day"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "bday-day"}),
    )
    birth_month = forms.CharField(
        label=_("Month"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "bday-month"}),
    )
    birth_year = forms.CharField(
        label=_("Year"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "bday-year"}),
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        help_text=_("We send a code there now, and a reminder before the visit."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": _("Write your e-mail address. You can also book by phone."),
            "invalid": _("Write an e-mail address such as name@example.org."),
        },
    )
    phone = PhoneField(
        label=_("Phone (optional)"),
        help_text=_("Only used if something changes at short notice."),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    message_language = forms.ChoiceField(label=_("Language of our messages"), choices=language_choices)
    reason = LongTextField(
        label=_("Reason for the visit (optional)"),
        help_text=_("You need not say. What you write is sealed: only the staff of this clinic can read it."),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
    )

    visit_address = LongTextField(
        label=_("Address of the visit"),
        help_text=_("Street, number, floor, town, and the name on the door."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
        error_messages={"required": _("Write the address we should come to.")},
    )

    def __init__(
        self,
        data: Mapping[str, str] | None = None,
        *,
        today: date,
        initial: Mapping[str, str] | None = None,
        people: int = 1,
        kind: str = VisitKind.ON_SITE,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.today, self.people = today, people
        if kind != VisitKind.HOME:
            del self.fields["visit_address"]
        if kind == VisitKind.PHONE:
            phone = self.fields["phone"]
            phone.required, phone.label, phone.help_text = True, _("Your phone number"), _("We call you on it.")
            phone.error_messages["required"] = _("Write the number on which we can call you.")
        if people > 1:
            who = self.fields["who"]
            assert isinstance(who, forms.ChoiceField)
            who.label = _("Who are the appointments for?")
            who.choices = [("me", _("For me and others")), ("other", _("Only for others"))]
        further = [(name, suffix) for suffix in self._suffixes[1:] for name in _PERSON]
        for name, suffix in further:
            fresh = copy.deepcopy(type(self).base_fields[name])
            fresh.widget.attrs["autocomplete"] = "off"
            self.fields[name + suffix] = fresh
        self.order_fields(["who", "helper_name", "relationship", *_PERSON, *map("".join, further)])

    @property
    def _suffixes(self) -> list[str]:
        return ["", *(f"_{number}" for number in range(2, self.people + 1))]

    @property
    def persons(self) -> list[Person]:
        """The fields of each person, the first first."""
        given, family, *birth = _PERSON
        return [
            Person(number, self[given + suffix], self[family + suffix], [self[name + suffix] for name in birth])
            for number, suffix in enumerate(self._suffixes, 1)
        ]

    def clean(self) -> dict[str, str]:
        """Check what depends on more than one field."""
        given = self.cleaned_data
        if given.get("who") == "other":
            if not given.get("helper_name") and "helper_name" not in self.errors:
                self.add_error("helper_name", _("Write your own name, since you book for someone else."))
            if not given.get("relationship") and "relationship" not in self.errors:
                self.add_error("relationship", _("Say what you are to the patient."))
        for suffix in self._suffixes:
            self._check_birth_date(suffix)
        return given

    def _check_birth_date(self, suffix: str) -> None:
        names = [f"birth_{part}{suffix}" for part in ("day", "month", "year")]
        day, month, year = (str(self.cleaned_data.get(name, "")) for name in names)
        if not (day or month or year):
            return
        if not (day and month and year):
            self.add_error(names[0], _("Give the day, the month and the year, or leave all three empty."))
            return
        if not year.isascii() or not year.isdigit() or len(year) != 4:
            self.add_error(names[2], _("Write the year with four digits."))
            return
        try:
            born = date(int(year), int(month), int(day))
        except (ValueError, OverflowError):
            self.add_error(names[0], _("This date does not exist."))
            return
        self.cleaned_data |= dict(zip(names, map(str, (born.day, born.month, born.year)), strict=True))
        if born > self.today:
            self.add_error(names[2], _("The birth date is in the future."))
        elif born.year < self.today.year - OLDEST:
            self.add_error(names[2], _("Check the year of birth."))

    def typed(self) -> dict[str, str]:
        """Everything typed, right or wrong, under the draft's field names."""
        return self._draft({name: str(self.data.get(name, "")) for name in self.fields})

    def details(self) -> dict[str, str]:
        """What a draft keeps of the form: the tidied details when all are valid, else everything as typed."""
        return self._draft(self.cleaned_data) if self.is_valid() else self.typed()

    def _draft(self, values: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in values.items()
            if not name.startswith("birth_") and name != "message_language"
        }
        for suffix in self._suffixes:
            parts = (values.get(f"birth_{part}{suffix}", "").strip()[:20] for part in ("year", "month", "day"))
            year, month, day = parts
            born = f"{year}-{month.zfill(2)}-{day.zfill(2)}" if year or month or day else ""
            kept[f"birth_date{suffix}"] = born
        return kept | {"language": values.get("message_language", "")}


def initial_of(typed: Mapping[str, str], *, language: str) -> dict[str, str]:
    """A draft's fields as the form shows them."""
    shown = {name: value for name, value in typed.items() if not name.startswith("birth_date") and name != "language"}
    shown |= {"who": typed.get("who") or "me", "message_language": typed.get("language") or language}
    for suffix in ("", *(f"_{number}" for number in range(2, MOST_PEOPLE + 1))):
        year, month, day = [*typed.get(f"birth_date{suffix}", "").split("-", 2), "", "", ""][:3]
        shown[f"birth_year{suffix}"] = year
        shown[f"birth_month{suffix}"], shown[f"birth_day{suffix}"] = month.lstrip("0"), day.lstrip("0")
    return shown
