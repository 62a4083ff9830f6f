"""The wall between the patient's account and the door of the staff: one session is never good for both."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from bookings.models import User

Handler = Callable[[HttpRequest], HttpResponseBase]


def staff_door(get_response: Handler) -> Handler:
    """Send a patient's account that comes to the pages of staff accounts (passwords, addresses, second factors) back to
    its own: there it could put an address or a name in clear. Everybody else passes."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(_door()) and _is_patient(request):
            return redirect("bookings:me")
        return get_response(request)

    return handle


def _door() -> str:
    return reverse("account_login").removesuffix("login/")


def _is_patient(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return False
    user = request.user
    return isinstance(user, User) and not user.is_staff
