"""Again and again: a visit every week, every two weeks or every month, all or with taken dates left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from bookings.models import Appointment, Draft, Hold
from tests.bookings.views.test_appointments import address
from tests.bookings.views.test_filters import starts
from tests.bookings.views.walk import NINE, Walk
from tests.factories import AppointmentFactory, OfferFactory, PractitionerFactory, open_week

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
WEEKLY: dict[str, Any] = {"every": "week", "times": "3"}


@pytest.fixture(autouse=True)
def repeats(walk: Walk) -> None:
    """Up to six visits at once."""
    walk.people.service.most_repeats = 6
    walk.people.service.save()


def page(walk: Walk, **query: Any) -> str:
    return str(walk.client.get(walk.times, query).content.decode())


def take(walk: Walk, start: Any) -> None:
    """Somebody else has this time with Dr Demir."""
    people = walk.people
    AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        start=start,
    )


def booked(walk: Walk, **wanted: Any) -> list[Appointment]:
    draft = walk.draft(**{**WEEKLY, **wanted})
    assert walk.fill(draft).status_code == 302
    assert walk.type_code(draft).status_code == 302
    return list(Appointment.objects.exclude(patient=walk.people.ada).order_by("start"))


def test_a_service_says_how_often_it_can_repeat_and_others_do_not_offer_it(walk: Walk) -> None:
    shown = page(walk)
    assert "How many visits in all" in shown
    assert "<option>6</option>" in shown
    assert "<option>7</option>" not in shown
    walk.people.service.most_repeats = 1
    walk.people.service.save()
    assert "How many visits in all" not in page(walk)


def test_all_or_none_lists_only_times_that_are_free_every_time(walk: Walk) -> None:
    take(walk, NINE + WEEK)
    listed = starts(page(walk, **WEEKLY, **{"from": "2026-11-30"}))
    assert "2026-11-30T08:00Z" not in listed
    assert "2026-11-30T08:30Z" in listed
    assert "2026-11-30T08:00Z" in starts(page(walk, **WEEKLY, taken="skip", **{"from": "2026-11-30"}))


def test_one_person_gives_the_whole_series(walk: Walk) -> None:
    second = PractitionerFactory(clinic=walk.people.clinic, name="Novak")
    OfferFactory(service=walk.people.service, practitioner=second)
    open_week(of=second, at=walk.people.location)
    take(walk, NINE + WEEK)
    assert {one.practitioner for one in booked(walk)} == {second}


def test_a_series_is_held_told_and_booked_as_one(walk: Walk) -> None:
    draft = walk.draft(**WEEKLY)
    shown = walk.client.get(walk.address(draft)).content.decode()
    assert "Every week, 3 visits" in shown
    for day in ("30 November", "7 December", "14 December"):
        assert f"Monday, {day} 2026, 09:00 (Paris time)" in shown
    assert "Left out" not in shown
    walk.fill(draft)
    done = walk.client.get(walk.type_code(draft)["Location"]).content.decode()
    made = Appointment.objects.order_by("start")
    assert [(one.start, one.occurrence_index) for one in made] == [(NINE + week * WEEK, week) for week in range(3)]
    assert len({one.series_id for one in made}) == 1
    assert "The other visits of this series" in done


@pytest.mark.parametrize(("every", "days"), [("week", [0, 7, 14]), ("fortnight", [0, 14, 28]), ("month", [0, 31, 62])])
def test_each_rhythm_keeps_its_wall_clock(walk: Walk, every: str, days: list[int]) -> None:
    start = NINE + timedelta(days=1 if every == "month" else 0)  # the 1st: each month has one
    walk.draft(start, every=every, times="3", taken="skip")
    expected = [start + timedelta(days=number) for number in days]
    new_year = datetime(2027, 1, 1, tzinfo=UTC).date()  # a holiday, left out
    assert [hold.start for hold in Hold.objects.order_by("start")] == [
        one for one in expected if one.date() != new_year
    ]


def test_dates_that_are_taken_are_left_out_and_named(walk: Walk) -> None:
    take(walk, NINE + WEEK)
    draft = walk.draft(**WEEKLY, taken="skip")
    shown = walk.client.get(walk.address(draft)).content.decode()
    assert "Left out" in shown
    assert "<s>Monday, 7 December 2026, 09:00 (Paris time)</s>" in shown
    walk.fill(draft)
    walk.type_code(draft)
    made = Appointment.objects.exclude(patient=walk.people.ada).order_by("start")
    assert [one.occurrence_index for one in made] == [0, 2]


def test_all_or_none_lost_holds_nothing_and_offers_to_leave_the_taken_out(walk: Walk) -> None:
    take(walk, NINE + WEEK)
    response = walk.hold(**WEEKLY)
    shown = response.content.decode()
    assert (response.status_code, Hold.objects.count()) == (409, 0)
    assert "Keep this time and leave out dates that are taken" in shown
    assert walk.hold(**WEEKLY, taken="skip").status_code == 302
    assert Hold.objects.count() == 2


def test_the_same_press_twice_holds_once(walk: Walk) -> None:
    take(walk, NINE + WEEK)
    first, second = walk.draft(**WEEKLY, taken="skip"), walk.draft(**WEEKLY, taken="skip")
    assert (first.pk, Hold.objects.count()) == (second.pk, 2)


def test_a_form_begun_keeps_its_rhythm_when_it_moves(walk: Walk) -> None:
    draft = walk.draft(**WEEKLY)
    walk.fill(draft, family_name="Kept")
    shown = page(walk, draft=str(draft.pk))
    assert "Every week, 3 visits" in shown
    assert "How many visits in all" not in shown
    assert walk.hold(NINE + timedelta(hours=2), draft=str(draft.pk)).status_code == 302
    draft.refresh_from_db()
    assert (draft.start, len(draft.further), draft.rrule) == (NINE + timedelta(hours=2), 2, "FREQ=WEEKLY;COUNT=3")


@pytest.mark.parametrize(
    "query",
    [
        {"every": "day", "times": "3"},
        {"every": "week", "times": "7"},
        {"every": "week", "times": "1"},
        {"every": "week", "times": "x"},
        {"every": "week", "times": "3", "taken": "some"},
        {"every": "week", "times": "3", "people": "2"},
    ],
)
def test_forged_repetitions_are_a_400(walk: Walk, query: dict[str, Any]) -> None:
    assert walk.client.get(walk.times, query).status_code == 400
    assert walk.hold(**query).status_code == 400
    assert (Hold.objects.count(), Draft.objects.count()) == (0, 0)


def test_one_visit_or_all_that_follow_are_cancelled_by_choice(walk: Walk) -> None:
    made = booked(walk)
    second = address(made[1], "cancel")
    assert "This one and 1 that follows" in walk.client.get(second).content.decode()
    assert walk.client.post(second, {"scope": "everything"}).status_code == 400
    walk.client.post(second, {"scope": "following"})
    assert [Appointment.objects.get(pk=one.pk).status for one in made] == ["booked", "cancelled", "cancelled"]
    walk.client.post(address(made[0], "cancel"))
    assert Appointment.objects.get(pk=made[0].pk).status == "cancelled"


def test_one_visit_only_is_cancelled_unless_said(walk: Walk) -> None:
    made = booked(walk)
    walk.client.post(address(made[0], "cancel"), {"scope": "this"})
    assert [Appointment.objects.get(pk=one.pk).status for one in made] == ["cancelled", "booked", "booked"]


def test_this_and_all_following_move_by_as_much(walk: Walk) -> None:
    made = booked(walk)
    later = made[1].start + timedelta(hours=1)
    slot = f"{later:%Y-%m-%dT%H:%MZ}~bellecour~"
    assert "This one and 1 that follows" in walk.client.get(address(made[1], "move"), {"slot": slot}).content.decode()
    response = walk.client.post(address(made[1], "move"), {"slot": slot, "scope": "following"})
    assert response["Location"] == address(made[1]) + "?moved=1"
    hour = timedelta(hours=1)
    assert [Appointment.objects.get(pk=one.pk).start for one in made] == [
        NINE,
        NINE + WEEK + hour,
        NINE + 2 * WEEK + hour,
    ]


def test_following_that_cannot_all_move_stay_until_the_patient_chooses_which(walk: Walk) -> None:
    made = booked(walk)
    hour = timedelta(hours=1)
    take(walk, NINE + 2 * WEEK + hour)
    slot = f"{made[0].start + hour:%Y-%m-%dT%H:%MZ}~bellecour~"
    response = walk.client.post(address(made[0], "move"), {"slot": slot, "scope": "following"})
    assert response.status_code == 409
    assert "Move the visits that can be moved, leave the others" in response.content.decode()
    assert [Appointment.objects.get(pk=one.pk).start for one in made] == [one.start for one in made]
    walk.client.post(address(made[0], "move"), {"slot": slot, "scope": "following", "skip": "1"})
    assert [Appointment.objects.get(pk=one.pk).start - one.start for one in made] == [hour, hour, timedelta(0)]


def test_a_rival_gets_none_of_the_dates_held(walk: Walk) -> None:
    walk.draft(**WEEKLY)
    assert Walk(Client(), walk.people).hold(NINE + 2 * WEEK).status_code == 409
