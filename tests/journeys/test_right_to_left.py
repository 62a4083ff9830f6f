"""The pages in a made-up language that runs from right to left: a language more is a folder more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from config.env import ROOT
from config.languages import languages
from tests import pseudo
from tests.bookings.views.walk import NOW, newest_code
from tests.factories import Cast, NoticeFactory, cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people(transactional_db: None) -> Cast:
    everyone = cast()
    NoticeFactory(clinic=everyone.clinic)
    return everyone


@pytest.fixture
def page(
    people: Cast, chromium: Browser, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> Iterator[Page]:
    """A phone whose language is the made-up one, on an installation to which its folder was added."""
    added = pseudo.write(tmp_path, like=ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po")
    settings.LOCALE_PATHS = [ROOT / "locale", added]
    settings.LANGUAGES = languages(settings.LOCALE_PATHS)
    context = chromium.new_context(base_url=live_server.url, locale=pseudo.CODE, viewport={"width": 390, "height": 844})
    context.set_default_timeout(10_000)
    with time_machine.travel(NOW, tick=True):
        yield context.new_page()
    context.close()


def test_a_patient_books_from_right_to_left_and_nothing_is_left_untold_or_runs_over(page: Page) -> None:
    def look(heading: str) -> None:
        expect(page.locator("h1")).to_have_text(pseudo.spoken(heading))
        assert page.evaluate("[document.dir, document.documentElement.lang]") == ["rtl", pseudo.CODE]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert _untranslated(page) == []
        assert Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"] == []

    page.goto("/find/")
    look("Find my appointment")
    page.goto("/c/parc/consultation/?location=bellecour&from=2026-11-30")
    page.locator(".slots button").first.click()
    look("Your details")
    edge = page.locator("#id_family_name").bounding_box()
    assert edge is not None
    assert edge["x"] + edge["width"] > 350
    page.locator("form#details .primary").click()
    expect(page.locator(".summary")).to_be_focused()
    page.locator("[name=family_name]").fill("Ångström")
    page.locator("[name=email]").fill("zoe@example.org")
    page.locator("form#details .primary").click()
    look("Type the code")
    page.locator("[name=code]").fill(newest_code())
    page.locator("form#code .primary").click()
    look("You are booked")
    page.goto("/me/?clinic=parc")
    look("Sign in to your account")
    page.locator("[name=email]").fill("zoe@example.org")
    page.locator("main form .primary").first.click()
    look("Type the code")
    page.locator("[name=code]").fill(newest_code(purpose="signin"))
    page.locator("main form .primary").first.click()
    look("Your appointments")
    own = (("contact", "Contact"), ("people", "People"), ("data", "Your data"), ("data/ask", "Ask about data"))
    for address, heading in own:
        page.goto(f"/me/{address}/")
        look(heading)


def _untranslated(page: Page) -> list[str]:
    """Texts of the page with two Latin words in a row that are neither a name, a clinic's own text nor typed."""
    found: list[str] = page.evaluate(
        """() => {
            const names = '.brand, .foot-name, .ticket, .menu, address, h3, .lead strong, .chips, option, .facts';
            const own = `[lang]:not(html), bdi, time, ${names}`;
            const walker = document.createTreeWalker(document.querySelector('body'), NodeFilter.SHOW_TEXT);
            const texts = [];
            for (let node = walker.nextNode(); node; node = walker.nextNode())
                if (!node.parentElement.closest(own) && !/[א-ת]/.test(node.data) &&
                    /[a-z]{2,} [a-z]{2,}/i.test(node.data))
                    texts.push(node.data.trim());
            return texts;
        }"""
    )
    return found
