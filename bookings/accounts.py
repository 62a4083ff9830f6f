"""Staff accounts at the door: how allauth lets people in, and what it must not do."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final

import httpx
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _

from audit.keys import keyring
from audit.residency import OutsideJurisdiction, client
from bookings.models import User
from bookings.patient_accounts import of_user
from bookings.roles import access_of

SEALED_AS: Final = "mfa.Authenticator.data"
FACTOR_KEY: Final = "second_factor"

#: allauth's names for ways of signing in that are, or stand for, a second factor: an identity provider has its own.
STRONG: Final = frozenset({"mfa", "socialaccount"})


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Local accounts: made by a clinic's manager, never by signing up; whoever works nowhere is not let in."""

    error_messages: Mapping[str, Any] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("This name or e-mail and this password do not belong together."),
        "email_password_mismatch": _("This name or e-mail and this password do not belong together."),
        "too_many_login_attempts": _("Too many failed tries. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts of staff are made by a manager."""
        return False

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Turn away whoever has no role in any clinic, however they proved who they are."""
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is None and not access_of(user).enters:
            messages.error(request, _("This account has no role in a clinic. Please ask your manager."))
            return HttpResponseRedirect(reverse("account_login"))
        return response

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Go on in the person's own language."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if user.language and check_for_language(user.language):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                user.language,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite="Lax",
            )
        return response


class _IdentityClient:
    """The guarded HTTP client in the shape allauth asks for."""

    def __init__(self) -> None:
        self._client = client(purpose="identity", timeout=5.0)

    def __enter__(self) -> "_IdentityClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", url, **kwargs)

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        """The answer, read whole.

        A host that is not declared, cannot be reached or answers an error ends the sign-in: raises
        ImmediateHttpResponse, which leads back to the door with a sentence.
        """
        given = {name: value for name, value in kwargs.items() if value is not None}
        try:
            return self._client.request(method, url, **given).raise_for_status()
        except (httpx.HTTPError, OutsideJurisdiction) as error:
            said = _("The sign-in service cannot be reached. Try again, or sign in with your password.")
            messages.error(context.request, said)
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login"))) from error


class StaffSocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """OpenID Connect: signs existing staff in, by the address the provider vouches for; makes no account."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Never: accounts of staff are made by a manager."""
        return False

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Yes: the operator chose the provider, and only addresses it calls verified get here."""
        return True

    def get_requests_session(self) -> _IdentityClient:
        """The one client that keeps to the declared list of hosts."""
        return _IdentityClient()


class StaffMFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed
    """Second factors: their seeds are sealed at rest."""

    def get_totp_issuer(self) -> str:
        return "Horae"

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """What a passkey is called where it is kept: a patient's by the clinic's neutral name."""
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        account = of_user(user=user)
        return entity if account is None else {**entity, "display_name": account.clinic.neutral_name}

    def _get_user_identifier(self, user: User) -> str:
        """By what somebody knows their account: a patient by their address, never by the random name of its user."""
        account = of_user(user=user)
        return str(super()._get_user_identifier(user)) if account is None else account.contact

    def encrypt(self, text: str) -> str:
        """Seal a seed under the installation's own key."""
        return keyring.seal_platform_text(purpose=SEALED_AS, text=text)

    def decrypt(self, encrypted_text: str) -> str:
        """Open a sealed seed. Raises audit.sealed.SealBroken."""
        return keyring.unseal_platform_text(purpose=SEALED_AS, token=encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last second factor stays while one is required."""
        if not settings.STAFF_MFA_REQUIRED:
            return True
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=("totp", "webauthn"))
        return bool(authenticator.type == "recovery_codes" or others.exclude(pk=authenticator.pk).exists())


class StaffLoginForm(LoginForm):  # type: ignore[misc]  # allauth is not typed
    """The sign-in form in our words: visible labels instead of placeholders, and what a password manager looks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.second_factor_required: bool = settings.STAFF_MFA_REQUIRED
        self.fields["login"].label = _("E-mail or user name")
        self.fields["login"].widget.attrs.update({"autocomplete": "username", "autofocus": True, "placeholder": ""})
        self.fields["password"].widget.attrs["placeholder"] = ""
        self.fields["password"].help_text = ""


def remember_factor(sender: type[Authenticator], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Receiver of `authenticator_added`: whoever just proved to hold a new factor has shown one in this session."""
    request.session[FACTOR_KEY] = str(user.pk)


def second_factor_shown(request: HttpRequest) -> bool:
    """Whether this session was opened with a second factor, by an identity provider, or set up a factor itself."""
    user = request.user
    if isinstance(user, AnonymousUser):
        return False
    records: Iterable[Mapping[str, Any]] = get_authentication_records(request, user)
    methods = {record.get("method") for record in records}
    return bool(methods & STRONG) or request.session.get(FACTOR_KEY) == str(user.pk)


def has_second_factor(user: User) -> bool:
    """Whether the account has an authenticator app or a security key."""
    return bool(Authenticator.objects.filter(user=user, type__in=("totp", "webauthn")).exists())
