"""What the engine can do, as a patient on a phone meets it: series, siblings, groups, requests, moving."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from audit.context import Actor
from bookings import approval
from bookings.models import Appointment
from tests.bookings.views.walk import NINE, NOW, newest_code
from tests.factories import (
    Cast,
    NoticeFactory,
    OfferFactory,
    PractitionerFactory,
    ServiceFactory,
    SessionFactory,
    TermsFactory,
    cast,
    open_week,
)
from tests.journeys.test_booking_pages import fill, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TIMES = "/c/parc/consultation/"
DESK = Actor(kind="staff", id="1", label="Carla")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """A clinic whose consultation repeats, with a second person and a second service."""
    everyone = cast(most_repeats=6)
    NoticeFactory(clinic=everyone.clinic)
    second = PractitionerFactory(clinic=everyone.clinic, name="Silva", languages="de pt")
    blood = ServiceFactory(clinic=everyone.clinic, name="Blood test", slug="blood-test", duration=15)
    for service in (blood, everyone.service):
        OfferFactory(service=service, practitioner=second)
    open_week(of=second, at=everyone.location)
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    """It is Friday morning; the server's clock runs on from there."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def see(page: Page) -> Callable[[str], None]:
    """Look at the page: its one heading, no barrier, nothing wider than the phone, no word without a place to go."""

    def look(heading: str) -> None:
        expect(page.locator("h1")).to_have_text(heading)
        assert violations(page) == [], heading
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, heading

    return look


def prove(page: Page, *, button: str = "Book the appointment") -> None:
    page.get_by_role("button", name="Go on: get the code").click()
    page.get_by_label("Code from the e-mail").fill(newest_code())
    page.get_by_role("button", name=button).click()


def test_a_series_is_chosen_looked_at_booked_and_ended_from_one_visit_on(
    page: Page, people: Cast, see: Callable[[str], None]
) -> None:
    SessionFactory(
        service=ServiceFactory(clinic=people.clinic, capacity=2),
        clinic=people.clinic,
        location=people.location,
        practitioner=people.demir,
        start=NINE + timedelta(days=7),
    )  # takes Dr Demir's second Monday
    page.goto(f"{TIMES}?practitioner={people.demir.pk}&from=2026-11-30")
    page.get_by_text("More than one visit").click()
    page.get_by_label("Repeat", exact=True).select_option(label="Every week")
    page.get_by_label("How many visits in all").select_option("4")
    page.locator("form", has=page.locator("#every")).get_by_role("button", name="Show free times").click()
    see("Consultation")
    expect(page.get_by_role("button", name="09:00", exact=True).first).not_to_have_attribute(
        "value", f"2026-11-30T08:00Z~bellecour~{people.demir.pk}"
    )
    page.get_by_text("More than one visit").click()
    page.get_by_text("More than one visit").click()
    page.get_by_label("Leave out dates that are taken").check()
    page.locator("form", has=page.locator("#every")).get_by_role("button", name="Show free times").click()
    page.locator("details", has_text="Monday, 30 November").get_by_role("button", name="09:00", exact=True).click()
    see("Your details")
    expect(page.locator("s")).to_have_text("Monday, 7 December 2026, 09:00 (Paris time)")
    fill(page)
    prove(page, button="Book the appointments")
    see("You are booked")
    page.get_by_role("link", name="Monday, 14 December").click()
    see("Your appointment")
    page.get_by_role("link", name="Cancel the appointment").click()
    see("Cancel the appointment?")
    page.get_by_label("This one and 1 that follows").check()
    page.get_by_role("button", name="Yes, cancel it").click()
    see("Your appointment")
    made = Appointment.objects.order_by("start")
    assert [one.status for one in made] == ["booked", "cancelled", "cancelled"]


def test_two_siblings_and_two_services_are_each_one_booking(
    page: Page, people: Cast, see: Callable[[str], None]
) -> None:
    page.goto(f"{TIMES}?from=2026-11-30")
    page.get_by_text("More than one visit").click()
    page.get_by_role("link", name="2", exact=True).click()
    see("Consultation")
    page.get_by_role("button", name="09:00–10:00").first.click()
    see("Your details")
    page.get_by_label("Only for others").check()
    page.get_by_role("button", name="Go on: get the code").click()
    expect(page.locator(".summary")).to_be_focused()
    see("Your details")
    page.get_by_label("Your own name").fill("Ben Lovelace")
    page.get_by_label("What are you to the patient?").select_option("parent")
    page.get_by_label("Your e-mail address").fill("ben@example.org")
    for number, name in ((1, "Zoë"), (2, "Noah")):
        person = page.get_by_role("group", name=f"Person {number}", exact=True)
        person.get_by_label("Given name").fill(name)
        person.get_by_label("Family name").fill("Lovelace")
    prove(page, button="Book the appointments")
    see("You are booked")
    expect(page.get_by_role("link", name="Monday, 30 November 2026, 09:30")).to_be_visible()

    page.goto("/c/parc/blood-test/")
    page.get_by_text("More than one visit").click()
    page.get_by_role("link", name="Book together with another service").click()
    see("Which service comes next?")
    page.get_by_role("link", name="Consultation").click()
    see("Blood test + then Consultation")
    page.locator(".slots button").first.click()
    see("Your details")
    fill(page)
    prove(page, button="Book the appointments")
    see("You are booked")
    siblings = Appointment.objects.filter(contact_person__isnull=False)
    assert {one.patient.given_name for one in siblings} == {"Zoë", "Noah"}
    both = Appointment.objects.filter(contact_person__isnull=True).order_by("start")
    assert [one.service.slug for one in both] == ["blood-test", "consultation"]


def test_a_group_shows_its_places_and_gives_one(page: Page, people: Cast, see: Callable[[str], None]) -> None:
    course = ServiceFactory(
        clinic=people.clinic, name="Back school", slug="back-school", capacity=2, needs_approval=False
    )
    OfferFactory(service=course, practitioner=people.demir)
    for day, taken in ((0, 1), (1, 0)):
        SessionFactory(
            service=course,
            clinic=people.clinic,
            location=people.location,
            practitioner=people.demir,
            start=NINE + timedelta(days=day),
            capacity=2 - taken,
        )
    page.goto("/c/parc/")
    page.get_by_role("link", name="Back school").click()
    see("Back school")
    expect(page.get_by_role("button", name="09:00 last place", exact=True)).to_be_visible()
    page.get_by_role("button", name="09:00 2 places left", exact=True).click()
    see("Your details")
    fill(page)
    prove(page)
    see("You are booked")
    page.goto("/c/parc/back-school/")
    expect(page.get_by_role("button", name="09:00 last place", exact=True)).to_have_count(2)


def test_a_request_is_answered_with_another_time_which_is_accepted(
    page: Page, people: Cast, see: Callable[[str], None]
) -> None:
    people.service.needs_approval = True
    people.service.kinds = ["on-site", "phone"]
    people.service.save()
    TermsFactory(service=people.service, standing="new", duration=45)
    page.goto(TIMES)
    see("Consultation")
    page.get_by_label("By phone").check()
    page.get_by_role("button", name="Show free times").click()
    expect(page.locator(".summary")).to_be_focused()
    see("Consultation")
    page.get_by_label("No, this is the first time").check()
    page.get_by_text("Do you need anything?").click()
    page.get_by_label("An interpreter").check()
    page.get_by_role("button", name="Show free times").click()
    see("Consultation")
    expect(page.get_by_text("Your answers: By phone, New patient, An interpreter")).to_be_visible()
    page.locator(".slots button").first.click()
    see("Your details")
    fill(page)
    page.get_by_label("Your phone number").fill("+33 6 12 34 56 78")
    prove(page, button="Send the request")
    see("Your request is sent")
    appointment = Appointment.objects.get()
    approval.offer(actor=DESK, now=NOW, appointment_id=appointment.pk, start=NINE + timedelta(hours=4))
    page.get_by_role("link", name="See, move or cancel the appointment").click()
    see("Your appointment")
    expect(page.get_by_role("status")).to_contain_text("The clinic offers you this time instead.")
    page.get_by_role("button", name="Accept this time").click()
    expect(page.get_by_role("link", name="Add to my calendar")).to_be_visible()
    see("Your appointment")
    appointment.refresh_from_db()
    assert (appointment.status, appointment.kind) == ("booked", "phone")


def test_an_appointment_moves_to_another_time(page: Page, people: Cast, see: Callable[[str], None]) -> None:
    page.goto(f"{TIMES}?from=2026-11-30")
    page.locator(".slots button").first.click()
    fill(page)
    prove(page)
    page.get_by_role("link", name="See, move or cancel the appointment").click()
    page.get_by_role("link", name="Move to another time").click()
    see("Move to another time")
    page.get_by_text("Days and other choices").click()
    page.get_by_role("link", name="Tuesday").click()
    page.get_by_text("Days and other choices").click()
    see("Move to another time")
    page.locator(".slots button").first.click()
    see("Move the appointment?")
    page.get_by_role("button", name="Yes, move it").click()
    see("Your appointment")
    expect(page.get_by_role("status")).to_contain_text("The appointment is moved.")
    assert Appointment.objects.get().start == NINE + timedelta(days=1)
