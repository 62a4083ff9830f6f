"""Signing in to a patient's account: by a code to the address, an authenticator app after it, or a passkey alone."""

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from bookings import passkeys, patient_accounts, proof, second_factors
from bookings.forms.account import AppCodeForm, CredentialForm, SignInForm
from bookings.forms.codes import CodeForm
from bookings.models import Clinic, ContactChallenge, PatientAccount
from bookings.views import lookups, sessions
from bookings.views.account.appointments import overview
from bookings.views.account.holding import way_back
from bookings.views.codes import wrong
from bookings.views.errors import refused
from bookings.views.lookups import VISITOR
from bookings.views.methods import allow
from bookings.views.rendering import page
from bookings.views.sessions import SIGNING_IN, visitor_if_known, visitor_of

_NEXT: Final = "me_next"


@allow("GET", "POST", counted="code")
def start(request: HttpRequest) -> HttpResponse:
    """The account when somebody is signed in; else the page that asks for the clinic and the address."""
    if request.method != "POST" and (account := sessions.account_of(request)) is not None:
        return overview(request, account=account)
    clinics = list(Clinic.objects.filter(active=True).order_by("name", "pk"))
    if request.method != "POST":
        slug = request.GET.get("clinic", "") or (clinics[0].slug if len(clinics) == 1 else "")
        form = SignInForm(clinics=clinics, initial={"clinic": slug})
        return _start_page(request, form=form, back=way_back(request.GET.get("next", "")))
    form = SignInForm(request.POST, clinics=clinics)
    if not form.is_valid():
        return _start_page(request, form=form, back=way_back(request.POST.get("next", "")), status=422)
    request.session[_NEXT] = way_back(request.POST.get("next", ""))
    return _ask(request, clinic=form.chosen_clinic(), contact=form.cleaned_data["email"])


@allow("POST", counted="code")
def send_again(request: HttpRequest) -> HttpResponse:
    """Send another code to the same address."""
    challenge = _challenge(request)
    if challenge is None:
        return redirect("bookings:me")
    return _ask(request, clinic=challenge.clinic, contact=challenge.contact, query="?sent=again")


@allow("GET", "POST", counted="try")
def code(request: HttpRequest) -> HttpResponse:
    """Type the code; then the account opens, or the authenticator app is asked."""
    challenge = _challenge(request)
    if challenge is None:
        return redirect("bookings:me")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _code_page(request, challenge=challenge, form=form, status=422 if request.method == "POST" else 200)
    now = timezone.now()
    try:
        account = patient_accounts.sign_in(
            actor=VISITOR,
            now=now,
            visitor=visitor_of(request),
            challenge=challenge,
            code=form.cleaned_data["code"],
            language=lookups.language(),
        )
    except proof.WrongCode as refusal:
        form.add_error("code", wrong(refusal))
        return _code_page(request, challenge=challenge, form=form, status=422)
    except proof.CodeExpired as refusal:
        form.add_error("code", str(refusal))
        return _code_page(request, challenge=challenge, form=form, status=410)
    except patient_accounts.AccountClosed as refusal:
        return refused(request, refusal, status=403, clinic=challenge.clinic, here=request.path)
    sessions.wait_for(request, what=SIGNING_IN, challenge_id=None)
    if second_factors.has_app(account=account):
        sessions.enter_half(request, account=account, now=now)
        return redirect("bookings:me-second")
    return _enter(request, account=account)


@allow("GET", "POST", counted="try")
def second(request: HttpRequest) -> HttpResponse:
    """Type the code of the authenticator app, after the one by e-mail."""
    now = timezone.now()
    account = sessions.half_entered(request, now=now)
    if account is None:
        return redirect("bookings:me")
    form = AppCodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                second_factors.check(
                    actor=patient_accounts.actor_of(account), now=now, account=account, code=form.cleaned_data["code"]
                )
            except second_factors.NoApp:
                return _enter(request, account=account)  # removed meanwhile, in a session that was signed in
            except second_factors.WrongAppCode as refusal:
                form.add_error("code", str(refusal))
            except second_factors.TooManyTries as refusal:
                form.add_error("code", str(refusal))
                status = 429
            else:
                return _enter(request, account=account)
    return page(request, "bookings/me/second.html", clinic=account.clinic, status=status, form=form, here=request.path)


@allow("POST", counted="try")
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser finds a passkey by, as JSON. Asked for by POST: its challenge is kept in the session."""
    return JsonResponse(passkeys.begin_signing_in())


@allow("POST", counted="try")
def passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey: it stands for both factors, since it is held and its holder was verified."""
    form = CredentialForm(request.POST)
    back = way_back(request.POST.get("next", ""))
    credential = form.cleaned_data["credential"] if form.is_valid() else None
    try:
        account = passkeys.sign_in(actor=VISITOR, now=timezone.now(), credential=credential)
    except passkeys.NotAccepted as refusal:
        clinics = list(Clinic.objects.filter(active=True).order_by("name", "pk"))
        shown = SignInForm(clinics=clinics, initial={"clinic": clinics[0].slug if len(clinics) == 1 else ""})
        return _start_page(request, form=shown, back=back, status=422, refusal=refusal)
    request.session[_NEXT] = back
    return _enter(request, account=account)


@allow("POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and forget all of it."""
    account = sessions.account_of(request)
    if account is None:
        return redirect("bookings:me")
    sessions.leave(request)
    return redirect(f"{reverse('bookings:me')}?clinic={account.clinic.slug}&said=left")


def _enter(request: HttpRequest, *, account: PatientAccount) -> HttpResponse:
    back = request.session.pop(_NEXT, "")
    sessions.enter(request, account=account)
    return redirect(back or "bookings:me")


def _ask(request: HttpRequest, *, clinic: Clinic, contact: str, query: str = "") -> HttpResponse:
    try:
        sent = patient_accounts.ask(
            actor=VISITOR,
            now=timezone.now(),
            clinic=clinic,
            contact=contact,
            visitor=visitor_of(request),
            language=lookups.language(),
        )
    except proof.TooManyCodes as refusal:
        return refused(request, refusal, status=429, clinic=clinic, here=request.path)
    sessions.wait_for(request, what=SIGNING_IN, challenge_id=sent.pk)
    return redirect(reverse("bookings:me-code") + query)


def _challenge(request: HttpRequest) -> ContactChallenge | None:
    """The code this session asked for to sign in."""
    return patient_accounts.asked(
        challenge_id=sessions.waiting_for(request, what=SIGNING_IN),
        visitor=visitor_if_known(request),
        purpose=ContactChallenge.Purpose.SIGN_IN,
    )


def _start_page(
    request: HttpRequest,
    *,
    form: SignInForm,
    back: str,
    status: int = 200,
    refusal: passkeys.NotAccepted | None = None,
) -> HttpResponse:
    return page(
        request,
        "bookings/me/start.html",
        clinic=form.clinics.get(str(form["clinic"].value())),
        status=status,
        form=form,
        back=back,
        refusal=refusal,
        left=request.GET.get("said") == "left",
        here=request.path,
    )


def _code_page(request: HttpRequest, *, challenge: ContactChallenge, form: CodeForm, status: int) -> HttpResponse:
    return page(
        request,
        "bookings/me/code.html",
        clinic=challenge.clinic,
        status=status,
        form=form,
        here=request.path,
        sent_again=request.GET.get("sent") == "again",
    )
