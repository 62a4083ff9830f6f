"""What booking costs a person, counted: taps, characters typed, keys pressed, bytes loaded, hosts asked.

Run with `-s` it prints the table that stands in docs/accessibility.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from playwright.sync_api import Locator, Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from bookings import patients
from bookings.models import Appointment
from tests.bookings.views.account_walk import visit
from tests.bookings.views.walk import NOW, newest_code
from tests.factories import Cast, LocationFactory, NoticeFactory, OfferFactory, cast, open_week
from tests.journeys.test_account import add_passkey, device, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_TAPS = 9
MOST_KEYS = 60
MOST_BYTES = 60_000
MOST_SCRIPT = 10_000


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """A clinic with two places, two people and a notice; a patient who has been there."""
    everyone = cast()
    patients.reindex(everyone.ada)
    NoticeFactory(clinic=everyone.clinic)
    second = OfferFactory(service=everyone.service).practitioner
    open_week(of=second, at=LocationFactory(clinic=everyone.clinic, name="Croix-Rousse", slug="croix-rousse"))
    visit(everyone, everyone.ada, start=NOW - timedelta(days=30))
    return everyone


@pytest.fixture(autouse=True)
def clock(people: Cast) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@dataclass
class Hand:
    """Somebody at a page, every tap and every key of whom is counted."""

    page: Page
    taps: int = 0
    keys: int = 0
    weights: dict[str, tuple[int, int]] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)

    def tap(self, what: Locator) -> None:
        what.wait_for()
        self.weigh()
        what.click()
        self.taps += 1

    def type(self, what: Locator, text: str) -> None:
        self.tap(what)
        self.page.keyboard.type(text)
        self.keys += len(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def go_to(self, what: Locator) -> None:
        """By the Tab key alone, from wherever one is."""
        what.wait_for()
        self.weigh()
        for _ in range(MOST_KEYS):
            if what.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"{what} is not reached by {MOST_KEYS} presses of Tab")

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)

    def weigh(self) -> None:
        """What the page and everything it loads weigh, unpacked; and the part of it that is script."""
        self.page.wait_for_load_state("load")
        sizes: list[tuple[str, int]] = self.page.evaluate(
            """() => ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
                .map(entry => [entry.name.split('?')[0], entry.decodedBodySize])"""
        )
        script = sum(size for name, size in sizes if name.endswith(".js"))
        self.weights[re.sub(r"[0-9a-f-]{36}", "", urlsplit(self.page.url).path)] = (
            sum(size for _, size in sizes),
            script,
        )


def told(who: str, hand: Hand) -> None:
    """One line of the table."""
    hand.weigh()
    heaviest, script = max(hand.weights.values()), max(script for _, script in hand.weights.values())
    print(
        f"| {who} | {hand.taps} | {hand.keys} | {len(hand.weights)} | {heaviest[0] / 1000:.1f} | {script / 1000:.1f} |"
    )


def fits(hand: Hand, live_server: LiveServer) -> None:
    assert all(whole < MOST_BYTES and script < MOST_SCRIPT for whole, script in hand.weights.values()), hand.weights
    assert hand.hosts == {urlsplit(live_server.url).netloc}


def to_details(hand: Hand) -> None:
    """From the first page to the form, by touch."""
    page = hand.page
    page.goto("/")
    hand.tap(page.get_by_role("link", name="Cabinet du Parc"))
    hand.tap(page.get_by_role("link", name="Consultation"))
    first = page.locator(".day:not([open]) summary").first
    hand.tap(first)
    hand.tap(page.locator(".day[open]").last.locator("button").first)
    expect(page.locator("h1")).to_have_text("Your details")


def booked(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("You are booked")


def test_a_known_patient_who_is_signed_in(page: Page, live_server: LiveServer, people: Cast) -> None:
    sign_in(page)
    hand = Hand(page)
    to_details(hand)
    hand.tap(page.get_by_role("button", name="Book the appointment"))
    booked(page)
    told("known, signed in, by touch", hand)
    assert (hand.taps <= MOST_TAPS, hand.keys) == (True, 0)
    assert Appointment.objects.latest("created").patient == people.ada
    fits(hand, live_server)


def test_a_known_patient_who_signs_in_with_a_passkey_on_the_way(page: Page, live_server: LiveServer) -> None:
    device(page)
    sign_in(page)
    add_passkey(page)
    expect(page.get_by_role("status")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    hand = Hand(page)
    to_details(hand)
    hand.tap(page.get_by_role("link", name="Sign in, and you need not fill this in"))
    hand.tap(page.get_by_role("button", name="Sign in with a passkey"))
    expect(page.locator("h1")).to_have_text("Your details")
    hand.tap(page.get_by_role("button", name="Book the appointment"))
    booked(page)
    told("known, with a passkey, by touch", hand)
    assert (hand.taps <= MOST_TAPS, hand.keys) == (True, 0)
    fits(hand, live_server)


def test_a_known_patient_without_an_account(page: Page, live_server: LiveServer, people: Cast) -> None:
    hand = Hand(page)
    to_details(hand)
    year, month, day = people.ada.birth_date.split("-")
    typed = {"Given name": people.ada.given_name, "Family name": people.ada.family_name}
    typed |= {"Day": day.lstrip("0"), "Month": month.lstrip("0"), "Year": year, "Your e-mail address": people.ada.email}
    for label, text in typed.items():
        hand.type(page.get_by_label(label), text)
    hand.tap(page.get_by_role("button", name="Go on: get the code"))
    hand.type(page.get_by_label("Code from the e-mail"), newest_code(purpose="book"))
    hand.tap(page.get_by_role("button", name="Book the appointment"))
    booked(page)
    told("known, by code, by touch", hand)
    assert hand.keys <= MOST_KEYS
    assert Appointment.objects.latest("created").patient == people.ada
    fits(hand, live_server)


def test_a_known_patient_by_keyboard_alone(page: Page, live_server: LiveServer) -> None:
    sign_in(page)
    hand = Hand(page)
    page.goto("/")
    for step in (
        page.get_by_role("link", name="Cabinet du Parc"),
        page.get_by_role("link", name="Consultation"),
    ):
        hand.go_to(step)
        hand.press("Enter")
    page.wait_for_url("**/consultation/**")
    hand.go_to(page.locator(".day[open] button").first)
    hand.press("Enter")
    expect(page.locator("h1")).to_have_text("Your details")
    hand.go_to(page.get_by_role("button", name="Book the appointment"))
    hand.press("Enter")
    booked(page)
    told("known, signed in, by keyboard", hand)
    assert hand.keys <= MOST_KEYS
    fits(hand, live_server)


def test_no_page_of_the_account_is_heavy(page: Page, live_server: LiveServer) -> None:
    sign_in(page)
    hand = Hand(page)
    own = ("", "contact/", "consents/", "people/", "security/", "data/", "data/looks/", "data/ask/", "data/requests/")
    for address in own:
        page.goto(f"/me/{address}")
        hand.weigh()
    page.goto("/me/security/")
    page.get_by_role("button", name="Set up an app").click()
    expect(page.locator("img.qr")).to_be_visible()
    told("pages of the account", hand)
    assert len(hand.weights) == len(own) + 1
    fits(hand, live_server)
