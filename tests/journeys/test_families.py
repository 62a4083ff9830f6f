"""Accounts of people with others in their lives: a parent, an adolescent, and what a link alone shows to either."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings import links, patients
from bookings.models import Appointment, Patient, RelatedPerson
from tests.bookings.views.account_walk import visit
from tests.bookings.views.walk import NINE, NOW, newest_code
from tests.factories import Cast, NoticeFactory, PatientFactory, RelatedPersonFactory, cast
from tests.journeys.test_booking_pages import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TIMES = "/c/parc/consultation/"
BEN = "ben@example.org"


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Ben acts for Ada, who has an address of her own, and for small Ida, who has none."""
    everyone = cast()
    NoticeFactory(clinic=everyone.clinic)
    ida = PatientFactory(clinic=everyone.clinic, given_name="Ida", email="", birth_date="2021-05-03")
    RelatedPersonFactory(patient=ida, relationship=RelatedPerson.Relationship.PARENT)
    for patient in (everyone.ada, ida):
        patients.reindex(patient)
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def see(page: Page) -> Callable[[str], None]:
    """Look at the page: its one heading, no barrier, nothing wider than the phone."""

    def look(heading: str) -> None:
        expect(page.locator("h1")).to_have_text(heading)
        assert violations(page) == [], heading
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, heading

    return look


def sign_in(page: Page, email: str) -> None:
    page.goto("/me/?clinic=parc")
    page.locator("[name=email]").fill(email)
    page.locator("main form .primary").first.click()
    page.locator("[name=code]").fill(newest_code(purpose="signin"))
    page.locator("main form .primary").first.click()
    page.wait_for_url("**/me/")


def take(page: Page, *, row: int = 0) -> None:
    page.goto(f"{TIMES}?location=bellecour&from=2026-11-30")
    page.locator(".slots button").nth(row).click()


def test_a_parent_books_moves_and_cancels_for_a_child(page: Page, see: Callable[[str], None]) -> None:
    sign_in(page, BEN)
    see("Your appointments")
    take(page)
    see("Your details")
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator(".summary")).to_be_focused()
    assert page.title().startswith("Error: ")
    see("Your details")
    expect(page.get_by_label("Family name")).to_be_visible()
    page.get_by_label("Ida Lovelace", exact=True).check()
    expect(page.get_by_label("Family name")).to_be_hidden()
    page.get_by_role("button", name="Book the appointment").click()
    see("You are booked")
    page.goto("/me/")
    expect(page.locator(".card").first).to_contain_text("For Ida Lovelace")
    see("Your appointments")
    page.locator(".card a").first.click()
    page.get_by_role("link", name="Move to another time").click()
    page.goto(f"{page.url}?from=2026-12-01")
    page.locator(".slots button:visible").first.click()
    page.get_by_role("button", name="Yes, move it").click()
    see("Your appointment")
    page.get_by_role("link", name="Cancel the appointment").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    see("Your appointment")
    page.goto("/me/")
    expect(page.get_by_role("heading", name="No appointment is coming")).to_be_visible()
    see("Your appointments")
    made = Appointment.objects.get()
    assert (made.patient.given_name, made.status, made.cancelled_by) == ("Ida", "cancelled", "patient")
    assert (made.contact_person is not None, Patient.objects.count()) == (True, 2)


def test_an_adolescent_is_hidden_from_a_parent_at_the_next_click(
    page: Page, people: Cast, see: Callable[[str], None]
) -> None:
    theirs = visit(people, people.ada, contact_person=people.ben, start=NINE)
    visit(people, people.ada, start=NINE + timedelta(hours=2))
    sign_in(page, BEN)
    expect(page.locator(".card")).to_have_count(2)
    people.clinic.confidential_age = 14
    people.clinic.save()
    page.reload()
    expect(page.locator(".card")).to_have_count(1)  # what he booked himself
    take(page, row=3)
    expect(page.get_by_label("Ada Lovelace", exact=True)).to_be_visible()
    Patient.objects.filter(pk=people.ada.pk).update(confidential=True)
    page.reload()
    expect(page.get_by_label("Ida Lovelace", exact=True)).to_be_visible()
    expect(page.get_by_label("Ada Lovelace", exact=True)).to_have_count(0)
    assert "Ada" not in page.content()
    for address in ("/me/", "/me/people/", "/me/data/", "/me/data/ask/", "/me/data/looks/", "/me/consents/"):
        page.goto(address)
        assert "Ada" not in page.content(), address
    page.goto(f"/a/{links.token(theirs)}/")
    see("Your appointment")
    assert ("Demir" in page.content(), "Bellecour" in page.content()) == (False, False)
    page.goto("/find/?clinic=parc")
    page.get_by_label("E-mail address you booked with").fill(BEN)
    page.get_by_role("button", name="Send me the code").click()
    page.get_by_label("Code from the e-mail").fill(newest_code(purpose="find"))
    page.get_by_role("button", name="Show my appointments").click()
    expect(page.locator(".card")).to_have_count(0)


def test_a_link_alone_says_when_and_takes_a_yes_or_a_no(
    page: Page, people: Cast, see: Callable[[str], None], clock: time_machine.Traveller
) -> None:
    visits = [visit(people, people.ada, start=NINE + timedelta(hours=hours)) for hours in (0, 2, 4)]
    first, second, quiet = (f"/a/{links.token(one)}/" for one in visits)
    page.goto(first)
    see("Your appointment")
    page.get_by_role("button", name="I am coming").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you.")
    see("Your appointment")
    page.goto(second)
    page.get_by_role("link", name="Cancel the appointment").click()
    see("Cancel the appointment?")
    page.get_by_role("button", name="Yes, cancel it").click()
    see("Your appointment")
    Patient.objects.filter(pk=people.ada.pk).update(safe_contact=True)
    page.goto(quiet)
    see("Your appointment")
    assert "30 November" not in page.content()
    clock.shift(timedelta(days=400))
    page.goto(first)
    expect(page.get_by_role("link", name="Find my appointment").first).to_have_attribute("href", "/find/")
    assert violations(page) == []


def test_the_account_fits_a_phone_in_german(chromium: Browser, live_server: LiveServer, people: Cast) -> None:
    visit(people, people.ada)
    context = chromium.new_context(base_url=live_server.url, locale="de-DE", viewport={"width": 390, "height": 844})
    page = context.new_page()
    sign_in(page, "ada@example.org")
    for address in (
        "",
        "contact/",
        "consents/",
        "people/",
        "security/",
        "data/",
        "data/looks/",
        "data/ask/",
        "data/requests/",
    ):
        page.goto(f"/me/{address}")
        assert page.locator("html").get_attribute("lang") == "de"
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    take(page)
    expect(page.locator("h1")).to_have_text("Ihre Angaben")
    assert violations(page) == []
    page.get_by_role("button", name="Termin buchen").click()
    expect(page.locator("h1")).to_have_text("Ihr Termin ist gebucht")
    context.close()


def test_the_account_is_entered_and_changed_by_keyboard_alone(page: Page, people: Cast) -> None:
    def go_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("name => document.activeElement.name === name", name):
                return
        raise AssertionError(name)

    page.goto("/me/?clinic=parc")
    go_to("email")
    page.keyboard.type("ada@example.org")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Type the code")
    go_to("code")
    assert page.locator("[name=code]").get_attribute("autocomplete") == "one-time-code"
    page.keyboard.type("000000" if newest_code(purpose="signin") != "000000" else "000001")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_be_focused()
    assert page.title().startswith("Error: ")
    go_to("code")
    page.keyboard.press("Control+A")
    page.keyboard.type(newest_code(purpose="signin"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your appointments")
    page.goto("/me/contact/")
    go_to("phone")
    page.keyboard.type("+33 6 12 34 56 78")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Your wishes are saved.")
    assert Patient.objects.get(pk=people.ada.pk).phone == "+33 6 12 34 56 78"
