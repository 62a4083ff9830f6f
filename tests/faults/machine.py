"""The state machine's clinic: how it asks, how it judges an answer, and what must be true after every step."""

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from bookings.availability import Narrowed, NotOffered, SlotTaken, Wish, check, explain, free_slots
from bookings.availability.rules import SOMEBODY_ELSE
from bookings.models import TAKES_TIME, Appointment, GroupSession, HealthcareService, Practitioner
from bookings.refusals import Refusal
from tests.bookings.promises import broken, overlaps
from tests.faults.model import DAYS, NINE, PARIS, Diary, House, empty

TO_COME: Final = ("proposed", "pending", "booked")
#: The clinic all examples happen in, one after the other: the test writes it.
HOUSE: Final[list[House]] = []


class Asking(RuleBasedStateMachine):
    """One example: a clinic from its first booking on."""

    def __init__(self) -> None:
        super().__init__()
        empty()
        self.house = HOUSE[0]
        self.diary = Diary(self.house)
        self.now = NINE - timedelta(days=3)
        self.refused: Refusal | None = None

    @initialize(seed=st.integers(0, 1 << 16))
    def begin(self, seed: int) -> None:
        self.dice = random.Random(seed)

    # --- asking

    def attempt(self, verb: Callable[..., Any], **how: Any) -> Any:
        """What the verb gives, or None when it is refused; anything else it raises is a failure of the test."""
        self.refused = None
        try:
            return verb(now=self.now, **how)
        except Refusal as refusal:
            self.refused = refusal
            return None

    def who(self, number: int | None) -> Practitioner | None:
        return None if number is None else self.house.people[number]

    @property
    def waiting(self) -> list[uuid.UUID]:
        """Requests and offers."""
        return [key for key, row in self.diary.visits.items() if row.status in ("pending", "proposed")]

    @property
    def repeated(self) -> list[uuid.UUID]:
        """Occurrences of a series that can still be changed."""
        return [key for key, row in self.diary.visits.items() if row.series and row.status in TO_COME]

    # In the order in which they came: their ids differ from run to run, and hypothesis must be able to repeat one.

    def some(self, number: int, *states: str) -> Appointment | None:
        keys = [key for key, row in self.diary.visits.items() if not states or row.status in states]
        return Appointment.objects.select_related("practitioner").get(pk=keys[number % len(keys)]) if keys else None

    def free(self, service: HealthcareService, start: datetime, who: Practitioner | None, **how: Any) -> bool:
        length = how.pop("length", timedelta(minutes=service.duration))
        return self.diary.is_free(service, start=start, length=length, now=self.now, practitioner=who, **how)

    def judge(self, visit: Appointment | None, *, free: bool) -> None:
        """Taken or not, the diary must have known it."""
        if visit is None:
            assert not (isinstance(self.refused, SlotTaken) and free), "refused as taken, and it was free"
        else:
            assert free or visit.overbooked, "given away, and it was taken"

    def judge_caps(self, visit: Appointment, *, moved: bool = False) -> None:
        service = visit.service
        others = self.diary.of_patient(visit.patient_id, service.pk, but=[visit.pk])
        if service.cap_open is not None and not moved:
            assert sum(row.status in TO_COME and row.start > self.now for row in others) < service.cap_open
        if service.cap_day is not None:
            day = visit.start.astimezone(PARIS).date()
            same = [row for row in others if row.start.astimezone(PARIS).date() == day and row.status in TAKES_TIME]
            assert len(same) < service.cap_day

    def wish(self, service: HealthcareService, start: datetime, who: Practitioner | None = None, **how: Any) -> Wish:
        return Wish(service=service, location=self.house.location, practitioner=who, start=start, **how)

    def session(self, number: int) -> GroupSession:
        return self.diary.sessions[list(self.diary.sessions)[number % len(self.diary.sessions)]]

    def some_of_a_series(self, number: int) -> Appointment:
        return Appointment.objects.get(pk=self.repeated[number % len(self.repeated)])

    # --- what must be true whatever happened

    @invariant()
    def all_promises_are_kept(self) -> None:
        assert broken(now=self.now) == []
        assert overlaps() == 0
        assert self.diary.differences() == []

    @invariant()
    def what_is_offered_can_be_booked_and_what_is_not_has_a_reason(self) -> None:
        if not hasattr(self, "dice"):
            return
        service, who = self.dice.choice(self.house.services), self.who(self.dice.choice([None, 0, 1]))
        start = NINE + timedelta(days=self.dice.choice(DAYS), minutes=15 * self.dice.randrange(8))
        if service == self.house.group and self.diary.sessions:
            start = self.session(self.dice.randrange(6)).start
        online = self.dice.random() < 0.7
        day = start.astimezone(PARIS).date()
        offered = any(
            slot.start == start
            for slot in free_slots(
                service=service,
                now=self.now,
                since=day,
                until=day + timedelta(days=1),
                online=online,
                narrowed=Narrowed(practitioner=who),
            )
        )
        wish = self.wish(service, start, who, online=online)
        told = explain(wish=wish, now=self.now)
        against = {rule for rule, holds in told.wish if not holds}
        named = [{rule for rule, holds in verdicts if not holds} for verdicts in told.candidates.values()]
        refused = None
        try:
            check(
                service=service,
                now=self.now,
                location=self.house.location,
                practitioner=who,
                start=start,
                online=online,
            )
        except NotOffered as refusal:
            refused = refusal.rule
        assert offered == (refused is None) == (not against and any(not rules for rules in named))
        assert offered == (told.chosen is not None)
        assert offered or refused in against.union(*named)
        assert not offered or self.free(service, start, who)
        assert refused not in SOMEBODY_ELSE or not self.free(service, start, who)
