"""What the loser of a race is told: the time is taken, and these are the nearest free ones."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings.availability.search import Narrowed, nearest
from bookings.availability.slots import Slot
from bookings.availability.wish import Wish
from bookings.refusals import Refusal

P = ParamSpec("P")
R = TypeVar("R")


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
        if not wish.planned:
            taken.nearest = nearest(
                service=wish.service,
                now=taken.now,
                to=wish.start,
                online=wish.online,
                asking=wish.asking,
                narrowed=Narrowed(location=wish.location, practitioner=wish.practitioner, moved=wish.moved),
                length=wish.length,
            )
        raise
