"""Which methods a page answers to; any other gets a page that says so, in the reader's language."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from audit.context import Actor
from bookings import sources
from bookings.locks import TooBusy, waited_too_long
from bookings.sources import TooManyRequests
from bookings.views import errors
from bookings.views.sources import address_of

#: Whoever uses the pages: who that is, is not known before they are let in.
_SOMEBODY = Actor(kind="visitor", id="", label="")
View = Callable[..., HttpResponseBase]


def allow(*methods: str, counted: str = "form") -> Callable[[View], View]:
    """Answer only to these methods, HEAD like GET; when too many people book at once, ask to try again (503).

    What is sent is counted as `counted` (see `bookings.sources`): a source that sends more than people do is refused
    for the rest of the minute (429).
    """
    allowed = (*methods, "HEAD") if "GET" in methods else methods

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            if request.method not in allowed:
                return errors.not_allowed(request, allowed=allowed)
            try:
                if request.method == "POST":
                    count(request, what=counted)
                return view(request, **parts)
            except TooManyRequests as refusal:
                return errors.too_many(request, refusal)
            except TooBusy as refusal:
                return errors.too_busy(request, refusal)
            except OperationalError as error:
                if waited_too_long(error):
                    return errors.too_busy(request, TooBusy())
                raise

        return guarded

    return decorate


def count(request: HttpRequest, *, what: str) -> None:
    """Count one request of its source. Raises TooManyRequests."""
    sources.admit(actor=_SOMEBODY, now=timezone.now(), address=address_of(request), what=what)
