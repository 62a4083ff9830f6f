"""Steps a visitor takes through the booking pages, by plain requests: what a browser without JavaScript would send."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from bookings.forms import slots
from bookings.models import Appointment, ContactChallenge, Draft
from tests.factories import MONDAY, Cast

#: The Friday before the Monday of the cast, 08:00 UTC.
NOW = MONDAY - timedelta(days=3) + timedelta(hours=1)
#: Monday 09:00 in Paris, the first time of the cast's week.
NINE = MONDAY + timedelta(hours=1)

DETAILS = {
    "who": "me",
    "given_name": "Zoë",
    "family_name": "Ångström",
    "birth_day": "28",
    "birth_month": "2",
    "birth_year": "1990",
    "email": "zoe@example.org",
    "phone": "+33 6 12 34 56 78",
    "message_language": "en",
    "reason": "A cough",
}


@dataclass(frozen=True, slots=True)
class Walk:
    """One browser at one clinic."""

    client: Client
    people: Cast

    @property
    def times(self) -> str:
        return reverse("bookings:times", args=[self.people.clinic.slug, self.people.service.slug])

    @property
    def hold_address(self) -> str:
        return reverse("bookings:hold", args=[self.people.clinic.slug, self.people.service.slug])

    def hold(self, start: datetime = NINE, **more: Any) -> Any:
        """Press a time."""
        value = slots.value(start=start, location=self.people.location.slug)
        return self.client.post(self.hold_address, {"slot": value, **more})

    def draft(self, start: datetime = NINE, **more: Any) -> Draft:
        """Press a time and get its form."""
        response = self.hold(start, **more)
        assert response.status_code == 302, response.status_code
        return Draft.objects.get(pk=uuid.UUID(response["Location"].rstrip("/").rsplit("/", 1)[-1]))

    def address(self, draft: Draft, step: str = "details") -> str:
        return reverse(f"bookings:{step}", args=[self.people.clinic.slug, draft.pk])

    def fill(self, draft: Draft, **changed: str) -> Any:
        """Send the form."""
        return self.client.post(self.address(draft), {**DETAILS, **changed})

    def type_code(self, draft: Draft, code: str | None = None) -> Any:
        return self.client.post(self.address(draft, "code"), {"code": code or newest_code(draft=draft)})

    def booked(self, start: datetime = NINE, **changed: str) -> Appointment:
        """All the way to an appointment."""
        draft = self.draft(start)
        assert self.fill(draft, **changed).status_code == 302
        response = self.type_code(draft)
        assert response.status_code == 302, response.content.decode()
        draft.refresh_from_db()
        assert draft.appointment is not None
        return draft.appointment


def newest_code(**which: Any) -> str:
    """The newest code that was sent, as its reader would type it."""
    return ContactChallenge.objects.filter(**which).latest("created").code


def other_than(code: str) -> str:
    """Six digits that are not these."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def heading(response: Any) -> str:
    """The page's one h1."""
    found = re.findall(r"<h1[^>]*>(.*?)</h1>", response.content.decode(), re.DOTALL)
    assert len(found) == 1, found
    return " ".join(re.sub(r"<[^>]+>", "", found[0]).split())
