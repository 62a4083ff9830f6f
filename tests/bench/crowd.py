"""A crowd that books over HTTP.

A booking opens a page of free times, holds one of them with whoever is free, sends the form, types the code and is
shown the appointment. Clients who never pause are so many presses under way at once; people before a screen look at
each page for a while. The code is read where only this process can: sealed in the database, with the key beside it.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connections

from bookings.models import ContactChallenge
from tests.bench.cluster import way_to
from tests.bench.run import NotMeasured
from tests.bench.visitor import Failed, Page, Visitor

CodeReader = Callable[[str], str]
"""From the id of a draft to the code that was sent for it."""

_TRIES: Final = 6
_BOOKED: Final = "/booked/"


@dataclass(slots=True)
class Round:
    """What some clients did in some seconds. Durations are seconds from a press until its page is there, redirects
    followed."""

    clients: int
    seconds: float
    pause: float
    holds: list[float] = field(default_factory=list)
    books: list[float] = field(default_factory=list)
    paces: list[float] = field(default_factory=list)
    """Bookings a second of each client, over the time it took for those it began before the round was over."""
    taken: int = 0
    """Holds that somebody else was quicker with."""
    statuses: Counter[int] = field(default_factory=Counter)
    gone_wrong: list[str] = field(default_factory=list)
    """Why a booking ended anywhere but at its confirmation."""
    moves: list[str] = field(default_factory=list)
    cancellations: list[str] = field(default_factory=list)
    """Links of the appointments moved, and of those cancelled; lists, because many threads add to them."""

    def seen(self, page: Page, *wanted: int) -> Page:
        """Count a page's answers. Raises Failed for a status that was not wanted."""
        self.statuses.update(page.statuses)
        if page.status not in wanted:
            raise Failed(f"{page.path} answered {page.status}")
        return page

    @property
    def who(self) -> str:
        """How figures name them."""
        if self.pause:
            return f"{self.clients} people who look at each page for {self.pause:g} s"
        return "1 client without a pause" if self.clients == 1 else f"{self.clients} clients without a pause"

    @property
    def rate(self) -> float:
        """Bookings a second."""
        return sum(self.paces)

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above."""
        return sum(count for status, count in self.statuses.items() if status >= 500)


Afterwards = Callable[[Visitor, Page, random.Random, Round], None]
"""What somebody does who has just booked: given their browser, the page they are at, dice, and the round."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Visitors of one service's page on 127.0.0.1:`port`, who open it on one of `days`."""

    port: int
    clinic: str
    service: str
    days: Sequence[date]
    codes: CodeReader

    def book(
        self,
        *,
        clients: int,
        seconds: float,
        seed: int,
        pause: float = 0.0,
        afterwards: Afterwards | None = None,
    ) -> Round:
        """Let so many clients book one visit after the other, each time as a new visitor, for so many seconds; and do
        something `afterwards`.

        Each looks at every page for `pause` seconds, half as long again or half as long. Raises NotMeasured when nobody
        could book at all.
        """
        found = Round(clients=clients, seconds=seconds, pause=pause)
        over = time.perf_counter() + seconds

        def client(number: int) -> None:
            dice, visit, booked = random.Random(f"{seed}/{number}"), 0, 0
            time.sleep(4 * pause * dice.random())  # people do not all begin at once
            began = time.perf_counter()
            while time.perf_counter() < over:
                visit += 1
                try:
                    with Visitor(port=self.port) as visitor:
                        email = f"v{seed}-{number}-{visit}@patient.example"
                        page = self._one(visitor, found, dice=dice, email=email)
                        if afterwards is not None:
                            afterwards(visitor, page, dice, found)
                except Failed as wrong:
                    found.gone_wrong.append(str(wrong))
                else:
                    booked += 1
            found.paces.append(booked / (time.perf_counter() - began))

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(client, range(clients)))
        if not found.books:
            raise NotMeasured(f"{found.who} booked nothing: {'; '.join(found.gone_wrong[:3])}")
        return found

    def _one(self, visitor: Visitor, found: Round, *, dice: random.Random, email: str) -> Page:
        """One booking, from the page of free times to the confirmation. Raises Failed when it ends elsewhere."""

        def seen(page: Page, *wanted: int) -> Page:
            found.seen(page, *wanted)
            time.sleep(found.pause * dice.uniform(0.5, 1.5))
            return page

        home = f"/c/{self.clinic}/{self.service}/"
        page = seen(visitor.get(f"{home}?from={dice.choice(self.days)}"), 200)
        for _ in range(_TRIES):
            if not page.slots:
                raise Failed(f"{page.path} shows no free time")
            page = seen(visitor.press(page, f"{home}hold/", slot=dice.choice(page.slots)), 200, 409)
            found.holds.append(page.seconds)
            if page.status == 200:
                break
            found.taken += 1
        else:
            raise Failed(f"somebody else was quicker {_TRIES} times")
        draft = page.path.rstrip("/").rsplit("/", 1)[-1]
        form = {"who": "me", "given_name": "Kim", "family_name": f"Berg {email[:8]}", "message_language": "en"}
        page = seen(visitor.press(page, page.path, notice=page.notice, email=email, **form), 200)
        page = seen(visitor.press(page, page.path, code=self.codes(draft)), 200)
        if not page.path.endswith(_BOOKED):
            raise Failed(f"the code led to {page.path.rsplit('/', 2)[-2]}")
        found.books.append(page.seconds)
        return page


@contextmanager
def reading_codes(database: str) -> Iterator[CodeReader]:
    """Reads the codes in `database`, one after the other, on one connection in a thread of its own."""

    def point() -> None:
        connections["default"] = way_to(database)

    def read(draft: str) -> str:
        return ContactChallenge.objects.filter(draft=UUID(draft)).latest("created").code

    with ThreadPoolExecutor(1, initializer=point) as reader:
        yield lambda draft: reader.submit(read, draft).result()
        reader.submit(connections.close_all).result()
