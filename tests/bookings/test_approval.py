"""Requests the clinic confirms: pending, offered another time, answered, or lapsed."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import approval, booking, visits
from bookings.approval import Lapsed
from bookings.availability import NotOffered, Rule, SlotTaken
from bookings.booking import NotPossible, TooLateToCancel
from bookings.locks import TooBusy
from bookings.models import Appointment
from tests.bookings.promises import broken
from tests.bookings.story import (
    CARLA,
    HOUR,
    NOW,
    TEN,
    VISITOR,
    another,
    book,
    by_staff,
    free,
    operations_of,
    records_of,
)
from tests.factories import Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast(needs_approval=True, answer_hours=24)


def approve(visit: Appointment, *, now: datetime = NOW) -> Appointment:
    return approval.approve(actor=CARLA, now=now, appointment_id=visit.pk)


def decline(visit: Appointment) -> Appointment:
    return approval.decline(actor=CARLA, now=NOW, appointment_id=visit.pk)


def offer(visit: Appointment, *, start: datetime = TEN + HOUR, now: datetime = NOW, **where: Any) -> Appointment:
    return approval.offer(actor=CARLA, now=now, appointment_id=visit.pk, start=start, **where)


def accept(visit: Appointment, *, now: datetime = NOW) -> Appointment:
    return approval.accept(actor=VISITOR, now=now, appointment_id=visit.pk)


def stands(visit: Appointment) -> tuple[str, datetime, datetime | None, int]:
    visit.refresh_from_db()
    return visit.status, visit.start, visit.respond_by, visit.sequence


def test_a_request_takes_its_time_until_it_is_answered(people: Cast) -> None:
    visit = book(people)
    assert stands(visit) == ("pending", TEN, NOW + 24 * HOUR, 0)
    with pytest.raises(SlotTaken):
        book(people, patient=PatientFactory(clinic=people.clinic))
    assert broken(now=NOW) == []


def test_the_deadline_is_never_after_the_visit_would_begin(people: Cast) -> None:
    assert book(people, now=TEN - 3 * HOUR).respond_by == TEN


def test_what_staff_book_is_booked(people: Cast) -> None:
    assert stands(by_staff(people)) == ("booked", TEN, None, 0)


def test_a_confirmed_request_is_booked_and_stays_so_when_confirmed_again(people: Cast) -> None:
    visit = book(people)
    approve(visit)
    assert stands(visit) == ("booked", TEN, None, 1)
    approve(visit, now=NOW + 30 * HOUR)
    assert stands(visit) == ("booked", TEN, None, 1)
    assert operations_of(visit) == ["create", "confirm"]
    assert broken(now=NOW) == []


def test_another_time_offered_frees_the_one_asked_for_and_gives_the_patient_as_long(people: Cast) -> None:
    visit = book(people)
    later = NOW + 10 * HOUR
    offer(visit, now=later)
    assert stands(visit) == ("proposed", TEN + HOUR, later + 24 * HOUR, 1)
    assert TEN in free(people)
    assert TEN + HOUR not in free(people)
    assert broken(now=later) == []


def test_an_offer_accepted_is_booked(people: Cast) -> None:
    visit = book(people)
    offer(visit)
    accept(visit)
    assert stands(visit) == ("booked", TEN + HOUR, None, 2)
    accept(visit)
    assert stands(visit) == ("booked", TEN + HOUR, None, 2)
    assert operations_of(visit) == ["create", "propose", "accept"]


def test_an_offer_may_be_made_anew_and_with_somebody_else(people: Cast) -> None:
    ana = another(people)
    visit = book(people, practitioner=people.demir)
    offer(visit)
    offer(visit, start=TEN + 2 * HOUR, practitioner=ana)
    assert stands(visit) == ("proposed", TEN + 2 * HOUR, NOW + 24 * HOUR, 2)
    assert visit.practitioner == ana
    assert broken(now=NOW) == []


def test_an_offer_the_patient_turns_down_is_cancelled_by_them_whatever_the_time() -> None:
    people = cast(needs_approval=True, cancel_until=240)
    visit = book(people)
    with pytest.raises(TooLateToCancel):
        booking.cancel(actor=VISITOR, now=TEN - HOUR, appointment_id=visit.pk, by="patient")
    offer(visit)
    booking.cancel(actor=VISITOR, now=TEN - HOUR, appointment_id=visit.pk, by="patient")
    assert stands(visit) == ("cancelled", TEN + HOUR, None, 2)
    assert visit.cancelled_by == "patient"
    assert operations_of(visit) == ["create", "propose", "cancel"]
    assert broken(now=NOW) == []


def test_a_declined_request_is_cancelled_by_the_clinic_and_its_time_is_free(people: Cast) -> None:
    visit = book(people)
    decline(visit)
    assert stands(visit) == ("cancelled", TEN, None, 1)
    assert (visit.cancelled_by, visit.cancellation_reason) == ("clinic", "declined")
    assert TEN in free(people)
    assert operations_of(visit) == ["create", "decline"]


def test_a_time_offered_that_is_taken_leaves_the_request_as_it_is(people: Cast) -> None:
    visit = book(people)
    by_staff(people, start=TEN + HOUR)
    with pytest.raises(SlotTaken) as told:
        offer(visit)
    assert told.value.nearest
    assert stands(visit) == ("pending", TEN, NOW + 24 * HOUR, 0)
    assert broken(now=NOW) == []


def test_a_time_offered_must_be_one_the_clinic_has(people: Cast) -> None:
    visit = book(people)
    with pytest.raises(NotOffered) as told:
        offer(visit, start=TEN.replace(hour=5))
    assert told.value.rule == Rule.HOURS


def test_nothing_lapses_before_its_time(people: Cast) -> None:
    visit = book(people)
    assert approval.lapse(now=NOW + 24 * HOUR - timedelta(seconds=1)) == 0
    assert stands(visit)[0] == "pending"


def test_a_request_nobody_answered_lapses_and_frees_its_time(people: Cast) -> None:
    visit = book(people)
    assert approval.lapse(now=NOW + 24 * HOUR) == 1
    assert stands(visit) == ("cancelled", TEN, None, 1)
    assert (visit.cancelled_by, visit.cancellation_reason) == ("system", approval.REQUEST_LAPSED)
    assert TEN in free(people)
    assert operations_of(visit) == ["create", "cancel"]
    assert approval.lapse(now=NOW + 48 * HOUR) == 0


def test_an_offer_nobody_answered_lapses_too(people: Cast) -> None:
    visit, booked = book(people), by_staff(people, start=TEN + 2 * HOUR)
    offer(visit)
    assert approval.lapse(now=NOW + 24 * HOUR) == 1
    assert stands(visit) == ("cancelled", TEN + HOUR, None, 2)
    assert (visit.cancelled_by, visit.cancellation_reason) == ("system", approval.OFFER_LAPSED)
    assert stands(booked)[0] == "booked"
    assert broken(now=NOW) == []


def test_an_answer_after_the_deadline_comes_too_late_swept_or_not(people: Cast) -> None:
    request = book(people)
    with pytest.raises(Lapsed):
        approve(request, now=NOW + 24 * HOUR)
    offered = book(people, start=TEN + 2 * HOUR)
    offer(offered, start=TEN + 3 * HOUR)
    with pytest.raises(Lapsed):
        accept(offered, now=NOW + 24 * HOUR)
    assert (stands(request)[0], stands(offered)[0]) == ("pending", "proposed")
    assert approval.lapse(now=NOW + 24 * HOUR) == 2
    for late in (approve, accept):
        with pytest.raises(NotPossible):
            late(offered)


def test_a_deadline_put_off_since_it_was_looked_for_is_kept(people: Cast) -> None:
    visit = book(people)
    offer(visit, now=NOW + 23 * HOUR)
    assert approval._lapse(now=NOW + 24 * HOUR, appointment_id=visit.pk) is False
    assert stands(visit)[0] == "proposed"


def test_one_request_that_cannot_be_ended_now_keeps_no_other_from_lapsing(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = book(people), book(people, start=TEN + HOUR)
    locked = booking.locked

    def busy(appointment_id: Any) -> Appointment:
        if appointment_id == stuck.pk:
            raise TooBusy
        return locked(appointment_id)

    monkeypatch.setattr(approval, "locked", busy)
    assert approval.lapse(now=NOW + 24 * HOUR) == 1
    assert (stands(stuck)[0], stands(other)[0]) == ("pending", "cancelled")


@pytest.mark.parametrize("wrong", [accept, offer, decline])
def test_a_booked_appointment_is_no_request(people: Cast, wrong: Any) -> None:
    visit = by_staff(people)
    if wrong is accept:
        assert wrong(visit).sequence == 0  # it is booked already
        return
    with pytest.raises(NotPossible):
        wrong(visit)
    assert stands(visit) == ("booked", TEN, None, 0)


def test_neither_side_answers_for_the_other(people: Cast) -> None:
    visit = book(people)
    with pytest.raises(NotPossible):
        accept(visit)
    offer(visit)
    with pytest.raises(NotPossible):
        approve(visit)


@pytest.mark.parametrize("offered", [False, True])
def test_a_request_entered_in_error_awaits_no_answer(people: Cast, offered: bool) -> None:
    visit = book(people)
    if offered:
        offer(visit)
    visits.enter_in_error(actor=CARLA, now=NOW, appointment_id=visit.pk)
    assert stands(visit)[::2] == ("entered-in-error", None)
    assert approval.lapse(now=NOW + 100 * HOUR) == 0
    assert broken(now=NOW) == []


def test_the_evidence_says_that_nobody_answered(people: Cast) -> None:
    visit = book(people)
    approval.lapse(now=NOW + 24 * HOUR)
    last = records_of(visit)[-1]
    assert (last["use"]["case"], last["after"]["cancelled_by"]) == ("approval.lapse", "system")
