"""Holds: exclusive, short, few, renewable a few times, and gone without a trace."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audit.context import Actor
from bookings import holds, locks
from bookings.availability import NotOffered, SlotTaken, Wish, free_slots
from bookings.holds import EXTENSIONS, HOLD, MOST_OPEN, PROMISED, HoldGone, TooManyHolds
from bookings.models import Draft, Hold, Occupancy, Practitioner
from bookings.visitors import visitor_digest
from tests.bookings.waiting import locked_elsewhere
from tests.factories import (
    MONDAY,
    Cast,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    RoomFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
TEN = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
NOW = MONDAY - timedelta(days=3)
VISITOR = Actor(kind="visitor", id="v1", label="visitor")


def hold(people: Cast, *, visitor: str = "one", **wish: Any) -> Hold:
    asked = {
        "service": people.service,
        "location": people.location,
        "practitioner": people.demir,
        "start": TEN,
        "now": NOW,
    }
    return holds.hold(actor=VISITOR, visitor=visitor, **{**asked, **wish})


def free(people: Cast, *, now: datetime = NOW) -> list[datetime]:
    day = TEN.date()
    return [
        slot.start for slot in free_slots(service=people.service, now=now, since=day, until=day + timedelta(days=1))
    ]


def another(people: Cast) -> Practitioner:
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location)
    return ana


@pytest.mark.django_db(transaction=True)
def test_whoever_takes_anyone_does_not_wait_for_who_takes_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", locks.PATIENCE / 30)
    people = cast()
    ana = another(people)
    with locked_elsewhere(schedules=[ana.schedule_id]):
        assert hold(people, practitioner=None).practitioner == people.demir
        with pytest.raises(locks.TooBusy):  # now only Ana is free then
            hold(people, practitioner=None, visitor="two")
    assert hold(people, practitioner=None, visitor="two").practitioner == ana


@pytest.mark.django_db(transaction=True)
def test_who_was_likely_and_is_taken_by_now_is_not_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    people = cast()
    ana = another(people)
    hold(people)

    def late(wishes: list[Wish], **_: Any) -> Wish:
        return wishes[0].with_practitioner(people.demir)

    monkeypatch.setattr(holds, "_likely", late)
    assert hold(people, practitioner=None, visitor="two").practitioner == ana
    with pytest.raises(SlotTaken) as lost:
        hold(people, practitioner=None, visitor="three")
    assert lost.value.wish.practitioner is None  # the nearest times told are anyone's


def test_a_hold_takes_the_time_of_all_its_schedules_buffers_included() -> None:
    people = cast(room_kind="ultrasound", buffer_before=5, buffer_after=10)
    room = RoomFactory(location=people.location, kind="ultrasound")
    held = hold(people)
    assert (held.start, held.end) == (TEN, TEN + timedelta(minutes=30))
    assert (held.practitioner_id, held.room_id) == (people.demir.pk, room.pk)
    assert (held.expires_at, held.extended) == (NOW + HOLD, 0)
    assert held.visitor_digest == visitor_digest("one")
    taken = Occupancy.objects.filter(hold=held).order_by("schedule_id")
    assert [row.schedule_id for row in taken] == sorted([people.demir.schedule_id, room.schedule_id])
    for row in taken:
        assert (row.period.lower, row.period.upper) == (TEN - timedelta(minutes=5), TEN + timedelta(minutes=40))
        assert (row.kind, row.clinic_id) == ("hold", people.clinic.pk)


def test_nobody_else_gets_a_held_time_and_they_are_told_the_nearest() -> None:
    people = cast()
    hold(people)
    with pytest.raises(SlotTaken) as told:
        hold(people, visitor="two")
    assert [slot.start for slot in told.value.nearest] == [
        TEN + timedelta(minutes=minutes) for minutes in (-60, -30, 30, 60, 90, 120)
    ]
    assert TEN not in free(people)
    assert Hold.objects.count() == 1


def test_the_same_wish_again_gives_the_same_hold() -> None:
    people = cast()
    first = hold(people)
    assert hold(people, now=NOW + timedelta(minutes=1)) == first
    assert hold(people, practitioner=None).expires_at == NOW + HOLD
    assert Hold.objects.count() == 1


def test_without_a_practitioner_whoever_is_free_is_held() -> None:
    people = cast()
    ana = another(people)
    assert [hold(people, visitor=visitor, practitioner=None).practitioner for visitor in ("one", "two")] == [
        people.demir,
        ana,
    ]
    with pytest.raises(SlotTaken):
        hold(people, visitor="three", practitioner=None)


def test_what_is_not_offered_cannot_be_held() -> None:
    people = cast()
    for wish in ({"start": TEN.replace(hour=3)}, {"location": LocationFactory()}, {"start": TEN.replace(tzinfo=None)}):
        with pytest.raises(NotOffered):
            hold(people, **wish)
    assert not Hold.objects.exists()


def test_a_visitor_keeps_a_few_times_at_once_and_expired_ones_do_not_count() -> None:
    people = cast()
    for number in range(MOST_OPEN):
        hold(people, start=TEN + timedelta(minutes=30 * number))
    with pytest.raises(TooManyHolds):
        hold(people, start=TEN + timedelta(hours=3))
    hold(people, visitor="two", start=TEN + timedelta(hours=3))
    hold(people, start=TEN + timedelta(hours=4), now=NOW + HOLD)


def test_an_expired_hold_frees_its_time_by_itself() -> None:
    people = cast()
    first = hold(people)
    assert TEN not in free(people, now=NOW + HOLD - timedelta(seconds=1))
    assert TEN in free(people, now=NOW + HOLD)
    second = hold(people, visitor="two", now=NOW + HOLD)
    assert second != first
    assert not Occupancy.objects.filter(hold=first).exists()


def test_one_press_keeps_it_for_ten_minutes_more_a_few_times() -> None:
    people = cast()
    held = hold(people)
    at = NOW
    for press in range(1, EXTENSIONS + 1):
        at += timedelta(minutes=9)
        kept = holds.extend(actor=VISITOR, now=at, visitor="one", hold_id=held.pk)
        assert (kept.expires_at, kept.extended) == (at + HOLD, press)
    last = holds.extend(actor=VISITOR, now=at + timedelta(minutes=5), visitor="one", hold_id=held.pk)
    assert (last.expires_at, last.extended) == (at + HOLD, EXTENSIONS)


def test_only_ones_own_live_hold_can_be_extended() -> None:
    people = cast()
    held = hold(people)
    for visitor, now in (("two", NOW), ("one", NOW + HOLD)):
        with pytest.raises(HoldGone):
            holds.extend(actor=VISITOR, now=now, visitor=visitor, hold_id=held.pk)
    Occupancy.objects.filter(hold=held).delete()
    with pytest.raises(HoldGone):
        holds.extend(actor=VISITOR, now=NOW, visitor="one", hold_id=held.pk)


def test_releasing_frees_at_once_and_only_ones_own() -> None:
    people = cast()
    held = hold(people)
    holds.release(actor=VISITOR, now=NOW, visitor="two", hold_id=held.pk)
    assert TEN not in free(people)
    holds.release(actor=VISITOR, now=NOW, visitor="one", hold_id=held.pk)
    assert TEN in free(people)
    holds.release(actor=VISITOR, now=NOW, visitor="one", hold_id=held.pk)
    assert not Hold.objects.exists()


def test_the_sweep_frees_expired_time_and_later_forgets_the_hold() -> None:
    people = cast()
    expired, live = (
        hold(people),
        hold(people, visitor="two", start=TEN + timedelta(hours=1), now=NOW + timedelta(minutes=5)),
    )
    assert holds.sweep(now=NOW + HOLD) == 1
    assert set(Hold.objects.all()) == {expired, live}
    assert [row.hold for row in Occupancy.objects.all()] == [live]
    assert holds.sweep(now=NOW + HOLD + PROMISED) == 2  # the other's time, and this one's row
    assert set(Hold.objects.all()) == {live}


def test_a_hold_that_a_draft_names_stays_until_the_draft_goes() -> None:
    people = cast()
    held = hold(people)
    draft = Draft.objects.create(
        clinic=people.clinic,
        hold=held,
        service=people.service,
        location=people.location,
        practitioner=people.demir,
        start=held.start,
        key_id=people.ada.key_id,
        visitor_digest=visitor_digest("one"),
        language="en",
        expires_at=NOW + timedelta(hours=2),
    )
    holds.sweep(now=NOW + timedelta(hours=1))
    assert Hold.objects.get() == held
    draft.delete()
    holds.sweep(now=NOW + timedelta(hours=1))
    assert not Hold.objects.exists()
