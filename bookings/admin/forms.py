"""Forms of the admin that offer, and accept, things of one clinic only."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar, cast

from django import forms
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseInlineFormSet, ModelChoiceField
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from audit.sealed import SealedTextField
from bookings.models import Clinic, User

M = TypeVar("M", bound=models.Model)
C = TypeVar("C", bound=models.Model)
P = TypeVar("P", bound=models.Model)


def clinic_id_of(row: models.Model) -> int | None:
    """The clinic a row belongs to; None when it belongs to none."""
    if isinstance(row, Clinic):
        return row.pk
    found: int | None = getattr(row, "clinic_id", None)
    return found


def clinic_path_of(model: type[models.Model]) -> str:
    """The ORM path from a model to its clinic; empty when it has none."""
    if issubclass(model, Clinic):
        return "pk"
    if issubclass(model, User):
        return "memberships__clinic"
    return "clinic" if any(field.name == "clinic" for field in model._meta.concrete_fields) else ""


#: The browser's own pickers: they know the reader's habits, and need no script that tells of the server's clock.
WIDGETS: Final[dict[type[models.Field[Any, Any]], dict[str, Any]]] = {
    models.DateField: {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")},
    models.TimeField: {"widget": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")},
    SealedTextField: {"widget": forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})},
    models.URLField: {"widget": AdminURLFieldWidget, "assume_scheme": "https"},
}


class ConfinedForm(forms.ModelForm[M]):
    """Offers, and accepts, things of one clinic only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clinic_id = None if self.instance._state.adding else clinic_id_of(self.instance)
        for field in self.fields.values():
            if not isinstance(field, ModelChoiceField) or field.queryset is None:
                continue
            path = clinic_path_of(field.queryset.model)
            if path and clinic_id is not None:
                field.queryset = field.queryset.filter(**{path: clinic_id})

    def clean(self) -> dict[str, Any]:
        """Refuse to tie together things of two clinics."""
        cleaned = super().clean() or self.cleaned_data
        clinic = cleaned.get("clinic")
        clinic_id = clinic.pk if isinstance(clinic, Clinic) else clinic_id_of(self.instance)
        if clinic_id is not None:
            for name, value in list(cleaned.items()):
                other = clinic_id_of(value) if isinstance(value, models.Model) else None
                if other is not None and other != clinic_id:
                    self.add_error(name, ValidationError(_("Choose one of the same clinic."), code="other_clinic"))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # The clinic of an existing row is no field of the form, and still part of what must be unique.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # Django's own hook, not in the stubs
        return excluded - {"clinic"} if clinic_id_of(self.instance) is not None else excluded


class SharedChoices:
    """What each line of a table of forms offers, asked for once and not once for every line."""

    def __init__(self) -> None:
        self._known: dict[str, list[Any]] = {}

    def give(self, form: forms.BaseForm, *, clinic_id: int | None) -> None:
        """Narrow the form's choices of related things to a clinic, and fill them in without a query where known."""
        for name, field in form.fields.items():
            if not isinstance(field, ModelChoiceField) or field.queryset is None or field.widget.is_hidden:
                continue
            path = clinic_path_of(field.queryset.model)
            if path and clinic_id is not None:
                field.queryset = field.queryset.filter(**{path: clinic_id})
            if name not in self._known:
                self._known[name] = list(cast(Iterable[Any], field.choices))
            field.choices = self._known[name]


def name_for_hearing(form: forms.BaseForm) -> None:
    """Give each field of a table's line its column's name: Django's tables of forms have no labels to be read aloud."""
    for field in form.fields.values():
        field.widget.attrs.setdefault("aria-label", capfirst(str(field.label or "")))


class ConfinedFormSet(BaseInlineFormSet[C, P, "forms.ModelForm[C]"]):
    """Parts of a form, each of the clinic of the whole before it is validated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._choices = SharedChoices()
        super().__init__(*args, **kwargs)

    def _construct_form(self, i: int, **kwargs: Any) -> "forms.ModelForm[C]":
        form: forms.ModelForm[C] = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # Django's own hook, not in the stubs
        row = cast(Any, form.instance)
        clinic_id = clinic_id_of(self.instance)
        if clinic_id is not None and row.clinic_id is None:
            row.clinic_id = clinic_id
        return form

    def add_fields(self, form: "forms.ModelForm[C]", index: int | None) -> None:
        super().add_fields(form, index)
        name_for_hearing(form)
        self._choices.give(form, clinic_id=clinic_id_of(self.instance))
