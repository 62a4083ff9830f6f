"""A browser in which a patient's account is signed in."""

from django.test import Client
from django.urls import reverse

from audit.context import Actor
from bookings import patient_accounts
from bookings.models import Clinic
from tests.bookings.views.walk import NOW

HELD = reverse("bookings:my-data")
LOOKS = reverse("bookings:my-data-looks")
ASK = reverse("bookings:my-data-ask")
MINE = reverse("bookings:my-data-requests")
JSON = reverse("bookings:my-data-json")
FHIR = reverse("bookings:my-data-fhir")


def signed_in(clinic: Clinic, *, email: str = "ada@example.org") -> Client:
    """The browser of whoever has this address."""
    account = patient_accounts.enter(actor=Actor.system("test"), now=NOW, clinic=clinic, email=email, language="en")
    browser = Client()
    browser.force_login(account.user, backend="django.contrib.auth.backends.ModelBackend")
    return browser
