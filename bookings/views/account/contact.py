"""How the account's holder is reached: the address, and what they want of messages."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bookings import consents, own_contact, patient_accounts, proof
from bookings.forms.account import LanguageForm, NewAddressForm, WishesForm
from bookings.forms.codes import CodeForm
from bookings.models import ConsentPurpose, ContactChallenge, Patient
from bookings.views import lookups, sessions
from bookings.views.account.holding import Holder, account_page, acting_for, holder_only
from bookings.views.codes import wrong
from bookings.views.errors import refused
from bookings.views.methods import allow
from bookings.views.sessions import CHANGING, visitor_if_known, visitor_of

_SAID: Final = {
    "changed": gettext_lazy("Your e-mail address is changed. Sign in with the new one from now on."),
    "saved": gettext_lazy("Your wishes are saved."),
}


@allow("GET")
@holder_only
def show(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """The address, and for each of the holder's own records what they want."""
    return _page(request, holder=holder)


@allow("POST", counted="code")
@holder_only
def change(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Send a code to the new address."""
    form = NewAddressForm(request.POST)
    if not form.is_valid():
        return _page(request, holder=holder, address=form, status=422)
    return _ask(request, holder=holder, email=form.cleaned_data["email"])


@allow("GET", "POST", counted="try")
@holder_only
def code(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Type the code that was sent to the new address; then it is the one."""
    challenge = _challenge(request, holder=holder)
    if challenge is None:
        return redirect("bookings:me-contact")
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                own_contact.change(
                    actor=patient_accounts.actor_of(holder.account),
                    now=holder.now,
                    account=holder.account,
                    visitor=visitor_of(request),
                    challenge=challenge,
                    code=form.cleaned_data["code"],
                )
            except proof.WrongCode as refusal:
                form.add_error("code", wrong(refusal))
            except proof.CodeExpired as refusal:
                form.add_error("code", str(refusal))
                status = 410
            except own_contact.AddressTaken as refusal:
                way = reverse("bookings:me-contact")
                return refused(request, refusal, status=409, clinic=holder.clinic, way=way, here=way)
            else:
                sessions.wait_for(request, what=CHANGING, challenge_id=None)
                return _to_contact("changed")
    return account_page(
        request,
        "me/contact_code.html",
        holder=holder,
        current="contact",
        status=status,
        form=form,
        address=challenge.contact,
        sent_again=request.GET.get("sent") == "again",
    )


@allow("POST", counted="code")
@holder_only
def send_again(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Send another code to the same new address."""
    challenge = _challenge(request, holder=holder)
    if challenge is None:
        return redirect("bookings:me-contact")
    return _ask(request, holder=holder, email=challenge.contact, query="?sent=again")


@allow("POST")
@holder_only
def wish(request: HttpRequest, *, holder: Holder, record: str) -> HttpResponse:
    """Save what the holder wants of messages about one of their own records."""
    patient = next((one for one in holder.own if one.code == record), None)
    if patient is None:
        raise Http404
    form = _wishes_of(patient, data=request.POST)
    if not form.is_valid():
        return _page(request, holder=holder, wishes=form, whose=patient, status=422)
    purpose = ConsentPurpose.REMINDERS
    shown = consents.text_shown(clinic=holder.clinic, purpose=purpose, pk=request.POST.get("reminders_text", ""))
    try:
        own_contact.prefer(
            actor=acting_for(patient),
            now=holder.now,
            account=holder.account,
            code=patient.code,
            phone=form.cleaned_data["phone"],
            language=form.cleaned_data["message_language"],
            remind=form.cleaned_data["remind"],
            safe_contact=form.cleaned_data["safe_contact"],
            reminders_text=shown,
        )
    except own_contact.NotTheirOwn as gone:
        raise Http404 from gone
    return _to_contact("saved")


@allow("POST")
@holder_only
def speak(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Save the language of an account without a record of its own."""
    form = LanguageForm(request.POST)
    if holder.own:
        raise Http404
    if not form.is_valid():
        return _page(request, holder=holder, language=form, status=422)
    own_contact.speak(
        actor=patient_accounts.actor_of(holder.account),
        now=holder.now,
        account=holder.account,
        language=form.cleaned_data["message_language"],
    )
    return _to_contact("saved")


def _ask(request: HttpRequest, *, holder: Holder, email: str, query: str = "") -> HttpResponse:
    here = reverse("bookings:me-contact")
    try:
        sent = own_contact.ask_change(
            actor=patient_accounts.actor_of(holder.account),
            now=holder.now,
            account=holder.account,
            email=email,
            visitor=visitor_of(request),
            language=lookups.language(),
        )
    except proof.TooManyCodes as refusal:
        return refused(request, refusal, status=429, clinic=holder.clinic, way=here, here=here)
    sessions.wait_for(request, what=CHANGING, challenge_id=sent.pk)
    return redirect(reverse("bookings:me-contact-code") + query)


def _challenge(request: HttpRequest, *, holder: Holder) -> ContactChallenge | None:
    """The code this session asked for to change this account's address."""
    found = patient_accounts.asked(
        challenge_id=sessions.waiting_for(request, what=CHANGING),
        visitor=visitor_if_known(request),
        purpose=ContactChallenge.Purpose.CHANGE,
    )
    return found if found is not None and found.key_id == holder.account.key_id else None


def _to_contact(said: str) -> HttpResponse:
    return redirect(f"{reverse('bookings:me-contact')}?said={said}")


def _wishes_of(patient: Patient, *, data: Any = None) -> WishesForm:
    asked = own_contact.reminders_asked(patient=patient, language=lookups.language())
    return WishesForm(data, patient=patient, asked=asked)


def _page(
    request: HttpRequest,
    *,
    holder: Holder,
    address: NewAddressForm | None = None,
    language: LanguageForm | None = None,
    wishes: WishesForm | None = None,
    whose: Patient | None = None,
    status: int = 200,
) -> HttpResponse:
    spoken = LanguageForm(initial={"message_language": holder.account.language}) if not holder.own else None
    return account_page(
        request,
        "me/contact.html",
        holder=holder,
        current="contact",
        status=status,
        here=reverse("bookings:me-contact"),
        account=holder.account,
        address=address or NewAddressForm(),
        language=language or spoken,
        records=[(one, wishes if one == whose and wishes else _wishes_of(one)) for one in holder.own],
        wrong=address or language or wishes,
        said=_SAID.get(request.GET.get("said", ""), ""),
    )
