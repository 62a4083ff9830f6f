"""What the account is signed in with beside the code by e-mail: passkeys, and an authenticator app."""

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bookings import passkeys, patient_accounts, second_factors
from bookings.forms.account import AppCodeForm, PasskeyForm
from bookings.views.account.holding import Holder, account_page, holder_only
from bookings.views.methods import allow
from bookings.walls import zone_of

_SEED: Final = "me_app"
_SAID: Final = {
    "app": gettext_lazy("The app is set up. It is asked for at every sign-in with a code by e-mail."),
    "no-app": gettext_lazy("The app is removed. A code by e-mail is enough again."),
    "passkey": gettext_lazy("The passkey is added. You can sign in with it alone."),
    "no-passkey": gettext_lazy("The passkey is removed. Delete it on your device too."),
}


@allow("GET")
@holder_only
def show(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """The passkeys and the app, each with how to add and remove it."""
    return _page(request, holder=holder)


@allow("POST")
@holder_only
def begin_app(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Make a seed for an app; it waits, sealed, in the session."""
    if not second_factors.has_app(account=holder.account):
        request.session[_SEED] = second_factors.new_seed()
    return redirect("bookings:me-app")


@allow("GET", "POST", counted="try")
@holder_only
def app(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Show the seed as a picture and as text; the first code of the app sets it up."""
    sealed = request.session.get(_SEED)
    if sealed is None:
        return redirect("bookings:me-security")
    form = AppCodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                second_factors.add_app(
                    actor=patient_accounts.actor_of(holder.account),
                    now=holder.now,
                    account=holder.account,
                    sealed=sealed,
                    code=form.cleaned_data["code"],
                )
            except second_factors.WrongAppCode as refusal:
                form.add_error("code", str(refusal))
            except second_factors.TooManyTries as refusal:
                form.add_error("code", str(refusal))
                status = 429
            else:
                del request.session[_SEED]
                return _to_security("app")
    return account_page(
        request,
        "me/app.html",
        holder=holder,
        current="security",
        status=status,
        form=form,
        setup=second_factors.setup_of(user=holder.account.user, sealed=sealed),
    )


@allow("POST", counted="try")
@holder_only
def remove_app(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Remove the app, after one more code of it."""
    form = AppCodeForm(request.POST)
    if not form.is_valid():
        return _page(request, holder=holder, form=form, status=422)
    try:
        second_factors.remove_app(
            actor=patient_accounts.actor_of(holder.account),
            now=holder.now,
            account=holder.account,
            code=form.cleaned_data["code"],
        )
    except second_factors.NoApp:
        return redirect("bookings:me-security")
    except (second_factors.WrongAppCode, second_factors.TooManyTries) as refusal:
        form.add_error("code", str(refusal))
        shut = isinstance(refusal, second_factors.TooManyTries)
        return _page(request, holder=holder, form=form, status=429 if shut else 422)
    return _to_security("no-app")


@allow("POST")
@holder_only
def passkey_options(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """What the browser makes a passkey from, as JSON. Asked for by POST: its challenge is kept in the session."""
    return JsonResponse(passkeys.begin_adding(user=holder.account.user))


@allow("POST", counted="try")
@holder_only
def add_passkey(request: HttpRequest, *, holder: Holder) -> HttpResponse:
    """Keep the passkey the browser made."""
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return _page(request, holder=holder, passkey=form, status=422)
    try:
        passkeys.add(
            actor=patient_accounts.actor_of(holder.account),
            now=holder.now,
            account=holder.account,
            name=form.cleaned_data["name"],
            credential=form.cleaned_data["credential"],
        )
    except (passkeys.NotAccepted, passkeys.TooManyPasskeys) as refusal:
        form.add_error(None, str(refusal))
        return _page(request, holder=holder, passkey=form, status=422)
    return _to_security("passkey")


@allow("POST")
@holder_only
def remove_passkey(request: HttpRequest, *, holder: Holder, passkey: int) -> HttpResponse:
    """Take a passkey away."""
    try:
        passkeys.remove(
            actor=patient_accounts.actor_of(holder.account),
            now=holder.now,
            account=holder.account,
            passkey_id=passkey,
        )
    except passkeys.NoSuchPasskey as gone:
        raise Http404 from gone
    return _to_security("no-passkey")


def _to_security(said: str) -> HttpResponse:
    return redirect(f"{reverse('bookings:me-security')}?said={said}")


def _page(
    request: HttpRequest,
    *,
    holder: Holder,
    form: AppCodeForm | None = None,
    passkey: PasskeyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    zone = zone_of(clinic_id=holder.clinic.pk)
    return account_page(
        request,
        "me/security.html",
        holder=holder,
        current="security",
        status=status,
        here=reverse("bookings:me-security"),
        passkeys=[
            {
                "key": one,
                "added": one.added.astimezone(zone).date(),
                "used": one.used.astimezone(zone).date() if one.used else None,
            }
            for one in passkeys.listed(account=holder.account)
        ],
        passkey=passkey or PasskeyForm(),
        has_app=second_factors.has_app(account=holder.account),
        form=form or AppCodeForm(),
        wrong=form or passkey,
        said=_SAID.get(request.GET.get("said", ""), ""),
    )
