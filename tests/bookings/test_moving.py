"""Moving an appointment: one step that keeps its identity and gives its old time back at once."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from bookings import booking, moving
from bookings.availability import Asking, NotOffered, Rule, SlotTaken
from bookings.models import Appointment, HealthcareService, ServiceTerms
from bookings.moving import TooLateToMove
from tests.bookings.promises import broken
from tests.bookings.story import (
    CARLA,
    DAY,
    HOUR,
    NOW,
    TEN,
    VISITOR,
    another,
    book,
    by_staff,
    free,
    hold,
    operations_of,
    records_of,
)
from tests.factories import (
    DeviceFactory,
    LocationFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    TermsFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db


def move(visit: Appointment, *, start: datetime = TEN + HOUR, by: Any = "patient", **how: Any) -> Appointment:
    asked = {"actor": VISITOR if by == "patient" else CARLA, "now": NOW, "appointment_id": visit.pk}
    return moving.reschedule(**{**asked, "start": start, "by": by, **how})


def test_a_move_keeps_the_identity_and_raises_the_revision_by_one() -> None:
    people = cast()
    visit = book(people, reason="Cough")
    moved = move(visit)
    assert moved.pk == visit.pk
    visit.refresh_from_db()
    assert (visit.start, visit.end) == (TEN + HOUR, TEN + HOUR + timedelta(minutes=30))
    assert (visit.sequence, visit.status, visit.reason, visit.patient) == (1, "booked", "Cough", people.ada)
    assert Appointment.objects.count() == 1
    assert move(visit, start=TEN).sequence == 2


def test_the_old_time_is_free_at_once_and_the_new_one_taken() -> None:
    people = cast()
    visit = book(people)
    move(visit)
    assert TEN in free(people)
    assert TEN + HOUR not in free(people)
    book(people)
    assert broken(now=NOW) == []


def test_moving_to_the_time_it_has_changes_nothing() -> None:
    people = cast()
    visit = book(people)
    assert move(visit, start=TEN).sequence == 0
    assert operations_of(visit) == ["create"]


@pytest.mark.parametrize("minutes", [-15, 15])
def test_a_move_may_overlap_the_appointments_own_old_time(minutes: int) -> None:
    people = cast(step=15, buffer_before=5, buffer_after=5, room_kind="ultrasound", device_kind="laser")
    RoomFactory(location=people.location, kind="ultrasound")
    DeviceFactory(location=people.location, kind="laser")
    visit = book(people)
    assert move(visit, start=TEN + timedelta(minutes=minutes)).sequence == 1
    assert broken(now=NOW) == []


def test_a_time_that_is_taken_leaves_the_appointment_where_it_is() -> None:
    people = cast()
    visit = book(people)
    book(people, start=TEN + HOUR)
    with pytest.raises(SlotTaken):
        move(visit)
    visit.refresh_from_db()
    assert (visit.start, visit.sequence) == (TEN, 0)
    assert broken(now=NOW) == []


def test_a_time_somebody_holds_is_taken_until_the_hold_expires() -> None:
    people = cast()
    visit = book(people)
    held = hold(people, start=TEN + HOUR)
    with pytest.raises(SlotTaken):
        move(visit)
    assert move(visit, now=held.expires_at).start == TEN + HOUR
    assert broken(now=held.expires_at) == []


def test_the_nearest_times_told_are_ones_it_can_really_be_moved_to() -> None:
    """It is twice as long as the service, and its own time counts as free."""
    people = cast(duration=30, step=30)
    TermsFactory(service=people.service, need="more-time", extra=30)
    visit = book(people, asking=Asking(needs=frozenset({"more-time"})))
    ServiceTerms.objects.all().delete()
    for hours in (2, 4):
        book(people, start=TEN + hours * HOUR, patient=PatientFactory(clinic=people.clinic))
    with pytest.raises(SlotTaken) as told:
        move(visit, start=TEN + 2 * HOUR)
    offered = [slot.start for slot in told.value.nearest]
    assert TEN + timedelta(minutes=30) in offered
    for start in offered:
        assert move(visit, start=start).start == start


@pytest.mark.parametrize("by", ["patient", "clinic"])
def test_patients_move_online_until_the_services_time_and_the_clinic_at_any(by: Any) -> None:
    people = cast(reschedule_until=240, minimum_notice=0)
    visit = book(people)
    late = TEN - timedelta(minutes=240) + timedelta(seconds=1)
    if by == "clinic":
        assert move(visit, by=by, now=late).sequence == 1
        return
    with pytest.raises(TooLateToMove):
        move(visit, now=late)
    visit.refresh_from_db()
    assert (visit.start, visit.sequence) == (TEN, 0)
    assert move(visit, now=TEN - timedelta(minutes=240)).sequence == 1


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (TEN - 7 * DAY, Rule.PAST),
        (NOW + HOUR, Rule.NOTICE),
        (TEN.replace(hour=6), Rule.HOURS),
        (TEN + timedelta(minutes=10), Rule.STEP),
    ],
)
def test_the_rules_for_patients_bind_a_patients_move(start: datetime, rule: Rule) -> None:
    visit = book(cast())
    with pytest.raises(NotOffered) as told:
        move(visit, start=start)
    assert told.value.rule == rule


def test_staff_move_between_steps() -> None:
    people = cast()
    visit = book(people)
    assert move(visit, start=TEN + timedelta(minutes=10), by="clinic").start == TEN + timedelta(minutes=10)


def test_to_another_location_it_takes_that_ones_room_and_device() -> None:
    people = cast(room_kind="ultrasound", device_kind="laser")
    there = LocationFactory(clinic=people.clinic)
    open_week(of=people.demir, at=there)
    for location in (people.location, there):
        RoomFactory(location=location, kind="ultrasound")
        DeviceFactory(location=location, kind="laser")
    visit = book(people)
    assert visit.room is not None
    assert visit.device is not None
    moved = move(visit, start=TEN, location=there)
    moved.refresh_from_db()
    assert (moved.location, moved.sequence) == (there, 1)
    assert moved.room is not None
    assert moved.device is not None
    assert (moved.room.location, moved.device.location) == (there, there)
    assert broken(now=NOW) == []


def test_without_a_name_whoever_has_it_keeps_it_and_else_somebody_free_takes_it() -> None:
    people = cast()
    ana = another(people)
    visit = book(people, practitioner=ana)
    assert move(visit).practitioner_id == ana.pk
    book(people, start=TEN + 2 * HOUR, practitioner=ana)
    assert move(visit, start=TEN + 2 * HOUR).practitioner_id == people.demir.pk
    assert broken(now=NOW) == []


def test_to_another_practitioner_at_the_same_time() -> None:
    people = cast()
    ana = another(people)
    visit = book(people, practitioner=people.demir)
    assert move(visit, start=TEN, practitioner=ana).practitioner_id == ana.pk
    assert broken(now=NOW) == []


def test_somebody_who_does_not_give_the_service_cannot_take_it() -> None:
    people = cast()
    visit = book(people)
    with pytest.raises(NotOffered) as told:
        move(visit, practitioner=PractitionerFactory(clinic=people.clinic))
    assert told.value.rule == Rule.PRACTITIONER


def test_it_stays_as_long_as_it_was_whatever_the_service_says_now() -> None:
    people = cast(duration=30)
    visit = book(people)
    HealthcareService.objects.update(duration=90, step=90)
    moved = move(visit, start=TEN + timedelta(minutes=30))
    assert moved.end - moved.start == timedelta(minutes=30)


def test_a_move_back_and_forth_is_a_revision_each_time() -> None:
    visit = book(cast())
    for turn in range(1, 5):
        assert move(visit, start=TEN + (turn % 2) * HOUR).sequence == turn
    assert operations_of(visit) == ["create", *["reschedule"] * 4]


def test_the_evidence_says_who_moved_it_from_where_to_where() -> None:
    visit = book(cast())
    move(visit, by="clinic")
    last = records_of(visit)[-1]
    assert (last["operation"], last["use"]["case"], last["actor"]["kind"]) == (
        "reschedule",
        "moving.reschedule",
        "staff",
    )
    assert {"start", "end", "sequence"} <= set(last["before"])


def test_an_appointment_already_counted_may_be_moved_where_no_more_may_be_booked() -> None:
    people = cast(cap_open=1)
    visit = book(people)
    by_staff(people, start=TEN + 2 * HOUR)  # staff are not bound by it
    assert move(visit).sequence == 1


def test_a_move_to_a_day_that_has_enough_is_refused() -> None:
    people = cast(cap_day=1)
    visit = book(people)
    assert move(visit).sequence == 1  # its own day
    book(people, start=TEN + DAY)
    with pytest.raises(NotOffered) as told:
        move(visit, start=TEN + DAY + HOUR)
    assert told.value.rule == Rule.CAP_DAY


def test_where_the_clinic_confirms_a_patients_move_asks_anew_and_the_clinics_does_not() -> None:
    people = cast(needs_approval=True, answer_hours=2)
    visit = book(people)
    Appointment.objects.update(status="booked", respond_by=None)
    assert move(visit, by="clinic").status == "booked"
    moved = move(visit, start=TEN + 2 * HOUR)
    assert (moved.status, moved.respond_by, moved.sequence) == ("pending", NOW + 2 * HOUR, 2)


def test_an_unknown_appointment_is_not_moved() -> None:
    with pytest.raises(Appointment.DoesNotExist):
        moving.reschedule(actor=VISITOR, now=NOW, appointment_id=uuid.uuid4(), start=TEN, by="patient")


def test_a_move_whose_new_time_is_lost_at_the_last_moment_undoes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old time is freed before the new one is taken: losing the new one must give the old one back."""
    people = cast()
    visit = book(people)

    def lost(**asked: Any) -> None:
        raise SlotTaken(wish=asked["wish"], now=asked["now"])

    monkeypatch.setattr(moving, "occupy", lost)
    with pytest.raises(SlotTaken):
        move(visit)
    visit.refresh_from_db()
    assert (visit.start, visit.sequence) == (TEN, 0)
    assert broken(now=NOW) == []


def test_where_it_is_and_where_it_may_go_are_locked_before_either_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    people = cast(room_kind="ultrasound")
    there = LocationFactory(clinic=people.clinic)
    ana = another(people)
    open_week(of=ana, at=there)
    rooms = [RoomFactory(location=place, kind="ultrasound") for place in (people.location, people.location, there)]
    visit = book(people, practitioner=people.demir)
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(booking, "lock", lambda **things: asked.append(things))
    move(visit, practitioner=ana, location=there)
    move(visit, start=TEN + 2 * HOUR, location=people.location)
    everyone, here = {people.demir.schedule_id, ana.schedule_id}, {room.schedule_id for room in rooms[:2]}
    assert [set(things["schedules"]) for things in asked] == [
        {*everyone, rooms[0].schedule_id, rooms[2].schedule_id},
        {*everyone, *here, rooms[2].schedule_id},
    ]
    assert [set(things["patients"]) for things in asked] == [{people.ada.pk}] * 2


@pytest.mark.django_db(transaction=True)
def test_a_move_refuses_to_be_part_of_a_callers_transaction() -> None:
    people = cast()
    visit = book(people)
    with transaction.atomic(), pytest.raises(RuntimeError):
        move(visit)
