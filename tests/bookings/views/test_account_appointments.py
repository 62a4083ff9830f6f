"""What the account shows: what comes, what was, for whom; and nothing of anybody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import links, patients
from bookings.models import AppointmentStatus, Clinic, HealthcareService, Patient, Practitioner
from tests.bookings.entering import counted
from tests.bookings.views.account_walk import ME, sign_in, visit
from tests.bookings.views.walk import NOW, heading
from tests.factories import MONDAY, Cast, PatientFactory, RelatedPersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(people: Cast, client: Client) -> Client:
    patients.reindex(people.ada)
    sign_in(client)
    return client


@pytest.fixture
def ben(people: Cast) -> Client:
    patients.reindex(people.ada)
    browser = Client()
    sign_in(browser, "ben@example.org")
    return browser


def child_of_ada(people: Cast, **more: Any) -> Patient:
    child: Patient = PatientFactory(clinic=people.clinic, given_name="Ida", email="", birth_date="2012-05-04", **more)
    RelatedPersonFactory(clinic=people.clinic, patient=child, email="ada@example.org", relationship="parent")
    patients.reindex(child)
    return child


def rows(browser: Client, which: str) -> list[Any]:
    return [row["appointment"] for row in browser.get(ME).context[which]]


def test_empty_lists_are_worded_and_lead_to_a_booking(ada: Client) -> None:
    page = ada.get(ME).content.decode()
    assert "No appointment is coming" in page
    assert "There is none of the last two years." in page
    assert f'href="{reverse("bookings:clinic", args=["parc"])}">Book an appointment</a>' in page


def test_what_comes_stands_by_start_and_what_was_by_the_newest(people: Cast, ada: Client) -> None:
    later, sooner = (visit(people, people.ada, start=MONDAY + timedelta(hours=hours)) for hours in (3, 1))
    old, older = (visit(people, people.ada, start=NOW - timedelta(days=days)) for days in (10, 20))
    assert rows(ada, "coming") == [sooner, later]
    assert rows(ada, "past") == [old, older]


def test_an_appointment_leads_to_its_page_which_is_open(people: Cast, ada: Client) -> None:
    appointment = visit(people, people.ada, start=MONDAY + timedelta(hours=2))
    address = reverse("bookings:manage", args=[links.token(appointment)])
    page = ada.get(ME).content.decode()
    assert f'<a class="cover" href="{address}">Monday, 30 November 2026, 10:00 (Paris time)</a>' in page
    assert "Consultation" in page
    assert heading(ada.get(address)) == "Your appointment"


@pytest.mark.parametrize(
    ("status", "words"),
    [(AppointmentStatus.PENDING, "waits for the clinic"), (AppointmentStatus.PROPOSED, "waits for your answer")],
)
def test_what_waits_says_for_whom(people: Cast, ada: Client, status: str, words: str) -> None:
    visit(people, people.ada, status=status, respond_by=NOW + timedelta(days=1))
    assert words in ada.get(ME).content.decode()


def test_what_was_cancelled_or_missed_says_so_once_it_is_over(people: Cast, ada: Client) -> None:
    visit(people, people.ada, status=AppointmentStatus.CANCELLED, cancelled_by="patient")
    gone = visit(
        people,
        people.ada,
        status=AppointmentStatus.CANCELLED,
        cancelled_by="patient",
        start=NOW - timedelta(days=2),
    )
    missed = visit(people, people.ada, status=AppointmentStatus.NOSHOW, start=NOW - timedelta(days=3))
    visit(people, people.ada, status=AppointmentStatus.ENTERED_IN_ERROR, start=NOW - timedelta(days=4))
    assert (rows(ada, "coming"), rows(ada, "past")) == ([], [gone, missed])
    page = ada.get(ME).content.decode()
    assert " · cancelled</p>" in page
    assert " · missed</p>" in page


@pytest.mark.parametrize(("days", "shown"), [(730, True), (731, False)])
def test_the_past_goes_back_24_months(people: Cast, ada: Client, days: int, shown: bool) -> None:
    old = visit(people, people.ada, start=NOW - timedelta(days=days))
    assert rows(ada, "past") == ([old] if shown else [])


def test_for_whom_is_said_when_it_is_somebody_else(people: Cast, ada: Client, ben: Client) -> None:
    visit(people, people.ada)
    assert "<bdi>Ada Lovelace</bdi>" not in ada.get(ME).content.decode()
    assert "For <bdi>Ada Lovelace</bdi>" in ben.get(ME).content.decode()
    visit(people, child_of_ada(people), start=MONDAY + timedelta(hours=4))
    assert "For <bdi>Ida Lovelace</bdi>" in ada.get(ME).content.decode()


def test_what_is_not_shown_to_whoever_acts_is_not_listed(people: Cast, ada: Client) -> None:
    child = child_of_ada(people)
    visit(people, child)
    HealthcareService.objects.filter(pk=people.service.pk).update(confidential=True)
    assert rows(ada, "coming") == []
    HealthcareService.objects.filter(pk=people.service.pk).update(confidential=False)
    Clinic.objects.filter(pk=people.clinic.pk).update(confidential_age=14)
    assert rows(ada, "coming") == []
    Clinic.objects.filter(pk=people.clinic.pk).update(confidential_age=15)
    assert len(rows(ada, "coming")) == 1


def test_a_past_visit_is_booked_again_with_the_same_person_at_the_same_place(people: Cast, ada: Client) -> None:
    visit(people, people.ada, start=NOW - timedelta(days=10))
    address = f"{reverse('bookings:times', args=['parc', 'consultation'])}?location=bellecour"
    address += f"&amp;practitioner={people.demir.pk}"
    assert f'<a class="again" href="{address}">Book this again' in ada.get(ME).content.decode()
    assert ada.get(address.replace("&amp;", "&")).status_code == 200


def test_what_is_not_offered_any_more_cannot_be_booked_again(people: Cast, ada: Client) -> None:
    visit(people, people.ada, start=NOW - timedelta(days=10))
    Practitioner.objects.filter(pk=people.demir.pk).update(active=False)
    assert "Book this again" not in ada.get(ME).content.decode()
    Practitioner.objects.filter(pk=people.demir.pk).update(active=True)
    HealthcareService.objects.filter(pk=people.service.pk).update(bookable_online=False)
    assert "Book this again" not in ada.get(ME).content.decode()


def test_the_way_around_says_where_one_is(ada: Client) -> None:
    names = {
        "me": "Appointments",
        "me-contact": "Contact",
        "me-consents": "Consents",
        "me-people": "People",
        "me-security": "Security",
    }
    for name, word in names.items():
        page = ada.get(reverse(f"bookings:{name}")).content.decode()
        assert page.count(' aria-current="page"') == 1
        assert f'aria-current="page">{word}</a>' in page
        assert f'href="{reverse("bookings:my-data")}"' in page
        assert "<title>" in page
        assert "unsafe" not in ada.get(ME)["Content-Security-Policy"]


def test_the_list_takes_the_same_queries_for_one_row_and_three(people: Cast, ada: Client) -> None:
    counts = []
    ada.get(ME)
    for number in range(3):
        visit(people, people.ada, start=MONDAY + timedelta(hours=1 + number))
        visit(people, people.ada, start=NOW - timedelta(days=10 + number))
        with counted() as queries:
            ada.get(ME)
        counts.append(len(queries))
    assert counts[0] == counts[2]


def test_reading_changes_nothing(people: Cast, ada: Client) -> None:
    visit(people, people.ada)
    ada.get(ME)
    with counted() as queries:
        for name in ("me", "me-contact", "me-people", "me-security"):
            ada.get(reverse(f"bookings:{name}"))
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
