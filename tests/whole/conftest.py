"""One installation for all tests of the whole: real servers, a real browser, one appointment booked by a patient."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.running import Running, horae, wait_for
from tests.servers import MailSink, Radicale
from tests.whole.patients import HttpPatient

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CLINIC = "Cabinet médical des Terreaux"
SERVICE = "Ultrasound scan"
DOCTOR = "Selin Demir"

#: What must never be found in clear: unlike anything else in the demo's data.
GIVEN_NAME = "Wilhelmina-Quirina"
FAMILY_NAME = "Zzyzxenberg"
EMAIL = "wq.zzyzx@patient.example"
PHONE = "+33 6 39 98 76 54"
BIRTH_DATE = "1961-09-17"
REASON = "Xerophthalmia follow-up"


@dataclass(frozen=True, slots=True)
class Booked:
    """The one appointment every test of this folder looks for."""

    link: str
    id: str
    cookies: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything of this folder needs real servers; `bin/test` runs it alone, one test after the other."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def sink() -> Iterator[MailSink]:
    """Where every message of the installation lands."""
    made = MailSink()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """Dr Demir's calendar server."""
    made = Radicale(folder=tmp_path_factory.mktemp("radicale"))
    made.start()
    assert made.ask("MKCALENDAR").status_code == 201
    yield made
    made.stop()


@pytest.fixture(scope="session")
def installation(sink: MailSink, radicale: Radicale) -> Iterator[Running]:
    """All of Horae, with Dr Demir's calendar connected."""
    with horae(EMAIL_URL=f"smtp://127.0.0.1:{sink.port}") as running:
        connected = running.manage("shell", "-c", _CONNECT.format(name=DOCTOR, url=radicale.url))
        assert connected.returncode == 0, connected.stderr
        yield running


_CONNECT = """
from audit.context import Actor
from bookings.models import Practitioner
from calendars.connections import connect
from tests.servers import PASSWORD, USERNAME
demir = Practitioner.objects.get(name="{name}")
connect(actor=Actor.system("test"), practitioner=demir, url="{url}", username=USERNAME, password=PASSWORD)
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor who reads English, on a phone."""
    with visitor(browser) as opened:
        yield opened


@contextlib.contextmanager
def visitor(browser: Browser, *, width: int = 390) -> Iterator[Page]:
    """A new browser profile."""
    context = browser.new_context(locale="en-GB", viewport={"width": width, "height": 844})
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def new_patient(installation: Running) -> Iterator[Callable[[], HttpPatient]]:
    """Gives patients without a browser; their connections are closed after the test."""
    made: list[HttpPatient] = []

    def another() -> HttpPatient:
        made.append(HttpPatient(installation.url))
        return made[-1]

    yield another
    for patient in made:
        patient.client.close()


@pytest.fixture(scope="session")
def booked(installation: Running, sink: MailSink, browser: Browser) -> Booked:
    """Book as a patient does, with a browser and the code from the mail."""
    with visitor(browser) as page:
        page.goto(installation.url)
        page.get_by_role("link", name=CLINIC).click()
        page.get_by_role("link", name=SERVICE).click()
        page.locator(".next button").click()
        fill_details(page)
        page.get_by_role("button", name="Go on: get the code").click()
        page.get_by_label("Code from the e-mail").fill(code_for(sink, EMAIL))
        page.get_by_role("button", name="Book the appointment").click()
        page.get_by_role("heading", name="You are booked").wait_for()
        link = page.url.removesuffix("booked/")
        cookies = repr(page.context.cookies()) + repr(page.evaluate("[{...localStorage}, {...sessionStorage}]"))
    (found,) = installation.sql("SELECT id FROM bookings_appointment ORDER BY created DESC LIMIT 1")
    return Booked(link=link, id=str(found[0]), cookies=cookies)


def fill_details(page: Page, *, family_name: str = FAMILY_NAME, email: str = EMAIL) -> None:
    """Type everything a patient may type."""
    page.get_by_label("Given name").fill(GIVEN_NAME)
    page.get_by_label("Family name").fill(family_name)
    year, month, day = BIRTH_DATE.split("-")
    page.get_by_label("Day", exact=True).fill(day)
    page.get_by_label("Month", exact=True).fill(month)
    page.get_by_label("Year", exact=True).fill(year)
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Phone (optional)").fill(PHONE)
    page.get_by_label("Reason for the visit").fill(REASON)


def code_for(sink: MailSink, address: str) -> str:
    """The newest code mailed to an address, once it is there."""

    def newest() -> str:
        found = mails_to(sink, address, with_code=True)
        return re.findall(r"^(\d{6})$", body(found[-1]), re.MULTILINE)[-1] if found else ""

    return str(wait_for(newest, seconds=20, what=f"a code for {address}"))


def mails_to(sink: MailSink, address: str, *, with_code: bool = False) -> list[EmailMessage]:
    """Messages to an address, oldest first; only those that carry a code, or all."""
    return [
        message
        for message in list(sink.received)
        if address in str(message["To"]) and (not with_code or re.search(r"^\d{6}$", body(message), re.MULTILINE))
    ]


def body(message: EmailMessage) -> str:
    """A message's plain text."""
    part = message.get_body(preferencelist=("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
