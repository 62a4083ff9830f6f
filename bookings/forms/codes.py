"""Typing a one-time code; asking for lost links."""

from collections.abc import Iterable, Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.models import Clinic


class CodeForm(forms.Form):
    """Six digits, typed or pasted, with or without spaces."""

    use_required_attribute = False

    code = forms.CharField(
        label=_("Code from the e-mail"),
        help_text=_("Six digits. You can paste them."),
        max_length=60,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "code",
                "spellcheck": "false",
                "data-code": "",
            }
        ),
        error_messages={"required": _("Type the six digits we sent you.")},
    )

    def clean_code(self) -> str:
        """Keep the digits; refuse when there are not six."""
        digits = "".join(str(int(character)) for character in self.cleaned_data["code"] if character.isdecimal())
        if len(digits) != 6:
            raise forms.ValidationError(_("The code has six digits. Check it and try again."), code="length")
        return digits


class FindForm(forms.Form):
    """Which clinic, and the contact the appointment was booked with."""

    use_required_attribute = False

    clinic = forms.ChoiceField(label=_("Clinic"), error_messages={"required": _("Choose the clinic.")})
    email = forms.EmailField(
        label=_("E-mail address you booked with"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": _("Write the e-mail address you booked with."),
            "invalid": _("Write an e-mail address such as name@example.org."),
        },
    )

    def __init__(
        self,
        data: Mapping[str, str] | None = None,
        *,
        clinics: Iterable[Clinic],
        initial: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.clinics = {clinic.slug: clinic for clinic in clinics}
        names = [(slug, clinic.name) for slug, clinic in self.clinics.items()]
        field = self.fields["clinic"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = names if len(names) == 1 else [("", _("Choose")), *names]

    def chosen_clinic(self) -> Clinic:
        """The clinic of a valid form."""
        return self.clinics[self.cleaned_data["clinic"]]
