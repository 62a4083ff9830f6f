"""What one patient may have at most: a day, and open at once. (Two at the same moment: tests/faults/test_storms.py.)"""

from datetime import datetime, timedelta

import pytest

from bookings import booking, visits
from bookings.availability import NotOffered, Rule, explain
from tests.bookings.story import CARLA, DAY, HOUR, NOW, PARIS, TEN, VISITOR, book, by_staff, wished
from tests.factories import Cast, OfferFactory, PatientFactory, ServiceFactory, cast, open_week

pytestmark = pytest.mark.django_db


def refused(people: Cast, **wish: object) -> Rule:
    with pytest.raises(NotOffered) as told:
        book(people, **wish)
    return told.value.rule


def test_a_patient_may_have_so_many_a_day() -> None:
    people = cast(cap_day=2)
    book(people)
    book(people, start=TEN + HOUR)
    assert refused(people, start=TEN + 2 * HOUR) == Rule.CAP_DAY
    book(people, start=TEN + DAY)
    book(people, start=TEN + 2 * HOUR, patient=PatientFactory(clinic=people.clinic))


def test_a_day_is_the_local_day_of_the_place() -> None:
    people = cast(cap_day=1, step=60, duration=60, horizon=300)
    open_week(of=people.demir, at=people.location, opens=datetime.min.time(), closes=datetime.min.time())
    last = datetime(2027, 7, 6, 23, tzinfo=PARIS)  # the 7th begins at 22:00 UTC
    book(people, start=last)
    book(people, start=last + HOUR)
    assert refused(people, start=last - HOUR) == Rule.CAP_DAY
    assert refused(people, start=last + 2 * HOUR) == Rule.CAP_DAY


def test_a_patient_may_have_so_many_to_come() -> None:
    people = cast(cap_open=2)
    first = book(people)
    book(people, start=TEN + DAY)
    assert refused(people, start=TEN + 2 * DAY) == Rule.CAP_OPEN
    booking.cancel(actor=VISITOR, now=NOW, appointment_id=first.pk, by="patient")
    book(people, start=TEN + 2 * DAY)


def test_what_has_begun_is_no_longer_to_come() -> None:
    people = cast(cap_open=1)
    book(people)
    assert refused(people, start=TEN + DAY, now=TEN - timedelta(seconds=1)) == Rule.CAP_OPEN
    book(people, start=TEN + DAY, now=TEN)


def test_requests_count_and_so_do_offers() -> None:
    people = cast(cap_open=1, needs_approval=True)
    book(people)
    assert refused(people, start=TEN + DAY) == Rule.CAP_OPEN


def test_who_did_not_come_has_not_used_the_day() -> None:
    people = cast(cap_day=1, minimum_notice=0)
    visit = book(people)
    visits.mark_noshow(actor=CARLA, now=TEN, appointment_id=visit.pk)
    assert book(people, start=TEN + HOUR, now=TEN).status == "booked"


def test_a_cap_is_of_one_service() -> None:
    people = cast(cap_open=1)
    other = ServiceFactory(clinic=people.clinic, cap_open=1)
    OfferFactory(service=other, practitioner=people.demir)
    book(people)
    assert book(people, service=other, start=TEN + HOUR).service == other


def test_staff_are_not_bound_but_what_they_book_counts() -> None:
    people = cast(cap_open=1, cap_day=1)
    by_staff(people)
    by_staff(people, start=TEN + HOUR)
    assert refused(people, start=TEN + DAY) == Rule.CAP_OPEN


def test_a_hold_does_not_carry_a_patient_over_the_cap() -> None:
    people = cast(cap_open=1)
    book(people)
    told = explain(wish=wished(people, start=TEN + DAY, patient_id=people.ada.pk), now=NOW)
    assert [verdict.rule for verdict in told.wish if not verdict.holds] == [Rule.CAP_OPEN]
