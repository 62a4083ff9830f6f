"""What a clinic offers."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import ConfinedAdmin, ConfinedInline
from bookings.models import HealthcareService, ServicePractitioner, ServiceText


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


@admin.register(HealthcareService)
class HealthcareServiceAdmin(ConfinedAdmin[HealthcareService]):
    """A service with its rules. It is taken off the list, never deleted: past appointments were for it."""

    list_display = ("name", "duration", "room_kind", "bookable_online", "active", "given_by")
    list_filter = ("active", "bookable_online")
    search_fields = ("name", "texts__name")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (OfferInline, TextInline)
    fieldsets = (
        (None, {"fields": ("clinic", "name", "slug", "instructions", "order", "active", "bookable_online")}),
        (_("How long it takes"), {"fields": ("duration", "step", "buffer_before", "buffer_after", "room_kind")}),
        (_("When it can be booked online"), {"fields": ("minimum_notice", "horizon", "cancel_until")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthcareService]:
        return super().get_queryset(request).annotate(givers=Count("offers", distinct=True))

    @admin.display(description=_("given by"), ordering="givers")
    def given_by(self, service: HealthcareService) -> int:
        """How many practitioners give it."""
        givers: int = service.givers  # type: ignore[attr-defined]  # annotated in get_queryset
        return givers

    def has_delete_permission(self, request: HttpRequest, obj: HealthcareService | None = None) -> bool:
        return False
