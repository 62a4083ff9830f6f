"""The admin site of the house: where clinic staff work, behind allauth's door."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from bookings import moments, rights
from bookings.accounts import has_second_factor, second_factor_shown
from bookings.desk import overview
from bookings.roles import access_of

HOUSE: Final = ("bookings", "audit", "calendars", "notifications")
SEEN_KEY: Final = "staff_seen"
NOTED_EVERY: Final = 60
"""Seconds between two writes of "still here" into the session."""
#: What is used all day: permission, page, word.
WAYS: Final = (
    ("bookings.view_appointment", "admin:desk", _("Day sheet")),
    ("bookings.add_appointment", "admin:bookings_appointment_add", _("Book")),
    ("bookings.view_patient", "admin:bookings_patient_changelist", _("Patients")),
    ("bookings.view_appointment", "admin:bookings_appointment_changelist", _("Appointments")),
)
SECTIONS: Final = (
    (
        _("At the desk"),
        (
            *("bookings.Appointment", "bookings.Patient", "bookings.Notice", "bookings.ContactChallenge"),
            *("bookings.PossibleDuplicate", "bookings.DataRequest"),
        ),
    ),
    (
        _("The clinic"),
        (
            *("bookings.Clinic", "bookings.Location", "bookings.Room", "bookings.Device", "bookings.Practitioner"),
            *("bookings.HealthcareService", "bookings.GroupSession", "bookings.Closure", "bookings.PrivacyNotice"),
            "bookings.ConsentText",
        ),
    ),
    (_("Staff"), ("bookings.StaffMembership", "bookings.User")),
    (_("Evidence"), ("audit.Record", "audit.Segment", "audit.Verification", "audit.ParkedRecord")),
)

Pages = Callable[[admin.AdminSite], Iterable[URLPattern]]


class HoraeAdminSite(admin.AdminSite):
    """Where clinic staff work."""

    site_title = _("Horae")
    site_header = _("Horae")
    index_title = _("Today")
    enable_nav_sidebar = False
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # never many rows at once
        self._pages: list[Pages] = []

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[admin.ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Register what is ours: other apps' pages know nothing of clinics and would show everybody's rows."""
        given = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        ours = [model for model in given if model._meta.app_label in HOUSE]
        if ours:
            super().register(ours, admin_class, **options)

    def add_pages(self, pages: Pages) -> None:
        """Take pages that are no model's (the day sheet), as `register` takes those that are; while apps load."""
        self._pages.append(pages)

    # --- the door

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this session may enter: a role in some clinic (or an operator), and the second factor if required."""
        return access_of(request.user).enters and (not settings.STAFF_MFA_REQUIRED or second_factor_shown(request))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """As Django's, after ending a session that was left alone for too long."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            end_if_idle(request)
            answer: HttpResponseBase = guarded(request, *args, **kwargs)
            return answer

        return entered

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send whoever may not enter to what they lack, signing in or a factor. Raises PermissionDenied: no role."""
        user = request.user
        wanted = self._wanted(request)
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if not user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: wanted})}")
        if not access_of(user).enters:
            raise PermissionDenied
        if has_second_factor(user):
            return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: wanted})}")
        messages.warning(request, _("Before you go on, set up a second way to prove who you are: an app or a key."))
        return HttpResponseRedirect(reverse("mfa_index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """End the session (POST only) and go back to the door, ready for the next person."""
        if request.method == "POST":
            logout(request)
            messages.success(request, _("You are signed out."))
        return HttpResponseRedirect(reverse("account_login"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """allauth's page: it asks for the old password and tells the person by mail."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def _wanted(self, request: HttpRequest) -> str:
        """The page asked for, without its query: what was searched for must not travel into sessions."""
        given = request.GET.get(REDIRECT_FIELD_NAME, "")
        safe = url_has_allowed_host_and_scheme(given, allowed_hosts=None, require_https=request.is_secure())
        target = urlsplit(given).path if safe else ""
        return target if target.startswith(reverse("admin:index")) else reverse("admin:index")

    # --- the pages

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's pages and ours; without the redirect that tells rows that exist from rows that do not."""
        django = [entry for entry in super().get_urls() if getattr(entry, "name", None) != "view_on_site"]
        return [*(entry for pages in self._pages for entry in pages(self)), *django]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """As Django's, with the ways that are used all day."""
        return {**super().each_context(request), "ways": list(self._ways(request))}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Pages grouped by what people come for, not by the program's rooms."""
        found = {
            model["model"]._meta.label: model
            for app in super().get_app_list(request, app_label)
            for model in app["models"]
        }
        if app_label is not None:
            return super().get_app_list(request, app_label)
        listed: list[dict[str, Any]] = []
        sets_up = access_of(request.user).clinics("bookings.change_healthcareservice")
        for name, labels in SECTIONS:
            models = [found.pop(label) for label in labels if label in found]
            if sets_up and "bookings.HealthcareService" in labels:
                models.append({"name": _("Set-up check"), "admin_url": reverse("admin:setup")})
            listed.append({"name": name, "app_label": "", "app_url": reverse("admin:index"), "models": models})
        listed.append(
            {
                "name": _("Messages and calendars"),
                "app_label": "",
                "app_url": reverse("admin:index"),
                "models": list(found.values()),
            }
        )
        return [section for section in listed if section["models"]]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Today in each of the person's clinics, what is waiting for somebody, and the way to everything else."""
        access = access_of(request.user)
        clinics = access.clinics("bookings.view_appointment")
        asked = rights.open_count(clinic_ids=access.clinics("bookings.answer_datarequest"))
        todays = overview(clinic_ids=clinics, now=timezone.now())
        told = [
            {
                "clinic": today.clinic,
                "told": moments.day(today.day),
                "now": today,
                "asked": asked.get(today.clinic.pk, 0),
            }
            for today in todays
        ]
        return super().index(request, {**(extra_context or {}), "clinics_today": told})

    def _ways(self, request: HttpRequest) -> Iterator[dict[str, Any]]:
        access = access_of(request.user)
        for permission, name, label in WAYS:
            if access.clinics(permission):
                yield {"url": reverse(name), "label": label}

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """None: the log knows no clinics. Each thing's own history, and the records, are open where they may be."""
        return LogEntry.objects.none()


def end_if_idle(request: HttpRequest) -> None:
    """Sign the person out when nothing was asked for STAFF_IDLE_MINUTES; otherwise remember that they are there."""
    if not request.user.is_authenticated:
        return
    now = int(time.time())
    last = request.session.get(SEEN_KEY)
    if isinstance(last, int) and now - last > settings.STAFF_IDLE_MINUTES * 60:
        logout(request)
        said = ngettext(
            "You were signed out after %(minutes)d minute without use.",
            "You were signed out after %(minutes)d minutes without use.",
            settings.STAFF_IDLE_MINUTES,
        )
        messages.info(request, said % {"minutes": settings.STAFF_IDLE_MINUTES})
    elif not isinstance(last, int) or now - last >= NOTED_EVERY:
        request.session[SEEN_KEY] = now
