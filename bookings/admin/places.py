"""Clinics, locations, rooms, devices, privacy notices."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import ClinicFilter, ConfinedAdmin, ConfinedInline
from bookings.admin.contradicted import Contradicted
from bookings.admin.forms import ConfinedForm
from bookings.admin.hours import OpeningHoursInline
from bookings.models import Clinic, ClinicText, Device, Location, LocationText, PrivacyNotice, Room, Schedule

T = TypeVar("T", bound=Room | Device)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A logo as its field tells of it: on the clinic's own pages, for the store itself answers nobody."""

    name: str
    url: str

    def __str__(self) -> str:
        return self.name


class LogoInput(AdminFileWidget):
    """A file to be chosen as the logo, beside the one there is."""

    def format_value(self, value: Any) -> Any:
        """The logo there is; None where there is none."""
        if not self.is_initial(value):
            return None
        return _Shown(str(_("logo")), reverse("bookings:logo", args=[value.instance.slug]))


class ClinicForm(ConfinedForm[Clinic]):
    """A clinic's page."""

    class Meta:
        model = Clinic
        fields = ("logo",)  # the page names them all
        widgets: ClassVar = {"logo": LogoInput}


class ClinicTextInline(ConfinedInline[ClinicText, Clinic]):
    """What the clinic says of itself in one more language."""

    model = ClinicText
    exclude = ()  # the clinic is the whole this is a part of
    fields = ("language", "hours_text", "imprint", "accessibility")
    verbose_name_plural = _("in further languages: what stays empty is read in the first language")


class LocationTextInline(ConfinedInline[LocationText, Location]):
    """How to get in, in one more language."""

    model = LocationText
    fields = ("language", "access_notes")
    verbose_name_plural = _("how to get in, in further languages")


@admin.register(Clinic)
class ClinicAdmin(ConfinedAdmin[Clinic]):
    """One practice. Clinics are opened by whoever runs the installation, and closed, never deleted."""

    form = ClinicForm
    clinic_path = "pk"
    list_display = ("name", "phone", "hours_text", "active")
    inlines = (ClinicTextInline,)
    fieldsets = (
        (None, {"fields": ("name", "neutral_name", "slug", "active", "language", "accent", "logo")}),
        (_("How to reach it"), {"fields": ("phone", "hours_text", "emergency_number", "email", "website", "address")}),
        (_("What the law asks for"), {"fields": ("legal_name", "imprint", "accessibility")}),
        (_("Links to appointments"), {"fields": ("link_days",)}),
        (_("Young patients"), {"fields": ("confidential_age",)}),
        (_("On your own site"), {"fields": ("embed_sites", "for_your_site")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Clinic | None = None) -> list[str]:
        """The address on the booking pages is unique among all clinics: choosing it would tell which ones there are."""
        return ["for_your_site", *([] if self.access(request).operator else ["slug"])]

    @admin.display(description=_("to copy into your site"))
    def for_your_site(self, clinic: Clinic) -> SafeString:
        """The frame with the booking, and the plain link; either may name a language, a place or a person."""
        home = settings.BASE_URL + reverse("bookings:clinic", args=[clinic.slug])
        frame = f'<iframe src="{home}embed/" title="{clinic.name}" width="100%" height="900"></iframe>'
        said = _("The frame works only in the sites above. The address alone works everywhere, as a link:")
        return format_html(
            "<p><code>{}</code></p><p>{}</p><p><code>{}?lang={}</code></p>", frame, said, home, clinic.language
        )

    def save_model(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> None:
        """A new logo is measured once, here: a page that asked the file store each time would fall with it."""
        if "logo" in form.changed_data:
            obj.logo_width, obj.logo_height = (obj.logo.width, obj.logo.height) if obj.logo else (None, None)
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Clinic | None = None) -> bool:
        return False


@admin.register(Location)
class LocationAdmin(Contradicted[Location]):
    """A site. It is put out of use, never deleted: past appointments were there."""

    list_display = ("name", "address", "zone", "country", "observes_holidays", "active")
    list_filter = ("active",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (LocationTextInline,)
    fieldsets = (
        (None, {"fields": ("clinic", "name", "slug", "active")}),
        (_("Where it is"), {"fields": ("address", "access_notes", "phone")}),
        (_("Its clock and its holidays"), {"fields": ("zone", "country", "subdivision", "observes_holidays")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Location | None = None) -> bool:
        return False


class ThingAdmin(Contradicted[T]):
    """A room or a device and its hours. Making one makes its schedule."""

    schedule_kind: ClassVar[Schedule.Kind]
    list_filter = ("active", "kind", ("location", ClinicFilter))
    list_select_related = ("location",)
    inlines = (OpeningHoursInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[T]:
        return super().get_queryset(request).order_by("location__name", "name")

    def save_model(self, request: HttpRequest, obj: T, form: Any, change: bool) -> None:
        if not change:
            obj.schedule = Schedule.objects.create(clinic=obj.clinic, kind=self.schedule_kind)
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: T | None = None) -> bool:
        return False


@admin.register(Room)
class RoomAdmin(ThingAdmin[Room]):
    """Rooms."""

    schedule_kind = Schedule.Kind.ROOM
    list_display = ("name", "location", "kind", "step_free", "active")
    fields = ("clinic", "location", "name", "kind", "step_free", "active")


@admin.register(Device)
class DeviceAdmin(ThingAdmin[Device]):
    """Devices."""

    schedule_kind = Schedule.Kind.DEVICE
    list_display = ("name", "location", "kind", "active")
    fields = ("clinic", "location", "name", "kind", "active")


@admin.register(PrivacyNotice)
class PrivacyNoticeAdmin(ConfinedAdmin[PrivacyNotice]):
    """What people are told about their data. A version is never changed: who was shown which one is evidence."""

    list_display = ("version", "language", "created")
    list_filter = ("language",)
    fields = ("clinic", "version", "language", "body", "created")
    readonly_fields = ("created",)

    def get_fields(self, request: HttpRequest, obj: PrivacyNotice | None = None) -> list[Any]:
        given = list(super().get_fields(request, obj))
        return given if obj else [name for name in given if name != "created"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The next version of the only clinic, or of the one named in the address."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        theirs = self.their_clinics(request)
        if len(theirs) == 1:
            newest = PrivacyNotice.objects.filter(clinic=theirs[0]).aggregate(newest=Max("version"))["newest"]
            initial.setdefault("version", (newest or 0) + 1)
        return initial

    def has_change_permission(self, request: HttpRequest, obj: PrivacyNotice | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PrivacyNotice | None = None) -> bool:
        return False
