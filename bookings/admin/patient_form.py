"""What the desk writes about a person: the same fields on the patient's page and while booking by phone."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.admin.forms import ConfinedForm
from bookings.forms.text import PersonNameField, PhoneField
from bookings.models import Patient


class PersonFields(forms.Form):
    """One name is enough, and it may be the only one; a birth date may be unknown."""

    family_name = PersonNameField(
        label=_("Family name"), max_length=120, help_text=_("If there is only one name, write it here.")
    )
    given_name = PersonNameField(label=_("Given name"), max_length=120, required=False)
    birth_date = forms.DateField(
        label=_("Birth date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    phone = PhoneField(label=_("Phone"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)
    language = forms.ChoiceField(label=_("Language of our messages"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")  # a shared browser must not learn patients' names

    def clean_birth_date(self) -> str:
        """ISO 8601, as it is sealed; empty when it is not known. A day to come is no birth date."""
        typed = self.cleaned_data["birth_date"]
        if typed is None:
            return ""
        if typed > timezone.now().date():
            raise forms.ValidationError(_("This day has not come yet."), code="future")
        return cast(str, typed.isoformat())


class PatientForm(PersonFields, ConfinedForm[Patient]):
    """A patient's page."""

    class Meta:
        model = Patient
        fields = (
            *("clinic", "family_name", "given_name", "birth_date", "known_since"),
            *("phone", "email", "language", "safe_contact", "confidential"),
        )


class NewPatientForm(PersonFields):
    """Somebody new, while their appointment is booked."""

    def written(self) -> dict[str, Any]:
        """What was written, as `registration` takes it. Call after `is_valid`."""
        return {
            name: self.cleaned_data[name]
            for name in ("family_name", "given_name", "birth_date", "phone", "email", "language")
        }
