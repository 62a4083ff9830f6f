"""Asking for something about one's data, seeing how far it is, and taking it back."""

import uuid
from typing import Final
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.sealed import KeyDestroyed
from bookings import moments, rights
from bookings.forms.rights import AskForm
from bookings.models import DataRequest
from bookings.views.account.holding import Holder, account_page, acting_for, holder_only
from bookings.views.methods import allow
from bookings.walls import zone_of

#: What the page says after something was done.
_SAID: Final = {
    "asked": gettext_lazy("Your request has reached the clinic."),
    "withdrawn": gettext_lazy("Your request is withdrawn."),
    "closed": rights.NotOpen.message,
}


@allow("GET", "POST")
@holder_only
def ask(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """The form, and what it asks."""
    if not holder.reached:
        return account_page(request, "rights/ask.html", holder=holder, current="data", form=None)
    if request.method != "POST":
        return account_page(
            request, "rights/ask.html", holder=holder, current="data", form=AskForm(reached=holder.reached)
        )
    form = AskForm(request.POST, reached=holder.reached)
    if request.POST.get("whom") and request.POST["whom"] not in form.reached:
        raise Http404
    if not form.is_valid():
        return account_page(request, "rights/ask.html", holder=holder, current="data", form=form, status=422)
    whom = form.chosen()
    try:
        rights.ask(
            actor=acting_for(whom.patient),
            now=holder.now,
            patient=whom.patient,
            asked_by=whom.person,
            kind=DataRequest.Kind(form.cleaned_data["kind"]),
            text=form.cleaned_data["text"],
        )
    except (rights.TooManyOpen, rights.NobodyToAskFor) as refusal:
        form.add_error(None, str(refusal))
        return account_page(request, "rights/ask.html", holder=holder, current="data", form=form, status=409)
    return _to_mine("asked")


@allow("GET")
@holder_only
def mine(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """What was asked, until when it is answered, and the answers."""
    zone = zone_of(clinic_id=holder.clinic.pk)
    rows = [_shown(row, holder=holder, zone=zone) for row in rights.visible_to(holder.reached)[:100]]
    return account_page(
        request,
        "rights/requests.html",
        holder=holder,
        current="data",
        rows=rows,
        said=_SAID.get(request.GET.get("said", ""), ""),
    )


@allow("POST")
@holder_only
def withdraw(request: HttpRequest, *, holder: Holder, request_id: uuid.UUID) -> HttpResponse:
    """Take one back that is still open."""
    wanted = rights.visible_to(holder.reached).filter(pk=request_id).first()
    if wanted is None:
        raise Http404
    try:
        rights.withdraw(actor=acting_for(wanted.patient), now=holder.now, request_id=wanted.pk)
    except rights.NotOpen:
        return _to_mine("closed")
    return _to_mine("withdrawn")


def _to_mine(said: str) -> HttpResponse:
    return redirect(f"{reverse('bookings:my-data-requests')}?said={said}")


def _shown(row: DataRequest, *, holder: Holder, zone: ZoneInfo) -> dict[str, object]:
    """A request with its words opened; without them where they cannot be read any more."""
    words = {}
    for name in ("text", "extension", "answer"):
        try:
            words[name] = getattr(row, name)
        except KeyDestroyed:
            words[name] = _("no longer readable")
    days = {
        name: moments.day(moment.astimezone(zone).date()) if (moment := getattr(row, name)) else ""
        for name in ("received_at", "due_at", "answered_at")
    }
    whose = row.patient.full_name if len(holder.reached) > 1 else ""
    return {"request": row, "whose": whose, **words, **days}
