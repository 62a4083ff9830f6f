"""The booking in the frame of a clinic's own site, which is another site to the browser and keeps its cookies out."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings.models import Appointment
from tests.bookings.views.walk import NOW, newest_code
from tests.factories import Cast, NoticeFactory, cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class _Site(BaseHTTPRequestHandler):
    """A clinic's own site: one page with one frame."""

    def __init__(self, *parts: Any, frame: str) -> None:
        self.frame = frame
        super().__init__(*parts)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        inside = f'<iframe title="Booking" src="{self.frame}" width="100%" height="900"></iframe>'
        page = f'<!doctype html><html lang="en"><title>Cabinet</title><h1>Cabinet</h1>{inside}'
        self.wfile.write(page.encode())

    def log_message(self, *parts: Any) -> None:
        """Say nothing."""


@pytest.fixture
def people(transactional_db: None) -> Cast:
    everyone = cast()
    NoticeFactory(clinic=everyone.clinic)
    return everyone


@pytest.fixture
def site(people: Cast, live_server: LiveServer) -> Iterator[str]:
    """The origin of a site that frames the clinic's booking, declared by the clinic."""
    frame = f"{live_server.url}/c/parc/embed/en/"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, frame=frame))
    origin = f"http://127.0.0.1:{server.server_port}"
    people.clinic.embed_sites = [origin]
    people.clinic.save()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield origin
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    """A browser on a phone-sized page; it is Friday for it and for the server."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    context.set_default_timeout(10_000)
    with time_machine.travel(NOW, tick=True):
        yield context.new_page()
    context.close()


def test_a_patient_books_from_the_clinics_own_site_without_a_cookie_in_the_frame(
    visitor: Page, site: str, people: Cast, live_server: LiveServer
) -> None:
    assert live_server.url.split("//")[1].split(":")[0] == "localhost"  # to a browser another site than 127.0.0.1
    visitor.goto(site)
    frame = visitor.frame_locator("iframe")
    expect(frame.locator("h1")).to_have_text("Book an appointment")
    frame.get_by_role("link", name="Consultation").click()
    expect(frame.locator("h1")).to_have_text("Consultation")
    assert visitor.context.cookies() == []
    assert _barriers(visitor) == []
    frame.locator(".next button").click()
    expect(visitor.locator("#picked")).to_have_text("The time you chose")
    assert visitor.url.startswith(live_server.url)
    visitor.get_by_role("button", name="Go on with this time").click()
    visitor.get_by_label("Family name").fill("Ångström")
    visitor.get_by_label("Your e-mail address").fill("zoe@example.org")
    visitor.get_by_role("button", name="Go on: get the code").click()
    visitor.get_by_label("Code from the e-mail").fill(newest_code())
    visitor.get_by_role("button", name="Book the appointment").click()
    expect(visitor.locator("h1")).to_have_text("You are booked")
    assert Appointment.objects.count() == 1


def test_a_site_the_clinic_did_not_declare_shows_an_empty_frame(visitor: Page, site: str, people: Cast) -> None:
    people.clinic.embed_sites = ["https://www.other.example"]
    people.clinic.save()
    complaints: list[str] = []
    visitor.on("console", lambda line: complaints.append(line.text))
    visitor.goto(site)
    expect(visitor.locator("h1")).to_have_text("Cabinet")
    visitor.wait_for_timeout(300)
    assert any("frame-ancestors" in line for line in complaints)
    assert visitor.frames[1].url.startswith("chrome-error:")


def _barriers(page: Page) -> list[str]:
    """What axe holds against the page in the frame; the site around it is the test's own."""
    found = Axe().run(page).response["violations"]
    return [node["html"] for rule in found for node in rule["nodes"] if len(node["target"]) > 1]
