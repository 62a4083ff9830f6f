"""What the tests of the engine do over and over: booking as a visitor or as reception, and reading what came of it."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from audit import stream
from audit.context import Actor
from audit.models import Record
from bookings import booking, holds
from bookings.availability import Wish, free_slots
from bookings.models import Appointment, Hold, Practitioner
from tests.factories import MONDAY, Cast, OfferFactory, PractitionerFactory, open_week

PARIS: Final = ZoneInfo("Europe/Paris")
TEN: Final = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
NOW: Final = MONDAY - timedelta(days=3)
VISITOR: Final = Actor(kind="visitor", id="v1", label="visitor")
CARLA: Final = Actor(kind="staff", id="7", label="carla", roles=("reception",))
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def book(people: Cast, **wish: Any) -> Appointment:
    """Ada books the service at ten as a visitor, unless told otherwise."""
    asked = {
        "actor": VISITOR,
        "now": NOW,
        "key": uuid.uuid4(),
        "patient": people.ada,
        "service": people.service,
        "location": people.location,
        "start": TEN,
    }
    return booking.book(**{**asked, **wish})


def by_staff(people: Cast, **wish: Any) -> Appointment:
    """The same at the desk."""
    return book(people, **{"actor": CARLA, "online": False, **wish})


def hold(people: Cast, *, visitor: str = "one", now: datetime = NOW, **wish: Any) -> Hold:
    asked = {"service": people.service, "location": people.location, "practitioner": None, "start": TEN}
    return holds.hold(actor=VISITOR, now=now, visitor=visitor, **{**asked, **wish})


def wished(people: Cast, **wish: Any) -> Wish:
    asked: dict[str, Any] = {
        "service": people.service,
        "location": people.location,
        "practitioner": people.demir,
        "start": TEN,
    }
    return Wish(**{**asked, **wish})


def another(people: Cast, **hours: Any) -> Practitioner:
    """One more practitioner who gives the service, with the hours of Dr Demir."""
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location, **hours)
    return ana


def free(people: Cast, **asked: Any) -> list[datetime]:
    """The free starts of the day of `TEN`."""
    day = TEN.date()
    slots = free_slots(**{"service": people.service, "now": NOW, "since": day, "until": day + DAY, **asked})
    return [slot.start for slot in slots]


def records_of(visit: Appointment) -> list[dict[str, Any]]:
    """The evidence about an appointment, oldest first, once all of it was sequenced and consumed."""
    stream.drain()
    rows = Record.objects.filter(model="bookings.Appointment", object_pk=str(visit.pk)).order_by("seq")
    return [json.loads(row.body) for row in rows]


def operations_of(visit: Appointment) -> Sequence[str]:
    """The operations its evidence names, oldest first."""
    return [record["operation"] for record in records_of(visit)]
