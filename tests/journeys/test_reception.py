"""Reception with the whole engine, in a real browser: without a script, on a phone and on a wide screen."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings.models import Appointment, AppointmentStatus
from tests.bookings.entering import enter, visit
from tests.bookings.grouping import join
from tests.factories import Cast, PatientFactory, ServiceFactory, SessionFactory, TermsFactory, cast, open_week

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
HALF = timedelta(minutes=30)


def tomorrow(hour: int) -> datetime:
    """That hour tomorrow on a wall in Lyon."""
    day: date = datetime.now(ZoneInfo("Europe/Paris")).date() + timedelta(days=1)
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


@pytest.fixture
def story() -> Cast:
    story = cast(overbook_cap=2)
    open_week(of=story.demir, at=story.location, weekdays=(5, 6))
    story.location.observes_holidays = False
    story.location.save()
    return story


@pytest.fixture
def plain(chromium: Browser, live_server: LiveServer, story: Cast) -> Iterator[Page]:
    """Carla's screen, without scripts."""
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB")
    session = enter(story.carla).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_a_taken_time_is_explained_and_squeezed_in_without_a_script(plain: Page, story: Cast) -> None:
    taken = visit(story, start=tomorrow(10), end=tomorrow(10) + HALF)
    plain.goto(f"/admin/bookings/appointment/add/?service={story.service.pk}&patient={story.ada.pk}")
    plain.get_by_text("A time that is not in the list").click()
    plain.get_by_label("Day", exact=True).fill(tomorrow(10).date().isoformat())
    plain.get_by_label("Time", exact=True).fill("10:00")
    plain.get_by_role("button", name="Why is this time not offered?").click()
    expect(plain.get_by_role("row", name="the practitioner is free")).to_contain_text("this decides")
    plain.get_by_role("link", name="Go on with this time").click()
    expect(plain.get_by_text("This time is no longer free")).to_be_visible()
    plain.get_by_label("It is urgent").check()
    plain.get_by_role("button", name="Squeeze in").click()
    expect(plain.get_by_role("status")).to_contain_text("Booked:")
    booked = Appointment.objects.exclude(pk=taken.pk).get()
    assert (booked.start, booked.overbook_reason) == (taken.start, "urgent")


def test_a_series_is_booked_and_moved_from_one_on_without_a_script(plain: Page, story: Cast) -> None:
    start = {"start": tomorrow(9).isoformat(), "at": story.location.pk}
    query = urlencode({"service": story.service.pk, "patient": story.ada.pk, **start})
    plain.goto(f"/admin/bookings/appointment/add/?{query}")
    plain.get_by_text("Repeat it").click()
    plain.get_by_label("Number of visits").fill("3")
    plain.get_by_role("button", name="Book", exact=True).click()
    expect(plain.get_by_text("3 visits booked")).to_be_visible()
    expect(plain.get_by_text("1 of 3")).to_be_visible()
    plain.get_by_role("link", name="Move", exact=True).click()
    plain.locator(".times a", has_text="09:30").first.click()
    plain.get_by_label("this one and all following (3 visits)").check()
    plain.get_by_role("button", name="Move", exact=True).click()
    expect(plain.get_by_text("3 visits moved")).to_be_visible()


def test_a_request_is_offered_another_time_without_a_script(plain: Page, story: Cast) -> None:
    asked = visit(
        story,
        start=tomorrow(11),
        end=tomorrow(11) + HALF,
        status=AppointmentStatus.PENDING,
        respond_by=datetime.now(UTC) + timedelta(hours=5),
    )
    plain.goto("/admin/desk/")
    plain.get_by_role("table", name="Requests to answer").get_by_role("link", name="Offer another time").click()
    plain.locator(".times a", has_text="13:00").first.click()
    plain.get_by_role("button", name="Offer this time").click()
    expect(plain.get_by_text("Offered:")).to_be_visible()
    expect(plain.get_by_role("table", name="Offers that wait for the patient")).to_be_visible()
    assert Appointment.objects.get(pk=asked.pk).status == "proposed"


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_wrong_on_the_pages_of_reception(
    chromium: Browser, live_server: LiveServer, story: Cast, width: int
) -> None:
    story.service.kinds = ["on-site", "home"]
    story.service.save()
    TermsFactory(service=story.service, standing="new", duration=45)
    start = tomorrow(10)
    one = visit(story, start=start, end=start + HALF, overbook_reason="urgent", overbooked=True, kind="home")
    for hours, status in ((2, AppointmentStatus.PENDING), (3, AppointmentStatus.PROPOSED)):
        at = start + timedelta(hours=hours)
        visit(story, start=at, end=at + HALF, status=status, respond_by=at)
    yoga = ServiceFactory(clinic=story.clinic, name="Yoga", capacity=8)
    session = SessionFactory(
        service=yoga,
        location=story.location,
        practitioner=story.demir,
        start=start + timedelta(hours=4),
        end=start + timedelta(hours=5),
    )
    join(session, patient=PatientFactory(clinic=story.clinic, family_name="Zuse"))
    pages = "/admin/bookings/appointment/"
    time = urlencode({"start": start.isoformat(), "at": story.location.pk})
    free = urlencode({"start": (start + timedelta(hours=5)).isoformat(), "at": story.location.pk})
    wished = f"service={story.service.pk}"
    addresses = (
        f"/admin/desk/?day={start.date()}",
        f"{pages}add/?{wished}&part=morning&weekday=1&needs=wheelchair",
        f"{pages}add/?{wished}&{time}&practitioner={story.demir.pk}&patient={story.ada.pk}",
        f"{pages}add/?{wished}&{free}&kind=home",
        f"{pages}add/?service={yoga.pk}",
        f"{pages}explain/?{wished}&{time}",
        f"{pages}{one.pk}/change/",
        f"{pages}{one.pk}/move/",
        f"{pages}{one.pk}/move/?{free}",
        f"{pages}{one.pk}/invite/",
    )
    context = chromium.new_context(base_url=live_server.url, viewport={"width": width, "height": 900}, locale="en-GB")
    cookie = enter(story.carla).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        wrong = Axe().run(page, options=AXE).response["violations"]
        found |= {address: [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in wrong]} if wrong else {}
    context.close()
    assert found == {}
