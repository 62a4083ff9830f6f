"""What a patient may ask about their data, walked to its end: seen, taken away, asked for, answered."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from audit.context import Actor
from audit.stream import drain
from bookings import patients, rights
from bookings.models import DataRequest
from tests.bookings.entering import enter
from tests.bookings.views.account_walk import visit
from tests.bookings.views.walk import NOW
from tests.factories import Cast, cast
from tests.journeys.test_booking_pages import violations
from tests.journeys.test_families import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVA = Actor(kind="staff", id="1", label="Eva")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    visit(everyone, everyone.ada)
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.mark.parametrize("width", [390, 1280])
def test_a_patient_sees_takes_asks_and_is_answered(page: Page, people: Cast, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})

    def see(heading: str) -> None:
        expect(page.locator("h1")).to_have_text(heading)
        assert violations(page) == [], heading
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), heading

    carla: Client = enter(people.carla)
    assert carla.get(reverse("admin:bookings_patient_change", args=[people.ada.pk])).status_code == 200
    drain()
    sign_in(page, "ada@example.org")
    page.get_by_role("navigation", name="Your account").get_by_role("link", name="Your data").click()
    see("Your data")
    for part in page.locator("details.more summary").all():
        part.click()
    expect(page.get_by_role("heading", name="Ada Lovelace", exact=True)).to_be_visible()
    see("Your data")
    with page.expect_download() as everything:
        page.get_by_role("button", name="Everything (JSON)").click()
    assert json.loads(everything.value.path().read_text())["records"][0]["code"] == people.ada.code
    with page.expect_download() as bundle:
        page.get_by_role("button", name="For other programs (FHIR)").click()
    assert json.loads(bundle.value.path().read_text())["resourceType"] == "Bundle"

    page.get_by_role("link", name="Who looked").click()
    see("Who looked at your data")
    expect(page.locator(".group")).to_contain_text("Patient record · reception")
    assert "Carla" not in page.content()

    page.get_by_role("link", name="Your requests").click()
    expect(page.get_by_role("heading", name="You have asked for nothing yet")).to_be_visible()
    see("Your requests")
    page.get_by_role("link", name="Ask about data").click()
    page.get_by_label("What do you ask for?").select_option("rectify")
    page.get_by_role("button", name="Send the request").click()
    expect(page.locator(".summary")).to_be_focused()
    expect(page.get_by_text("Write what is wrong, and what would be right.").first).to_be_visible()
    see("Ask about data")
    page.get_by_label("What do you ask for?").select_option("erase")
    page.get_by_label("In your own words").fill("I move away.")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("status")).to_have_text("Your request has reached the clinic.")
    see("Your requests")
    page.get_by_role("button", name="Withdraw this request").click()
    expect(page.get_by_role("status")).to_have_text("Your request is withdrawn.")

    asked = rights.ask(
        actor=EVA, now=NOW, patient=people.ada, asked_by=None, kind=DataRequest.Kind.RECTIFICATION, text="A typo"
    )
    rights.prolong(actor=EVA, now=NOW, request_id=asked.pk, reason="The archive is in Lyon.")
    rights.refuse(actor=EVA, now=NOW + timedelta(days=1), request_id=asked.pk, text="It is not a typo.")
    page.reload()
    expect(page.get_by_text("It is not a typo.")).to_be_visible()
    expect(page.get_by_text("you can complain to the data protection authority")).to_be_visible()
    see("Your requests")


def test_whoever_only_acts_for_somebody_is_told_why_there_is_nothing(page: Page) -> None:
    sign_in(page, "ben@example.org")
    for address, heading in (
        ("/me/data/", "Your data"),
        ("/me/data/looks/", "Who looked at your data"),
        ("/me/consents/", "What you agreed to"),
    ):
        page.goto(address)
        expect(page.locator("h1")).to_have_text(heading)
        assert "Lovelace" not in page.content()
        assert violations(page) == [], address
