"""What a clinic offers: the service, who gives it, its other terms for some patients, its words in other languages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import ConfinedInline
from bookings.admin.contradicted import Contradicted
from bookings.admin.forms import ConfinedForm
from bookings.admin.questions import QuestionInline
from bookings.admin.spans import SpanField
from bookings.models import HealthcareService, ServicePractitioner, ServiceTerms, ServiceText, VisitKind


class ServiceForm(ConfinedForm[HealthcareService]):
    """A service, with words for whoever sets it up."""

    kinds = forms.MultipleChoiceField(
        label=_("How people meet"),
        choices=VisitKind.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Visits by phone, by video and at home take no room and no device."),
    )

    minimum_notice = SpanField(label=capfirst(_("earliest, from now")), help_text=_("Between booking and the start."))
    cancel_until = SpanField(label=capfirst(_("online cancelling until")), help_text=_("Before the start."))
    reschedule_until = SpanField(label=capfirst(_("online moving until")), help_text=_("Before the start."))

    class Meta:
        model = HealthcareService
        exclude = ()
        help_texts = {
            "slug": _("Its address below the clinic's booking page."),
            "instructions": _(
                "What patients should know or bring. They read it before they book, and in their messages."
            ),
            "order": _("Smaller numbers come first."),
            "step": _("Minutes. Visits start at the opening time and then every so many minutes."),
            "buffer_before": _("Minutes. Nothing else is booked in them; they may lie outside opening hours."),
            "buffer_after": _("Minutes. Nothing else is booked in them; they may lie outside opening hours."),
            "room_kind": _("As on the rooms’ own pages. Empty when no room is needed."),
            "horizon": _("Days. How far ahead patients can book."),
            "referral_needed": _("Patients who book online must say that they have one."),
            "cap_day": _("How many visits of this kind one patient may have on a day. Empty for no limit."),
            "cap_open": _("How many visits of this kind one patient may have booked at once. Empty for no limit."),
        }


class TextInline(ConfinedInline[ServiceText, HealthcareService]):
    """The service in one more language."""

    model = ServiceText
    fields = ("language", "name", "instructions")


class OfferInline(ConfinedInline[ServicePractitioner, HealthcareService]):
    """Who gives the service."""

    model = ServicePractitioner
    fields = ("practitioner",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServicePractitioner]:
        return super().get_queryset(request).select_related("practitioner", "service")


class TermsInline(ConfinedInline[ServiceTerms, HealthcareService]):
    """Other terms for some patients: all that is filled in on the left must hold for them."""

    model = ServiceTerms
    fields = ("standing", "coverage", "kind", "need", "offered", "duration", "extra", "room_kind")
    verbose_name_plural = _("other terms for some patients: the first four say for whom, the rest what then differs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceTerms]:
        return super().get_queryset(request).select_related("service")


@admin.register(HealthcareService)
class HealthcareServiceAdmin(Contradicted[HealthcareService]):
    """A service with its rules. It is taken off the list, never deleted: past appointments were for it."""

    form = ServiceForm
    change_list_template = "admin/bookings/healthcareservice/change_list.html"
    list_display = ("name", "duration", "meets", "room_kind", "bookable_online", "active", "given_by")
    list_filter = ("active", "bookable_online")
    search_fields = ("name", "texts__name")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (OfferInline, TermsInline, TextInline, QuestionInline)
    fieldsets = (
        (None, {"fields": ("clinic", "name", "slug", "instructions", "order", "active", "bookable_online")}),
        (_("How people meet"), {"fields": ("kinds", "travel")}),
        (
            _("How long it takes, and what it needs"),
            {
                "fields": (
                    *("duration", "step", "buffer_before", "buffer_after"),
                    *("room_kind", "device_kind", "device"),
                )
            },
        ),
        (
            _("When it can be booked online"),
            {"fields": ("minimum_notice", "horizon", "cancel_until", "reschedule_until", "most_repeats")},
        ),
        (
            _("Who may book"),
            {
                "fields": ("referral_needed", "cap_day", "cap_open", "confidential"),
                "description": _("For new or known patients, insurances and needs see “other terms” below."),
            },
        ),
        (_("Requests"), {"fields": ("needs_approval", "answer_hours")}),
        (_("Groups"), {"fields": ("capacity",)}),
        (_("Overbooking"), {"fields": ("overbook_cap",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthcareService]:
        return super().get_queryset(request).annotate(givers=Count("offers", distinct=True))

    def get_fieldsets(self, request: HttpRequest, obj: HealthcareService | None = None) -> Any:
        """Who only reads is told in words how people meet."""
        given = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return given
        return [
            (title, {**options, "fields": ["meets" if name == "kinds" else name for name in options["fields"]]})
            for title, options in given
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: HealthcareService | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "meets"]

    @admin.display(description=_("how people meet"))
    def meets(self, service: HealthcareService) -> str:
        """The kinds of visit, in words."""
        return ", ".join(str(VisitKind(kind).label) for kind in service.kinds)

    @admin.display(description=_("given by"), ordering="givers")
    def given_by(self, service: HealthcareService) -> int:
        """How many practitioners give it."""
        givers: int = service.givers  # type: ignore[attr-defined]  # annotated in get_queryset
        return givers

    def has_delete_permission(self, request: HttpRequest, obj: HealthcareService | None = None) -> bool:
        return False
