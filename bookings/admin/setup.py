"""The page of a clinic's set-up check: everything in it that contradicts itself, and whom that concerns."""

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bookings.admin.contradicted import visits_listed
from bookings.contradictions import contradictions, told
from bookings.models import Clinic
from bookings.roles import access_of

#: Whoever sets services up reads what is wrong with the set-up.
SETS_UP: Final = "bookings.change_healthcareservice"


class SetupCheck:
    """The page at /admin/bookings/setup/, below the admin's door."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        """Addresses below /admin/."""
        return [path("bookings/setup/", self.site.admin_view(require_safe(self.show)), name="setup")]

    def show(self, request: HttpRequest) -> HttpResponse:
        """One clinic, the first or the one asked for. Raises PermissionDenied for who sets up none, Http404 for one
        that is none of the reader's."""
        access = access_of(request.user)
        clinics = Clinic.objects.order_by("name", "pk")
        if not access.everywhere(SETS_UP):
            clinics = clinics.filter(pk__in=access.clinics(SETS_UP))
        if not clinics:
            raise PermissionDenied
        wanted = request.GET.get("clinic", "")
        clinic = next((row for row in clinics if str(row.pk) == wanted), None if wanted else clinics[0])
        if clinic is None:
            raise Http404
        found = [
            {
                "sentence": one.sentence,
                "visits": visits_listed(request, clinic_id=clinic.pk, visits=one.visits),
                **_way_to(one.about),
            }
            for one in told(contradictions(clinic_id=clinic.pk, now=timezone.now()))
        ]
        return TemplateResponse(
            request,
            "admin/bookings/setup.html",
            {
                **self.site.each_context(request),
                "title": _("Set-up check"),
                "subtitle": clinic.name,
                "clinic": clinic,
                "clinics": clinics,
                "found": found,
            },
        )


def _way_to(about: tuple[str, int] | None) -> dict[str, Any]:
    """What kind of thing a contradiction is about, and the page on which it is changed."""
    if about is None:
        return {}
    name, pk = about
    what = apps.get_model("bookings", name)._meta.verbose_name
    return {"what": what, "url": reverse(f"admin:bookings_{name}_change", args=[pk])}
