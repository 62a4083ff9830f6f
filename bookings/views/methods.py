"""Which methods a page answers to; any other gets a page that says so, in the reader's language."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from bookings.locks import TooBusy, waited_too_long
from bookings.views import errors

View = Callable[..., HttpResponse]


def allow(*methods: str) -> Callable[[View], View]:
    """Answer only to these methods, HEAD like GET; and when too many people book at once, ask to try again (503)."""
    allowed = (*methods, "HEAD") if "GET" in methods else methods

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **parts: Any) -> HttpResponse:
            if request.method not in allowed:
                return errors.not_allowed(request, allowed=allowed)
            try:
                return view(request, **parts)
            except TooBusy as refusal:
                return errors.too_busy(request, refusal)
            except OperationalError as error:
                if waited_too_long(error):
                    return errors.too_busy(request, TooBusy())
                raise

        return guarded

    return decorate
