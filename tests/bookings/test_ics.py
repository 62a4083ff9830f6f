"""The calendar file of an appointment: neutral, stable, in the location's zone."""

from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

import pytest
from django.conf import settings
from icalendar import Calendar

from audit.context import Actor
from bookings import booking, ics, links, moving
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


@pytest.mark.parametrize("status", ["pending", "proposed"])
def test_what_is_not_booked_yet_is_tentative(people: Cast, status: str) -> None:
    document, fields = event(visit(people, status=status))
    assert (str(document["METHOD"]), fields["STATUS"]) == ("PUBLISH", "TENTATIVE")


def test_a_move_keeps_the_uid_and_raises_the_sequence(people: Cast) -> None:
    appointment = visit(people)
    moved = moving.reschedule(
        actor=Actor.system("test"),
        now=NOW,
        appointment_id=appointment.pk,
        start=appointment.start.replace(hour=10),
        by="clinic",
    )
    document, fields = event(moved)
    assert (fields["UID"], fields["SEQUENCE"], fields["DTSTART"]) == (str(appointment.pk), "1", "20261130T110000")
    assert (str(document["METHOD"]), fields["STATUS"]) == ("PUBLISH", "CONFIRMED")


def test_several_visits_are_published_in_one_object_and_called_off_in_one_each(people: Cast) -> None:
    """RFC 5546 3.2.1 and 3.2.5: a PUBLISH may hold several events, those of a CANCEL have one UID."""
    rows = [visit(people, start=MONDAY + timedelta(hours=hour)) for hour in (1, 2, 3)]
    (document,) = [Calendar.from_ical(one) for one in ics.files(rows, now=NOW, base_url=BASE)]
    assert [_text(found["UID"]) for found in document.walk("VEVENT")] == [str(row.pk) for row in rows]
    assert len(document.walk("VTIMEZONE")) == 1
    for row in rows[1:]:
        row.status = "cancelled"
    documents = [Calendar.from_ical(one) for one in ics.files(rows, now=NOW, base_url=BASE)]
    assert [(str(one["METHOD"]), len(one.walk("VEVENT"))) for one in documents] == [
        ("PUBLISH", 1),
        ("CANCEL", 1),
        ("CANCEL", 1),
    ]


def test_every_entry_says_who_sends_it_as_neutrally_as_the_mail_does(people: Cast) -> None:
    document = Calendar.from_ical(ics.calendar(visit(people), now=NOW, base_url=BASE))
    (found,) = document.walk("VEVENT")
    assert found["ORGANIZER"].params["CN"] == "Practice at the park"
    assert str(found["ORGANIZER"]) == f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"
