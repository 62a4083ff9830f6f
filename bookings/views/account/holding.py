"""Pages that only the account's holder sees, and where signing in leads back to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from audit.context import Actor
from bookings import patient_accounts, reach
from bookings.models import Clinic, Patient, PatientAccount
from bookings.reach import Reached
from bookings.views import sessions
from bookings.views.rendering import page

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Holder:
    """The account signed in, whom it reaches, and the moment of asking."""

    account: PatientAccount
    reached: list[Reached]
    now: datetime

    @property
    def clinic(self) -> Clinic:
        """The clinic whose account this is."""
        return self.account.clinic

    @property
    def own(self) -> list[Patient]:
        """The records of which the account's address is the patient's own."""
        return [one.patient for one in self.reached if one.person is None]

    @property
    def acts(self) -> bool:
        """Whether the holder acts for somebody."""
        return any(one.person is not None for one in self.reached)


def holder_of(request: HttpRequest, *, now: datetime) -> Holder | None:
    """The holder of the account signed in; None when nobody is."""
    account = sessions.account_of(request)
    if account is None:
        return None
    found = reach.reached(proven=patient_accounts.proven(account), now=now)
    return Holder(account=account, reached=found, now=now)


def holder_only(view: View) -> View:
    """Give the view the account's holder; whoever is not signed in is sent to sign in, and back after."""

    @wraps(view)
    def opened(request: HttpRequest, **parts: Any) -> HttpResponse:
        holder = holder_of(request, now=timezone.now())
        if holder is None:
            start = reverse("bookings:me")
            return redirect(
                f"{start}?{urlencode({'next': request.path})}" if request.method in ("GET", "HEAD") else start
            )
        return view(request, holder=holder, **parts)

    return opened


def acting_for(patient: Patient) -> Actor:
    """The patient, or whoever acts for them: the account proved their contact."""
    return Actor(kind="patient", id=str(patient.pk), label=patient.code)


def way_back(given: str) -> str:
    """The path of one of our pages that an address names, without its query; an empty string for anything else."""
    path = urlsplit(given).path if url_has_allowed_host_and_scheme(given, allowed_hosts=None) else ""
    try:
        return path if path.startswith("/") and resolve(path).app_name == "bookings" else ""
    except Resolver404:
        return ""


def account_page(
    request: HttpRequest,
    template: str,
    *,
    holder: Holder,
    current: str,
    status: int = 200,
    here: str = "",
    **context: Any,
) -> HttpResponse:
    """A page of the account, with the way around it above; `current` is where on that way it stands, `here` where a
    change of language leads when this address answers to POST only."""
    return page(
        request,
        f"bookings/{template}",
        clinic=holder.clinic,
        status=status,
        here=here or request.path,
        current=current,
        holder=holder,
        **context,
    )
