"""Mara the manager sets a clinic up in a real browser, and is told what contradicts itself."""

from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from bookings.models import GroupSession, HealthcareService, Role
from tests.bookings.entering import enter, someone, url
from tests.bookings.grouping import join
from tests.factories import Cast, ClosureFactory, DeviceFactory, RoomFactory, SessionFactory, TermsFactory, cast
from tests.journeys.test_staff import mistakes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (390, 1440)


def in_a_week(hour: int) -> datetime:
    """That hour, UTC, a week and a day from now: no public holiday is asked about."""
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=8), time(hour), tzinfo=UTC)


@pytest.fixture
def signed_in(context: BrowserContext, live_server: LiveServer) -> tuple[Page, Cast]:
    """Mara, at her screen."""
    story = cast(name="Back school", capacity=8)
    story.location.observes_holidays = False
    story.location.save()
    session = enter(someone(clinic=story.clinic, role=Role.MANAGER)).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    return page, story


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_the_set_up_can_be_read_by_everybody(signed_in: tuple[Page, Cast], width: int) -> None:
    page, story = signed_in
    session = SessionFactory(
        service=story.service, location=story.location, practitioner=story.demir, start=in_a_week(10)
    )
    join(session, patient=story.ada)
    ClosureFactory(clinic=story.clinic, start=in_a_week(0))
    TermsFactory(service=story.service, standing="new", duration=45)
    page.set_viewport_size({"width": width, "height": 900})
    for address in (
        url(story.service),
        url(DeviceFactory(location=story.location)),
        "/admin/bookings/groupsession/",
        "/admin/bookings/groupsession/add/",
        url(session),
        f"/admin/bookings/groupsession/{session.pk}/call-off/",
        "/admin/bookings/setup/",
    ):
        page.goto(address)
        assert mistakes(page) == [], address


def test_a_group_is_planned_and_a_room_that_is_missing_is_told_with_whom_it_concerns(
    signed_in: tuple[Page, Cast],
) -> None:
    page, story = signed_in
    page.set_viewport_size({"width": 1440, "height": 900})
    start = in_a_week(10)
    while start.weekday() > 4:
        start += timedelta(days=1)
    page.goto("/admin/bookings/groupsession/add/")
    page.get_by_label("Service").select_option("Back school")
    page.get_by_label("Location").select_option("Bellecour")
    page.get_by_label("Practitioner").select_option("Dr Demir")
    page.get_by_label("Date").fill(start.date().isoformat())
    page.get_by_label("Time").fill("14:00")
    page.get_by_label("How many sessions").fill("2")
    page.get_by_role("button", name="Plan").click()
    expect(page.get_by_role("status")).to_contain_text("2 sessions are planned.")
    assert GroupSession.objects.count() == 2

    page.goto(url(story.service))
    page.get_by_label("by video").check()
    page.get_by_label("Kind of room needed").fill("gym")
    page.get_by_role("button", name="Save and continue editing").click()
    told = page.get_by_role("status")
    expect(told).to_contain_text("“Back school” needs a room of the kind “gym”, and there is none where it is given.")
    expect(told).to_contain_text("Without the room that is needed: 2 group sessions.")
    expect(told).to_contain_text("Dr Demir has no video room.")
    assert mistakes(page) == []
    assert HealthcareService.objects.get().kinds == ["on-site", "video"]

    RoomFactory(location=story.location, kind="gym")
    page.goto("/admin/bookings/setup/")
    expect(page.locator(".contradictions")).not_to_contain_text("there is none where it is given")
    expect(page.locator(".contradictions")).to_contain_text("Dr Demir has no video room.")
