"""Weekly opening hours as a part of the page of whoever, or whatever, is open."""

from typing import Any, cast

from django import forms
from django.contrib.admin.checks import InlineModelAdminChecks
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import QuerySet
from django.db.models.fields.related import ForeignKey
from django.forms import BaseModelFormSet, ModelChoiceField, modelformset_factory
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import Confined
from bookings.admin.forms import WIDGETS, ConfinedForm, SharedChoices, name_for_hearing
from bookings.models import Device, OpeningHours, Practitioner, Room

Owner = Practitioner | Room | Device


class HoursFormSet(BaseModelFormSet[OpeningHours, "forms.ModelForm[OpeningHours]"]):
    """The opening hours of one schedule, on the page of the practitioner, the room or the device it belongs to."""

    instance: Owner

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        instance: Owner | None = None,
        save_as_new: bool = False,
        prefix: str | None = None,
        queryset: QuerySet[OpeningHours] | None = None,
        **kwargs: Any,
    ) -> None:
        assert instance is not None
        self.instance = instance
        self._choices = SharedChoices()
        rows = OpeningHours.objects.all() if queryset is None else queryset
        mine = rows.filter(schedule_id=instance.schedule_id) if instance.pk else rows.none()
        super().__init__(data, files, prefix=prefix, queryset=mine, **kwargs)

    @classmethod
    def get_default_prefix(cls) -> str:
        return "hours"

    def _construct_form(self, i: int, **kwargs: Any) -> "forms.ModelForm[OpeningHours]":
        form: forms.ModelForm[OpeningHours] = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # not in the stubs
        clinic_id = self.instance.clinic_id
        if clinic_id is not None:
            form.instance.clinic_id = clinic_id
        return form

    def add_fields(self, form: "forms.ModelForm[OpeningHours]", index: int | None) -> None:
        super().add_fields(form, index)
        name_for_hearing(form)
        self._choices.give(form, clinic_id=self.instance.clinic_id)

    def save_new(self, form: "forms.ModelForm[OpeningHours]", commit: bool = True) -> OpeningHours:
        form.instance.schedule_id = self.instance.schedule_id
        form.instance.clinic_id = self.instance.clinic_id
        return super().save_new(form, commit=commit)


class HoursChecks(InlineModelAdminChecks):
    """The tie goes through the schedule, which Django's own checks do not look for."""

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[Any]:
        return []

    def _check_relation(self, obj: Any, parent_model: Any) -> list[Any]:
        return []


class OpeningHoursInline(Confined, InlineModelAdmin[OpeningHours, Owner]):
    """Hours of a schedule: the wall clock of the location says when."""

    model = OpeningHours
    template = "admin/edit_inline/tabular.html"
    form = cast(Any, ConfinedForm)
    formset = HoursFormSet  # type: ignore[assignment]  # not tied by a foreign key to the owner
    formfield_overrides = WIDGETS
    checks_class = HoursChecks
    exclude = ("clinic", "schedule")
    extra = 0
    verbose_name = _("opening hours")
    verbose_name_plural = _("opening hours, in the location's own time")
    ordering = ("weekday", "opens")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return modelformset_factory(
            OpeningHours,
            form=_guarded(
                self.form, add=self.has_add_permission(request, obj), change=self.has_change_permission(request, obj)
            ),
            formset=HoursFormSet,
            exclude=self.exclude,
            fields=None,
            extra=self.get_extra(request, obj),
            can_delete=self.can_delete and self.has_delete_permission(request, obj),
            formfield_callback=lambda field, **given: self.formfield_for_dbfield(field, request, **given),
            max_num=100,
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpeningHours]:
        rows = self.confine(request, super().get_queryset(request), "view", "change")
        return rows.select_related("location").order_by("weekday", "opens")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "add", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete", obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        return super().formfield_for_foreignkey(db_field, request, **self.confined_field(request, db_field, kwargs))


def _guarded(
    form: type[forms.ModelForm[OpeningHours]], *, add: bool, change: bool
) -> type[forms.ModelForm[OpeningHours]]:
    """The form, deaf to what its reader may not do."""

    class Guarded(form):  # type: ignore[valid-type, misc]  # made per request, as Django's own inlines are
        def has_changed(self) -> bool:
            allowed = add if self.instance._state.adding else change
            return allowed and super().has_changed()

    return Guarded
