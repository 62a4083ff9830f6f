"""Booking several visits by phone: a series, or a second service right after; and what the page of each then tells."""

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.models import Appointment, Patient
from tests.bookings.entering import enter, said, settled_count, url, visit
from tests.factories import Cast, OfferFactory, PractitionerFactory, ServiceFactory, TermsFactory, cast, open_week

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 7, 40, tzinfo=UTC)
NINE = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
WEEK = timedelta(days=7)
BOOK = reverse("admin:bookings_appointment_add")
NEW = {"new-family_name": "Kovalevskaya", "new-language": "en", "language": "en"}


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def address(story: Cast, **changed: object) -> str:
    given = {"service": story.service.pk, "start": NINE.isoformat(), "at": story.location.pk, **changed}
    return f"{BOOK}?" + "&".join(f"{name}={str(value).replace('+', '%2B')}" for name, value in given.items())


def repeat(times: object = 4, **changed: object) -> dict[str, object]:
    return {"times": times, "every": 1, "unit": "WEEKLY", "conflicts": "none", "language": "en", **changed}


def starts() -> list[datetime]:
    return list(Appointment.objects.order_by("start").values_list("start", flat=True))


def test_a_series_is_booked_by_how_often_and_how_many(desk, story):
    form = repeat(3, every=2, patient=story.ada.pk, reason="Knee", key=uuid.uuid4())
    response = desk.post(address(story, patient=story.ada.pk), form)
    assert starts() == [NINE, NINE + 2 * WEEK, NINE + 4 * WEEK]
    rows = Appointment.objects.select_related("series")
    assert {row.series.rrule for row in rows if row.series} == {"FREQ=WEEKLY;INTERVAL=2;COUNT=3"}
    assert {(row.reason, row.booked_online) for row in rows} == {("Knee", False)}
    assert said(desk.get(response["Location"])) == [
        f"3 visits booked, the first on Monday, 30 November 2026, 09:00 (Paris time) · {story.ada.code}."
    ]
    desk.post(address(story, patient=story.ada.pk), form)
    assert len(starts()) == 3


def test_one_time_or_none_said_is_a_single_visit(desk, story):
    desk.post(address(story, patient=story.ada.pk), repeat("", patient=story.ada.pk))
    assert Appointment.objects.get().series is None


@pytest.mark.parametrize("changed", [{"times": 61}, {"times": "x"}, {"every": 0}, {"unit": "HOURLY"}])
def test_a_repetition_that_is_none_is_asked_again(desk, story, changed):
    page = desk.post(address(story, patient=story.ada.pk), repeat(**{"patient": story.ada.pk, **changed}))
    assert page.context["repeat"].errors
    assert starts() == []


def test_all_or_none_unless_what_is_taken_is_left_out_and_named(desk, story):
    stands = visit(story, start=NINE + WEEK, end=NINE + WEEK + HALF)
    page = desk.post(address(story, patient=story.ada.pk), repeat(patient=story.ada.pk))
    assert said(page) == ["This time is no longer free. Please choose another one."]
    assert starts() == [stands.start]
    form = repeat(patient=story.ada.pk, conflicts="skip")
    response = desk.post(address(story, patient=story.ada.pk), form)
    assert said(desk.get(response["Location"])) == [
        f"3 visits booked, the first on Monday, 30 November 2026, 09:00 (Paris time) · {story.ada.code}.",
        "Left out, because the time is taken or not offered: Mon, 7 Dec 2026, 09:00.",
    ]


def test_somebody_new_gets_the_series_or_is_not_written_down(desk, story):
    visit(story, start=NINE + WEEK, end=NINE + WEEK + HALF)
    desk.post(address(story), {**NEW, **repeat()})
    assert Patient.objects.count() == 1
    desk.post(address(story), {**NEW, **repeat(conflicts="skip")})
    assert (Patient.objects.count(), Appointment.objects.count()) == (2, 4)


def test_a_series_is_not_squeezed_in(desk, story):
    story.service.overbook_cap = 5
    story.service.save()
    visit(story, start=NINE, end=NINE + HALF)
    form = repeat(patient=story.ada.pk, squeeze="1", overbook_reason="urgent")
    assert said(desk.post(address(story, patient=story.ada.pk), form)) == ["Only a single visit can be squeezed in."]
    assert starts() == [NINE]


def test_the_page_of_an_occurrence_tells_its_place_and_leads_to_the_others(desk, story):
    desk.post(address(story, patient=story.ada.pk), repeat(3, patient=story.ada.pk))
    first, second, third = Appointment.objects.order_by("start")
    page = desk.get(url(second)).content.decode()
    assert "2 of 3" in page
    assert url(first) in page
    assert url(third) in page
    assert "booked together with" not in page.lower()


# --- one right after the other


@pytest.fixture
def blood(story: Cast) -> Any:
    service = ServiceFactory(clinic=story.clinic, name="Blood test", duration=10, step=10)
    nurse = PractitionerFactory(clinic=story.clinic, name="Nowak", title="")
    OfferFactory(service=service, practitioner=nurse)
    open_week(of=nurse, at=story.location, opens=time(9), closes=time(10))
    return service


def chains(page: Any) -> list[str]:
    return [free.clock for day in page.context["days"] for _place, times in day.places for free in times]


def pair(desk: Client, story: Cast, blood: Any, **more: object) -> Any:
    return desk.get(BOOK, {"service": blood.pk, "then": story.service.pk, **more})


def test_starts_are_listed_at_which_the_second_fits_right_after(desk, story, blood):
    visit(story, start=NINE + HALF, end=NINE + 2 * HALF)
    page = pair(desk, story, blood)
    assert chains(page)[:6] == [
        "09:00 → 10:00",
        "09:10 → 10:00",
        "09:20 → 10:00",
        "09:30 → 10:00",
        "09:40 → 10:00",
        "09:50 → 10:00",
    ]
    free = page.context["days"][0].places[0][1][0]
    assert free.who == "Nowak, Dr Demir"


def test_both_are_booked_with_one_press_and_told_of_each_other(desk, story, blood):
    free = pair(desk, story, blood, patient=story.ada.pk).context["days"][0].places[0][1][0]
    page = desk.get(f"{BOOK}{free.query}")
    assert page.context["bookable"]
    assert page.context["repeat"] is None
    assert page.context["told"].endswith("· → Consultation · 09:30 · Dr Demir")
    key = uuid.uuid4()
    desk.post(f"{BOOK}{free.query}", {"patient": story.ada.pk, "language": "en", "key": key})
    first, second = Appointment.objects.order_by("start")
    assert (first.service, first.start, second.service, second.start) == (blood, NINE, story.service, NINE + HALF)
    assert first.together == second.together == key
    page = desk.get(url(first)).content.decode()
    assert "Booked together with" in page
    assert url(second) in page


def test_neither_is_booked_and_nobody_is_written_down_when_one_is_gone(desk, story, blood):
    free = pair(desk, story, blood).context["days"][0].places[0][1][0]
    visit(story, start=NINE + HALF, end=NINE + 2 * HALF)
    page = desk.post(f"{BOOK}{free.query}", {**NEW, "key": uuid.uuid4()})
    assert said(page) == ["This time is no longer free. Please choose another one."]
    assert page.context["squeeze"] is None
    assert (Appointment.objects.count(), Patient.objects.count()) == (1, 1)


def test_pairs_are_narrowed_like_single_times_and_follow_the_answers(desk, story, blood):
    page = pair(desk, story, blood, weekday="2")
    assert [day.title for day in page.context["days"]] == ["Wednesday, 2 December 2026"]
    TermsFactory(service=story.service, coverage="private", duration=60)
    names = [field.name for field in page.context["wish"].folded]
    assert "coverage" not in names
    page = pair(desk, story, blood)
    assert "coverage" in [field.name for field in page.context["wish"].folded]
    assert chains(pair(desk, story, blood, language="de")) == []


def test_a_pair_of_which_only_one_was_chosen_is_listed_again(desk, story, blood):
    page = desk.get(address(story, service=blood.pk, then=story.service.pk))
    assert page.context["picked"] is None
    assert chains(page)


def test_pages_of_a_series_take_as_many_queries_for_six_as_for_three(desk, story):
    desk.post(address(story, patient=story.ada.pk), repeat(3, patient=story.ada.pk))
    few = settled_count(desk, url(Appointment.objects.order_by("start")[0]))
    desk.post(address(story, patient=story.ada.pk, start=(NINE + HALF).isoformat()), repeat(6, patient=story.ada.pk))
    more = Appointment.objects.filter(start__gte=NINE + 5 * WEEK).get()
    desk.get(url(more))
    assert settled_count(desk, url(more)) == few
