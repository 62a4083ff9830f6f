"""Who may book what, for how long, where and with what: terms, kinds of visit, needs, rooms, devices, weeks."""

from datetime import timedelta
from typing import Any

import pytest

from bookings.availability import Asking, NotOffered, Rule, SlotTaken, check, explain, free_slots, terms_of
from bookings.models import Appointment, Device, HealthcareService, Occupancy, OpeningHours
from tests.bookings.promises import broken
from tests.bookings.story import DAY, HOUR, NOW, TEN, another, book, by_staff, free, wished
from tests.factories import (
    Cast,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    PatientFactory,
    RoomFactory,
    TermsFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db

NEW, KNOWN = Asking(standing="new"), Asking(standing="known")
WHEELCHAIR = frozenset({"wheelchair"})


def against(people: Cast, asking: Asking, **wish: Any) -> Rule | None:
    """The rule that refuses a visitor who says this; the list and `explain` must agree."""
    asked: dict[str, Any] = {"service": people.service, "location": people.location, "start": TEN}
    asked = {**asked, "practitioner": people.demir, **wish}
    told = explain(wish=wished(people, asking=asking, **wish), now=NOW)
    offered = TEN in free(people, asking=asking) if not wish else None
    try:
        check(now=NOW, asking=asking, **asked)
    except NotOffered as refusal:
        assert told.chosen is None
        assert not offered
        return refusal.rule
    assert told.chosen is not None
    assert offered is not False
    return None


def minutes(visit: Appointment) -> int:
    return int((visit.end - visit.start).total_seconds() / 60)


# --- who, and for how long


def test_new_patients_are_given_longer_and_known_ones_the_services_own_time() -> None:
    people = cast(duration=30)
    TermsFactory(service=people.service, standing="new", duration=60)
    assert against(people, Asking()) == Rule.ANSWERS
    assert free(people) == []
    assert minutes(book(people, asking=NEW)) == 60
    assert minutes(book(people, asking=KNOWN, start=TEN + HOUR)) == 30
    assert broken(now=NOW) == []


def test_what_was_said_is_kept_with_the_appointment() -> None:
    people = cast(kinds=["on-site", "video"])
    asking = Asking(standing="new", coverage="private", referral=True, kind="video", needs=frozenset({"interpreter"}))
    visit = book(people, asking=asking)
    assert Asking.of(Appointment.objects.get(pk=visit.pk)) == asking


def test_a_service_may_refuse_new_patients_online_and_staff_book_them_all_the_same() -> None:
    people = cast()
    TermsFactory(service=people.service, standing="new", offered=False)
    assert against(people, NEW) == Rule.TERMS
    assert against(people, KNOWN) is None
    assert by_staff(people, asking=NEW).status == "booked"
    assert by_staff(people, start=TEN + HOUR).status == "booked"  # nothing asked


def test_who_pays_decides_too() -> None:
    people = cast(duration=30)
    TermsFactory(service=people.service, coverage="statutory", offered=False)
    TermsFactory(service=people.service, coverage="private", extra=15)
    assert against(people, Asking()) == Rule.ANSWERS
    assert against(people, Asking(coverage="statutory")) == Rule.TERMS
    assert minutes(book(people, asking=Asking(coverage="private"))) == 45
    assert minutes(book(people, asking=Asking(coverage="self"), start=TEN + HOUR)) == 30


def test_all_of_a_row_must_hold_and_both_questions_must_be_answered() -> None:
    people = cast()
    TermsFactory(service=people.service, standing="new", coverage="private", offered=False)
    assert against(people, NEW) == Rule.ANSWERS
    assert against(people, Asking(standing="new", coverage="self")) is None
    assert against(people, Asking(standing="known", coverage="private")) is None
    assert against(people, Asking(standing="new", coverage="private")) == Rule.TERMS


def test_a_service_that_needs_a_referral_is_booked_with_one_or_by_staff() -> None:
    people = cast(referral_needed=True)
    assert against(people, Asking()) == Rule.REFERRAL
    assert against(people, Asking(referral=True)) is None
    by_staff(people)


def test_of_several_terms_the_longest_counts_and_extras_add_up() -> None:
    people = cast(duration=30)
    TermsFactory(service=people.service, standing="new", duration=45)
    TermsFactory(service=people.service, need="interpreter", duration=60, extra=5)
    TermsFactory(service=people.service, need="more-time", extra=20)
    everything = Asking(standing="new", needs=frozenset({"interpreter", "more-time"}))
    assert minutes(book(people, asking=everything)) == 85
    assert minutes(book(people, asking=NEW, start=TEN + 2 * HOUR)) == 45


# --- how people meet


def test_a_kind_the_service_is_not_given_in_is_refused_to_everybody() -> None:
    people = cast(kinds=["on-site", "phone"])
    assert against(people, Asking(kind="video")) == Rule.KIND
    with pytest.raises(NotOffered):
        by_staff(people, asking=Asking(kind="video"))
    assert against(people, Asking(kind="phone")) is None


@pytest.mark.parametrize("kind", ["phone", "video", "home"])
def test_elsewhere_no_room_and_no_device_are_taken(kind: str) -> None:
    people = cast(kinds=["on-site", kind], room_kind="ultrasound", device_kind="laser")
    assert against(people, Asking()) == Rule.ROOM
    visit = book(people, asking=Asking(kind=kind))
    assert (visit.kind, visit.room, visit.device) == (kind, None, None)
    assert Occupancy.objects.count() == 1
    assert broken(now=NOW) == []


def test_a_visit_at_home_keeps_the_way_there_and_back_clear() -> None:
    people = cast(kinds=["on-site", "home"], travel=30, buffer_before=5, step=15)
    visit = book(people, asking=Asking(kind="home"), visit_address="Rue de la Paix 1")
    (row,) = visit.occupancies.all()
    assert (row.period.lower, row.period.upper) == (TEN - timedelta(minutes=35), TEN + HOUR)
    assert Appointment.objects.get().visit_address == "Rue de la Paix 1"
    around = [(start - TEN) / timedelta(minutes=1) for start in free(people)]
    assert [away for away in around if -120 < away < 120] == [75, 90, 105]  # the buffer before it, too
    assert broken(now=NOW) == []


# --- needs


def test_a_wheelchair_gets_a_step_free_room_or_none() -> None:
    people = cast(room_kind="consultation")
    RoomFactory(location=people.location)
    assert against(people, Asking(needs=WHEELCHAIR)) == Rule.ROOM
    step_free = RoomFactory(location=people.location, step_free=True)
    assert book(people, asking=Asking(needs=WHEELCHAIR)).room == step_free
    another(people)
    assert against(people, Asking(needs=WHEELCHAIR), practitioner=None) == Rule.ROOM_TAKEN
    assert against(people, Asking(), practitioner=None) is None


def test_a_need_may_ask_for_another_room_and_the_row_that_says_most_decides() -> None:
    people = cast(room_kind="consultation")
    RoomFactory(location=people.location)
    quiet = RoomFactory(location=people.location, kind="quiet")
    large = RoomFactory(location=people.location, kind="large")
    TermsFactory(service=people.service, need="sign-language", room_kind="quiet")
    TermsFactory(service=people.service, standing="new", need="companion", room_kind="large")
    asking = Asking(standing="known", needs=frozenset({"sign-language"}))
    assert book(people, asking=asking).room == quiet
    both = Asking(standing="new", needs=frozenset({"sign-language", "companion"}))
    assert book(people, asking=both, start=TEN + HOUR).room == large


# --- rooms and devices together


def equipped(**service: Any) -> tuple[Cast, list[Any], list[Any]]:
    """A clinic with two rooms and two devices for its service."""
    people = cast(room_kind="ultrasound", **service)
    rooms = [RoomFactory(location=people.location, kind="ultrasound") for _ in range(2)]
    devices = [DeviceFactory(location=people.location, kind="ultrasound") for _ in range(2)]
    return people, rooms, devices


def test_a_room_and_a_device_of_a_kind_are_chosen_together() -> None:
    people, rooms, devices = equipped(device_kind="ultrasound")
    everyone = [people.demir, *(another(people) for _ in range(2))]
    found = [book(people, patient=PatientFactory(clinic=people.clinic)) for _ in range(2)]
    assert [(visit.room, visit.device) for visit in found] == list(zip(rooms, devices, strict=True))
    assert Occupancy.objects.count() == 6
    with pytest.raises(SlotTaken):
        book(people, practitioner=everyone[2])
    assert free(people, practitioner=everyone[2])[:2] == [TEN - HOUR, TEN - timedelta(minutes=30)]
    assert broken(now=NOW) == []


def test_one_named_device_is_the_one_taken_and_no_other_will_do() -> None:
    people, _, devices = equipped()
    people.service.device = devices[1]
    people.service.save()
    ana = another(people)
    assert book(people).device == devices[1]
    assert against(people, Asking(), practitioner=ana) == Rule.DEVICE_TAKEN


def test_a_device_elsewhere_closed_or_out_of_use_will_not_do() -> None:
    people, _, devices = equipped(device_kind="ultrasound")
    there = LocationFactory(clinic=people.clinic)
    Device.objects.filter(pk=devices[0].pk).update(location=there)
    ClosureFactory(clinic=people.clinic, schedule=devices[1].schedule, start=TEN, end=TEN + HOUR)
    assert against(people, Asking()) == Rule.DEVICE
    assert TEN + HOUR in free(people)
    Device.objects.update(active=False)
    assert free(people) == []


def test_a_device_with_hours_of_its_own_is_there_only_then() -> None:
    people, _, devices = equipped(device_kind="ultrasound")
    for device in devices:
        open_week(of=device, at=people.location, opens=(TEN + HOUR).time(), weekdays=[0])
    assert against(people, Asking()) == Rule.DEVICE
    assert book(people, start=TEN + HOUR).device == devices[0]


# --- weeks


def test_hours_of_every_other_week_hold_in_each_second_week_from_their_beginning() -> None:
    people = cast(horizon=60)
    OpeningHours.objects.update(every=2, valid_from=TEN.date() - 3 * DAY)  # a Friday: its week counts
    since = TEN.date()
    slots = free_slots(service=people.service, now=NOW, since=since, until=since + 28 * DAY)
    mondays = {slot.start.date() for slot in slots if slot.start.weekday() == 0}
    assert mondays == {since + 7 * DAY, since + 21 * DAY}
    assert against(people, Asking()) == Rule.HOURS
    assert against(people, Asking(), start=TEN + 7 * DAY) is None


def test_terms_are_read_in_one_query_or_none_when_they_are_at_hand(django_assert_num_queries: Any) -> None:
    service = TermsFactory(standing="new", duration=60).service
    with django_assert_num_queries(1):
        terms_of(service=service, asking=NEW)
    prefetched = HealthcareService.objects.prefetch_related("terms").get(pk=service.pk)
    with django_assert_num_queries(0):
        assert terms_of(service=prefetched, asking=NEW).lengths.duration == 3600
