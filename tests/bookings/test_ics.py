"""The calendar file of an appointment: neutral, stable, in the location's zone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from audit.context import Actor
from bookings import booking, ics, links
from bookings.models import Appointment
from tests.factories import MONDAY, AppointmentFactory, Cast, LocationFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
BASE = "https://book.example.eu"


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


def visit(people: Cast, **fields: object) -> Appointment:
    return AppointmentFactory(
        clinic=people.clinic,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        **{"location": people.location, "reason": "A secret cough", **fields},
    )


def _text(value: Any) -> str:
    written = value.to_ical()
    assert isinstance(written, bytes)
    return written.decode()


def event(appointment: Appointment) -> tuple[Calendar, dict[str, str]]:
    document = Calendar.from_ical(ics.calendar(appointment, now=NOW, base_url=BASE))
    (found,) = document.walk("VEVENT")
    return document, {name: _text(found[name]) for name in found}


def test_the_entry_names_the_clinic_neutrally_and_nothing_else(people: Cast) -> None:
    appointment = visit(people)
    text = ics.calendar(appointment, now=NOW, base_url=BASE).decode()
    for secret in ("Ada", "Lovelace", "cough", "Consultation", "Demir", "Cabinet du Parc"):
        assert secret not in text
    _, fields = event(appointment)
    assert fields["SUMMARY"] == "Appointment\\, Practice at the park"
    assert fields["URL"] == f"{BASE}/a/{links.token(appointment)}/"


def test_the_uid_is_the_appointments_and_the_times_are_the_locations(people: Cast) -> None:
    lisbon = LocationFactory(clinic=people.clinic, zone="Europe/Lisbon", country="PT")
    document, fields = event(visit(people, location=lisbon))
    appointment = Appointment.objects.get()
    assert fields["UID"] == str(appointment.pk)
    assert fields["DTSTART"] == "20261130T080000"  # 08:00 UTC is 08:00 in Lisbon
    assert [zone["TZID"] for zone in document.walk("VTIMEZONE")] == ["Europe/Lisbon"]
    assert (str(document["METHOD"]), fields["STATUS"], fields["SEQUENCE"]) == ("PUBLISH", "CONFIRMED", "0")


def test_a_cancelled_one_takes_the_entry_back_with_a_higher_sequence(people: Cast) -> None:
    appointment = visit(people)
    cancelled = booking.cancel(actor=Actor.system("test"), now=NOW, appointment_id=appointment.pk, by="clinic")
    document, fields = event(cancelled)
    assert (str(document["METHOD"]), fields["STATUS"], fields["SEQUENCE"]) == ("CANCEL", "CANCELLED", "1")
    assert fields["UID"] == str(appointment.pk)
    assert cancelled.start == MONDAY.replace(hour=8)


def test_the_words_are_in_the_patients_language(people: Cast) -> None:
    _, fields = event(visit(people, language="de"))
    assert fields["SUMMARY"].endswith("Practice at the park")
