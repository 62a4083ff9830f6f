"""The form of a booking: for whom, who, how to reach them; with the time held meanwhile."""

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import wraps

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.i18n import set_language

from bookings import completing, consents, holds, intake, links, offers, parties, proof, questions, reach
from bookings.availability import NotOffered, Rule, SlotTaken
from bookings.contacts import same_email
from bookings.forms.details import DetailsForm
from bookings.forms.familiar import familiar
from bookings.forms.persons import initial_of
from bookings.forms.slots import Choice
from bookings.forms.wanted import query_of
from bookings.models import ContactChallenge, Draft
from bookings.reach import Proven
from bookings.refusals import Refusal
from bookings.views import lookups, sessions, summaries
from bookings.views.account.holding import Holder, holder_of
from bookings.views.errors import refused
from bookings.views.listing import times_page, wanted_or_404
from bookings.views.lookups import VISITOR
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import visitor_of
from bookings.views.summaries import held
from bookings.views.taken import draft_gone, taken

#: Rules against the people or their answers: another time would not help.
_AT_NO_TIME = (Rule.KIND, Rule.ANSWERS, Rule.TERMS, Rule.REFERRAL, Rule.CAP_OPEN)
DraftView = Callable[..., HttpResponse]


def own_draft(view: DraftView) -> DraftView:
    """Give the view the visitor's own open draft; a booked one leads to its appointment, any other is not there."""

    @wraps(view)
    def opened(request: HttpRequest, *, clinic: str, draft: uuid.UUID) -> HttpResponse:
        now = timezone.now()
        try:
            found = lookups.draft_of(request, clinic=clinic, draft_id=draft, now=now)
            if found.appointment is not None:
                return redirect("bookings:booked", token=links.token(found.appointment))
            return view(request, draft=found, now=now)
        except intake.DraftGone as refusal:
            return draft_gone(request, refusal, clinic=lookups.clinic_or_404(clinic))

    return opened


@allow("GET", "POST")
@own_draft
def details(request: HttpRequest, *, draft: Draft, now: datetime) -> HttpResponse:
    """The form. Whatever was typed is kept, right or wrong; a complete one sends the code, or books when the address
    is proved already."""
    holder = _holder(request, draft=draft, now=now)
    spoken = holder.account.language if holder is not None else lookups.language()
    typed = initial_of(parties.read(draft), language=spoken)
    if request.method != "POST":
        check = "check" in request.GET
        form = _form(draft, typed if check else None, now=now, initial=None if check else typed, holder=holder)
        return _form_page(request, draft, form=form, holder=holder, now=now)
    form = _form(draft, request.POST, now=now, holder=holder)
    _keep(request, draft=draft, form=form, now=now)
    if not form.is_valid():
        return _form_page(request, draft, form=form, holder=holder, now=now, status=422)
    contact, proofs = form.cleaned_data["email"], sessions.proofs(request, now=now)
    try:
        if not held(draft, now=now):
            hold_again(request, draft=draft, now=now)
        if completing.is_proved(now=now, draft=draft, contact=contact, proofs=proofs):
            return book(request, draft=draft, contact=contact, proofs=proofs, now=now)
        if not waits_for_code(draft, contact=contact, now=now):
            completing.send_code(actor=VISITOR, now=now, visitor=visitor_of(request), draft_id=draft.pk)
    except (SlotTaken, NotOffered) as refusal:
        return lost(request, refusal, draft=draft, now=now)
    except (proof.TooManyCodes, holds.TooManyHolds) as refusal:
        return refused(request, refusal, status=429, clinic=draft.clinic, here=_address(draft))
    return redirect("bookings:code", clinic=draft.clinic.slug, draft=draft.pk)


@allow("POST")
@own_draft
def language(request: HttpRequest, *, draft: Draft, now: datetime) -> HttpResponse:
    """Change the language midway: the form as typed comes back in it, and messages follow."""
    typed = {**request.POST.dict(), "message_language": request.POST.get("language", "")}
    form = _form(draft, typed, now=now, holder=_holder(request, draft=draft, now=now))
    _keep(request, draft=draft, form=form, now=now)
    return set_language(request)


@allow("POST")
@own_draft
def extend(request: HttpRequest, *, draft: Draft, now: datetime) -> HttpResponse:
    """Hold the time for longer, or again when it lapsed and is still free; what was typed is kept."""
    holder = _holder(request, draft=draft, now=now)
    _keep(request, draft=draft, form=_form(draft, request.POST, now=now, holder=holder), now=now)
    try:
        if held(draft, now=now):
            assert draft.hold_id is not None
            holds.extend(actor=VISITOR, now=now, visitor=visitor_of(request), hold_id=draft.hold_id)
        else:
            hold_again(request, draft=draft, now=now)
    except holds.HoldGone as refusal:
        return refused(request, refusal, status=410, clinic=draft.clinic, way=_address(draft), here=_address(draft))
    except (SlotTaken, NotOffered) as refusal:
        return lost(request, refusal, draft=draft, now=now)
    except holds.TooManyHolds as refusal:
        return refused(request, refusal, status=429, clinic=draft.clinic, here=_address(draft))
    step = "bookings:code" if request.POST.get("back") == "code" else "bookings:details"
    return redirect(step, clinic=draft.clinic.slug, draft=draft.pk)


def hold_again(request: HttpRequest, *, draft: Draft, now: datetime) -> None:
    """Hold the same times anew. Raises what `holds.hold_together` raises."""
    intake.hold_again(actor=VISITOR, now=now, visitor=visitor_of(request), draft=draft)


def lost(request: HttpRequest, refusal: Refusal, *, draft: Draft, now: datetime) -> HttpResponse:
    """The 409 page for a form whose time went to somebody else, or whose people may not book it online at any time, or
    not on that day."""
    if isinstance(refusal, NotOffered) and refusal.rule in (*_AT_NO_TIME, Rule.CAP_DAY):
        times = reverse("bookings:times", args=[draft.clinic.slug, draft.service.slug])
        way = f"{times}?draft={draft.pk}"
        if refusal.rule == Rule.CAP_DAY:
            # Any other time of that day would be refused just the same.
            way += f"&from={draft.start.astimezone(draft.location.tz).date() + timedelta(days=1)}"
        return refused(request, refusal, status=409, clinic=draft.clinic, way=way, here=way)
    offer = lookups.offer_or_404(draft.clinic, draft.service.slug, today=now.date())
    asked = QueryDict(query_of(draft)[1:])
    wanted = wanted_or_404(asked, clinic=draft.clinic, offer=offer, now=now, begun=draft)
    if draft.further:
        return times_page(request, wanted=wanted, clinic=draft.clinic, now=now, refusal=refusal)
    return taken(
        request,
        refusal,
        clinic=draft.clinic,
        offer=offer,
        choice=Choice(draft.start, draft.location, draft.practitioner),
        asking=wanted.answers.asking,
        carried=wanted.carried,
        now=now,
    )


def book(
    request: HttpRequest, *, draft: Draft, contact: str, proofs: Collection[Proven], now: datetime, code: str = ""
) -> HttpResponse:
    """Book what the form asks for, with the code typed or the `contact` in it proved already, and show it.

    Raises proof.WrongCode, proof.CodeExpired: what else stands in the way is answered with a page.
    """
    try:
        appointment = completing.complete(
            actor=VISITOR,
            now=now,
            visitor=visitor_of(request),
            draft_id=draft.pk,
            code=code,
            proofs=proofs,
        )
    except (completing.NotProved, completing.Incomplete):
        return to_details(draft)
    except (SlotTaken, NotOffered) as refusal:
        return lost(request, refusal, draft=draft, now=now)
    sessions.remember(request, proven=reach.proven(clinic_id=draft.clinic_id, email=contact), now=now)
    return redirect("bookings:booked", token=links.token(appointment))


def to_details(draft: Draft) -> HttpResponse:
    """Back to the form, which says what it lacks."""
    return redirect(_address(draft) + "?check=1")


def waits_for_code(draft: Draft, *, contact: str, now: datetime) -> bool:
    """Whether this contact was sent a code that can still be typed: a second press sends no second."""
    sent = ContactChallenge.objects.filter(draft=draft).order_by("-created").first()
    return sent is not None and sent.expires_at > now and sent.tries_left > 0 and same_email(sent.contact, contact)


def is_complete(draft: Draft, *, now: datetime) -> bool:
    """Whether the form as kept can be booked: typing and then pressing another button than “go on” checks nothing."""
    return _form(draft, initial_of(parties.read(draft), language=""), now=now).is_valid()


def _form(
    draft: Draft,
    data: Mapping[str, str] | None = None,
    *,
    now: datetime,
    initial: Mapping[str, str] | None = None,
    holder: Holder | None = None,
) -> DetailsForm:
    """The form this draft needs: for so many people, for such a visit, with what the clinic asks, and the people whom
    the account signed in can choose."""
    return DetailsForm(
        data,
        today=now.astimezone(draft.location.tz).date(),
        initial=initial,
        people=parties.people_in(draft),
        kind=parties.asking_of(parties.read(draft)).kind,
        questions=questions.asked(draft=draft, language=lookups.language()),
        consents=consents.asked(clinic=draft.clinic, language=lookups.language()),
        known=familiar(holder.reached) if holder is not None else (),
        contact=holder.account.contact if holder is not None else "",
    )


def _holder(request: HttpRequest, *, draft: Draft, now: datetime) -> Holder | None:
    """Whose account is signed in, when it is one at the draft's clinic."""
    holder = holder_of(request, now=now)
    return holder if holder is not None and holder.clinic.pk == draft.clinic_id else None


def _form_page(
    request: HttpRequest, draft: Draft, *, form: DetailsForm, holder: Holder | None, now: datetime, status: int = 200
) -> HttpResponse:
    return page(
        request,
        "bookings/details.html",
        clinic=draft.clinic,
        status=status,
        here=_address(draft),
        form=form,
        holder=holder,
        proved=completing.is_proved(
            now=now,
            draft=draft,
            contact=str(form["email"].value() or ""),
            proofs=sessions.proofs(request, now=now),
        ),
        notice=offers.privacy_notice(clinic=draft.clinic, language=lookups.language()),
        **summaries.of_draft(draft, now=now),
    )


def _keep(request: HttpRequest, *, draft: Draft, form: DetailsForm, now: datetime) -> None:
    """Save what stands in the form, and which notice stood beside it, when the button pressed was one of the form's."""
    if "family_name" in request.POST:
        intake.save(
            actor=VISITOR,
            now=now,
            visitor=visitor_of(request),
            draft_id=draft.pk,
            form=form.details(),
            notice=offers.notice_shown(clinic=draft.clinic, pk=request.POST.get("notice", "")),
        )


def _address(draft: Draft) -> str:
    return reverse("bookings:details", args=[draft.clinic.slug, draft.pk])
