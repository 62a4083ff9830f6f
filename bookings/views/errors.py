"""What a reader sees when something is not possible, not there, or broken; the root addresses name these views."""

import re
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from bookings.models import Clinic
from bookings.refusals import Refusal
from bookings.views.rendering import page

_CLINIC_PATH = re.compile(r"/c/([-a-zA-Z0-9_]+)/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the address or the form was not made by our pages."""
    return page(request, "errors/400.html", clinic=_clinic_of(request), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: signed in, but not for this."""
    return page(request, "errors/403.html", clinic=_clinic_of(request), status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form carried no token of ours, mostly because cookies are blocked."""
    return page(request, "errors/403_csrf.html", clinic=_clinic_of(request), status=403, here=request.path)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing here; nobody can tell why."""
    return page(request, "errors/404.html", clinic=_clinic_of(request), status=404)


def not_allowed(request: HttpRequest, *, allowed: Sequence[str]) -> HttpResponse:
    """405: this address answers to other methods, named in the Allow header."""
    response = page(request, "errors/405.html", clinic=_clinic_of(request), status=405)
    response["Allow"] = ", ".join(allowed)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. Asks neither the database nor the session for anything."""
    return page(request, "errors/500.html", status=500)


def too_busy(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """503: nothing was changed, and trying again in a moment is safe."""
    response = page(request, "errors/429.html", clinic=_clinic_of(request), status=503, refusal=refusal)
    response["Retry-After"] = "5"
    return response


def too_many(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """429: this source did more in a minute than people do."""
    response = page(request, "errors/429.html", clinic=_clinic_of(request), status=429, refusal=refusal)
    response["Retry-After"] = "60"
    return response


def refused(
    request: HttpRequest,
    refusal: Refusal,
    *,
    status: int,
    clinic: Clinic | None,
    way: str = "",
    way_text: str = "",
    here: str = "",
) -> HttpResponse:
    """An expected refusal as a page: its sentence, and one way on (`way`, worded `way_text`)."""
    template = "errors/429.html" if status == 429 else "errors/refused.html"
    return page(request, template, clinic=clinic, status=status, here=here, refusal=refusal, way=way, way_text=way_text)


def _clinic_of(request: HttpRequest) -> Clinic | None:
    """The clinic whose pages the address belongs to, so that its phone number stands on the error page too."""
    match = _CLINIC_PATH.match(request.path_info)
    return Clinic.objects.filter(slug=match[1], active=True).first() if match else None
