"""Forms of the patient's account."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.consents import Ask
from bookings.forms.codes import CodeForm, FindForm
from bookings.forms.details import NAME_LENGTH
from bookings.forms.languages import language_choices
from bookings.forms.text import PersonNameField, PhoneField
from bookings.models import Clinic, Patient, RelatedPerson

#: A credential of any authenticator is far shorter.
LONGEST_CREDENTIAL: Final = 20_000


def _email(label: Any, *, autocomplete: str) -> forms.EmailField:
    return forms.EmailField(
        label=label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": autocomplete, "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": _("Write an e-mail address such as name@example.org."),
            "invalid": _("Write an e-mail address such as name@example.org."),
        },
    )


class SignInForm(FindForm):
    """At which clinic, and with which address. A lone clinic is not asked for."""

    def __init__(
        self,
        data: Mapping[str, str] | None = None,
        *,
        clinics: Iterable[Clinic],
        initial: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, clinics=clinics, initial=initial)
        self.fields["email"].label = _("E-mail address the clinic knows")
        self.fields["email"].error_messages["required"] = _("Write the e-mail address the clinic knows.")
        if len(self.clinics) == 1:
            self.fields["clinic"].widget = forms.HiddenInput()


class AppCodeForm(CodeForm):
    """Six digits from an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code from the app")
        self.fields["code"].help_text = _("The six digits it shows now.")
        self.fields["code"].error_messages["required"] = _("Type the six digits the app shows now.")


class CredentialForm(forms.Form):
    """What a browser answers for a passkey, as JSON in a hidden field."""

    use_required_attribute = False

    credential = forms.CharField(max_length=LONGEST_CREDENTIAL, required=False, widget=forms.HiddenInput)

    def clean_credential(self) -> object:
        """The answer as values; None for what is no JSON, which no passkey answers."""
        try:
            return json.loads(self.cleaned_data["credential"])
        except (ValueError, RecursionError):
            return None


class PasskeyForm(CredentialForm):
    """A new passkey under a name."""

    name = PersonNameField(
        label=_("A name for it"),
        help_text=_("So that you know it again, such as “My phone”."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Give the passkey a name.")},
    )


class NewAddressForm(forms.Form):
    """The address to be reached at from now on."""

    use_required_attribute = False

    email = _email(_("New e-mail address"), autocomplete="email")


class LanguageForm(forms.Form):
    """The language of an account without a record of its own."""

    use_required_attribute = False

    message_language = forms.ChoiceField(label=_("Language of our messages"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["message_language"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = language_choices()


class WishesForm(LanguageForm):
    """What the holder of their own record wants of messages. Several of these may stand on one page."""

    phone = PhoneField(
        label=_("Phone"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    remind = forms.BooleanField(label=_("Remind me by e-mail on the day before"), required=False)
    safe_contact = forms.BooleanField(label=_("Quiet messages"), required=False)
    field_order = ("phone", "message_language", "remind", "safe_contact")

    def __init__(self, data: Mapping[str, str] | None = None, *, patient: Patient, asked: Ask | None) -> None:
        """`asked`: the words the clinic needs a yes to before it reminds, when it needs one and has none."""
        self.asked = asked
        initial = {
            "phone": patient.phone,
            "message_language": patient.language,
            "remind": patient.remind and asked is None,
            "safe_contact": patient.safe_contact,
        }
        super().__init__(data, initial=initial, auto_id=f"id_{patient.code}_%s")


class HelperForm(forms.Form):
    """Somebody who may act for the holder."""

    use_required_attribute = False

    whose = forms.ChoiceField(label=_("For whom"), error_messages={"required": _("Choose for whom.")})
    name = PersonNameField(
        label=_("Name"),
        max_length=2 * NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write the name.")},
    )
    relationship = forms.ChoiceField(
        label=_("What is this person to you?"), error_messages={"required": _("Say what this person is to you.")}
    )
    email = _email(_("E-mail address of this person"), autocomplete="off")
    phone = PhoneField(
        label=_("Phone of this person (optional)"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    valid_until = forms.DateField(
        label=_("Until and including (optional)"),
        help_text=_("Empty: until you end it."),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Write the date as year-month-day, such as 2027-06-30.")},
    )

    def __init__(self, data: Mapping[str, str] | None = None, *, own: Iterable[Patient], today: date) -> None:
        super().__init__(data)
        self.today = today
        self.own = {patient.code: patient.full_name for patient in own}
        whose, relationship = self.fields["whose"], self.fields["relationship"]
        assert isinstance(whose, forms.ChoiceField)
        assert isinstance(relationship, forms.ChoiceField)
        whose.choices = list(self.own.items())
        if len(self.own) == 1:
            whose.widget = forms.HiddenInput()
            whose.initial = next(iter(self.own))
        relationship.choices = [("", _("Choose")), *RelatedPerson.Relationship.choices]

    def clean_valid_until(self) -> date | None:
        """A day that is still to come; today counts."""
        day: date | None = self.cleaned_data["valid_until"]
        if day is not None and day < self.today:
            raise forms.ValidationError(_("This day is over. Choose today or a later one."), code="past")
        return day
