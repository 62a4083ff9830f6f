"""The details of a booking: for whom, who they are, how to reach whoever books."""

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.consents import Ask
from bookings.forms import consent_boxes, familiar, intake_questions
from bookings.forms.consent_boxes import Box
from bookings.forms.familiar import Familiar
from bookings.forms.intake_questions import Part
from bookings.forms.languages import language_choices
from bookings.forms.persons import Person
from bookings.forms.text import LongTextField, PersonNameField, PhoneField
from bookings.models import RelatedPerson, VisitKind
from bookings.questions import Group, shown_beside

OLDEST: Final = 130
_PERSON: Final = ("given_name", "family_name", "birth_day", "birth_month", "birth_year")
NAME_LENGTH: Final = 120


class DetailsForm(forms.Form):
    """What a visitor types to be booked. One name is enough; a birth date may be unknown.

    For several `people` each after the first is asked for a name too. A visit at home needs its address, one by phone a
    number. `questions` are the clinic's own, `consents` what it asks consent for; both may be left as they are. Whoever
    is `known` is chosen instead of typed, and reached at `contact`.
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
        label=_("Given name (optional)"),
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
        help_text=_("We send a code there now, and what you book."),
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
        questions: Sequence[Group] = (),
        consents: Sequence[Ask] = (),
        known: Sequence[Familiar] = (),
        contact: str = "",
    ) -> None:
        self.today, self.people, self.questions, self.consents = today, people, questions, consents
        self.known = {one.code: one for one in known}
        super().__init__(None if data is None else self._as_it_stands(data), initial=self._as_it_stands(initial or {}))
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
        if self.known:
            self._offer_known(contact)
        further = [(name, suffix) for suffix in self._suffixes[1:] for name in _PERSON]
        for name, suffix in further:
            fresh = copy.deepcopy(type(self).base_fields[name])
            fresh.widget.attrs["autocomplete"] = "off"
            self.fields[name + suffix] = fresh
        for suffix in self._suffixes if self.known else ():
            self.fields[f"family_name{suffix}"].required = False  # asked for again where nobody is chosen
            if suffix:
                offered = familiar.choices(self.known, suffix=suffix)
                self.fields[familiar.name_of(suffix)] = forms.ChoiceField(
                    label=_("Who is it?"), required=False, choices=offered, widget=forms.RadioSelect
                )
        answers = intake_questions.fields_for(questions)
        self.fields |= {**answers, **consent_boxes.fields_for(consents)}
        self.order_fields(["who", "helper_name", "relationship", *_PERSON, *map("".join, further), *answers])

    def _offer_known(self, contact: str) -> None:
        """Offer whom the account reaches, its holder chosen, or whoever is the only one; with how they are reached."""
        who = self.fields["who"]
        assert isinstance(who, forms.ChoiceField)
        who.choices = familiar.choices(self.known, suffix="")
        first = next(iter(self.known.values()))
        if self.initial.get("who", "me") == "me" and not self.initial.get("family_name"):
            self.initial["who"] = first.code if first.own or len(self.known) == 1 else ""
        self.fields["email"].help_text = _("You are signed in with this address. Another one is sent a code first.")
        self.initial["email"] = self.initial.get("email") or contact
        self.initial["phone"] = self.initial.get("phone") or first.phone

    @property
    def _suffixes(self) -> list[str]:
        return ["", *(f"_{number}" for number in range(2, self.people + 1))]

    @property
    def persons(self) -> list[Person]:
        """The fields of each person, the first first."""
        given, family, *birth = _PERSON
        return [
            Person(
                number,
                self[given + suffix],
                self[family + suffix],
                [self[name + suffix] for name in birth],
                self[familiar.name_of(suffix)] if suffix and self.known else None,
            )
            for number, suffix in enumerate(self._suffixes, 1)
        ]

    @property
    def parts(self) -> list[Part]:
        """The clinic's questions as they stand together."""
        return intake_questions.parts_of(self.questions, self)

    @property
    def boxes(self) -> list[Box]:
        """What consent is asked for."""
        return consent_boxes.boxes_of(self.consents, self)

    def _as_it_stands(self, typed: Mapping[str, str]) -> dict[str, str]:
        """What was typed, in the words of this page: its language may have changed since."""
        chosen = familiar.as_chosen(typed, self.known, suffixes=self._suffixes)
        return intake_questions.in_their_words(chosen, self.questions)

    def _chosen(self, values: Mapping[str, str], suffix: str) -> Familiar | None:
        return self.known.get(values.get(familiar.name_of(suffix), ""))

    def clean(self) -> dict[str, str]:
        """Check what depends on more than one field."""
        given = self.cleaned_data
        if given.get("who") == "other":
            if not given.get("helper_name") and "helper_name" not in self.errors:
                self.add_error("helper_name", _("Write your own name, since you book for someone else."))
            if not given.get("relationship") and "relationship" not in self.errors:
                self.add_error("relationship", _("Say what you are to the patient."))
        taken: set[str] = set()
        for suffix in self._suffixes:
            one = self._chosen(given, suffix)
            if one is None:
                self._check_name(suffix)
                self._check_birth_date(suffix)
                continue
            for name in familiar.SAID:
                if name + suffix in self.fields:
                    self.errors.pop(name + suffix, None)
                    given[name + suffix] = one.says[name]
            if one.code in taken:
                self.add_error(familiar.name_of(suffix), _("This person is chosen already. Choose somebody else."))
            taken.add(one.code)
        return given

    def _check_name(self, suffix: str) -> None:
        field = self.fields[f"family_name{suffix}"]
        missing = not field.required and not self.cleaned_data.get(f"family_name{suffix}")
        if missing and f"family_name{suffix}" not in self.errors:
            self.add_error(f"family_name{suffix}", field.error_messages["required"])

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
            one = self._chosen(values, suffix)
            kept[f"whom{suffix}"] = one.code if one is not None else ""
            if one is not None:
                kept[f"who{suffix}"] = "me" if one.own else "other"
            year, *rest = (values.get(f"birth_{part}{suffix}", "").strip()[:20] for part in ("year", "month", "day"))
            born = "-".join((year, *(part.rjust(2, "0") for part in rest)))
            kept[f"birth_date{suffix}"] = born if year or any(rest) else ""
        kept |= consent_boxes.given_in(values, shown=self.data, asks=self.consents)
        return kept | shown_beside(self.questions) | {"language": values.get("message_language", "")}
