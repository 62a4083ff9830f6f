"""Whatever happens in whatever order, the calendar ends up as the diary: a random walk over a real Radicale."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import stream
from bookings.models import Appointment
from calendars import push as pushing
from calendars.models import Block, CalendarConnection
from tests.calendars.stories import pushed
from tests.factories import Cast
from tests.happenings import booked, cancelled, changed
from tests.servers import Radicale

pytestmark = [pytest.mark.django_db, pytest.mark.real, pytest.mark.fault]

STEPS = (
    *("book", "book", "move", "cancel", "push", "push"),
    *("crash before writing", "crash after writing", "edited there", "deleted there", "server down", "server up"),
)


DAYS = count(20)
"""Each visit has a day of its own, over all walks: Dr Demir sees one person at a time."""


class Killed(BaseException):
    """A worker dies here."""


class Walk:
    """One random life of a diary and its calendar, on a clock of its own."""

    def __init__(self, people: Cast, radicale: Radicale, patching: pytest.MonkeyPatch) -> None:
        self.people, self.radicale, self.patching = people, radicale, patching
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        self.visits: list[Appointment] = []
        self.unwanted: set[Any] = set()
        """Visits whose event was deleted there, and of which nothing was said here since."""

    def take(self, step: str, number: int) -> None:
        """Let one thing happen to the visit of that number."""
        self.now += timedelta(minutes=1)
        visit = self.visits[number % len(self.visits)] if self.visits else None
        if step == "book":
            self.visits.append(booked(self.people, start=self.now + timedelta(days=next(DAYS))))
        elif step == "push":
            pushed(now=self.now)
        elif step == "crash before writing":
            self._crash("_write")
        elif step == "crash after writing":
            self._crash("_settle")
        elif step == "server down":
            self.radicale.stop()
        elif step == "server up":
            self._up()
        elif visit is not None:
            self._happen(step, visit)

    def settle(self) -> None:
        """Everything works again, and time passes until nothing is owed any more."""
        self._up()
        for _ in range(20):
            stream.drain()
            self.now += pushing.CLAIM_LIVES + timedelta(hours=1)
            pushed(now=self.now)

    def _happen(self, step: str, visit: Appointment) -> None:
        if step == "move" and visit.status == "booked":
            changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
            self.unwanted.discard(visit.pk)
        elif step == "cancel" and visit.status == "booked":
            cancelled(visit)
        elif self.radicale.process is not None:
            href = Block.objects.get(appointment=visit).href
            there = self.radicale.events().get(href)
            if step == "deleted there" and there is not None:
                assert self.radicale.ask("DELETE", href).is_success
                self.unwanted.add(visit.pk)
            elif step == "edited there" and there is not None:
                text = there.replace("TRANSP:OPAQUE", "TRANSP:TRANSPARENT")
                kind = {"Content-Type": "text/calendar"}
                assert self.radicale.ask("PUT", href, content=text, headers=kind).is_success

    def _crash(self, where: str) -> None:
        def killed(*args: Any, **kwargs: Any) -> None:
            raise Killed

        with self.patching.context() as patched:
            patched.setattr(pushing, where, killed)
            try:
                pushed(now=self.now)
            except Killed:
                return

    def _up(self) -> None:
        if self.radicale.process is None:
            self.radicale.start()


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4)), min_size=4, max_size=14))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_calendar_ends_up_as_the_diary(
    people: Cast,
    connect: Callable[..., CalendarConnection],
    radicale: Radicale,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[str, int]],
) -> None:
    if not CalendarConnection.objects.exists():
        connect()
    walk = Walk(people, radicale, monkeypatch)
    for step, number in steps:
        walk.take(step, number)
    walk.settle()
    for visit in walk.visits:
        visit.refresh_from_db()
        block = Block.objects.get(appointment=visit)
        text = radicale.events().get(block.href)
        if block.state == Block.State.FAILED:
            assert (block.last_error, block.recreated) == ("GivenUp", pushing.MOST_RECREATED)
            continue
        assert block.state == Block.State.DONE
        if visit.status == "cancelled":
            assert text is None
        elif text is not None or visit.pk not in walk.unwanted:
            assert text is not None
            assert f"DTSTART:{visit.start:%Y%m%dT%H%M%SZ}" in text
    ours = {block.href for block in Block.objects.all()}
    assert radicale.events().keys() <= ours
