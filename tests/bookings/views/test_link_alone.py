"""What a link without a code shows and takes: the time, a yes and a no; and nothing for whoever asked for a code."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from audit.models import Record
from audit.stream import drain
from bookings.models import Appointment
from tests.bookings.views.test_appointments import address, opened
from tests.bookings.views.walk import NINE, Walk, heading

pytestmark = pytest.mark.django_db


def standing(appointment: Appointment) -> tuple[str, bool]:
    appointment.refresh_from_db()
    return appointment.status, appointment.confirmed_at is not None


def test_one_press_says_that_the_patient_comes(walk: Walk) -> None:
    appointment, stranger = walk.booked(), Client()
    assert stranger.get(address(appointment, "confirm")).status_code == 405
    assert stranger.post(address(appointment, "confirm"))["Location"] == address(appointment)
    assert standing(appointment) == ("booked", True)
    assert "The clinic knows that you are coming." in stranger.get(address(appointment)).content.decode()


def test_reading_the_link_changes_nothing(walk: Walk) -> None:
    appointment = walk.booked()
    for step in ("manage", "cancel"):
        Client().get(address(appointment, step))
        Client().head(address(appointment, step))
    assert standing(appointment) == ("booked", False)


def test_the_link_alone_cancels_after_asking_once_and_names_nothing_but_the_time(walk: Walk) -> None:
    appointment, stranger = walk.booked(), Client()
    question = stranger.get(address(appointment, "cancel"))
    assert heading(question) == "Cancel the appointment?"
    for secret in ("Demir", "Consultation", "Bellecour"):
        assert secret not in question.content.decode()
    assert stranger.post(address(appointment, "cancel"))["Location"] == address(appointment)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.cancelled_by) == ("cancelled", "patient")


def test_a_patient_who_asked_for_nothing_without_a_code_is_shown_no_date_and_no_button(walk: Walk) -> None:
    appointment, stranger = walk.booked(), Client()
    appointment.patient.safe_contact = True
    appointment.patient.save()
    page = stranger.get(address(appointment)).content.decode()
    assert ("30 November" in page, "I am coming" in page, "Send me the code" in page) == (False, False, True)
    for step in ("confirm", "cancel"):
        assert stranger.post(address(appointment, step))["Location"] == address(appointment)
    assert standing(appointment) == ("booked", False)
    opened(stranger, appointment)
    assert heading(stranger.get(address(appointment, "cancel"))) == "Cancel the appointment?"


@pytest.mark.parametrize("status", ["pending", "proposed", "cancelled", "fulfilled", "entered-in-error"])
def test_only_an_appointment_that_stands_is_confirmed_or_cancelled_by_its_link(walk: Walk, status: str) -> None:
    appointment = walk.booked()
    Appointment.objects.filter(pk=appointment.pk).update(status=status, cancelled_by="patient")
    page = Client().get(address(appointment)).content.decode()
    assert "I am coming" not in page
    for step in ("confirm", "cancel"):
        assert Client().post(address(appointment, step))["Location"] == address(appointment)
    assert standing(appointment) == (status, False)


def test_too_late_to_cancel_is_said_and_confirming_still_works(walk: Walk, clock: time_machine.Traveller) -> None:
    appointment = walk.booked()
    clock.move_to(NINE - timedelta(minutes=30))
    page = Client().get(address(appointment)).content.decode()
    assert "It can no longer be cancelled here." in page
    assert Client().post(address(appointment, "cancel")).status_code == 409
    Client().post(address(appointment, "confirm"))
    assert standing(appointment) == ("booked", True)


def test_a_move_takes_the_yes_back_which_was_said_of_another_time(walk: Walk) -> None:
    appointment, stranger = walk.booked(), Client()
    stranger.post(address(appointment, "confirm"))
    slot = f"{NINE + timedelta(hours=2):%Y-%m-%dT%H:%MZ}~{walk.people.location.slug}~"
    opened(stranger, appointment)
    assert stranger.post(address(appointment, "move"), {"slot": slot}).status_code == 302
    assert standing(appointment) == ("booked", False)


@pytest.mark.django_db(transaction=True)
def test_the_record_says_that_it_was_whoever_held_the_link(walk: Walk) -> None:
    appointment = walk.booked()
    Client().post(address(appointment, "confirm"))
    drain()
    record = Record.objects.get(operation="confirm", model="bookings.Appointment")
    actor: dict[str, Any] = json.loads(record.body)["actor"]
    assert (actor["kind"], actor["label"]) == ("visitor", "link")


def test_the_slip_has_what_a_printed_sheet_needs(walk: Walk) -> None:
    appointment = walk.booked()
    page = walk.client.get(address(appointment, "slip")).content.decode()
    for wanted in ("Monday, 30 November 2026, 09:00 (Paris time)", "Dr Demir", "Second floor, lift", "Bellecour"):
        assert wanted in page
