"""Booking for a caller: service, time, patient, one page."""

import uuid
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from bookings.models import Appointment, Patient, Role
from bookings.patients import reindex
from tests.bookings.entering import enter, reads, said, someone, visit
from tests.factories import Cast, LocationFactory, OfferFactory, PractitionerFactory, ServiceFactory, cast, open_week

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 7, 40, tzinfo=UTC)  # Monday 08:40 in Paris: hours begin at 9, two hours' notice online
BOOK = reverse("admin:bookings_appointment_add")
NINE = "2026-11-30T08:00:00+00:00"
NEW = {
    "new-family_name": "Kovalevskaya",
    "new-given_name": "Sofia",
    "new-language": "en",
    "language": "en",
    "reason": "Cough",
}


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    made = cast()
    reindex(made.ada)
    return made


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def wish(story: Cast, **changed: object) -> str:
    given = {"service": story.service.pk, "start": NINE, "at": story.location.pk, **changed}
    return f"{BOOK}?" + "&".join(
        f"{name}={str(value).replace('+', '%2B')}" for name, value in given.items() if value is not None
    )


def clocks(page) -> list[str]:
    return [free.clock for day in page.context["days"] for _place, times in day.places for free in times]


def test_a_caller_gets_the_times_patients_get_and_the_ones_too_soon_for_them(desk, story):
    page = desk.get(BOOK, {"service": story.service.pk})
    assert clocks(page)[:3] == ["09:00", "09:30", "10:00"]
    assert page.context["days"][0].title == "Monday, 30 November 2026"


def test_nothing_is_listed_before_a_service_is_chosen(desk, story):
    page = desk.get(BOOK)
    assert page.context["days"] == []
    assert reads() == []


def test_a_known_patient_is_found_chosen_and_booked(desk, story):
    page = desk.get(f"{wish(story)}&q=lovel")
    assert [patient.pk for patient, _query in page.context["found"]] == [story.ada.pk]
    address = f"{wish(story)}&patient={story.ada.pk}"
    assert "Lovelace" in desk.get(address).content.decode()
    response = desk.post(address, {"patient": story.ada.pk, "key": uuid.uuid4(), "language": "fr", "reason": "Cough"})
    booked = Appointment.objects.get()
    assert response["Location"] == reverse("admin:bookings_appointment_change", args=[booked.pk])
    assert (booked.patient, booked.start.isoformat(), booked.booked_online) == (story.ada, NINE, False)
    assert (booked.language, booked.reason) == ("fr", "Cough")
    assert said(desk.get(response["Location"])) == [
        f"Booked: Monday, 30 November 2026, 09:00 (Paris time) · {story.ada.code}."
    ]


def test_who_is_shown_while_booking_is_recorded_as_read(desk, story):
    desk.get(f"{wish(story)}&q=lovel")
    assert [(read["view"], read["patients"]) for read in reads()] == [("phone-booking", [story.ada.code])]


def test_a_new_patient_is_registered_and_booked_at_once(desk, story):
    desk.post(wish(story), {"key": uuid.uuid4(), **NEW})
    booked = Appointment.objects.select_related("patient").get()
    assert (booked.patient.family_name, booked.patient.given_name, booked.reason) == ("Kovalevskaya", "Sofia", "Cough")


def test_a_second_press_books_nothing_more_and_registers_nobody_more(desk, story):
    form = {"key": uuid.uuid4(), **NEW}
    first, second = desk.post(wish(story), form), desk.post(wish(story), form)
    assert first["Location"] == second["Location"]
    assert (Appointment.objects.count(), Patient.objects.count()) == (1, 2)


def test_a_time_somebody_took_meanwhile_gives_the_nearest_loses_nothing_typed_and_registers_nobody(desk, story):
    visit(story, start=datetime(2026, 11, 30, 8, tzinfo=UTC), end=datetime(2026, 11, 30, 8, 30, tzinfo=UTC))
    page = desk.post(wish(story), {"key": uuid.uuid4(), **NEW})
    assert said(page) == ["This time is no longer free. Please choose another one."]
    text = page.content.decode()
    assert 'value="Kovalevskaya"' in text
    assert "Cough" in text
    assert Patient.objects.count() == 1
    nearest = [free for day in page.context["nearest"] for _place, times in day.places for free in times]
    assert nearest[0].clock == "09:30"
    assert f'formaction="{escape(nearest[0].query)}"' in text
    desk.post(BOOK + nearest[0].query, {"key": uuid.uuid4(), **NEW})
    booked = Appointment.objects.get(patient__language="en", booked_online=False)
    assert booked.start == datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


def test_a_time_outside_hours_is_refused_with_a_sentence(desk, story):
    page = desk.post(wish(story, start="2026-11-30T20:00:00+00:00"), {"key": uuid.uuid4(), **NEW})
    assert said(page) == ["This time is outside opening hours. Please choose another one."]
    assert (Appointment.objects.count(), Patient.objects.count()) == (0, 1)


def test_what_is_missing_is_asked_for_and_nothing_is_booked(desk, story):
    page = desk.post(wish(story), {"key": uuid.uuid4(), **NEW, "new-family_name": ""})
    assert page.context["new"].errors == {"family_name": ["This field is required."]}
    assert not Appointment.objects.exists()


def test_nothing_of_another_clinic_can_be_chosen(story):
    otto = enter(story.otto)
    theirs = LocationFactory(clinic=story.elsewhere)
    assert [str(row) for row in otto.get(wish(story)).context["wish"].fields["service"].queryset] == []
    page = otto.post(wish(story), {"key": uuid.uuid4(), **NEW})
    assert page.status_code == 200
    own = ServiceFactory(clinic=story.elsewhere)
    weber = PractitionerFactory(clinic=story.elsewhere)
    OfferFactory(service=own, practitioner=weber)
    open_week(of=weber, at=theirs)
    address = f"{wish(story, service=own.pk, at=theirs.pk)}&patient={story.ada.pk}"
    page = otto.post(address, {"patient": story.ada.pk, "key": uuid.uuid4(), "language": "en"})
    assert page.context["chosen"] is None
    assert "Lovelace" not in page.content.decode()
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.DPO, Role.AUDITOR])
def test_who_may_not_book_is_told_so(story, role):
    assert enter(someone(clinic=story.clinic, role=role)).get(BOOK).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "service=x",
        "service=99999",
        "since=2026-02-30",
        "start=nonsense",
        "start=2026-11-30T08:00:00",
        "at=0",
        "patient=" + "9" * 30,
        "q=%00",
        "practitioner=99999",
    ],
)
def test_an_address_that_is_none_gives_a_page(desk, story, query):
    assert desk.get(f"{BOOK}?service={story.service.pk}&{query}").status_code == 200


def test_a_wish_for_somebody_who_does_not_exist_books_nobody_else(desk, story):
    page = desk.post(wish(story, practitioner=99999), {"key": uuid.uuid4(), **NEW})
    assert page.status_code == 200
    assert not Appointment.objects.exists()


def test_weeks_are_turned_and_never_before_today(desk, story):
    page = desk.get(BOOK, {"service": story.service.pk})
    assert page.context["earlier"] == ""
    assert "since=2026-12-07" in page.context["later"]
