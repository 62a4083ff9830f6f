"""How every page is rendered: the clinic it speaks for, and where a change of language leads back to."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bookings import offers
from bookings.forms.languages import language_choices
from bookings.models import Clinic
from bookings.views.lookups import language


def page(
    request: HttpRequest,
    template: str,
    *,
    clinic: Clinic | None = None,
    status: int = 200,
    here: str = "",
    framed: bool = False,
    **context: Any,
) -> HttpResponse:
    """Render a page. `here` is where a change of language leads back to, when it is not this very address; a page
    `framed` stands in another site and has no head or foot of ours."""
    return render(
        request,
        template,
        {
            "clinic": clinic,
            "hours": partial(offers.words_of, clinic, "hours_text", language=language()) if clinic else None,
            "framed": framed,
            "shell": "frame.html" if framed else "base.html",
            "languages": language_choices(),
            "here": here or (request.get_full_path() if request.method in ("GET", "HEAD") else "/"),
            **context,
        },
        status=status,
    )
