"""Copies of what is held, to take away. Asked for by POST: that a copy was taken is recorded, and a GET changes
nothing."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from bookings import disclosure, fhir
from bookings.views.account.holding import Holder, acting_for, holder_only
from bookings.views.methods import allow


@allow("POST")
@holder_only
def as_json(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Everything, in the shape `bookings.disclosure` documents."""
    made = disclosure.copy(actor=_actor(holder), now=holder.now, clinic=holder.clinic, patients=holder.own)
    return _file(made, name="my-data.json", kind="application/json")


@allow("POST")
@holder_only
def as_fhir(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """A FHIR R4 Bundle, for other programs."""
    made = fhir.bundle(actor=_actor(holder), now=holder.now, clinic=holder.clinic, patients=holder.own)
    return _file(made, name="my-data.fhir.json", kind="application/fhir+json")


def _actor(holder: Holder) -> Any:
    if not holder.own:
        raise Http404  # nothing of the holder's own is held; what is of others is not theirs to take
    return acting_for(holder.own[0])


def _file(made: dict[str, Any], *, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(json.dumps(made, ensure_ascii=False, indent=2), content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
