"""Requests at the desk: what waits for an answer stands on top, is approved, declined, or offered another time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.models import Appointment, AppointmentStatus, Role
from tests.bookings.entering import another_patient, enter, reads, said, settled_count, someone, url, visit
from tests.factories import Cast, PractitionerFactory, cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 9, 40, tzinfo=UTC)
WISHED = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
DESK = reverse("admin:desk")
STEP = reverse("admin:desk_step")


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast(needs_approval=True)


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def request(story: Cast, *, hours: int = 24, later: int = 0, **fields: Any) -> Appointment:
    """A request to be answered within so many hours, for a day to come."""
    start = WISHED + timedelta(hours=later)
    given = {"status": AppointmentStatus.PENDING, "respond_by": NOW + timedelta(hours=hours), **fields}
    return visit(story, start=start, end=start + HALF, **given)


def steps(rows: list[Any], appointment: Appointment) -> list[str]:
    row = next(row for row in rows if row.appointment == appointment)
    return [step.name for step in (*row.buttons, *row.more)]


def now_is(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


def test_requests_of_every_day_stand_on_top_the_oldest_deadline_first(desk, story):
    later, sooner = request(story, hours=40), request(story, hours=3, later=1, patient=another_patient(story, "Zuse"))
    offered = request(story, later=2, status=AppointmentStatus.PROPOSED)
    page = desk.get(DESK)
    assert [row.appointment for row in page.context["asked"]] == [sooner, later]
    assert [row.appointment for row in page.context["offers"]] == [offered]
    assert page.context["rows"] == []
    row = page.context["asked"][0]
    assert (row.name, row.day, row.begins) == ("Zuse", "Thursday, 3 December 2026", "10:00")
    assert row.answer_by == "Mon, 30 Nov 2026, 13:40"
    text = page.content.decode()
    assert "Requests to answer" in text
    assert "Offers that wait for the patient" in text
    assert sorted(code for read in reads() for code in read["patients"]) == sorted(
        {sooner.patient.code, later.patient.code}
    )


def test_a_sheet_without_requests_says_nothing_of_them(desk, story):
    page = desk.get(DESK)
    assert page.context["asked"] == page.context["offers"] == []
    assert "Requests to answer" not in page.content.decode()


def test_requests_are_narrowed_with_the_sheet(desk, story):
    mine = request(story)
    other = PractitionerFactory(clinic=story.clinic)
    assert [row.appointment for row in desk.get(DESK, {"show": f"p{story.demir.pk}"}).context["asked"]] == [mine]
    assert desk.get(DESK, {"show": f"p{other.pk}"}).context["asked"] == []


def test_a_request_can_be_answered_and_nothing_else(desk, story):
    asked = request(story)
    offered = request(story, later=1, status=AppointmentStatus.PROPOSED)
    page = desk.get(DESK)
    assert steps(page.context["asked"], asked) == ["approve", "offer", "decline", "withdraw"]
    assert steps(page.context["offers"], offered) == ["offer", "cancel", "withdraw"]


def test_a_request_on_the_day_itself_cannot_arrive(desk, story):
    start = NOW + timedelta(hours=1)
    asked = visit(story, start=start, end=start + HALF, status=AppointmentStatus.PENDING, respond_by=start)
    page = desk.get(DESK)
    assert steps(page.context["rows"], asked) == ["approve", "offer", "decline", "withdraw"]
    assert page.context["rows"][0].answer_by == "Mon, 30 Nov 2026, 11:40"
    desk.post(STEP, {"do": f"arrive:{asked.pk}:pending"})
    assert now_is(asked).status == "pending"


def test_one_press_approves(desk, story):
    asked = request(story)
    response = desk.post(STEP, {"do": f"approve:{asked.pk}:pending", "back": "day=2026-11-30"}, follow=True)
    assert said(response) == [f"Thu, 3 Dec 2026, 09:00 · {story.ada.code} is confirmed."]
    assert (now_is(asked).status, now_is(asked).respond_by) == ("booked", None)


def test_what_lapsed_is_not_approved_and_says_why(desk, story):
    asked = request(story, hours=0)
    response = desk.post(STEP, {"do": f"approve:{asked.pk}:pending"}, follow=True)
    over = "The time to answer is over. Please choose a new time, or phone the clinic."
    assert said(response) == [f"Thu, 3 Dec 2026, 09:00 · {story.ada.code}: {over}"]


def test_declining_is_asked_once_more_and_frees_the_time(desk, story):
    asked = request(story)
    page = reverse("admin:desk_ask", args=[asked.pk, "decline"])
    assert "Decline this request" in desk.get(page).content.decode()
    response = desk.post(page, {"back": "page"})
    assert response["Location"] == url(asked)
    declined = now_is(asked)
    assert (declined.status, declined.cancelled_by, declined.cancellation_reason) == (
        "cancelled",
        "clinic",
        "declined",
    )
    assert not declined.occupancies.exists()
    assert "The request was declined" in desk.get(url(asked)).content.decode()


def test_another_time_is_offered_from_the_free_ones(desk, story):
    asked = request(story)
    address = reverse("admin:bookings_appointment_offer", args=[asked.pk])
    page = desk.get(address)
    assert page.context["days"]
    assert page.context["squeeze"] is None
    start = WISHED + timedelta(days=1)
    chosen = f"{address}?start={start.isoformat().replace('+', '%2B')}&at={story.location.pk}"
    assert desk.get(chosen).context["bookable"]
    response = desk.post(chosen)
    assert said(desk.get(response["Location"])) == [
        f"Offered: Friday, 4 December 2026, 09:00 (Paris time) · {story.ada.code}."
    ]
    offered = now_is(asked)
    assert (offered.status, offered.start) == ("proposed", start)
    assert offered.respond_by == NOW + timedelta(hours=48)


def test_an_offer_can_be_taken_back(desk, story):
    offered = request(story, status=AppointmentStatus.PROPOSED)
    desk.post(reverse("admin:desk_ask", args=[offered.pk, "cancel"]), {"reason": "other"})
    assert now_is(offered).status == "cancelled"


def test_what_is_booked_is_not_offered_another_time(desk, story):
    booked = request(story, status=AppointmentStatus.BOOKED, respond_by=None)
    response = desk.get(reverse("admin:bookings_appointment_offer", args=[booked.pk]))
    assert response["Location"] == url(booked)


def test_the_index_counts_open_requests_of_every_day(desk, story):
    request(story)
    request(story, later=1)
    request(story, later=2, status=AppointmentStatus.PROPOSED)
    page = desk.get(reverse("admin:index"))
    assert page.context["clinics_today"][0]["now"].requests == 2
    assert "2 requests to answer" in page.content.decode()


def test_another_clinic_and_who_only_looks_answer_nothing(story):
    asked = request(story)
    address = reverse("admin:bookings_appointment_offer", args=[asked.pk])
    ask = reverse("admin:desk_ask", args=[asked.pk, "decline"])
    for client in (enter(story.otto), enter(someone(clinic=story.clinic, role=Role.DPO))):
        assert client.get(address).status_code == client.get(ask).status_code == client.post(ask).status_code == 404
        client.post(STEP, {"do": f"approve:{asked.pk}:pending"})
    assert now_is(asked).status == "pending"
    looking = enter(someone(clinic=story.clinic, role=Role.DPO, name="lena")).get(DESK)
    assert steps(looking.context["asked"], asked) == []


def test_a_page_step_is_no_button(desk, story):
    booked = request(story, status=AppointmentStatus.BOOKED, respond_by=None)
    response = desk.post(STEP, {"do": f"move:{booked.pk}:booked"}, follow=True)
    assert said(response) == ["This appointment is not on your desk."]


def test_a_sheet_takes_as_many_queries_for_three_requests_as_for_one(desk, story):
    request(story)
    request(story, later=1, status=AppointmentStatus.PROPOSED)
    one = settled_count(desk, DESK)
    for later in (2, 3, 4):
        request(story, later=later, patient=another_patient(story, f"Zuse{later}"))
    assert len(desk.get(DESK).context["asked"]) == 4
    assert settled_count(desk, DESK) == one
