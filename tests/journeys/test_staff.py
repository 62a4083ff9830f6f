"""Carla at the desk, in a real browser: signing in with a second factor, and a morning at the day sheet."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings.models import Appointment, Role
from tests.bookings.entering import enter, someone
from tests.factories import PASSWORD, AppointmentFactory, Cast, PatientFactory, cast, open_week

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
WIDTHS = (390, 1440)


def code_for(secret: str) -> str:
    """The six digits an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def morning(story: Cast, visits: int = 3) -> list[Appointment]:
    """Visits of today around now: the first is over, the others are to come."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    open_week(of=story.demir, at=story.location, weekdays=range(7))
    return [
        AppointmentFactory(
            clinic=story.clinic,
            location=story.location,
            service=story.service,
            practitioner=story.demir,
            patient=PatientFactory(clinic=story.clinic, family_name=f"Lovelace{number}"),
            start=now + timedelta(minutes=5 * (number - 1) - 4),
            end=now + timedelta(minutes=5 * (number - 1) - 1),
        )
        for number in range(visits)
    ]


@pytest.fixture
def signed_in(context: BrowserContext, live_server: LiveServer) -> tuple[Page, Cast]:
    """Carla, at her screen."""
    story = cast()
    session = enter(story.carla).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context.new_page(), story


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """What the browser's console says that somebody should hear: a refused script or style above all."""
    heard: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(message.text)

    context.on("console", listen)
    return heard


def mistakes(page: Page) -> list[str]:
    """What axe finds wrong, one line each."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def test_staff_sign_in_with_a_password_then_set_up_a_second_factor_before_anything_else(
    page: Page, complaints: list[str]
) -> None:
    story = cast()
    page.goto("/admin/desk/")
    page.get_by_label("E-mail or user name").fill("carla")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("set up a second way")
    assert mistakes(page) == []
    page.get_by_role("link", name="Activate").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    assert mistakes(page) == []
    page.get_by_label("code").fill(code_for(page.get_by_label("Authenticator secret").input_value()))
    page.get_by_role("button", name="Activate").click()
    page.goto("/admin/desk/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("20")
    expect(page.get_by_text(story.carla.get_full_name())).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_desks_pages_have_nothing_axe_finds_wrong_and_break_no_security_policy(
    signed_in: tuple[Page, Cast], complaints: list[str], width: int
) -> None:
    page, story = signed_in
    visits = morning(story)
    page.set_viewport_size({"width": width, "height": 900})
    visit = visits[-1]
    addresses = (
        "/admin/",
        "/admin/desk/",
        f"/admin/desk/{visit.pk}/cancel/",
        f"/admin/bookings/appointment/{visit.pk}/change/",
        "/admin/bookings/appointment/",
        f"/admin/bookings/appointment/add/?service={story.service.pk}&q=love",
        "/admin/bookings/patient/?q=love",
        f"/admin/bookings/patient/{story.ada.pk}/change/",
        "/accounts/2fa/",
        "/accounts/password/change/",
    )
    found: dict[str, list[str]] = {}
    for address in addresses:
        page.goto(address)
        assert complaints == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        found |= {address: wrong} if (wrong := mistakes(page)) else {}
        complaints.clear()  # axe itself tries inline styles, and is refused
    assert found == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_has_nothing_axe_finds_wrong(page: Page, complaints: list[str], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/accounts/login/")
    assert mistakes(page) == []
    page.get_by_label("E-mail or user name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("do not belong together")).to_be_visible()
    assert mistakes(page) == []
    assert complaints == []


def test_one_press_says_what_happened_and_the_keyboard_stays_at_the_row(signed_in: tuple[Page, Cast]) -> None:
    page, story = signed_in
    over, _running, later = morning(story)
    page.goto("/admin/desk/")
    rows = page.locator("table.sheet tbody tr")
    expect(rows.first).to_contain_text("needs a decision")
    assert rows.first.get_attribute("id") == f"a-{over.pk}"
    row = page.locator(f"#a-{later.pk}")
    row.get_by_role("button", name="Arrived").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("has arrived")
    expect(page.locator(f"#a-{later.pk}")).to_contain_text("arrived")
    assert page.evaluate("document.activeElement.id") == f"a-{later.pk}"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('tr').id") == f"a-{later.pk}"
    expect(page.get_by_role("status")).not_to_contain_text("Lovelace")


def test_the_day_sheet_works_without_javascript(chromium: Browser, live_server: LiveServer) -> None:
    story = cast()
    *_others, later = morning(story)
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB")
    session = enter(story.carla).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto("/admin/desk/")
    row = page.locator(f"#a-{later.pk}")
    row.get_by_text("More", exact=True).click()
    row.get_by_role("link", name="Cancel").click()
    page.get_by_label("The patient asked for it").check()
    page.get_by_role("button", name="Cancel this appointment").click()
    expect(page.locator(f"#a-{later.pk}")).to_contain_text("cancelled")
    page.locator(f"#a-{_others[0].pk}").get_by_role("button", name="Did not come").click()
    expect(page.locator(f"#a-{_others[0].pk}")).to_contain_text("did not come")
    context.close()


def test_a_printed_sheet_has_the_names_and_none_of_the_buttons(signed_in: tuple[Page, Cast]) -> None:
    page, story = signed_in
    morning(story)
    page.goto("/admin/desk/")
    page.emulate_media(media="print")
    expect(page.get_by_text("Lovelace1")).to_be_visible()
    expect(page.get_by_text("Contains health data")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_a_caller_is_booked_from_one_page(signed_in: tuple[Page, Cast]) -> None:
    page, story = signed_in
    open_week(of=story.demir, at=story.location, weekdays=range(5, 7))
    page.goto("/admin/")
    page.get_by_role("link", name="Book", exact=True).click()
    page.get_by_label("Service").select_option(label="Consultation")
    page.get_by_role("button", name="Show free times").click()
    page.locator(".times a").last.click()
    page.get_by_label("Find the patient").fill("lovel")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Nobody was found")).to_be_visible()
    page.get_by_label("Family name").fill("Kovalevskaya")
    page.get_by_label("Phone").fill("+33 6 12 34 56 78")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Booked:")
    expect(page.get_by_text("Kovalevskaya")).to_be_visible()


def test_a_manager_sees_nothing_refused_on_the_pages_that_carry_djangos_own_scripts(
    context: BrowserContext, live_server: LiveServer, complaints: list[str]
) -> None:
    story = cast()
    marc = someone(clinic=story.clinic, role=Role.MANAGER)
    session = enter(marc).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    for address in (
        f"/admin/bookings/practitioner/{story.demir.pk}/change/",
        "/admin/bookings/closure/add/",
        "/admin/bookings/location/add/",
        f"/admin/bookings/healthcareservice/{story.service.pk}/change/",
        "/admin/bookings/staffmembership/add/",
    ):
        page.goto(address)
    page.goto(f"/admin/bookings/practitioner/{story.demir.pk}/change/")
    page.get_by_role("button", name="Add another Opening hours").click()
    expect(page.locator("#hours-5")).to_be_visible()
    assert complaints == []
