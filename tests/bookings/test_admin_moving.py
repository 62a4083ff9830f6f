"""Moving an appointment at the desk: free times, one choice, one press; one occurrence of a series, or all after it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.context import Actor
from bookings import series
from bookings.availability import Wish
from bookings.booking import Told
from bookings.models import Appointment, Role
from tests.bookings.entering import enter, reads, said, settled_count, someone, url, visit
from tests.factories import Cast, OfferFactory, PractitionerFactory, cast, open_week

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 7, 40, tzinfo=UTC)
NINE = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
WEEK = timedelta(days=7)
ACTOR = Actor.system("test")


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


@pytest.fixture
def one(story: Cast) -> Appointment:
    return visit(story, start=NINE, end=NINE + 2 * HALF)


def page_of(appointment: Appointment, way: str = "move", **given: object) -> str:
    query = "&".join(f"{name}={str(value).replace('+', '%2B')}" for name, value in given.items())
    return f"{reverse(f'admin:bookings_appointment_{way}', args=[appointment.pk])}?{query}"


def at(story: Cast, start: datetime, **more: Any) -> dict[str, Any]:
    return {"start": start.isoformat(), "at": story.location.pk, **more}


def clocks(page: Any) -> list[str]:
    return [free.clock for day in page.context["days"] for _place, times in day.places for free in times]


def starts() -> list[datetime]:
    return list(Appointment.objects.order_by("start").values_list("start", flat=True))


def weekly(story: Cast, count: int = 4) -> list[Appointment]:
    wish = Wish(service=story.service, location=story.location, practitioner=story.demir, start=NINE, online=False)
    made = series.book_series(
        actor=ACTOR,
        now=NOW,
        key=uuid.uuid4(),
        patient=story.ada,
        wish=wish,
        rrule=f"FREQ=WEEKLY;COUNT={count}",
        skipping=False,
        told=Told(),
    )
    return made.appointments


def test_times_are_those_its_own_length_fits_beside_the_time_it_has(desk, story, one):
    page = desk.get(page_of(one, since="2026-12-01"))
    listed = clocks(page)
    assert listed[:2] == ["09:30", "10:00"]  # half of its own time would be free
    visit(story, start=NINE + 4 * HALF, end=NINE + 5 * HALF)
    assert clocks(desk.get(page_of(one, since="2026-12-01")))[:3] == ["09:30", "10:00", "11:30"]
    other = OfferFactory(clinic=story.clinic, service=story.service).practitioner
    open_week(of=other, at=story.location)
    assert clocks(desk.get(page_of(one, since="2026-12-01", practitioner=other.pk)))[0] == "09:00"


def test_times_are_narrowed_as_in_phone_booking(desk, story, one):
    page = desk.get(page_of(one, since="2026-12-01", part="afternoon", weekday=3))
    assert [day.title for day in page.context["days"]] == ["Thursday, 3 December 2026"]
    assert clocks(page)[0] == "12:00"


def test_one_press_moves_it_and_keeps_its_length_and_leads_back(desk, story, one):
    address = page_of(one, **at(story, NINE + WEEK))
    page = desk.get(address)
    assert page.context["bookable"]
    assert page.context["following"] == 0
    response = desk.post(address)
    assert response["Location"] == url(one)
    assert said(desk.get(response["Location"])) == [
        f"Moved to Tuesday, 8 December 2026, 09:00 (Paris time) · {story.ada.code}."
    ]
    moved = Appointment.objects.get(pk=one.pk)
    assert (moved.start, moved.end - moved.start, moved.sequence) == (NINE + WEEK, 2 * HALF, 1)


def test_the_way_back_is_the_sheet_one_came_from(desk, story, one):
    address = page_of(one, **at(story, NINE + WEEK), back="day%3D2026-12-01")
    assert desk.get(address).context["given_back"] == "day=2026-12-01"
    response = desk.post(address, {"back": "day=2026-12-01&next=//evil.example"})
    assert response["Location"] == f"{reverse('admin:desk')}?day=2026-12-01#a-{one.pk}"


def test_who_is_shown_is_recorded_as_read(desk, one):
    desk.get(page_of(one))
    assert [(read["view"], read["patients"]) for read in reads()] == [("appointment.move", [one.patient.code])]


def test_a_taken_time_is_refused_with_other_times_and_squeezed_in_with_a_reason(desk, story, one):
    visit(story, start=NINE + WEEK, end=NINE + WEEK + HALF)
    address = page_of(one, **at(story, NINE + WEEK))
    page = desk.get(address)
    assert str(page.context["refusal"]) == "This time is no longer free. Please choose another one."
    assert page.context["squeeze"] is None
    assert page.context["days"]
    assert said(desk.post(address)) == ["This time is no longer free. Please choose another one."]
    story.service.overbook_cap = 1
    story.service.save()
    assert desk.get(address).context["squeeze"]
    assert said(desk.post(address, {"squeeze": "1"})) == ["Say why, please."]
    desk.post(address, {"squeeze": "1", "overbook_reason": "practitioner-asked"})
    moved = Appointment.objects.get(pk=one.pk)
    assert (moved.start, moved.overbooked, moved.overbook_reason) == (NINE + WEEK, True, "practitioner-asked")


def test_a_refusal_leads_to_why_and_from_there_back_here(desk, story, one):
    page = desk.get(page_of(one, on="2026-12-01", clock="20:00", at=story.location.pk))
    why = desk.get(page.context["why"])
    assert str(why.context["for_staff"]) == "This time is outside opening hours. Please choose another one."
    on_time = desk.get(page.context["why"].replace("clock=20%3A00", "clock=09%3A10"))
    assert on_time.context["go_on"].startswith(page_of(one))
    assert desk.get(on_time.context["go_on"]).context["bookable"]


def test_the_practitioner_stays_unless_another_is_asked_for(desk, story, one):
    klein = PractitionerFactory(clinic=story.clinic, name="Aachen")
    OfferFactory(service=story.service, practitioner=klein)
    open_week(of=klein, at=story.location)
    desk.post(page_of(one, **at(story, NINE + WEEK)))
    assert Appointment.objects.get(pk=one.pk).practitioner == story.demir
    desk.post(page_of(one, **at(story, NINE + WEEK, practitioner=klein.pk)))
    assert Appointment.objects.get(pk=one.pk).practitioner == klein


def test_an_occurrence_is_moved_alone_or_with_all_that_follow(desk, story):
    _, second, *_rest = weekly(story)
    address = page_of(second, **at(story, second.start + 2 * HALF))
    page = desk.get(address)
    assert page.context["following"] == 3
    desk.post(address, {"extent": "one"})
    assert starts() == [NINE, NINE + WEEK + 2 * HALF, NINE + 2 * WEEK, NINE + 3 * WEEK]
    address = page_of(second, **at(story, NINE + WEEK + timedelta(days=1)))
    response = desk.post(address, {"extent": "following"})
    assert said(desk.get(response["Location"]))[-1] == f"3 visits moved · {story.ada.code}."
    assert starts() == [NINE, *(NINE + weeks * WEEK + timedelta(days=1) for weeks in (1, 2, 3))]


def test_what_cannot_be_moved_is_left_and_named_only_when_asked(desk, story):
    first, *_rest = weekly(story)
    stands = NINE + 2 * WEEK + timedelta(hours=2)
    visit(story, start=stands, end=stands + HALF)
    address = page_of(first, **at(story, NINE + timedelta(hours=2)))
    assert said(desk.post(address, {"extent": "following"})) == [
        "This time is no longer free. Please choose another one."
    ]
    assert first.start in starts()
    response = desk.post(address, {"extent": "following", "skipping": "1"})
    assert said(desk.get(response["Location"])) == [
        f"3 visits moved · {story.ada.code}.",
        "Left where they are: Tue, 15 Dec 2026, 09:00.",
    ]


def test_cancelling_an_occurrence_asks_how_much(desk, story):
    _, second, *_rest = weekly(story)
    ask = reverse("admin:desk_ask", args=[second.pk, "cancel"])
    page = desk.get(ask)
    assert page.context["following"] == 3
    desk.post(ask, {"reason": "patient-asked", "extent": "following", "back": "page"})
    rows = Appointment.objects.order_by("start")
    assert [row.status for row in rows] == ["booked", "cancelled", "cancelled", "cancelled"]
    assert {row.cancellation_reason for row in rows} == {"", "patient-asked"}


def test_cancelling_only_one_leaves_the_others(desk, story):
    _, second, *_rest = weekly(story)
    desk.post(reverse("admin:desk_ask", args=[second.pk, "cancel"]), {"reason": "patient-asked", "extent": "one"})
    assert [row.status for row in Appointment.objects.order_by("start")] == [
        "booked",
        "cancelled",
        "booked",
        "booked",
    ]


def test_a_single_visit_is_asked_no_such_thing(desk, story, one):
    assert desk.get(reverse("admin:desk_ask", args=[one.pk, "cancel"])).context["following"] == 0


def test_what_is_over_or_off_is_not_moved(desk, story):
    gone = visit(story, start=NINE, end=NINE + HALF, status="cancelled", cancelled_by="patient")
    response = desk.get(page_of(gone, **at(story, NINE + WEEK)))
    assert response["Location"] == url(gone)
    assert said(desk.get(response["Location"])) == ["This is not possible for this appointment any more."]
    desk.post(page_of(gone, **at(story, NINE + WEEK)))
    assert starts() == [NINE]


def test_another_clinic_and_who_only_looks_find_nothing(story, one):
    address = page_of(one, **at(story, NINE + WEEK))
    for client in (enter(story.otto), enter(someone(clinic=story.clinic, role=Role.DPO))):
        assert client.get(address).status_code == client.post(address).status_code == 404
    assert enter(story.carla).get(page_of(Appointment(pk=uuid.uuid4()))).status_code == 404
    assert starts() == [NINE]


@pytest.mark.parametrize(
    "query",
    ["start=x", "start=2026-12-01T09:00:00", "at=0", "on=x&clock=y", "weekday=9", "language=zz", "since=9999-12-31"],
)
def test_an_address_that_is_none_gives_a_page(desk, one, query):
    assert desk.get(f"{page_of(one)}{query}").status_code == 200


def test_the_page_takes_as_many_queries_whatever_there_is_to_list(desk, story, one):
    before = settled_count(desk, page_of(one))
    for name in ("Klein", "Weber"):
        person = PractitionerFactory(clinic=story.clinic, name=name)
        OfferFactory(service=story.service, practitioner=person)
        open_week(of=person, at=story.location)
    assert settled_count(desk, page_of(one)) == before
