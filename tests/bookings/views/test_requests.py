"""Services whose times the clinic confirms: what is said before and after, and the answer to another offer."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from audit.context import Actor
from bookings import approval
from bookings.models import Appointment
from tests.bookings.views.test_appointments import address, opened
from tests.bookings.views.test_finding import listed
from tests.bookings.views.walk import NINE, NOW, Walk, heading

pytestmark = pytest.mark.django_db
DESK = Actor(kind="staff", id="1", label="Carla")
LATER = NINE + timedelta(hours=4)


@pytest.fixture(autouse=True)
def confirmed(walk: Walk) -> None:
    """The clinic confirms each request within a day."""
    walk.people.service.needs_approval, walk.people.service.answer_hours = True, 24
    walk.people.service.save()


def offered(walk: Walk) -> Appointment:
    appointment = walk.booked()
    return approval.offer(actor=DESK, now=NOW, appointment_id=appointment.pk, start=LATER)


def manage(walk: Walk, appointment: Appointment) -> str:
    return str(walk.client.get(address(appointment)).content.decode())


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


def test_it_is_said_before_a_time_is_chosen_and_by_when_before_it_is_asked_for(walk: Walk) -> None:
    assert "it answers within 24 hours" in walk.client.get(walk.times).content.decode()
    draft = walk.draft()
    deadline = "at the latest by Saturday, 28 November 2026, 09:00 (Paris time)"
    assert deadline in walk.client.get(walk.address(draft)).content.decode()
    walk.fill(draft)
    code = walk.client.get(walk.address(draft, "code")).content.decode()
    assert deadline in code
    assert "Send the request" in code
    assert "Book the appointment" not in code


def test_a_request_is_told_as_one_with_its_deadline(walk: Walk) -> None:
    draft = walk.draft()
    walk.fill(draft)
    response = walk.client.get(walk.type_code(draft)["Location"])
    assert heading(response) == "Your request is sent"
    assert "It answers by Saturday, 28 November 2026, 09:00 (Paris time)." in response.content.decode()
    appointment = Appointment.objects.get()
    assert appointment.status == "pending"
    shown = manage(walk, appointment)
    assert "Your request waits for the clinic." in shown
    assert "Add to my calendar" not in shown
    assert "Cancel the appointment" in shown


def test_a_confirmed_request_is_a_booking(walk: Walk) -> None:
    appointment = walk.booked()
    approval.approve(actor=DESK, now=NOW, appointment_id=appointment.pk)
    shown = manage(walk, appointment)
    assert "waits for the clinic" not in shown
    assert "Add to my calendar" in shown
    assert heading(walk.client.get(address(appointment, "booked"))) == "You are booked"


def test_another_time_offered_can_be_accepted(walk: Walk) -> None:
    appointment = offered(walk)
    shown = manage(walk, appointment)
    assert "The clinic offers you this time instead." in shown
    assert "13:00 (Paris time)" in shown
    assert "Please answer by Saturday, 28 November 2026, 09:00 (Paris time)" in shown
    assert walk.client.get(address(appointment, "accept")).status_code == 405
    assert fresh(appointment).status == "proposed"
    assert walk.client.post(address(appointment, "accept"))["Location"] == address(appointment)
    assert (fresh(appointment).status, fresh(appointment).start) == ("booked", LATER)
    assert walk.client.post(address(appointment, "accept")).status_code == 302
    assert walk.client.post(address(appointment, "decline")).status_code == 302
    assert fresh(appointment).status == "booked"


def test_another_time_offered_can_be_declined(walk: Walk) -> None:
    appointment = offered(walk)
    assert walk.client.get(address(appointment, "decline")).status_code == 405
    walk.client.post(address(appointment, "decline"))
    assert (fresh(appointment).status, fresh(appointment).cancelled_by) == ("cancelled", "patient")
    assert "This appointment is cancelled." in manage(walk, appointment)


def test_nobody_answers_an_offer_without_the_code(walk: Walk) -> None:
    appointment = offered(walk)
    for step in ("accept", "decline", "move"):
        assert Client().post(address(appointment, step))["Location"] == address(appointment)
    assert fresh(appointment).status == "proposed"


def test_an_answer_that_comes_too_late_is_told_and_books_nothing(walk: Walk, clock: time_machine.Traveller) -> None:
    appointment = offered(walk)
    clock.shift(timedelta(hours=25))
    browser = Client()
    opened(browser, appointment)
    response = browser.post(address(appointment, "accept"))
    assert response.status_code == 409
    assert "The time to answer is over." in response.content.decode()
    assert fresh(appointment).status == "proposed"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("decline", "The clinic could not confirm your request."),
        ("lapse", "The clinic did not answer in time, so your request lapsed."),
        ("lapse offer", "Nobody answered the clinic’s offer in time, so it lapsed."),
    ],
)
def test_each_end_of_a_request_is_told_in_its_own_words(
    walk: Walk, clock: time_machine.Traveller, end: str, words: str
) -> None:
    appointment = offered(walk) if "offer" in end else walk.booked()
    if end == "decline":
        approval.decline(actor=DESK, now=NOW, appointment_id=appointment.pk)
    else:
        clock.shift(timedelta(hours=25))
        approval.lapse(now=NOW + timedelta(hours=25))
    browser = Client()
    opened(browser, appointment)
    shown = browser.get(address(appointment)).content.decode()
    assert words in shown
    assert "Book another appointment" in shown


def test_choosing_another_time_instead_of_the_offer_asks_anew(walk: Walk) -> None:
    appointment = offered(walk)
    shown = walk.client.get(address(appointment, "move")).content.decode()
    assert "your appointment becomes a request again" in shown
    slot = f"{NINE + timedelta(hours=2):%Y-%m-%dT%H:%MZ}~bellecour~"
    confirm: Any = walk.client.get(address(appointment, "move"), {"slot": slot})
    assert "becomes a request again" in confirm.content.decode()
    walk.client.post(address(appointment, "move"), {"slot": slot})
    assert (fresh(appointment).status, fresh(appointment).start) == ("pending", NINE + timedelta(hours=2))


def test_the_list_of_found_appointments_says_what_waits_for_the_patient(walk: Walk) -> None:
    offered(walk)
    assert "waits for your answer" in listed(Client())
