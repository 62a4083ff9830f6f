"""What every request passes through besides Django's own: an id, an access line, HTTPS, headers, who is acting."""

import hashlib
import logging
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC
from typing import cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone, translation

from audit.context import Actor, acting, use
from audit.origins import RequestOrigin
from bookings.models import User
from bookings.roles import access_of, staff_actor
from bookings.views.sources import address_of
from bookings.walls import zone_of

Handler = Callable[[HttpRequest], HttpResponseBase]

_access = logging.getLogger("horae.access")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}\Z")
_PROBES = ("/healthz", "/readyz", "/metrics")
_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


def request_id(get_response: Handler) -> Handler:
    """Give the request an id, answer it back, and write the access line: the route's name, never its path.

    An id given by the client (`X-Request-ID`) is kept only behind our own proxy.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "") if settings.SECURE_PROXY_SSL_HEADER else ""
        request.META["HORAE_REQUEST_ID"] = given if _GIVEN_ID.match(given) else uuid.uuid4().hex
        request.META["HORAE_ROUTE"] = _route(request)
        began = time.perf_counter()
        response = get_response(request)
        response["X-Request-ID"] = request.META["HORAE_REQUEST_ID"]
        if not request.path_info.startswith((settings.STATIC_URL, *_PROBES)):
            _access.info(
                "%s %s %d %.0f ms %s",
                request.method,
                request.META["HORAE_ROUTE"],
                response.status_code,
                (time.perf_counter() - began) * 1000,
                request.META["HORAE_REQUEST_ID"],
            )
        return response

    return handle


def https_only(get_response: Handler) -> Handler:
    """Answer 308 to the public origin when that is https and the request came in clear; probes answer on loopback."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if not settings.HTTPS or request.is_secure() or request.path_info in _PROBES:
            return get_response(request)
        moved = HttpResponse(status=308)  # keeps the method, unlike Django's 301
        moved["Location"] = settings.BASE_URL + request.get_full_path()
        return moved

    return handle


def asked_language(get_response: Handler) -> Handler:
    """Answer a link that names a language (`?lang=de`) in it, and stay with it: clinics link to us in theirs."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        asked = request.GET.get("lang", "") if request.method == "GET" else ""
        if asked not in dict(settings.LANGUAGES):
            return get_response(request)
        translation.activate(asked)
        request.LANGUAGE_CODE = asked
        response = get_response(request)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            asked,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
        return response

    return handle


def security_headers(get_response: Handler) -> Handler:
    """Add the headers nobody else sets; a page is kept by no cache unless its view says otherwise."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return handle


def request_context(get_response: Handler) -> Handler:
    """Run the request as the person who makes it, in the use `http.<route>`: every write in it then has a meaning."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        route = request.META["HORAE_ROUTE"]
        client = "admin" if route.startswith("admin:") else "web"
        with (
            acting(
                actor=actor_of(request),
                request_id=request.META["HORAE_REQUEST_ID"],
                client=client,
                origin=origin_of(request),
            ),
            use(f"http.{route}"),
        ):
            return get_response(request)

    return handle


def origin_of(request: HttpRequest) -> RequestOrigin | None:
    """Return where the request comes from; None where that is not kept. A session is named by a digest of its key, so
    that whoever may open the record cannot enter the session."""
    if not settings.SOURCE_DAYS:
        return None
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = hashlib.sha256(key.encode()).hexdigest()[:32] if key else ""
    return RequestOrigin(address=address_of(request), session=session, day=timezone.now().date())


def actor_of(request: HttpRequest) -> Actor:
    """Return who makes the request: staff, a patient by account id only, or a visitor.

    Which role somebody acts in depends on the clinic, so whoever knows the clinic says it (`staff_actor`), not we.

    The session is read only when the browser sent its cookie, so a public page costs no query.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return Actor(kind="visitor", id="", label="")
    user = request.user
    if not user.is_authenticated:
        return Actor(kind="visitor", id="", label="")
    if not user.is_staff:
        return Actor(kind="patient", id=str(user.pk), label="")
    return staff_actor(user=user)


def _route(request: HttpRequest) -> str:
    """Return the name of the route the address leads to (`bookings:manage`), or "unknown"."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return "unknown"
    return match.view_name or "unnamed"


def clinic_clock(get_response: Handler) -> Handler:
    """On the pages of staff, lists write moments on the clock of the person's clinic; an operator's stay in UTC."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(reverse("admin:index")):
            return get_response(request)
        clinics = access_of(cast(User, request.user)).roles
        with timezone.override(zone_of(clinic_id=min(clinics)) if clinics else UTC):
            return get_response(request)

    return handle
