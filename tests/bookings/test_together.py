"""Visits booked together: two siblings, a blood test and then a consultation; all of them, or none."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from bookings import booking, holds
from bookings.availability import NotOffered, Rule, SlotTaken
from bookings.booking import Leg, Made, Told
from bookings.holds import HOLD, HoldGone
from bookings.models import Appointment, HealthcareService, Hold, Occupancy
from tests.bookings.promises import broken
from tests.bookings.story import DAY, HOUR, NOW, TEN, VISITOR, another, book, by_staff, hold, operations_of, wished
from tests.factories import Cast, DeviceFactory, OfferFactory, PatientFactory, RoomFactory, ServiceFactory, cast

pytestmark = pytest.mark.django_db

HALF = timedelta(minutes=30)


def together(people: Cast, *legs: Leg, **how: Any) -> Made:
    asked = {"actor": VISITOR, "now": NOW, "key": uuid.uuid4(), "told": Told(reason="Cough")}
    return booking.book_together(**{**asked, "legs": legs, **how})


def leg(people: Cast, **wish: Any) -> Leg:
    patient, kept = wish.pop("patient", people.ada), wish.pop("hold", None)
    return Leg(wish=wished(people, **wish), patient=patient, hold=kept)


def blood_test(people: Cast) -> HealthcareService:
    """Ten minutes in the laboratory, at the centrifuge, before the consultation."""
    service: HealthcareService = ServiceFactory(
        clinic=people.clinic, duration=10, step=10, room_kind="laboratory", device_kind="centrifuge"
    )
    OfferFactory(service=service, practitioner=people.demir)
    RoomFactory(location=people.location, kind="laboratory")
    DeviceFactory(location=people.location, kind="centrifuge")
    return service


def test_two_siblings_one_after_the_other_are_one_booking() -> None:
    people = cast()
    sister = PatientFactory(clinic=people.clinic)
    key = uuid.uuid4()
    made = together(people, leg(people), leg(people, start=TEN + HALF, patient=sister), key=key)
    assert [visit.patient for visit in made.appointments] == [people.ada, sister]
    assert {visit.together for visit in made.appointments} == {key}
    assert {visit.reason for visit in made.appointments} == {"Cough"}
    assert broken(now=NOW) == []
    assert [operations_of(visit) for visit in made.appointments] == [["create"], ["create"]]


def test_two_siblings_at_one_time_go_to_two_people() -> None:
    people = cast()
    another(people)
    sister = PatientFactory(clinic=people.clinic)
    made = together(people, leg(people, practitioner=None), leg(people, practitioner=None, patient=sister))
    assert len({visit.practitioner_id for visit in made.appointments}) == 2
    with pytest.raises(SlotTaken):
        together(people, leg(people, practitioner=None))


def test_a_blood_test_and_then_a_consultation_take_all_they_need() -> None:
    people = cast()
    test = blood_test(people)
    made = together(people, leg(people, service=test, start=TEN - timedelta(minutes=10)), leg(people))
    first, second = made.appointments
    assert first.room is not None
    assert first.device is not None
    assert (second.room, second.device) == (None, None)
    assert Occupancy.objects.count() == 4
    assert broken(now=NOW) == []


@pytest.mark.parametrize("taken", [0, 1])
def test_when_one_is_taken_nothing_is_booked_and_the_rest_stays_free(taken: int) -> None:
    people = cast()
    starts = [TEN, TEN + HOUR]
    by_staff(people, start=starts[taken])
    with pytest.raises(SlotTaken) as told:
        together(people, *(leg(people, start=start) for start in starts))
    assert told.value.wish.start == starts[taken]
    assert told.value.nearest
    assert Appointment.objects.count() == Occupancy.objects.count() == 1
    book(people, start=starts[1 - taken])


def test_a_later_visit_finds_taken_what_an_earlier_one_took() -> None:
    people = cast()
    with pytest.raises(SlotTaken):
        together(people, leg(people), leg(people))
    assert not Appointment.objects.exists()


def test_skipping_leaves_out_what_cannot_be_had_and_names_it() -> None:
    people = cast()
    by_staff(people, start=TEN + HOUR)
    legs = [leg(people, start=start) for start in (TEN, TEN + HOUR, TEN.replace(hour=3))]
    made = together(people, *legs, skipping=True)
    assert [visit.start for visit in made.appointments] == [TEN]
    assert made.left_out == legs[1:]


@pytest.mark.parametrize("skipping", [False, True])
def test_the_same_command_again_gives_the_same_visits(skipping: bool) -> None:
    people = cast()
    key = uuid.uuid4()
    legs = [leg(people), leg(people, start=TEN + HALF)]
    if skipping:
        by_staff(people)
    first = together(people, *legs, key=key, skipping=skipping)
    again = together(people, *legs, leg(people, start=TEN + HOUR), key=key, skipping=skipping)
    assert again.appointments == first.appointments != []
    assert Appointment.objects.filter(together=key).count() == 2 - skipping


def test_people_of_two_clinics_are_not_booked_together() -> None:
    people = cast()
    stranger = PatientFactory(clinic=people.elsewhere)
    with pytest.raises(NotOffered) as told:
        together(people, leg(people), leg(people, start=TEN + HALF, patient=stranger))
    assert told.value.rule == Rule.PATIENT
    assert not Appointment.objects.exists()


# --- held together


def keep(people: Cast, *starts: Any, visitor: str = "one", skipping: bool = False, **wish: Any) -> list[Hold]:
    wishes = [wished(people, start=start, **wish) for start in starts]
    return holds.hold_together(actor=VISITOR, now=NOW, visitor=visitor, wishes=wishes, skipping=skipping)


def test_times_held_together_are_held_all_or_none() -> None:
    people = cast()
    by_staff(people, start=TEN + HOUR)
    with pytest.raises(SlotTaken):
        keep(people, TEN, TEN + HOUR)
    assert not Hold.objects.exists()
    assert len(keep(people, TEN, TEN + HALF)) == 2
    assert broken(now=NOW) == []


def test_times_held_together_are_extended_and_given_back_as_one() -> None:
    people = cast()
    first, second = keep(people, TEN, TEN + HALF)
    assert first.together == second.together
    later = NOW + HOLD / 2
    holds.extend(actor=VISITOR, now=later, visitor="one", hold_id=second.pk)
    assert set(Hold.objects.values_list("expires_at", flat=True)) == {later + HOLD}
    holds.release(actor=VISITOR, now=later, visitor="two", hold_id=first.pk)
    assert Hold.objects.count() == 2
    holds.release(actor=VISITOR, now=later, visitor="one", hold_id=first.pk)
    assert not Occupancy.objects.exists()


def test_of_times_held_together_none_is_extended_once_one_is_lost() -> None:
    people = cast()
    first, second = keep(people, TEN, TEN + HALF)
    Occupancy.objects.filter(hold=second).delete()
    with pytest.raises(HoldGone):
        holds.extend(actor=VISITOR, now=NOW, visitor="one", hold_id=first.pk)


@pytest.mark.parametrize("skipping", [False, True])
def test_the_same_wishes_again_give_the_same_holds(skipping: bool) -> None:
    people = cast()
    if skipping:
        by_staff(people, start=TEN + HALF)
    first = keep(people, TEN, TEN + HALF, TEN + HOUR, skipping=skipping)
    assert len(first) == 3 - skipping
    assert keep(people, TEN, TEN + HALF, TEN + HOUR, skipping=skipping) == first


def test_a_wish_of_several_counts_once_among_those_kept() -> None:
    people = cast()
    for number in range(holds.MOST_OPEN):
        keep(people, TEN + number * DAY, TEN + number * DAY + HALF)
    with pytest.raises(holds.TooManyHolds):
        hold(people, start=TEN + 3 * DAY)


def test_what_was_held_together_becomes_the_visits() -> None:
    people = cast()
    kept = keep(people, TEN, TEN + HALF)
    legs = [leg(people, start=one.start, hold=one) for one in kept]
    made = together(people, *legs)
    assert [visit.start for visit in made.appointments] == [TEN, TEN + HALF]
    assert not Hold.objects.exists()
    assert broken(now=NOW) == []


def test_holds_stay_when_the_visits_cannot_be_booked() -> None:
    people = cast()
    kept = keep(people, TEN, TEN + HALF)
    by_staff(people, start=TEN + HOUR)
    legs = [leg(people, start=one.start, hold=one) for one in kept]
    before = set(Occupancy.objects.values_list("pk", "kind", "hold"))
    with pytest.raises(SlotTaken):
        together(people, *legs, leg(people, start=TEN + HOUR))
    assert set(Occupancy.objects.values_list("pk", "kind", "hold")) == before
    assert broken(now=NOW) == []
