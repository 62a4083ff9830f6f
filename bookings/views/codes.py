"""Proving the contact, and with it booking."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext

from bookings import completing, parties, proof
from bookings.forms.codes import CodeForm
from bookings.models import Draft
from bookings.views import drafts, sessions, summaries
from bookings.views.drafts import own_draft
from bookings.views.errors import refused
from bookings.views.lookups import VISITOR
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import visitor_of


@allow("GET", "POST", counted="try")
@own_draft
def code(request: HttpRequest, *, draft: Draft, now: datetime) -> HttpResponse:
    """Type the code and be booked. A contact proved a moment ago needs one press only."""
    if not drafts.is_complete(draft, now=now):
        return drafts.to_details(draft)
    contact = parties.read(draft)["email"]
    proofs = sessions.proofs(request, now=now)
    proved = completing.is_proved(now=now, draft=draft, contact=contact, proofs=proofs)
    if request.method != "POST":
        if not proved and not drafts.waits_for_code(draft, contact=contact, now=now):
            return _page(request, draft, form=CodeForm(), contact=contact, now=now, over=True)
        return _page(request, draft, form=CodeForm(), contact=contact, now=now, proved=proved)
    form = CodeForm(request.POST)
    if not proved and not form.is_valid():
        return _page(request, draft, form=form, contact=contact, now=now, status=422)
    try:
        typed = "" if proved else form.cleaned_data["code"]
        return drafts.book(request, draft=draft, contact=contact, proofs=proofs, now=now, code=typed)
    except proof.WrongCode as refusal:
        form.add_error("code", wrong(refusal))
        return _page(request, draft, form=form, contact=contact, now=now, status=422)
    except proof.CodeExpired as refusal:
        form.add_error("code", str(refusal))
        return _page(request, draft, form=form, contact=contact, now=now, status=410, over=True)


@allow("POST", counted="code")
@own_draft
def send(request: HttpRequest, *, draft: Draft, now: datetime) -> HttpResponse:
    """Send another code to the same contact."""
    if not drafts.is_complete(draft, now=now):
        return drafts.to_details(draft)
    address = reverse("bookings:code", args=[draft.clinic.slug, draft.pk])
    try:
        completing.send_code(actor=VISITOR, now=now, visitor=visitor_of(request), draft_id=draft.pk)
    except proof.TooManyCodes as refusal:
        return refused(request, refusal, status=429, clinic=draft.clinic, way=address, here=address)
    return redirect(f"{address}?sent=again")


def wrong(refusal: proof.WrongCode) -> str:
    """The sentence for a wrong code, with the tries left."""
    left = ngettext("%(tries)d try is left.", "%(tries)d tries are left.", refusal.tries_left) % {
        "tries": refusal.tries_left
    }
    return f"{refusal} {left}"


def _page(
    request: HttpRequest,
    draft: Draft,
    *,
    form: CodeForm,
    contact: str,
    now: datetime,
    status: int = 200,
    proved: bool = False,
    over: bool = False,
) -> HttpResponse:
    return page(
        request,
        "bookings/code.html",
        clinic=draft.clinic,
        status=status,
        here=reverse("bookings:code", args=[draft.clinic.slug, draft.pk]),
        form=form,
        contact=contact,
        proved=proved,
        over=over,
        sent_again=request.GET.get("sent") == "again",
        **summaries.of_draft(draft, now=now),
    )
