"""Who acts for the account's holder, and for whom the holder acts."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bookings import own_contact, related
from bookings.forms.account import HelperForm
from bookings.views.account.holding import Holder, account_page, acting_for, holder_only
from bookings.views.errors import refused
from bookings.views.methods import allow

_SAID: Final = {
    "named": gettext_lazy("This person may act for you from now on."),
    "ended": gettext_lazy("This person acts for you no longer."),
    "left": gettext_lazy("You act for this person no longer."),
}


@allow("GET", "POST")
@holder_only
def people(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Both lists, and the form that names somebody."""
    if request.method != "POST":
        return _page(request, holder=holder)
    if not holder.own:
        raise Http404
    form = HelperForm(request.POST, own=holder.own, today=holder.now.date())
    if request.POST.get("whose") and request.POST["whose"] not in form.own:
        raise Http404
    if not form.is_valid():
        return _page(request, holder=holder, form=form, status=422)
    whose = next(patient for patient in holder.own if patient.code == form.cleaned_data["whose"])
    try:
        related.name(
            actor=acting_for(whose),
            now=holder.now,
            account=holder.account,
            code=whose.code,
            **{key: value for key, value in form.cleaned_data.items() if key != "whose"},
        )
    except (related.OwnAddress, related.ActsAlready) as refusal:
        form.add_error("email", str(refusal))
        return _page(request, holder=holder, form=form, status=422)
    except related.TooManyPeople as refusal:
        form.add_error(None, str(refusal))
        return _page(request, holder=holder, form=form, status=409)
    except own_contact.NotTheirOwn as gone:
        raise Http404 from gone
    return _to_people("named")


@allow("GET", "POST")
@holder_only
def end(request: HttpRequest, *, holder: Holder, person: int) -> HttpResponse:
    """Ask once more, then end it that somebody acts for the holder."""
    found = next(
        (
            one
            for one in related.acting_for_holder(account=holder.account, now=holder.now)
            if one.person.pk == person and one.endable
        ),
        None,
    )
    if found is None:
        raise Http404
    if request.method != "POST":
        return account_page(request, "me/people_end.html", holder=holder, current="people", one=found)
    try:
        related.end(actor=acting_for(found.patient), now=holder.now, account=holder.account, person_id=found.person.pk)
    except related.NotYoursToEnd as refusal:
        way = reverse("bookings:me-people")
        return refused(request, refusal, status=403, clinic=holder.clinic, way=way, here=way)
    except related.NoSuchPerson as gone:
        raise Http404 from gone
    return _to_people("ended")


@allow("GET", "POST")
@holder_only
def leave(request: HttpRequest, *, holder: Holder, person: int) -> HttpResponse:
    """Ask once more, then end it that the holder acts for somebody."""
    found = next((one for one in holder.reached if one.person is not None and one.person.pk == person), None)
    if found is None:
        raise Http404
    if request.method != "POST":
        return account_page(request, "me/people_leave.html", holder=holder, current="people", one=found)
    try:
        related.leave(actor=acting_for(found.patient), now=holder.now, account=holder.account, person_id=person)
    except related.NoSuchPerson as gone:
        raise Http404 from gone
    return _to_people("left")


def _to_people(said: str) -> HttpResponse:
    return redirect(f"{reverse('bookings:me-people')}?said={said}")


def _page(request: HttpRequest, *, holder: Holder, form: HelperForm | None = None, status: int = 200) -> HttpResponse:
    blank: dict[str, Any] = {"own": holder.own, "today": holder.now.date()}
    return account_page(
        request,
        "me/people.html",
        holder=holder,
        current="people",
        status=status,
        own=holder.own,
        acting=related.acting_for_holder(account=holder.account, now=holder.now),
        held=[one for one in holder.reached if one.person is not None],
        form=form or (HelperForm(**blank) if holder.own else None),
        said=_SAID.get(request.GET.get("said", ""), ""),
    )
