"""How every page is rendered: the clinic it speaks for, and where a change of language leads back to."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bookings.forms.details import language_choices
from bookings.models import Clinic


def page(
    request: HttpRequest,
    template: str,
    *,
    clinic: Clinic | None = None,
    status: int = 200,
    here: str = "",
    **context: Any,
) -> HttpResponse:
    """Render a page. `here` is where a change of language leads back to, when it is not this very address."""
    return render(
        request,
        template,
        {
            "clinic": clinic,
            "languages": language_choices(),
            "here": here or (request.get_full_path() if request.method in ("GET", "HEAD") else "/"),
            **context,
        },
        status=status,
    )
