"""What the tests of notifications do over and over."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from audit import stream
from audit.context import acting, use
from audit.keys import keyring
from bookings.models import ContactChallenge
from notifications import sending
from notifications.models import Message, State
from tests.factories import Cast
from tests.happenings import CLERK


def challenged(people: Cast, *, now: datetime, **fields: Any) -> ContactChallenge:
    """A code on its way, after the consumers have seen it."""
    given = {
        "clinic": people.clinic,
        "purpose": "book",
        "key_id": keyring.create_subject_key(clinic_id=people.clinic.pk),
        "visitor_digest": "0" * 64,
        "contact": "ada@example.org",
        "code": "493817",
        "language": "en",
        "created": now,
        "expires_at": now + timedelta(minutes=10),
    }
    with acting(actor=CLERK), use("proof.challenge", operation="create"):
        challenge = ContactChallenge.objects.create(**{**given, **fields})
    stream.drain()
    return challenge


def sent(*, now: datetime) -> list[State | None]:
    """Sweep and send everything due at `now`, as the workers would; what each came to."""
    due = sending.sweep(actor=CLERK, now=now)
    return [sending.send(actor=CLERK, now=now, message_id=message_id) for message_id in due]


def standing(kinds: Iterable[str] = ()) -> list[tuple[str, str]]:
    """`(kind, state)` of every message, in order of time."""
    messages = Message.objects.order_by("planned_for", "created")
    return [(message.kind, message.state) for message in messages if not kinds or message.kind in kinds]
