"""What the loser of a race is told: the time is taken, and these are the nearest free ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings.availability.search import nearest
from bookings.availability.slots import Slot
from bookings.models import HealthcareService, Location, Practitioner
from bookings.refusals import Refusal

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asked for: a service at a location, at a time, with a practitioner or with anyone."""

    service: HealthcareService
    location: Location
    practitioner: Practitioner | None
    start: datetime
    online: bool = True


class SlotTaken(Refusal):
    """Somebody else was there first. `nearest` are free times around it, found once the lost transaction is over."""

    message = _("This time is no longer free. Please choose another one.")

    def __init__(self, *, wish: Wish, now: datetime) -> None:
        super().__init__(wish)
        self.wish = wish
        self.now = now
        self.nearest: Sequence[Slot] = ()


def retelling_the_nearest(verb: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a plain use case in a durable transaction of its own; a SlotTaken leaves it with its nearest free times.

    They are looked for after the rollback, when no lock is held any more.
    """
    try:
        with transaction.atomic(durable=True):
            return verb(*args, **kwargs)
    except SlotTaken as taken:
        wish = taken.wish
        taken.nearest = nearest(
            service=wish.service,
            now=taken.now,
            to=wish.start,
            location=wish.location,
            practitioner=wish.practitioner,
            online=wish.online,
        )
        raise
