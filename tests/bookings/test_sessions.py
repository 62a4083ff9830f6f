"""Group sessions: planned once, joined while there are places, made larger or smaller, called off."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from bookings import booking, holds, moving, sessions, visits
from bookings.availability import (
    Asking,
    Narrowed,
    NotOffered,
    PartOfDay,
    Rule,
    SlotTaken,
    Verdict,
    explain,
    free_slots,
)
from bookings.holds import HOLD, HoldGone
from bookings.models import Appointment, GroupSession, HealthcareService, Occupancy, Patient
from bookings.sessions import NoSuchRule, OverAlready, TooFewPlaces
from bookings.visits import TimeGivenAway
from tests.bookings.promises import broken
from tests.bookings.story import (
    CARLA,
    DAY,
    HOUR,
    NOW,
    PARIS,
    TEN,
    VISITOR,
    another,
    book,
    by_staff,
    free,
    hold,
    operations_of,
    wished,
)
from tests.factories import (
    Cast,
    ClosureFactory,
    DeviceFactory,
    OfferFactory,
    PatientFactory,
    RoomFactory,
    ServiceFactory,
    cast,
    occupy,
)

pytestmark = pytest.mark.django_db

WEEK = 7 * DAY


@pytest.fixture
def people() -> Cast:
    return cast(capacity=3, duration=60, overbook_cap=1, minimum_notice=0)


def plan(people: Cast, *, start: datetime = TEN, **how: Any) -> list[GroupSession]:
    asked = {"service": people.service, "location": people.location, "practitioner": people.demir}
    return sessions.plan(**{"actor": CARLA, "now": NOW, **asked, "start": start, **how})


def somebody(people: Cast) -> Patient:
    return PatientFactory(clinic=people.clinic)


def join(people: Cast, **how: Any) -> Appointment:
    return book(people, **{"patient": somebody(people), **how})


def seats() -> list[int | None]:
    return sorted(Occupancy.objects.filter(kind="seat").values_list("seat", flat=True), key=lambda seat: seat or 0)


def left(people: Cast, *, now: datetime = NOW) -> list[int | None]:
    """How many places are left in each session that is offered."""
    slots = free_slots(service=people.service, now=now, since=TEN.date(), until=TEN.date() + DAY)
    return [slot.seats for slot in slots]


# --- planning


def test_a_planned_session_takes_the_time_of_all_it_needs_once() -> None:
    people = cast(capacity=3, room_kind="hall", device_kind="beamer", buffer_before=10, buffer_after=5)
    room = RoomFactory(location=people.location, kind="hall")
    device = DeviceFactory(location=people.location, kind="beamer")
    (session,) = plan(people)
    assert (session.room, session.device, session.capacity, session.practitioner) == (room, device, 3, people.demir)
    assert Occupancy.objects.filter(kind="session").count() == 3
    other = ServiceFactory(clinic=people.clinic, step=5)
    OfferFactory(service=other, practitioner=people.demir)
    with pytest.raises(SlotTaken):
        book(people, service=other, start=TEN - timedelta(minutes=30))  # the buffer before it
    assert broken(now=NOW) == []


def test_the_same_session_planned_again_is_the_same(people: Cast) -> None:
    assert plan(people) == plan(people, capacity=9)
    assert GroupSession.objects.get().capacity == 3


def test_what_is_not_planned_cannot_be_joined(people: Cast) -> None:
    assert free(people) == []
    with pytest.raises(NotOffered) as told:
        join(people)
    assert told.value.rule == Rule.SESSION


def test_a_session_cannot_be_planned_over_somebodys_time_or_when_closed(people: Cast) -> None:
    occupy(schedules=[people.demir.schedule_id], start=TEN, end=TEN + HOUR)
    with pytest.raises(SlotTaken) as taken:
        plan(people)
    assert list(taken.value.nearest) == []  # sessions to join are no times to plan at
    with pytest.raises(NotOffered) as told:
        plan(people, start=TEN.replace(hour=20))
    assert told.value.rule == Rule.HOURS
    assert not GroupSession.objects.exists()


def test_a_series_of_sessions_keeps_the_local_time_and_is_planned_whole_or_not(people: Cast) -> None:
    start = TEN + DAY
    planned = plan(people, start=start, rrule="FREQ=WEEKLY;COUNT=20")
    assert {session.start.astimezone(PARIS).time() for session in planned} == {time(10)}
    assert len({session.start.astimezone(PARIS).utcoffset() for session in planned}) == 2
    occupy(schedules=[people.demir.schedule_id], start=TEN + 2 * DAY + WEEK, end=TEN + 2 * DAY + WEEK + HOUR)
    with pytest.raises(SlotTaken):
        plan(people, start=TEN + 2 * DAY, rrule="FREQ=WEEKLY;COUNT=3")
    assert GroupSession.objects.count() == 20
    with pytest.raises(NoSuchRule):
        plan(people, rrule="FREQ=WEEKLY")


def test_a_group_that_only_meets_by_video_can_be_planned_and_takes_no_room() -> None:
    people = cast(capacity=3, kinds=["video"], room_kind="hall")
    (session,) = plan(people)
    assert session.room is None
    assert broken(now=NOW) == []


# --- joining


def test_places_are_given_until_the_last(people: Cast) -> None:
    plan(people)
    assert left(people) == [3]
    for expected in ([2], [1], []):
        join(people)
        assert left(people) == expected
    assert seats() == [1, 2, 3]
    with pytest.raises(SlotTaken):
        join(people)
    assert broken(now=NOW) == []


def test_whoever_cancels_gives_the_place_to_the_next(people: Cast) -> None:
    plan(people)
    joined = [join(people) for _ in range(3)]
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=joined[1].pk, by="patient")
    assert left(people) == [1]
    join(people)
    assert seats() == [1, 2, 3]
    assert broken(now=NOW) == []


def test_a_place_held_is_taken_until_the_hold_expires(people: Cast) -> None:
    plan(people, capacity=1)
    held = hold(people)
    assert held.session == GroupSession.objects.get()
    with pytest.raises(SlotTaken):
        hold(people, visitor="two")
    with pytest.raises(SlotTaken):
        join(people)
    assert left(people) == []
    assert left(people, now=NOW + HOLD) == [1]
    join(people, now=NOW + HOLD)
    with pytest.raises(SlotTaken):
        join(people, hold=held, now=NOW + HOLD)
    assert broken(now=NOW + HOLD) == []


def test_a_place_held_becomes_the_appointments(people: Cast) -> None:
    plan(people, capacity=1)
    visit = join(people, hold=hold(people))
    assert (visit.session, visit.room, seats()) == (GroupSession.objects.get(), None, [1])
    assert broken(now=NOW) == []


def test_of_two_sessions_the_emptier_is_joined(people: Cast) -> None:
    ana = another(people)
    plan(people)
    plan(people, practitioner=ana)
    assert [join(people).practitioner for _ in range(4)] == [people.demir, ana, people.demir, ana]
    assert join(people, practitioner=ana).practitioner == ana
    with pytest.raises(SlotTaken):
        join(people, practitioner=ana)
    assert join(people).practitioner == people.demir


def test_a_closure_laid_over_a_session_keeps_others_from_joining(people: Cast) -> None:
    plan(people)
    ClosureFactory(clinic=people.clinic, start=TEN + timedelta(minutes=50), end=TEN + 3 * HOUR)
    assert left(people) == []
    with pytest.raises(NotOffered) as told:
        join(people)
    assert told.value.rule == Rule.CLOSURE


def test_sessions_are_found_by_weekday_part_of_day_and_language(people: Cast) -> None:
    plan(people)
    plan(people, start=TEN + 5 * HOUR)

    def found(**how: Any) -> list[datetime]:
        narrowed = Narrowed(**how)
        slots = free_slots(service=people.service, now=NOW, since=TEN.date(), until=TEN.date() + DAY, narrowed=narrowed)
        return [slot.start for slot in slots]

    assert found(part=PartOfDay.MORNING) == [TEN]
    assert found(part=PartOfDay.AFTERNOON) == [TEN + 5 * HOUR]
    assert found(weekdays=frozenset({1})) == []
    assert found(language="en") == [TEN, TEN + 5 * HOUR]
    assert found(language="de") == []


def test_a_place_is_moved_to_another_session(people: Cast) -> None:
    plan(people, capacity=1)
    plan(people, start=TEN + 2 * HOUR)
    visit = join(people)
    moved = moving.reschedule(actor=VISITOR, now=NOW, appointment_id=visit.pk, start=TEN + 2 * HOUR, by="patient")
    assert (moved.start, moved.sequence) == (TEN + 2 * HOUR, 1)
    assert moved.session == GroupSession.objects.get(start=TEN + 2 * HOUR)
    join(people)
    assert broken(now=NOW) == []


# --- more people than places


def test_staff_squeeze_somebody_in_with_a_reason_within_the_cap(people: Cast) -> None:
    plan(people, capacity=1)
    join(people)
    with pytest.raises(SlotTaken):
        by_staff(people, patient=somebody(people))
    squeezed = by_staff(people, patient=somebody(people), overbook_reason="urgent")
    assert (squeezed.overbooked, squeezed.overbook_reason, seats()) == (True, "urgent", [1, 2])
    with pytest.raises(NotOffered) as told:
        by_staff(people, patient=somebody(people), overbook_reason="urgent")
    assert told.value.rule == Rule.OVERBOOKING
    assert broken(now=NOW) == []


def test_the_cap_of_a_day_counts_all_sessions_of_a_practitioner(people: Cast) -> None:
    for hours in (0, 2):
        plan(people, capacity=1, start=TEN + hours * HOUR)
        join(people, start=TEN + hours * HOUR)
    by_staff(people, patient=somebody(people), overbook_reason="urgent")
    with pytest.raises(NotOffered) as told:
        by_staff(people, patient=somebody(people), start=TEN + 2 * HOUR, overbook_reason="urgent")
    assert told.value.rule == Rule.OVERBOOKING


def test_who_was_squeezed_in_does_not_make_room_for_others(people: Cast) -> None:
    plan(people, capacity=1)
    first = join(people)
    by_staff(people, patient=somebody(people), overbook_reason="urgent")
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=first.pk, by="patient")
    assert left(people) == []
    with pytest.raises(SlotTaken):
        join(people)


# --- larger and smaller


def resize(session: GroupSession, capacity: int, *, now: datetime = NOW) -> GroupSession:
    return sessions.resize(actor=CARLA, now=now, session_id=session.pk, capacity=capacity)


def test_whoever_keeps_the_last_place_gets_it_though_somebody_was_squeezed_in(people: Cast) -> None:
    plan(people, capacity=2)
    join(people)
    held = hold(people)
    by_staff(people, patient=somebody(people), overbook_reason="urgent")
    join(people, hold=held)
    assert seats() == [1, 2, 3]
    assert left(people) == []
    assert broken(now=NOW) == []


def test_whoever_cannot_climb_steps_joins_where_there_are_none() -> None:
    people = cast(capacity=3, duration=60, minimum_notice=0, room_kind="hall")
    upstairs = RoomFactory(location=people.location, kind="hall", step_free=False)
    plan(people)
    asking = Asking(needs=frozenset({"wheelchair"}))
    assert free(people, asking=asking) == []
    with pytest.raises(NotOffered) as told:
        join(people, asking=asking)
    assert told.value.rule == Rule.ROOM
    explained = explain(wish=wished(people, asking=asking), now=NOW)
    assert Verdict(Rule.ROOM, holds=False) in explained.candidates[people.demir.pk]
    upstairs.step_free = True
    upstairs.save()
    assert free(people, asking=asking) == [TEN]
    join(people, asking=asking)


def test_a_session_grows_and_shrinks_but_never_below_who_has_joined(people: Cast) -> None:
    (session,) = plan(people)
    joined = [join(people) for _ in range(3)]
    assert resize(session, 4).capacity == 4
    assert left(people) == [1]
    hold(people)
    with pytest.raises(TooFewPlaces):
        resize(session, 3)
    assert resize(session, 3, now=NOW + HOLD).capacity == 3
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=joined[0].pk, by="patient")
    assert resize(session, 2, now=NOW + HOLD).capacity == 2
    assert left(people, now=NOW + HOLD) == []
    assert broken(now=NOW + HOLD) == []


def test_who_did_not_come_gets_no_place_back_that_is_no_longer_there(people: Cast) -> None:
    """Seats keep their numbers when a session is made smaller: how many are taken decides, not which."""
    (session,) = plan(people)
    first, second, third = (join(people) for _ in range(3))
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=second.pk, by="patient")
    resize(session, 2)
    visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=first.pk)
    late = by_staff(people, patient=somebody(people), now=TEN)
    assert late.session == session
    with pytest.raises(TimeGivenAway):
        visits.undo(actor=CARLA, now=TEN, appointment_id=first.pk)
    visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=third.pk)
    assert visits.undo(actor=CARLA, now=TEN, appointment_id=first.pk).status == "booked"
    assert broken(now=TEN) == []


def test_a_session_that_has_begun_keeps_its_size(people: Cast) -> None:
    (session,) = plan(people)
    with pytest.raises(OverAlready):
        resize(session, 9, now=TEN)


# --- called off


def call_off(session: GroupSession, *, now: datetime = NOW) -> list[Appointment]:
    return list(sessions.call_off(actor=CARLA, now=now, session_id=session.pk, reason="practitioner-ill"))


def test_a_session_called_off_cancels_whoever_had_joined_and_frees_its_time(people: Cast) -> None:
    (session,) = plan(people)
    joined = [join(people) for _ in range(2)]
    gone = join(people)
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=gone.pk, by="patient")
    assert {visit.pk for visit in call_off(session)} == {visit.pk for visit in joined}
    for visit in joined:
        visit.refresh_from_db()
        assert (visit.status, visit.cancelled_by, visit.cancellation_reason, visit.sequence) == (
            "cancelled",
            "clinic",
            "practitioner-ill",
            1,
        )
        assert operations_of(visit) == ["create", "cancel"]
    gone.refresh_from_db()
    assert (gone.cancelled_by, gone.sequence) == ("patient", 1)
    assert not Occupancy.objects.exists()
    with pytest.raises(NotOffered):
        join(people)
    assert plan(people) != [session]
    assert broken(now=NOW) == []


def test_called_off_again_it_stays_as_it_is(people: Cast) -> None:
    (session,) = plan(people)
    join(people)
    call_off(session)
    assert call_off(session) == []
    with pytest.raises(OverAlready):
        resize(session, 9)


def test_a_place_held_in_a_session_called_off_is_gone(people: Cast) -> None:
    (session,) = plan(people)
    held = hold(people)
    call_off(session)
    with pytest.raises(HoldGone):
        holds.extend(actor=VISITOR, now=NOW, visitor="one", hold_id=held.pk)
    with pytest.raises(NotOffered) as told:
        join(people, hold=held)
    assert told.value.rule == Rule.SESSION
    assert broken(now=NOW) == []


def test_a_session_that_is_over_is_not_called_off(people: Cast) -> None:
    (session,) = plan(people)
    visit = join(people)
    with pytest.raises(OverAlready):
        call_off(session, now=TEN + HOUR)
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_called_off_midway_whoever_was_seen_was_seen(people: Cast) -> None:
    (session,) = plan(people)
    seen, waiting = join(people), join(people)
    visits.fulfil(actor=CARLA, now=TEN + timedelta(minutes=10), appointment_id=seen.pk)
    assert [visit.pk for visit in call_off(session, now=TEN + timedelta(minutes=20))] == [waiting.pk]
    seen.refresh_from_db()
    assert seen.status == "fulfilled"
    assert broken(now=TEN) == []


def test_a_visit_of_a_session_called_off_is_not_undone_into_it(people: Cast) -> None:
    (session,) = plan(people)
    visit = join(people)
    visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=visit.pk)
    call_off(session, now=TEN + timedelta(minutes=5))
    with pytest.raises(TimeGivenAway):
        visits.undo(actor=CARLA, now=TEN + timedelta(minutes=6), appointment_id=visit.pk)


def test_staff_join_somebody_while_the_session_lasts_whatever_the_service_says_now(people: Cast) -> None:
    plan(people)
    HealthcareService.objects.update(duration=15)
    people.service.refresh_from_db()
    late = TEN + timedelta(minutes=45)
    slots = free_slots(service=people.service, now=late, since=TEN.date(), until=TEN.date() + DAY, online=False)
    assert [slot.start for slot in slots] == [TEN]
    by_staff(people, now=late)
    with pytest.raises(NotOffered) as told:
        by_staff(people, patient=somebody(people), now=TEN + HOUR)
    assert told.value.rule == Rule.PAST
