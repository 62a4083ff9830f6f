"""What a patient asks of their data: which right, for whom, in their own words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.forms.text import LongTextField
from bookings.models import DataRequest
from bookings.reach import Reached

KINDS = (
    (DataRequest.Kind.ACCESS, _("I want to know what is held about me")),
    (DataRequest.Kind.RECTIFICATION, _("Something is wrong and should be corrected")),
    (DataRequest.Kind.ERASURE, _("My data should be erased")),
    (DataRequest.Kind.RESTRICTION, _("My data should be kept but not used for now")),
    (DataRequest.Kind.OBJECTION, _("I object to a use of my data")),
)


class AskForm(forms.Form):
    """A request about data. `whom` offers everybody the account reaches, by the patient's code."""

    use_required_attribute = False

    whom = forms.ChoiceField(label=_("For whom"), error_messages={"required": _("Choose for whom you ask.")})
    kind = forms.ChoiceField(
        label=_("What do you ask for?"),
        choices=[("", _("Choose")), *KINDS],
        error_messages={"required": _("Choose what you ask for.")},
    )
    text = LongTextField(
        label=_("In your own words"),
        help_text=_("What is it about? Please write no more about your health than is needed."),
        required=False,
        max_length=2000,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, reached: Sequence[Reached]) -> None:
        super().__init__(data)
        self.reached = {one.patient.code: one for one in reversed(reached)}  # oneself counts before who acts for one
        names = [(one.patient.code, one.patient.full_name) for one in reached if self.reached[one.patient.code] is one]
        field = self.fields["whom"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = names if len(names) == 1 else [("", _("Choose")), *names]

    def clean(self) -> dict[str, Any]:
        """Ask for words where nobody could answer without."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == DataRequest.Kind.RECTIFICATION and not str(cleaned.get("text", "")).strip():
            self.add_error("text", _("Write what is wrong, and what would be right."))
        return cleaned

    def chosen(self) -> Reached:
        """For whom a valid form asks."""
        return self.reached[self.cleaned_data["whom"]]
