"""The patient's account in a real browser: a passkey made and used by a virtual device, and every page by eye."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings import patients
from tests.bookings.views.account_walk import visit
from tests.bookings.views.walk import NOW, newest_code
from tests.factories import MONDAY, Cast, cast
from tests.journeys.test_booking_pages import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("/me/", "/me/contact/", "/me/people/", "/me/security/")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """The cast, with something to come and something past."""
    everyone = cast()
    patients.reindex(everyone.ada)
    visit(everyone, everyone.ada)
    visit(everyone, everyone.ada, start=NOW - timedelta(days=10))
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    """It is Friday morning; the server's clock runs on from there."""
    with time_machine.travel(MONDAY - timedelta(days=3), tick=True) as traveller:
        yield traveller


def device(page: Page, *, works: bool = True) -> None:
    """A device with a screen lock, such as a phone is; it says yes, or it does not know its person."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": works,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_in(page: Page) -> None:
    page.goto("/me/?clinic=parc")
    page.get_by_label("E-mail address the clinic knows").fill("ada@example.org")
    page.get_by_role("button", name="Send me the code").click()
    page.get_by_label("Code from the e-mail").fill(newest_code(purpose="signin"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Your appointments")


def add_passkey(page: Page) -> None:
    page.goto("/me/security/")
    page.get_by_label("A name for it").fill("My phone")
    page.get_by_role("button", name="Add a passkey").click()


def test_a_passkey_is_made_and_signs_in(page: Page) -> None:
    device(page)
    sign_in(page)
    add_passkey(page)
    expect(page.get_by_role("status")).to_have_text("The passkey is added. You can sign in with it alone.")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/me/people/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("h1")).to_have_text("People")


def test_what_goes_wrong_is_said_where_it_is_heard(page: Page) -> None:
    device(page, works=False)
    page.goto("/me/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-passkey-said]")).to_have_text(
        "Nothing was chosen. Try again, or use a code.", timeout=20_000
    )
    expect(page.locator("[data-passkey-said]")).to_have_attribute("aria-live", "assertive")


def test_the_same_device_is_told_that_it_has_a_passkey_already(page: Page) -> None:
    device(page)
    sign_in(page)
    add_passkey(page)
    expect(page.get_by_role("status")).to_have_count(1)
    add_passkey(page)
    expect(page.locator("[data-passkey-said]")).to_have_text("This device has a passkey for this account already.")


def test_without_script_no_passkey_is_offered(chromium: Browser, live_server: LiveServer) -> None:
    context: BrowserContext = chromium.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/me/")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    sign_in(page)
    page.goto("/me/security/")
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    expect(page.get_by_text("Passkeys cannot be added in this browser.")).to_be_visible()
    context.close()


def test_at_an_address_of_numbers_no_passkey_is_offered(page: Page, live_server: LiveServer) -> None:
    offered = page.get_by_role("button", name="Sign in with a passkey")
    page.goto("/me/")
    expect(offered).to_be_visible()
    page.goto(f"{live_server.url.replace('localhost', '127.0.0.1')}/me/")
    expect(offered).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_every_page_fits_and_is_accessible(page: Page, people: Cast, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)
    page.goto("/me/")
    assert violations(page) == []
    sign_in(page)
    for address in (*PAGES, f"/me/people/{people.ben.pk}/end/"):
        page.goto(address)
        assert (address, violations(page)) == (address, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/me/security/")
    page.get_by_role("button", name="Set up an app").click()
    assert violations(page) == []
    assert page.locator("img.qr").evaluate("image => image.naturalWidth > 0")
    assert blocked == []
