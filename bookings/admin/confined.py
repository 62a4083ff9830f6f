"""Staff see their clinics and nothing else: the one way every page of the admin is confined.

Rows of other clinics are not in the queryset, so their ids answer exactly like ids that never existed. What a role
allows is asked per clinic: reception in one clinic and manager in another never add up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.fields.related import ForeignKey
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst

from audit.access import reader_of
from audit.chains import chain_of
from audit.context import use
from audit.paging import BoundedPaginator
from bookings.admin.forms import WIDGETS, ConfinedForm, ConfinedFormSet, clinic_id_of, clinic_path_of
from bookings.models import Clinic, User
from bookings.roles import Access, access_of, staff_actor

M = TypeVar("M", bound=models.Model)
C = TypeVar("C", bound=models.Model)
P = TypeVar("P", bound=models.Model)


def records_of(request: HttpRequest, row: models.Model, **asked: str) -> str:
    """The address of records in a row's chain; empty for whoever may not read that chain."""
    reader, chain = reader_of(request.user), chain_of(row)
    if not (reader.operator or chain in reader.chains):
        return ""
    return f"{reverse('admin:audit_record_changelist')}?{urlencode({'chain': chain, **asked})}"


class Confined:
    """What confined lists and confined parts of a form share. The permission asked for is the model's own."""

    clinic_path = "clinic"
    """ORM path from the model to its clinic."""

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        """Without Django's buttons that open the other thing in a window of its own: they crowd every line."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # a mixin of admin pages
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    @property
    def listed(self) -> type[models.Model]:
        """The model whose rows are shown; Django's classes declare it, each in its own way."""
        return cast("type[models.Model]", cast(Any, self).model)

    def permission(self, verb: str) -> str:
        """`bookings.change_room` for `change` on the page of rooms."""
        return f"{self.listed._meta.app_label}.{verb}_{self.listed._meta.model_name}"

    def access(self, request: HttpRequest) -> Access:
        """What the person may do, clinic by clinic."""
        return access_of(request.user)

    def may(self, request: HttpRequest, verb: str, row: models.Model | None = None) -> bool:
        """Whether the person may `verb` this row, or (None) any row at all."""
        return self.access(request).may(self.permission(verb), clinic_id=None if row is None else clinic_id_of(row))

    def confine(
        self, request: HttpRequest, rows: models.QuerySet[M], *verbs: str, path: str = ""
    ) -> models.QuerySet[M]:
        """The rows of clinics in which the person holds one of these verbs on the model."""
        access = self.access(request)
        wanted = [self.permission(verb) for verb in verbs]
        if any(access.everywhere(permission) for permission in wanted):
            return rows
        return rows.filter(**{f"{path or self.clinic_path}__in": access.clinics(*wanted)})

    def confined_field(
        self, request: HttpRequest, db_field: "ForeignKey[Any, Any]", kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Arguments of a foreign key's field: only targets in clinics where the person may add or change this model."""
        target = db_field.remote_field.model
        path = clinic_path_of(target)
        if path:
            rows = kwargs.get("queryset")
            rows = target._default_manager.all() if rows is None else rows
            confined = self.confine(request, rows, "add", "change", path=path)
            kwargs["queryset"] = confined.distinct() if "__" in path else confined
        return kwargs

    def their_clinics(self, request: HttpRequest) -> list[Clinic]:
        """Clinics for which the person may add rows of this model."""
        kept: dict[str, list[Clinic]] = request.__dict__.setdefault("_their_clinics", {})
        label = self.listed._meta.label
        if label not in kept:
            kept[label] = list(self.confine(request, Clinic.objects.all(), "add", path="pk")[:2])
        return kept[label]


class ConfinedAdmin(Confined, admin.ModelAdmin[M]):
    """A page of the admin confined to the person's clinics. The clinic of a row is chosen once and never changes."""

    form = cast(Any, ConfinedForm)  # of each page's own model
    formfield_overrides = WIDGETS
    list_per_page = 50
    list_max_show_all = 200
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would be a count of a long table
    actions_on_top = True  # without it Django writes a style into the page, which the security policy refuses
    save_on_top = False
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[M]:
        return self.confine(request, super().get_queryset(request), "view", "change")

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.may(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return any(self.may(request, verb) for verb in ("view", "change", "add"))

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        """The clinic of a row that exists is told, not asked; somebody with one clinic is not told either."""
        given = [str(name) for name in super().get_readonly_fields(request, obj)]
        return [*given, "clinic"] if obj is not None and self._has_clinic() and "clinic" not in given else given

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = list(super().get_list_display(request))
        return [*shown, "clinic"] if self._has_clinic() and self.sees_clinics(request) else shown

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        given = list(super().get_list_filter(request))
        return [("clinic", ClinicFilter), *given] if self._has_clinic() and self.sees_clinics(request) else given

    def get_list_select_related(self, request: HttpRequest) -> bool | list[str]:
        given = super().get_list_select_related(request)
        if isinstance(given, bool):
            return given
        return [*given, "clinic"] if self._has_clinic() else list(given)

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        """The clinic of a row that exists is not worth a line to somebody who has only one."""
        given = super().get_fieldsets(request, obj)
        if obj is None or self.sees_clinics(request):
            return given
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "clinic"]})
            for title, options in given
        ]

    def sees_clinics(self, request: HttpRequest) -> bool:
        """Whether there is more than one clinic to tell apart."""
        access = self.access(request)
        return access.operator or len(access.roles) > 1

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "clinic" and len(theirs := self.their_clinics(request)) == 1:
            kwargs |= {"widget": forms.HiddenInput, "initial": theirs[0].pk}
        return super().formfield_for_foreignkey(db_field, request, **self.confined_field(request, db_field, kwargs))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Called by what is listed, not by what might be done with it."""
        titled = {"title": capfirst(str(self.opts.verbose_name_plural)), **(extra_context or {})}
        return super().changelist_view(request, titled)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with self.meant(request, "change" if object_id else "add", object_id):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        given = {"changes": self.changes_of(request, row) if row is not None else ""}
        return super().render_change_form(request, {**context, **given}, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What changed is told by the evidence, to whoever may read it. Raises PermissionDenied for anybody else."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return cast(HttpResponse, cast(Any, self)._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        address = self.changes_of(request, row)
        if not address:
            raise PermissionDenied
        return HttpResponseRedirect(address)

    def changes_of(self, request: HttpRequest, row: M) -> str:
        """The address of the records of a row's changes; empty for whoever may not read them."""
        return records_of(request, row, about=row._meta.label, q=str(row.pk))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with self.meant(request, "delete", object_id):
            return super().delete_view(request, object_id, extra_context)

    @contextmanager
    def meant(self, request: HttpRequest, verb: str, object_id: str | None = None) -> Iterator[None]:
        """Give what the page writes its meaning, with the roles the person holds in the clinic concerned."""
        if request.method != "POST" or not isinstance(request.user, User):
            yield
            return
        row = self.get_object(request, unquote(object_id)) if object_id else None
        given = request.POST.get("clinic", "")
        clinic_id = (
            clinic_id_of(row) if row is not None else int(given) if given.isdecimal() and len(given) < 19 else None
        )
        with use(
            f"admin.{self.listed._meta.model_name}.{verb}", actor=staff_actor(user=request.user, clinic_id=clinic_id)
        ):
            yield

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Parts of a form belong to the clinic of the whole."""
        for part in formset.forms:
            if hasattr(part.instance, "clinic_id"):
                part.instance.clinic_id = clinic_id_of(form.instance)
        super().save_formset(request, form, formset, change)

    def _has_clinic(self) -> bool:
        return clinic_path_of(self.listed) == "clinic" and "clinic" not in (self.exclude or ())


class ConfinedInline(Confined, admin.TabularInline[C, P]):
    """A part of a confined form; its rows belong to the clinic of the whole."""

    form = cast(Any, ConfinedForm)
    formset = cast(Any, ConfinedFormSet)
    formfield_overrides: ClassVar = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "cols": 40})},  # fields stand beside each other
        **WIDGETS,
    }
    extra = 0
    exclude: ClassVar[tuple[str, ...]] = ("clinic",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[C]:
        return self.confine(request, super().get_queryset(request), "view", "change")

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "add", obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "delete", obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        return super().formfield_for_foreignkey(db_field, request, **self.confined_field(request, db_field, kwargs))


class ClinicFilter(admin.RelatedFieldListFilter):
    """Filter by a related thing: only things of the person's clinics are named."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        path = clinic_path_of(field.remote_field.model)
        assert isinstance(model_admin, Confined)
        rows = model_admin.confine(
            request, field.remote_field.model._default_manager.all(), "view", "change", path=path
        )
        return [(row.pk, str(row)) for row in rows]
