"""The booking inside a clinic's own site: services and free times in a frame, the booking itself on our own page.

Inside another site's frame a browser keeps cookies from us, so nothing here needs one: every link and form is a GET,
and pressing a time leaves the frame (`target="_top"`), where a session of our own is possible. Only the sites the
clinic declared may frame these pages (`frame-ancestors`); all others get the same pages, framed by nobody.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation

from bookings import offers
from bookings.models import Clinic
from bookings.views import lookups
from bookings.views.listing import times_page, wanted_or_404
from bookings.views.lookups import clinic_or_404, offer_or_404
from bookings.views.methods import allow
from bookings.views.rendering import page

FrameView = Callable[..., HttpResponse]


def framed(view: FrameView) -> FrameView:
    """Give the view its clinic, answer in the language of the address, and let the clinic's sites frame the answer."""

    @wraps(view)
    def answered(request: HttpRequest, *, clinic: str, language: str, **parts: str) -> HttpResponse:
        found = clinic_or_404(clinic)
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            response = view(request, clinic=found, now=timezone.now(), **parts)
        if found.embed_sites:
            response._csp_replace = {"frame-ancestors": found.embed_sites}  # type: ignore[attr-defined]  # django-csp's own way
            response.xframe_options_exempt = True  # it knows no list of sites
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return answered


@allow("GET")
def start(request: HttpRequest, *, clinic: str) -> HttpResponse:
    """The frame in the language the browser asks for."""
    return redirect("bookings:embed", clinic=clinic_or_404(clinic).slug, language=lookups.language())


@allow("GET")
@framed
def services(request: HttpRequest, *, clinic: Clinic, now: datetime) -> HttpResponse:
    """What can be booked, each a way to its free times in the frame."""
    listed = offers.clinic_offers(clinic=clinic, language=lookups.language(), today=now.date())
    shown = [offer for offer in listed if offer.locations]
    return page(request, "bookings/embed_services.html", clinic=clinic, offers=shown, framed=True)


@allow("GET")
@framed
def times(request: HttpRequest, *, clinic: Clinic, service: str, now: datetime) -> HttpResponse:
    """Free times; pressing one leaves the frame."""
    offer = offer_or_404(clinic, service, today=now.date())
    wanted = wanted_or_404(request.GET, clinic=clinic, offer=offer, now=now)
    return times_page(request, wanted=wanted, clinic=clinic, now=now, framed=True)
