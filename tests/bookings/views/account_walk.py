"""Steps into a patient's account, by plain requests."""

from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from bookings import links
from bookings.models import Appointment, ContactChallenge, Patient
from tests.bookings.views.walk import newest_code
from tests.factories import AppointmentFactory, Cast

ME: Final = reverse("bookings:me")
CODE: Final = reverse("bookings:me-code")
SECOND: Final = reverse("bookings:me-second")
CONTACT: Final = reverse("bookings:me-contact")
PEOPLE: Final = reverse("bookings:me-people")
SECURITY: Final = reverse("bookings:me-security")
ADA: Final = "ada@example.org"

#: What is typed into any field by somebody who wishes to see what breaks.
NASTY: Final = ["\0", "a\0b", "\u202e\u2066gro.elpmaxe", "x" * 10_000, "<script>alert(1)</script>", "' OR 1=1 --", "😀"]


def ask(client: Client, email: str = ADA, **more: str) -> Any:
    return client.post(ME, {"clinic": "parc", "email": email, **more})


def sign_in(client: Client, email: str = ADA, **more: str) -> Any:
    """Ask for the code and type it."""
    ContactChallenge.objects.all().delete()  # time stands still: the newest is the only one
    assert ask(client, email, **more)["Location"] == CODE
    return client.post(CODE, {"code": newest_code(purpose="signin")})


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def visit(people: Cast, patient: Patient, **more: Any) -> Appointment:
    """An appointment of the cast, past every rule."""
    given = {"location": people.location, "service": people.service, "practitioner": people.demir}
    made: Appointment = AppointmentFactory(clinic=people.clinic, patient=patient, **{**given, **more})
    made.link_digest = links.digest(links.token(made))
    made.save()
    return made
