"""Anything may happen in any order: a state machine over every verb of the diary, by many people, on real PostgreSQL.

After each step no two visits overlap, every visit takes exactly what it should, none was lost, the diary kept in plain
Python says the same as the tables, and a time is offered exactly when `check` and `explain` let it be.
`HORAE_MACHINE=long` makes it run for as long as a lunch lasts.
"""

import os
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from audit.context import Actor, acting, use
from bookings import approval, booking, holds, moving, series, sessions, visits
from bookings.availability import SlotTaken
from bookings.booking import Leg, Told
from bookings.models import Appointment, Closure, GroupSession, HealthcareService, Hold, Practitioner
from tests.faults.machine import HOUSE, Asking
from tests.faults.model import DAYS, NINE, house

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

LONG = os.environ.get("HORAE_MACHINE") == "long"
VISITOR = Actor(kind="visitor", id="v", label="visitor")
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))

slots = st.builds(
    lambda day, quarter: NINE + timedelta(days=day, minutes=15 * quarter),
    st.sampled_from(DAYS),
    st.integers(0, 7),
)
numbers = st.integers(0, 5)
whoever = st.sampled_from([None, 0, 1])
sides = st.sampled_from(["patient", "clinic"])


class Clinic(Asking):
    """What may happen."""

    # --- holding and booking

    @rule(visitor=numbers, service=numbers, start=slots, who=whoever)
    def hold(self, visitor: int, service: int, start: datetime, who: int | None) -> None:
        asked, practitioner = self.house.services[service % 3], self.who(who)
        free = self.free(asked, start, practitioner)
        held: Hold | None = self.attempt(
            holds.hold,
            actor=VISITOR,
            visitor=str(visitor),
            service=asked,
            location=self.house.location,
            practitioner=practitioner,
            start=start,
        )
        if held is not None:
            assert free or held.pk in self.diary.holds
            self.diary.holds[held.pk] = Hold.objects.select_related("practitioner", "room", "device").get(pk=held.pk)
        elif isinstance(self.refused, SlotTaken):
            assert not free

    @precondition(lambda self: self.diary.holds)
    @rule(number=numbers, patient=numbers)
    def book_from_a_hold(self, number: int, patient: int) -> None:
        held = self.diary.holds[list(self.diary.holds)[number % len(self.diary.holds)]]
        service = next(one for one in self.house.services if one.pk == held.service_id)
        free = self.free(service, held.start, held.practitioner, but=[held.pk])
        self.book(service, held.start, held.practitioner, patient=patient, free=free, hold=held)
        if not Hold.objects.filter(pk=held.pk).exists():
            del self.diary.holds[held.pk]

    @rule(service=numbers, start=slots, who=whoever, patient=numbers, by=sides, squeeze=st.booleans())
    def book_outright(
        self, service: int, start: datetime, who: int | None, patient: int, by: str, squeeze: bool
    ) -> None:
        asked, practitioner = self.house.services[service % 3], self.who(who)
        reason = "urgent" if squeeze and by == "clinic" else ""
        free = self.free(asked, start, practitioner)
        self.book(
            asked,
            start,
            practitioner,
            patient=patient,
            free=free,
            actor=VISITOR if by == "patient" else CARLA,
            online=by == "patient",
            overbook_reason=reason,
        )

    def book(
        self,
        service: HealthcareService,
        start: datetime,
        practitioner: Practitioner | None,
        *,
        patient: int,
        free: bool,
        **how: Any,
    ) -> None:
        asked = {"actor": VISITOR, "key": uuid.uuid4(), "patient": self.house.patients[patient % 3], **how}
        place = {"service": service, "location": self.house.location, "practitioner": practitioner, "start": start}
        visit: Appointment | None = self.attempt(booking.book, **asked, **place)
        self.judge(visit, free=free)
        if visit is None:
            return
        if how.get("online", True):
            self.judge_caps(visit)
            assert visit.status == ("pending" if service.needs_approval else "booked")
        if visit.overbooked:
            assert how["overbook_reason"]
            assert not free
            assert self.diary.squeezed(visit) < service.overbook_cap
        self.diary.write([visit])
        assert self.attempt(booking.book, **asked, **place) == visit  # the same command again
        assert self.refused is None

    @rule(start=slots, patient=numbers, other=numbers, gap=st.sampled_from([0, 15, 30, 60]), skipping=st.booleans())
    def book_two_together(self, start: datetime, patient: int, other: int, gap: int, skipping: bool) -> None:
        wishes = [self.wish(self.house.visit, start), self.wish(self.house.scan, start + timedelta(minutes=gap))]
        legs = [
            Leg(wish=wish, patient=self.house.patients[number % 3])
            for wish, number in zip(wishes, (patient, other), strict=True)
        ]
        made = self.attempt(
            booking.book_together, actor=VISITOR, key=uuid.uuid4(), legs=legs, told=Told(), skipping=skipping
        )
        if made is not None:
            assert len(made.appointments) == 2 or skipping
            self.diary.write(made.appointments)

    # --- moving and ending

    @precondition(lambda self: self.diary.visits)
    @rule(number=numbers, start=slots, who=whoever, by=sides, squeeze=st.booleans())
    def reschedule(self, number: int, start: datetime, who: int | None, by: str, squeeze: bool) -> None:
        visit, practitioner = self.some(number), self.who(who)
        assert visit is not None
        before, service = self.diary.visits[visit.pk], visit.service
        free = self.free(service, start, practitioner, but=[visit.pk], length=visit.end - visit.start)
        moved: Appointment | None = self.attempt(
            moving.reschedule,
            actor=VISITOR if by == "patient" else CARLA,
            appointment_id=visit.pk,
            start=start,
            practitioner=practitioner,
            by=by,
            overbook_reason="urgent" if squeeze else "",
        )
        stays = before.start == start and practitioner in (None, visit.practitioner)
        if moved is None or stays:
            assert moved is None or moved.sequence == before.sequence
            assert stays or not (isinstance(self.refused, SlotTaken) and free)
            return
        self.judge(moved, free=free)
        assert (moved.pk, moved.sequence, moved.end - moved.start) == (
            visit.pk,
            before.sequence + 1,
            before.end - before.start,
        )
        if by == "patient":
            self.judge_caps(moved, moved=True)
            assert not moved.overbooked
        if moved.overbooked:
            assert self.diary.squeezed(moved) < service.overbook_cap
        self.diary.write([moved])

    @precondition(lambda self: self.diary.visits)
    @rule(number=numbers, by=sides)
    def cancel(self, number: int, by: str) -> None:
        visit = self.some(number)
        assert visit is not None
        ended = self.attempt(booking.cancel, actor=VISITOR, appointment_id=visit.pk, by=by)
        if ended is not None:
            before = self.diary.visits[visit.pk]
            assert ended.sequence == before.sequence + (before.status != "cancelled")
            self.diary.write([ended])

    @precondition(lambda self: len(self.diary.visits) > 4)
    @rule(number=numbers)
    def mark_noshow_and_perhaps_undo(self, number: int) -> None:
        visit = self.some(number, "booked", "noshow")
        if visit is None:
            return
        self.now = max(self.now, visit.start)
        verb = visits.undo if visit.status == "noshow" else visits.mark_noshow
        ended = self.attempt(verb, actor=CARLA, appointment_id=visit.pk)
        if ended is not None:
            self.diary.write([ended])

    @precondition(lambda self: len(self.diary.visits) > 4)
    @rule(number=numbers)
    def enter_in_error(self, number: int) -> None:
        visit = self.some(number)
        assert visit is not None
        if (ended := self.attempt(visits.enter_in_error, actor=CARLA, appointment_id=visit.pk)) is not None:
            self.diary.write([ended])

    # --- requests

    @precondition(lambda self: self.waiting)
    @rule(number=numbers, verb=st.sampled_from([approval.approve, approval.accept, approval.decline]))
    def answer(self, number: int, verb: Callable[..., Appointment]) -> None:
        visit = self.some(number, "pending", "proposed")
        if visit is not None and (answered := self.attempt(verb, actor=CARLA, appointment_id=visit.pk)) is not None:
            assert visit.respond_by is not None
            assert verb is approval.decline or self.now < visit.respond_by
            self.diary.write([answered])

    @precondition(lambda self: self.waiting)
    @rule(number=numbers, start=slots, who=whoever)
    def offer(self, number: int, start: datetime, who: int | None) -> None:
        visit, practitioner = self.some(number, "pending", "proposed"), self.who(who)
        if visit is None:
            return
        free = self.free(visit.service, start, practitioner, but=[visit.pk])
        offered = self.attempt(
            approval.offer, actor=CARLA, appointment_id=visit.pk, start=start, practitioner=practitioner
        )
        self.judge(offered, free=free)
        if offered is not None:
            assert offered.status == "proposed"
            self.diary.write([offered])

    @precondition(lambda self: self.waiting)
    @rule()
    def lapse(self) -> None:
        due = [key for key, row in self.diary.visits.items() if row.respond_by and row.respond_by <= self.now]
        assert approval.lapse(now=self.now) == len(due)
        ended = list(Appointment.objects.filter(pk__in=due))
        assert {(visit.status, visit.cancelled_by) for visit in ended} <= {("cancelled", "system")}
        self.diary.write(ended)

    # --- series

    @rule(start=slots, who=whoever, patient=numbers, daily=st.booleans(), skipping=st.booleans(), by=sides)
    def book_a_series(
        self, start: datetime, who: int | None, patient: int, daily: bool, skipping: bool, by: str
    ) -> None:
        key, rrule = uuid.uuid4(), f"FREQ={'DAILY' if daily else 'WEEKLY'};COUNT=2"
        asked: dict[str, Any] = {
            "actor": VISITOR,
            "key": key,
            "patient": self.house.patients[patient % 3],
            "wish": self.wish(self.house.visit, start, self.who(who), online=by == "patient"),
            "rrule": rrule,
            "skipping": skipping,
            "told": Told(),
        }
        made = self.attempt(series.book_series, **asked)
        if made is not None:
            assert len(made.appointments) == 2 or skipping
            assert len({visit.practitioner_id for visit in made.appointments}) == 1
            self.diary.write(made.appointments)
            assert self.attempt(series.book_series, **asked).appointments == made.appointments

    @precondition(lambda self: self.repeated)
    @rule(number=numbers, start=slots, skipping=st.booleans(), by=sides)
    def reschedule_following(self, number: int, start: datetime, skipping: bool, by: str) -> None:
        visit = self.some_of_a_series(number)
        moved = self.attempt(
            series.reschedule_following, actor=CARLA, appointment_id=visit.pk, start=start, by=by, skipping=skipping
        )
        if moved is not None:
            assert not moved.left or skipping
            for one in moved.moved:
                assert one.sequence == self.diary.visits[one.pk].sequence + 1
            self.diary.write(moved.moved)

    @precondition(lambda self: self.repeated)
    @rule(number=numbers, by=sides)
    def cancel_following(self, number: int, by: str) -> None:
        visit = self.some_of_a_series(number)
        ended = self.attempt(series.cancel_following, actor=CARLA, appointment_id=visit.pk, by=by)
        self.diary.write(ended or [])

    # --- groups

    @rule(start=slots, who=st.sampled_from([0, 1]))
    def plan(self, start: datetime, who: int) -> None:
        practitioner = self.house.people[who]
        planned = self.attempt(
            sessions.plan,
            actor=CARLA,
            service=self.house.group,
            location=self.house.location,
            practitioner=practitioner,
            start=start,
        )
        for session in planned or []:
            self.diary.sessions[session.pk] = GroupSession.objects.select_related("practitioner").get(pk=session.pk)

    @precondition(lambda self: self.diary.sessions)
    @rule(number=numbers, patient=numbers, by=sides, squeeze=st.booleans())
    def join(self, number: int, patient: int, by: str, squeeze: bool) -> None:
        session = self.session(number)
        free = self.free(self.house.group, session.start, session.practitioner)
        how = {"online": by == "patient", "overbook_reason": "urgent" if squeeze and by == "clinic" else ""}
        self.book(self.house.group, session.start, session.practitioner, patient=patient, free=free, **how)

    @precondition(lambda self: self.diary.sessions)
    @rule(number=numbers, capacity=st.integers(1, 3))
    def resize(self, number: int, capacity: int) -> None:
        session = self.session(number)
        resized = self.attempt(sessions.resize, actor=CARLA, session_id=session.pk, capacity=capacity)
        if resized is not None:
            assert self.diary.people_in(session.pk, now=self.now) <= capacity
            session.capacity = capacity

    @precondition(lambda self: self.diary.sessions)
    @rule(number=numbers)
    def call_off(self, number: int) -> None:
        session = self.session(number)
        ended = self.attempt(sessions.call_off, actor=CARLA, session_id=session.pk)
        if ended is not None:
            session.refresh_from_db()
            assert session.cancelled_at is not None
            self.diary.write(ended)

    # --- closing, and time

    @rule(start=slots, quarters=st.integers(1, 8), what=st.sampled_from(["clinic", "person", "room"]))
    def close(self, start: datetime, quarters: int, what: str) -> None:
        closed: Any = {"clinic": None, "person": self.house.people[0], "room": self.house.rooms[0]}[what]
        with acting(actor=CARLA), use("closures.add", operation="create"):
            closure = Closure.objects.create(
                clinic=self.house.clinic,
                schedule=closed.schedule if closed is not None else None,
                start=start,
                end=start + timedelta(minutes=15 * quarters),
            )
        self.diary.closures[closure.pk] = closure

    @precondition(lambda self: self.diary.closures)
    @rule(number=numbers)
    def reopen(self, number: int) -> None:
        key = list(self.diary.closures)[number % len(self.diary.closures)]
        with acting(actor=CARLA), use("closures.remove", operation="delete"):
            self.diary.closures.pop(key).delete()

    @rule(minutes=st.sampled_from([1, 10, 30, 60 * 24]), swept=st.booleans())
    def let_time_pass(self, minutes: int, swept: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if swept:
            holds.sweep(now=self.now)
            alive = set(Hold.objects.values_list("pk", flat=True))
            gone = {key for key in self.diary.holds if key not in alive}
            assert all(self.diary.holds.pop(key).expires_at + holds.PROMISED <= self.now for key in gone)


def test_whatever_happens_in_whatever_order_every_promise_is_kept() -> None:
    HOUSE[:] = [house()]
    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=400 if LONG else 20,
            stateful_step_count=60 if LONG else 40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
