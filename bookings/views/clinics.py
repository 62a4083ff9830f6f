"""The clinics, what each offers, and what each says of itself."""

import mimetypes
from collections.abc import Mapping
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from bookings import colours, offers
from bookings.models import Clinic
from bookings.offers import Offer
from bookings.views.lookups import clinic_or_404, language
from bookings.views.methods import allow
from bookings.views.rendering import page

CLINICS_A_PAGE = 20
#: Services named on a clinic's card; how many more there are is said.
NAMED = 6
#: With more clinics than this, a search field stands above them.
FEW = 6


@allow("GET")
def home(request: HttpRequest) -> HttpResponse:
    """Every clinic open for booking and what it offers, found by name, place or service; a lone one's own page."""
    query = request.GET.get("q", "").strip()
    if "\0" in query:
        raise BadRequest("null byte")
    pages = Paginator(offers.open_clinics(query=query[:100]), CLINICS_A_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    if pages.count == 1 and not query:
        return _clinic_page(request, shown.object_list[0])
    hours = offers.words_of_each(shown.object_list, "hours_text", language=language())
    cards = [
        {
            "clinic": clinic,
            "hours": hours[clinic.pk],
            "names": [offers.name_of(one, clinic=clinic, language=language()) for one in clinic.services.all()[:NAMED]],
            "more": max(0, len(clinic.services.all()) - NAMED),
        }
        for clinic in shown.object_list
    ]
    return page(
        request,
        "bookings/home.html",
        cards=cards,
        query=query[:100],
        shown=shown,
        searchable=bool(query) or pages.count > FEW,
    )


@allow("GET")
def clinic(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """One clinic: its services, each a way to its free times. A link may name a place and a person (`?location=`,
    `?practitioner=`); one that names nobody any more shows all."""
    return _clinic_page(request, clinic_or_404(clinic))


def _clinic_page(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    listed = offers.clinic_offers(clinic=clinic, language=language(), today=timezone.localdate())
    preset = {name: request.GET.get(name, "") for name in ("location", "practitioner")}
    offered = [offer for offer in listed if offer.locations]
    chosen = [offer for offer in offered if _gives(offer, preset)]
    preset = {name: value for name, value in preset.items() if value} if chosen else {}
    sites = {site.pk: site for offer in offered for site in offer.locations}
    access = offers.access_to(sites.values(), clinic=clinic, language=language())
    return page(
        request,
        "bookings/clinic.html",
        clinic=clinic,
        offers=chosen or offered,
        preset=urlencode(preset),
        sites=[(site, access[site.pk]) for site in sorted(sites.values(), key=lambda site: (site.name, site.pk))],
    )


def _gives(offer: Offer, preset: Mapping[str, str]) -> bool:
    """Whether the service is given at the place and by the person a link names."""
    place, person = preset["location"], preset["practitioner"]
    return (not place or offer.location(place) is not None) and (not person or offer.practitioner(person) is not None)


@allow("GET")
def imprint(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """Who answers for the clinic's pages."""
    found = clinic_or_404(clinic)
    words = offers.words_of(found, "imprint", language=language())
    return page(request, "bookings/imprint.html", clinic=found, words=words)


@allow("GET")
def privacy(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """The clinic's privacy notice (Art. 13 GDPR), in its newest version."""
    found = clinic_or_404(clinic)
    notice = offers.privacy_notice(clinic=found, language=language())
    return page(request, "bookings/privacy.html", clinic=found, notice=notice)


@allow("GET")
def accessibility(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """The clinic's accessibility statement, and how to report a barrier."""
    found = clinic_or_404(clinic)
    words = offers.words_of(found, "accessibility", language=language())
    return page(request, "bookings/accessibility.html", clinic=found, words=words)


@allow("GET")
def accent(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """The clinic's accent colour as a style sheet, within contrast; 404 for a clinic without one."""
    found = clinic_or_404(clinic)
    if not found.accent:
        raise Http404
    response = HttpResponse(colours.accent_css(found.accent), content_type="text/css")
    response["Cache-Control"] = "public, max-age=86400"
    return response


@allow("GET")
def logo(request: HttpRequest, *, clinic: str) -> HttpResponseBase:
    """The clinic's logo; 404 for a clinic without one, and while the file store is away."""
    found = clinic_or_404(clinic)
    if not found.logo:
        raise Http404
    try:
        content = found.logo.open("rb")
    except OSError as error:
        raise Http404 from error
    response = FileResponse(content, content_type=mimetypes.guess_type(str(found.logo.name))[0] or "image/png")
    response["Cache-Control"] = "public, max-age=86400"
    return response
