"""The page of somebody invited: neutral, three answers, and nothing changed by reading."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.context import Actor
from bookings import links, participants
from bookings.models import Appointment, Participant
from tests.bookings.views.walk import NOW
from tests.factories import AppointmentFactory, Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(people: Cast) -> Appointment:
    return AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        reason="A cough that stays",
    )


@pytest.fixture
def invited(visit: Appointment) -> Participant:
    return participants.invite(
        actor=Actor.system("test"),
        now=NOW,
        appointment_id=visit.pk,
        role=Participant.Role.INTERPRETER,
        name="Ivo Hint",
        email="ivo@example.org",
    )


def address(participant: Participant) -> str:
    return reverse("bookings:participant", args=[links.participant_token(participant)])


def test_the_page_says_when_and_where_and_asks_and_names_nobody(client: Client, invited: Participant) -> None:
    page = client.get(address(invited)).content.decode()
    for said in ("Monday, 30 November 2026, 09:00 (Paris time)", "1 place Bellecour", "Accept", "Perhaps", "Decline"):
        assert said in page
    for secret in ("Lovelace", "Ada", "Consultation", "Demir", "cough", "Ivo Hint", "ivo@"):
        assert secret not in page


def test_reading_changes_nothing(client: Client, invited: Participant) -> None:
    before = Participant.objects.filter(pk=invited.pk).values().get()
    for _ in range(2):
        assert client.get(address(invited), {"answer": "accepted"}).status_code == 200
    assert client.head(address(invited)).status_code == 200
    assert Participant.objects.filter(pk=invited.pk).values().get() == before


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("accepted", "You have accepted."),
        ("tentative", "You have answered: perhaps."),
        ("declined", "You have declined."),
    ],
)
def test_each_button_is_an_answer_that_can_be_changed(
    client: Client, invited: Participant, answer: str, said: str
) -> None:
    client.post(address(invited), {"answer": "tentative" if answer != "tentative" else "declined"})
    response = client.post(address(invited), {"answer": answer})
    assert (response.status_code, response["Location"]) == (302, address(invited))
    invited.refresh_from_db()
    assert invited.status == answer
    assert said in client.get(address(invited)).content.decode()


@pytest.mark.parametrize("answer", ["", "needs-action", "nonsense"])
def test_what_is_no_answer_changes_nothing(client: Client, invited: Participant, answer: str) -> None:
    assert client.post(address(invited), {"answer": answer}).status_code == 422
    invited.refresh_from_db()
    assert invited.status == "needs-action"


def test_a_cancelled_visit_says_so_and_takes_no_answer(
    client: Client, visit: Appointment, invited: Participant
) -> None:
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled", cancelled_by="clinic")
    page = client.get(address(invited)).content.decode()
    assert "This appointment is cancelled." in page
    assert 'name="answer"' not in page
    assert client.post(address(invited), {"answer": "accepted"}).status_code == 409


def test_a_wrong_link_and_one_whose_days_are_over_get_the_same_page(
    client: Client, visit: Appointment, invited: Participant, clock: time_machine.Traveller
) -> None:
    wrong = client.get(reverse("bookings:participant", args=["x" * 24]))
    clock.move_to(visit.end + timedelta(days=visit.clinic.link_days))
    late = client.get(address(invited))
    assert (wrong.status_code, late.status_code) == (404, 404)
    assert "This link does not open" in wrong.content.decode()
    assert "This link does not open" in late.content.decode()


def test_an_erased_patients_visit_is_gone(client: Client, people: Cast, invited: Participant) -> None:
    people.ada.erased_at = NOW
    people.ada.save()
    assert client.get(address(invited)).status_code == 404


def test_other_methods_are_refused(client: Client, invited: Participant) -> None:
    assert client.delete(address(invited)).status_code == 405
