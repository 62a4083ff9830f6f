"""One appointment behind its link: closed without a code, and never changed by reading."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import links
from bookings.models import Appointment, ContactChallenge
from tests.bookings.views.walk import NINE, Walk, heading, newest_code, other_than
from tests.factories import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db


def address(appointment: Appointment, step: str = "manage") -> str:
    return reverse(f"bookings:{step}", args=[links.token(appointment)])


def opened(client: Client, appointment: Appointment) -> Any:
    """Another browser that proves the contact."""
    assert client.post(address(appointment))["Location"] == address(appointment, "manage-code")
    code = newest_code(purpose="manage")
    return client.post(address(appointment, "manage-code"), {"code": code})


def test_the_link_alone_tells_only_when_the_appointment_is(walk: Walk) -> None:
    appointment = walk.booked()
    page = Client().get(address(appointment)).content.decode()
    assert "Monday, 30 November 2026, 09:00 (Paris time)" in page
    for secret in ("Ångström", "Zoë", "zoe@", "Demir", "Consultation", "Bellecour", "cough"):
        assert secret not in page


@pytest.mark.parametrize("step", ["booked", "ics", "slip", "move"])
def test_without_the_code_everything_behind_the_link_leads_back_to_it(walk: Walk, step: str) -> None:
    appointment = walk.booked()
    assert Client().get(address(appointment, step))["Location"] == address(appointment)


def test_a_code_opens_the_appointment_for_an_hour(walk: Walk, clock: time_machine.Traveller) -> None:
    appointment = walk.booked()
    browser = Client()
    assert opened(browser, appointment)["Location"] == address(appointment)
    page = browser.get(address(appointment)).content.decode()
    assert "Monday, 30 November 2026, 09:00 (Paris time)" in page
    assert "Dr Demir" in page
    assert "Second floor, lift" in page
    assert "Cancel the appointment" in page
    assert "30 minutes" in page
    assert ("<bdi>Zoë</bdi>" in page, "Ångström" in page) == (True, False)
    clock.shift(timedelta(minutes=61))
    assert "Send me the code" in browser.get(address(appointment)).content.decode()


def test_the_code_goes_to_whoever_booked_for_the_patient(walk: Walk) -> None:
    appointment = walk.booked(who="other", helper_name="Ben", relationship="parent", email="ben@example.org")
    Client().post(address(appointment))
    assert ContactChallenge.objects.get(purpose="manage").contact == "ben@example.org"


def test_a_code_for_one_appointment_does_not_open_another(walk: Walk) -> None:
    mine, theirs = walk.booked(), Walk(Client(), walk.people).booked(NINE + timedelta(hours=1), email="eve@example.org")
    browser = Client()
    opened(browser, mine)
    assert "Send me the code" in browser.get(address(theirs)).content.decode()
    assert browser.get(address(theirs, "manage-code"))["Location"] == address(theirs)


def test_wrong_codes_are_counted_and_the_sixth_is_refused_even_when_right(walk: Walk) -> None:
    appointment = walk.booked()
    browser = Client()
    browser.post(address(appointment))
    right = newest_code(purpose="manage")
    wrong = other_than(right)
    statuses = [
        browser.post(address(appointment, "manage-code"), {"code": code}).status_code for code in [wrong] * 5 + [right]
    ]
    assert statuses == [422, 422, 422, 422, 410, 410]


def test_a_link_that_is_wrong_old_or_of_an_erased_patient_shows_one_and_the_same_page(
    walk: Walk, clock: time_machine.Traveller
) -> None:
    old = walk.booked()
    erased = Walk(Client(), walk.people).booked(NINE + timedelta(days=2), email="eve@example.org")
    erased.patient.erased_at = NINE
    erased.patient.save()
    clock.move_to(old.end + timedelta(days=7))
    wrong = "/a/" + "A" * 24 + "/"
    pages = []
    for target in (wrong, "/a/x%00y/", "/a/%F0%9F%99%82/", address(old), address(erased)):
        response = Client().get(target)
        assert (response.status_code, heading(response)) == (404, "This link does not open")
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        pages.append(page.replace(f'value="{target}"', ""))
        assert reverse("bookings:find") in page
    assert len({page for page in pages if "%" not in page}) == 1


def test_cancelling_takes_a_step_to_confirm_and_frees_the_time(walk: Walk) -> None:
    appointment = walk.booked()
    question = walk.client.get(address(appointment, "cancel"))
    assert heading(question) == "Cancel the appointment?"
    appointment.refresh_from_db()
    assert appointment.status == "booked"
    assert walk.client.post(address(appointment, "cancel"))["Location"] == address(appointment)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.cancelled_by) == ("cancelled", "patient")
    assert "This appointment is cancelled." in walk.client.get(address(appointment)).content.decode()
    assert Walk(Client(), walk.people).hold().status_code == 302


def test_cancelling_twice_stays_cancelled_without_complaint(walk: Walk) -> None:
    appointment = walk.booked()
    for _ in range(2):
        assert walk.client.post(address(appointment, "cancel")).status_code == 302
    assert walk.client.get(address(appointment, "cancel"))["Location"] == address(appointment)


def test_too_late_to_cancel_says_whom_to_call(walk: Walk, clock: time_machine.Traveller) -> None:
    appointment = walk.booked()
    clock.move_to(NINE - timedelta(hours=3))
    browser = Client()
    opened(browser, appointment)
    page = browser.get(address(appointment)).content.decode()
    assert "It can no longer be moved or cancelled here. Please call +33 4 72 00 00 00." in page
    response = browser.post(address(appointment, "cancel"))
    assert response.status_code == 409
    assert "It is too late to cancel online." in response.content.decode()


def test_the_calendar_file_is_neutral_and_downloads(walk: Walk) -> None:
    appointment = walk.booked()
    response = walk.client.get(address(appointment, "ics"))
    body = response.content.decode()
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert "BEGIN:VEVENT" in body
    assert "Practice at the park" in body
    for secret in ("Ångström", "Consultation", "Demir", "cough"):
        assert secret not in body


def test_an_appointment_made_without_an_address_asks_to_call(walk: Walk) -> None:
    people = walk.people
    appointment = AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=PatientFactory(clinic=people.clinic, email=""),
        start=NINE,
    )
    appointment.link_digest = links.digest(links.token(appointment))
    appointment.save()
    response = Client().post(address(appointment))
    assert response.status_code == 409
    assert "We have no e-mail address for this appointment. Please call us." in response.content.decode()


def test_reading_never_sends_a_code_nor_cancels(walk: Walk) -> None:
    appointment = walk.booked()
    sent = ContactChallenge.objects.count()
    for step in ("manage", "manage-code", "booked", "cancel", "ics"):
        for method in (walk.client.get, walk.client.head):
            method(address(appointment, step))
    assert ContactChallenge.objects.count() == sent
    appointment.refresh_from_db()
    assert appointment.status == "booked"


def test_too_many_codes_for_one_link_are_refused(walk: Walk) -> None:
    appointment = walk.booked()
    statuses = [Client().post(address(appointment)).status_code for _ in range(5)]
    assert statuses == [302, 302, 302, 302, 429]
