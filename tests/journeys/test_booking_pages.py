"""The booking pages in a real browser: with and without JavaScript, by eye, ear, key and thumb."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings.models import Appointment, Clinic, ContactChallenge, Draft, Hold
from tests.bookings.views.walk import NINE, NOW, newest_code
from tests.factories import Cast, ClosureFactory, LocationFactory, NoticeFactory, OfferFactory, cast, open_week

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TIMES = "/c/parc/consultation/"
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """A clinic with an accent, two places, two people and a notice."""
    everyone = cast()
    everyone.clinic.accent = "#ffd400"
    everyone.clinic.save()
    NoticeFactory(clinic=everyone.clinic)
    second = OfferFactory(service=everyone.service).practitioner
    open_week(of=second, at=LocationFactory(clinic=everyone.clinic, name="Croix-Rousse", slug="croix-rousse"))
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    """It is Friday morning; the server's clock runs on from there."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def page(page: Page) -> Page:
    """The browser's clock says the same."""
    page.clock.install(time=NOW)
    return page


def take(page: Page, *, row: int = 0) -> None:
    """Take a time of the first day."""
    page.goto(f"{TIMES}?location=bellecour&from=2026-11-30")
    page.locator(".slots button").nth(row).click()
    expect(page.locator("h1")).to_have_text("Your details")


def fill(page: Page, *, email: str = "zoe@example.org") -> None:
    page.get_by_label("Given name").fill("Zoë")
    page.get_by_label("Family name").fill("Ångström")
    page.get_by_label("Day").fill("28")
    page.get_by_label("Month").fill("2")
    page.get_by_label("Year").fill("1990")
    page.get_by_label("Your e-mail address").fill(email)


def to_code(page: Page, *, email: str = "zoe@example.org") -> None:
    take(page)
    fill(page, email=email)
    page.get_by_role("button", name="Go on: get the code").click()
    expect(page.locator("h1")).to_have_text("Type the code")


def book(page: Page) -> None:
    to_code(page)
    page.get_by_label("Code from the e-mail").fill(newest_code())
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator("h1")).to_have_text("You are booked")


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe holds against the page under WCAG 2.2 A and AA, in dark and in light, once its styles are there."""
    page.wait_for_load_state("load")
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += Axe().run(page, options=WCAG).response["violations"]
    return [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]]


def test_axe_finds_nothing_on_any_page_or_state(page: Page, people: Cast, clock: Any) -> None:
    seen: list[str] = []

    def check(name: str) -> None:
        seen.append(name)
        assert violations(page) == [], name
        assert page.locator("h1").count() == 1, name
        assert page.title() != "", name

    for address in ("/", "/c/parc/", "/c/parc/imprint/", "/c/parc/privacy/", "/c/parc/accessibility/", "/find/", TIMES):
        page.goto(address)
        check(address)
    page.locator(".menu summary").click()
    check("language menu")
    page.goto(f"{TIMES}?location=bellecour&from=2026-12-05")
    page.locator(".day:not([open]) summary").first.click()
    check("unfolded day")
    closure = ClosureFactory(clinic=people.clinic, start=NINE + timedelta(days=6), end=NINE + timedelta(days=18))
    page.goto(f"{TIMES}?from=2026-12-07")
    check("empty week")
    closure.start, closure.end = NOW, NOW + timedelta(days=200)
    closure.save()
    page.goto(TIMES)
    check("no time at all")
    closure.delete()
    take(page)
    check("details")
    page.get_by_label("For someone else", exact=True).check()
    page.get_by_role("button", name="Go on: get the code").click()
    expect(page.locator(".summary")).to_be_focused()
    check("details with mistakes")
    page.locator(".notice summary").click()
    check("details with the notice open")
    Hold.objects.update(expires_at=NOW - timedelta(minutes=1))
    page.reload()
    check("details no longer held")
    page.get_by_label("For me", exact=True).check()
    fill(page)
    page.get_by_role("button", name="Go on: get the code").click()
    expect(page.locator("h1")).to_have_text("Type the code")
    check("code")
    page.get_by_label("Code from the e-mail").fill("12345")
    page.get_by_role("button", name="Book the appointment").click()
    check("code with a mistake")
    ContactChallenge.objects.update(tries_left=0)
    page.get_by_label("Code from the e-mail").fill("123456")
    page.get_by_role("button", name="Book the appointment").click()
    check("code over")
    page.get_by_role("button", name="Send a new code").click()
    check("code sent again")
    page.get_by_label("Code from the e-mail").fill(newest_code())
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator("h1")).to_have_text("You are booked")
    check("booked")
    page.get_by_role("link", name="See, move or cancel").click()
    check("manage")
    link = page.url
    page.get_by_role("link", name="Cancel the appointment").click()
    check("cancel")
    page.get_by_role("button", name="Yes, cancel it").click()
    check("cancelled")
    for address in ("/a/wrong/", "/nowhere/", f"{TIMES}hold/", f"{TIMES}?from=x", "/?q=zzz"):
        page.goto(address)
        check(address)
    page.context.clear_cookies()
    page.goto(link)
    check("locked")
    page.get_by_role("button", name="Send me the code").click()
    check("manage code")
    page.goto("/find/?clinic=parc")
    page.get_by_role("button", name="Send me the code").click()
    check("find with a mistake")
    page.get_by_label("E-mail address you booked with").fill("zoe@example.org")
    page.get_by_role("button", name="Send me the code").click()
    check("find code")
    page.get_by_label("Code from the e-mail").fill(newest_code(purpose="find"))
    page.get_by_role("button", name="Show my appointments").click()
    check("nothing found")
    Appointment.objects.update(status="booked", cancelled_by="")
    page.reload()
    check("found")
    assert len(seen) == len(set(seen)) == 34


def test_the_loser_of_a_race_finds_a_page_without_barriers_and_books_the_next_time(
    page: Page, chromium: Browser, live_server: LiveServer
) -> None:
    page.goto(f"{TIMES}?location=bellecour&from=2026-11-30")
    rival = chromium.new_context(base_url=live_server.url, locale="en-GB")
    try:
        take(rival.new_page())
    finally:
        rival.close()
    page.locator(".slots button").first.click()
    expect(page.locator("h1")).to_have_text("This time was just taken")
    assert violations(page) == []
    page.locator(".wide-slots button").first.click()
    expect(page.locator("h1")).to_have_text("Your details")


def test_the_whole_journey_works_without_javascript(chromium: Browser, live_server: LiveServer, people: Cast) -> None:
    context = chromium.new_context(base_url=live_server.url, locale="en-GB", java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="Cabinet du Parc").click()
        page.get_by_role("link", name="Consultation").click()
        page.locator(".day:not([open]) summary").first.click()
        page.locator(".day[open]").last.locator("button").first.click()
        expect(page.locator("h1")).to_have_text("Your details")
        expect(page.get_by_label("Your own name")).to_be_hidden()
        page.get_by_label("For someone else", exact=True).check()
        page.get_by_label("Your own name").fill("Ben")
        page.get_by_label("What are you to the patient?").select_option("parent")
        fill(page, email="ben@example.org")
        page.get_by_role("button", name="Keep it longer").click()
        expect(page.get_by_label("Family name")).to_have_value("Ångström")
        page.locator(".menu summary").click()
        page.get_by_role("button", name="Deutsch").click()
        assert page.locator("html").get_attribute("lang") == "de"
        expect(page.locator("[name=family_name]")).to_have_value("Ångström")
        page.locator(".menu summary").click()
        page.get_by_role("button", name="English").click()
        page.get_by_role("button", name="Go on: get the code").click()
        code = newest_code()
        page.get_by_label("Code from the e-mail").fill(f"{code[:3]} {code[3:]}")
        page.get_by_role("button", name="Book the appointment").click()
        expect(page.locator("h1")).to_have_text("You are booked")
        with page.expect_download() as download:
            page.get_by_role("link", name="Add to my calendar").click()
        assert "BEGIN:VCALENDAR" in download.value.path().read_text()
        page.goto(page.url.replace("/booked/", "/slip/"))
        expect(page.locator("[data-print]")).to_be_hidden()
        page.goto(page.url.replace("/slip/", "/"))
        page.get_by_role("link", name="Cancel the appointment").click()
        page.get_by_role("button", name="Yes, cancel it").click()
        expect(page.get_by_role("status")).to_contain_text("This appointment is cancelled.")
    finally:
        context.close()
    appointment = Appointment.objects.get()
    assert (appointment.status, appointment.patient.family_name) == ("cancelled", "Ångström")
    assert appointment.contact_person is not None
    assert appointment.contact_person.name == "Ben"


def test_the_whole_journey_works_by_keyboard_alone(page: Page) -> None:
    page.goto(f"{TIMES}?location=bellecour&from=2026-11-30")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator(".slots button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your details")
    page.get_by_label("Family name").focus()
    page.keyboard.type("Ångström")
    page.get_by_label("Your e-mail address").focus()
    page.keyboard.type("zoe@example.org")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Type the code")
    page.get_by_label("Code from the e-mail").focus()
    page.keyboard.type(newest_code())
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("You are booked")


def test_a_hold_warns_two_minutes_before_it_ends_and_extends_without_leaving_the_page(
    page: Page, clock: time_machine.Traveller
) -> None:
    take(page)
    page.get_by_label("Family name").fill("Half typ")
    warning = page.locator(".hold-warning")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("07:30")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("00:45")
    expect(warning).to_contain_text("two more minutes only")
    assert warning.get_attribute("role") == "alert"
    clock.shift(timedelta(minutes=8))
    page.get_by_role("button", name="Keep it longer").click()
    page.clock.run_for(200)
    expect(page.locator("[data-hold-said]")).to_contain_text("We keep this time for you until 09:18")
    expect(page.locator("#hold")).to_contain_text("09:18")
    expect(warning).to_be_hidden()
    expect(page.get_by_label("Family name")).to_have_value("Half typ")
    expect(page.get_by_role("button", name="Keep it longer")).to_be_focused()
    page.clock.fast_forward("11:00")
    expect(warning).to_contain_text("no longer kept")


def test_a_hold_that_went_to_another_says_so_when_it_is_extended(page: Page) -> None:
    take(page)
    Hold.objects.update(expires_at=NOW - timedelta(minutes=1))
    Draft.objects.update(hold=None)
    ClosureFactory(
        clinic=Clinic.objects.get(slug="parc"), start=NINE - timedelta(hours=1), end=NINE + timedelta(hours=1)
    )
    page.get_by_role("button", name="Keep it longer").click()
    expect(page.locator("h1")).to_have_text("This time is not offered")


def test_a_code_pasted_with_spaces_stands_as_six_digits(page: Page) -> None:
    to_code(page)
    code = newest_code()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", f" {code[:3]} {code[3:]} ")
    field = page.get_by_label("Code from the e-mail")
    field.focus()
    page.keyboard.press("Control+V")
    expect(field).to_have_value(code)
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator("h1")).to_have_text("You are booked")


def test_the_browsers_arrow_never_asks_to_send_a_form_again(page: Page) -> None:
    take(page)
    page.get_by_role("button", name="Go on: get the code").click()  # empty: answered with its mistakes
    expect(page.locator(".summary")).to_be_visible()
    fill(page)
    page.get_by_role("button", name="Go on: get the code").click()
    right = newest_code()
    page.get_by_label("Code from the e-mail").fill("000000" if right != "000000" else "111111")
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator(".summary")).to_be_visible()
    page.get_by_label("Code from the e-mail").fill(right)
    page.get_by_role("button", name="Book the appointment").click()
    expect(page.locator("h1")).to_have_text("You are booked")
    expect(page.locator("main")).to_contain_text("on its way to zoe@example.org")
    expect(page.locator(".ticket")).to_contain_text("30 minutes")
    expect(page.locator(".ticket")).to_contain_text("Zoë")
    for _ in range(4):  # the code typed wrong, the code, the details, their mistakes
        answered = page.go_back()
        assert answered is None or (answered.request.method, answered.status) == ("GET", 200)
    assert Appointment.objects.count() == 1


def test_nothing_needs_dragging_and_every_target_is_large_enough(page: Page) -> None:
    take(page)
    for address in ("/", "/c/parc/", TIMES, page.url, "/find/"):
        page.goto(address)
        assert page.locator("[draggable=true], input[type=range]").count() == 0
        small = page.evaluate(
            """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
                .filter(one => !one.closest('p, dd') && one.type !== 'hidden' && one.tabIndex >= 0)
                .filter(one => one.checkVisibility())
                .map(one => [one.outerHTML.slice(0, 80), (one.closest('label') || one).getBoundingClientRect()])
                .filter(([, box]) => box.bottom > 0 && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
        )
        assert small == [], address


def test_two_presses_send_a_form_once(page: Page) -> None:
    take(page)
    fill(page)
    page.evaluate(
        """() => { const button = document.querySelector('form#details .primary'); button.click(); button.click(); }"""
    )
    expect(page.locator("h1")).to_have_text("Type the code")
    assert ContactChallenge.objects.count() == 1


def test_the_pages_reflow_at_400_percent(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    take(page)
    unfolded = f"{TIMES}?location=bellecour&from=2026-11-30"
    for address in ("/", "/c/parc/", TIMES, unfolded, page.url, "/find/", "/nowhere/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address


def test_pages_are_light_and_load_nothing_from_elsewhere(context: BrowserContext, live_server: LiveServer) -> None:
    page = context.new_page()  # with a clock of its own: a set one measures nothing
    asked: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    book(page)
    for address in ("/", "/c/parc/", TIMES, page.url, "/find/"):
        page.goto(address, wait_until="networkidle")
        # Asked for once more: of what the browser had kept it says no size.
        names: list[str] = page.evaluate(
            "() => ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind)).map(one => one.name)"
        )
        sizes = {name.split("?")[0].rsplit(".")[-1]: len(context.request.get(name).body()) for name in names}
        assert sum(sizes.values()) < 60_000, (address, sizes)
        assert 0 < sizes["js"] < 10_000
    assert asked == {urlsplit(live_server.url).netloc}
    assert complaints == []


def test_no_cookie_but_the_session_the_form_token_and_the_language(page: Page, context: BrowserContext) -> None:
    book(page)
    assert {cookie["name"] for cookie in context.cookies()} <= {"sessionid", "csrftoken", "django_language"}
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_who_keeps_too_many_times_meets_no_barrier_and_goes_on(page: Page) -> None:
    for _ in range(3):
        take(page)
    page.goto(f"{TIMES}?location=bellecour&from=2026-11-30")
    page.locator(".slots button").first.click()
    expect(page.locator("h1")).to_have_text("You keep several times already")
    assert violations(page) == []
    page.get_by_role("button", name="Give the others back and keep this one").click()
    expect(page.locator("h1")).to_have_text("Your details")
