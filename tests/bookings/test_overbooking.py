"""Overbooking is a policy: with a reason, so many a day, by staff; never by chance. (Who may is the admin's to say.)"""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bookings import booking, moving, visits
from bookings.availability import NotOffered, Rule, SlotTaken
from bookings.models import Appointment
from bookings.visits import TimeGivenAway
from tests.bookings.promises import broken
from tests.bookings.story import CARLA, DAY, HOUR, NOW, TEN, another, book, by_staff, free, hold, records_of, wished
from tests.factories import (
    Cast,
    ClosureFactory,
    DeviceFactory,
    OfferFactory,
    PatientFactory,
    RoomFactory,
    ServiceFactory,
    cast,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast(overbook_cap=1)


def squeeze(people: Cast, **wish: Any) -> Appointment:
    return by_staff(people, **{"overbook_reason": "urgent", **wish})


def test_staff_squeeze_a_visit_in_with_a_reason(people: Cast) -> None:
    book(people)
    visit = squeeze(people)
    visit.refresh_from_db()
    assert (visit.overbooked, visit.overbook_reason, visit.start) == (True, "urgent", TEN)
    assert {row.overbooked for row in visit.occupancies.all()} == {True}
    assert broken(now=NOW) == []
    (record,) = records_of(visit)
    assert (record["after"]["overbooked"], record["after"]["overbook_reason"]) == (True, "urgent")


def test_without_a_reason_a_taken_time_is_taken(people: Cast) -> None:
    book(people)
    with pytest.raises(SlotTaken):
        squeeze(people, overbook_reason="")


def test_a_patient_never_overbooks_whatever_is_said(people: Cast) -> None:
    book(people)
    with pytest.raises(SlotTaken):
        book(people, overbook_reason="urgent")


def test_no_wish_of_a_patient_can_ask_for_it(people: Cast) -> None:
    with pytest.raises(ValueError, match="only staff"):
        wished(people, overbook=True)


def test_where_the_policy_allows_none_none_is_squeezed_in() -> None:
    people = cast()
    book(people)
    with pytest.raises(NotOffered) as told:
        squeeze(people)
    assert told.value.rule == Rule.OVERBOOKING


def test_a_free_time_is_not_overbooked_by_giving_a_reason(people: Cast) -> None:
    visit = squeeze(people)
    assert (visit.overbooked, visit.overbook_reason) == (False, "")


def test_whoever_is_free_is_preferred_to_squeezing_in(people: Cast) -> None:
    ana = another(people)
    book(people, practitioner=people.demir)
    visit = squeeze(people)
    assert (visit.practitioner_id, visit.overbooked) == (ana.pk, False)
    assert squeeze(people).overbooked


def test_the_cap_is_of_a_day_and_a_practitioner(people: Cast) -> None:
    ana = another(people)
    for who in (people.demir, ana):
        for start in (TEN, TEN + HOUR, TEN + DAY):
            book(people, practitioner=who, start=start)
    squeeze(people, practitioner=people.demir)
    with pytest.raises(NotOffered) as told:
        squeeze(people, practitioner=people.demir, start=TEN + HOUR)
    assert told.value.rule == Rule.OVERBOOKING
    squeeze(people, practitioner=people.demir, start=TEN + DAY)
    squeeze(people, practitioner=ana, start=TEN + HOUR)


@pytest.mark.parametrize("ended", ["cancelled", "noshow", "entered-in-error"])
def test_one_that_ended_frees_the_cap(people: Cast, ended: str) -> None:
    book(people)
    visit = squeeze(people)
    if ended == "cancelled":
        booking.cancel(actor=CARLA, now=NOW, appointment_id=visit.pk, by="clinic")
    elif ended == "noshow":
        visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=visit.pk)
    else:
        visits.enter_in_error(actor=CARLA, now=NOW, appointment_id=visit.pk)
    assert squeeze(people).overbooked
    assert broken(now=NOW) == []


def test_who_was_squeezed_in_keeps_the_time_taken_when_the_other_goes(people: Cast) -> None:
    first = book(people)
    squeeze(people)
    booking.cancel(actor=CARLA, now=NOW, appointment_id=first.pk, by="clinic")
    assert TEN not in free(people)
    with pytest.raises(SlotTaken):
        book(people)
    with pytest.raises(SlotTaken):
        hold(people)


def test_a_reason_opens_no_closed_door(people: Cast) -> None:
    ClosureFactory(clinic=people.clinic, start=TEN, end=TEN + HOUR)
    for start, rule in ((TEN, Rule.CLOSURE), (TEN.replace(hour=4), Rule.HOURS)):
        with pytest.raises(NotOffered) as told:
            squeeze(people, start=start)
        assert told.value.rule == rule


def test_a_room_and_a_device_are_squeezed_only_where_there_is_one() -> None:
    people = cast(overbook_cap=1, room_kind="ultrasound", device_kind="laser")
    RoomFactory(location=people.location, kind="ultrasound")
    with pytest.raises(NotOffered) as told:
        squeeze(people)
    assert told.value.rule == Rule.DEVICE
    DeviceFactory(location=people.location, kind="laser")
    ana = another(people)
    first = book(people, practitioner=people.demir)
    visit = squeeze(people, practitioner=ana)  # the practitioner is free, the room is not
    assert (visit.room, visit.device, visit.overbooked) == (first.room, first.device, True)
    assert broken(now=NOW) == []


def test_the_cap_of_one_service_is_not_anothers(people: Cast) -> None:
    other = ServiceFactory(clinic=people.clinic, overbook_cap=1)
    OfferFactory(service=other, practitioner=people.demir)
    book(people)
    squeeze(people)
    assert squeeze(people, service=other).overbooked


def move(visit: Appointment, **how: Any) -> Appointment:
    asked = {"actor": CARLA, "now": NOW, "appointment_id": visit.pk, "start": TEN + HOUR, "by": "clinic"}
    return moving.reschedule(**{**asked, **how})


def test_a_move_squeezes_in_by_the_same_policy(people: Cast) -> None:
    visit = book(people)
    book(people, start=TEN + HOUR, patient=PatientFactory(clinic=people.clinic))
    with pytest.raises(SlotTaken):
        move(visit)
    with pytest.raises(SlotTaken):
        move(visit, by="patient", overbook_reason="urgent")
    moved = move(visit, overbook_reason="urgent")
    assert (moved.overbooked, moved.overbook_reason) == (True, "urgent")
    assert broken(now=NOW) == []
    moved = move(visit, start=TEN + 2 * HOUR)
    assert (moved.overbooked, moved.overbook_reason) == (False, "")
    assert broken(now=NOW) == []


def test_a_move_prefers_whoever_is_free_to_squeezing_in(people: Cast) -> None:
    ana = another(people)
    visit = book(people, practitioner=people.demir)
    book(people, start=TEN + HOUR, practitioner=people.demir, patient=PatientFactory(clinic=people.clinic))
    moved = move(visit, practitioner=None, overbook_reason="urgent")
    assert (moved.practitioner_id, moved.overbooked) == (ana.pk, False)


def test_a_squeezed_visit_moved_within_its_day_is_counted_once(people: Cast) -> None:
    for start in (TEN, TEN + HOUR):
        book(people, start=start, patient=PatientFactory(clinic=people.clinic))
    visit = squeeze(people)
    assert move(visit, overbook_reason="urgent").overbooked


def test_who_did_not_come_does_not_get_back_a_time_that_was_squeezed_into(people: Cast) -> None:
    first = book(people)
    squeeze(people)
    visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=first.pk)
    with pytest.raises(TimeGivenAway):
        visits.undo(actor=CARLA, now=TEN, appointment_id=first.pk)


def test_the_database_keeps_no_overbooking_without_a_reason(people: Cast) -> None:
    visit = book(people)
    with pytest.raises(IntegrityError, match="appointment_overbooked_with_a_reason"), transaction.atomic():
        Appointment.objects.filter(pk=visit.pk).update(overbooked=True)
