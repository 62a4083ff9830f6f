"""“Why is this time not offered?”: every rule has a name, and the one that decides is told."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.admin.explaining import NAMES, decisive
from bookings.availability import MESSAGES, NotOffered, Rule, SlotTaken, Wish, choose, explain
from bookings.models import Role
from tests.bookings.entering import enter, someone, visit
from tests.bookings.grouping import join
from tests.factories import (
    AppointmentFactory,
    Cast,
    ClosureFactory,
    DeviceFactory,
    OfferFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    SessionFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 7, 40, tzinfo=UTC)
NINE = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
EXPLAIN = reverse("admin:bookings_appointment_explain")
BOOK = reverse("admin:bookings_appointment_add")


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


def asked(story: Cast, **changed: object) -> dict[str, str]:
    given = {"service": story.service.pk, "at": story.location.pk, "on": "2026-12-01", "clock": "09:00", **changed}
    return {name: str(value) for name, value in given.items() if value is not None}


def told(page) -> dict[tuple[str, str], tuple[bool | None, bool | None]]:
    """(part, rule in words) -> whether it holds for staff and for patients."""
    return {
        (str(part.title), str(line.name)): (line.staff, line.patients)
        for part in page.context["parts"]
        for line in part.lines
    }


def deciders(page) -> list[tuple[str, str, bool, bool]]:
    return [
        (str(part.title), str(line.name), line.decides_staff, line.decides_patients)
        for part in page.context["parts"]
        for line in part.lines
        if line.decides_staff or line.decides_patients
    ]


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_name_of_its_own_and_a_sentence(rule):
    assert NAMES[rule]
    assert MESSAGES[rule]
    assert [str(name) for name in NAMES.values()].count(str(NAMES[rule])) == 1


def test_a_time_that_can_be_booked_says_who_and_in_which_room_and_goes_on(desk, story):
    room = RoomFactory(location=story.location, name="Blue room", kind="consultation")
    device = DeviceFactory(location=story.location, name="Scanner 2", kind="ultrasound")
    story.service.room_kind, story.service.device_kind = room.kind, device.kind
    story.service.save()
    page = desk.get(EXPLAIN, asked(story))
    assert (str(page.context["for_staff"]), str(page.context["for_patients"])) == ("It can be booked.",) * 2
    assert page.context["takes"] == "Dr Demir · Blue room · Scanner 2"
    assert page.context["go_on"].startswith(f"{BOOK}?")
    assert "start=2026-12-01T09" in page.context["go_on"]
    assert deciders(page) == []
    after = desk.get(page.context["go_on"])
    assert after.context["bookable"]
    assert after.context["picked"].start == datetime(2026, 12, 1, 8, tzinfo=UTC)


def test_what_binds_patients_and_not_staff_stands_side_by_side(desk, story):
    page = desk.get(EXPLAIN, asked(story, on="2026-11-30", clock="09:10"))
    assert str(page.context["for_staff"]) == "It can be booked."
    assert str(page.context["for_patients"]) == str(MESSAGES[Rule.NOTICE])
    assert told(page)["The request", "it is not too soon"] == (None, False)
    assert told(page)["Dr Demir", "visits start at this time"] == (None, False)
    assert told(page)["Dr Demir", "the practitioner is free"] == (True, True)
    assert deciders(page) == [("The request", "it is not too soon", False, True)]


def test_the_rule_that_decides_is_marked_with_the_practitioner_who_came_nearest(desk, story):
    klein = PractitionerFactory(clinic=story.clinic, name="Klein")
    OfferFactory(service=story.service, practitioner=klein)
    start = datetime(2026, 12, 1, 8, tzinfo=UTC)
    visit(story, start=start, end=start + timedelta(minutes=30))
    page = desk.get(EXPLAIN, asked(story))
    assert str(page.context["for_staff"]) == str(MESSAGES[Rule.TAKEN])
    assert told(page)["Dr Klein", "opening hours"] == (False, False)
    assert deciders(page) == [("Dr Demir", "the practitioner is free", True, True)]
    assert page.context["go_on"] == ""
    text = page.content.decode()
    assert text.count("this decides") == 2


def test_the_page_and_the_engine_name_the_same_rule(story):
    klein = PractitionerFactory(clinic=story.clinic, name="Klein")
    OfferFactory(service=story.service, practitioner=klein)
    open_week(of=klein, at=story.location, weekdays=[1, 2], closes=time(20))
    ClosureFactory(clinic=story.clinic, schedule=klein.schedule, start=NINE + timedelta(days=1))
    evening = NINE + timedelta(days=2, hours=10)
    AppointmentFactory(
        clinic=story.clinic,
        location=story.location,
        service=story.service,
        practitioner=klein,
        patient=story.ada,
        start=evening,
    )
    visit(story, start=NINE + timedelta(hours=2), end=NINE + timedelta(hours=4))
    for online in (True, False):
        for half_hours in range(-4, 2 * 24 * 3):
            wish = Wish(
                service=story.service,
                location=story.location,
                practitioner=None,
                start=NINE + timedelta(minutes=30 * half_hours),
                online=online,
            )
            try:
                choose(wish=wish, now=NOW)
                refused = None
            except NotOffered as refusal:
                refused = refusal.rule
            except SlotTaken:
                refused = Rule.TAKEN
            assert decisive(explain(wish=wish, now=NOW)) == refused


def test_a_time_that_could_be_squeezed_in_says_so_to_who_may(desk, story):
    story.service.overbook_cap = 1
    story.service.save()
    start = datetime(2026, 12, 1, 8, tzinfo=UTC)
    visit(story, start=start, end=start + timedelta(minutes=30))
    page = desk.get(EXPLAIN, asked(story))
    assert page.context["squeezed"] == "Dr Demir"
    assert page.context["go_on"]
    practitioner = enter(someone(clinic=story.clinic, role=Role.PRACTITIONER)).get(EXPLAIN, asked(story))
    assert practitioner.context["squeezed"] == practitioner.context["go_on"] == ""


def test_the_caps_of_the_patient_at_the_desk_are_told(desk, story):
    story.service.cap_day = 1
    story.service.save()
    start = datetime(2026, 12, 1, 12, tzinfo=UTC)
    visit(story, start=start, end=start + timedelta(minutes=30))
    page = desk.get(EXPLAIN, asked(story, patient=story.ada.pk))
    assert str(page.context["for_patients"]) == str(MESSAGES[Rule.CAP_DAY])
    assert str(page.context["for_staff"]) == "It can be booked."


def test_a_full_group_and_a_time_without_one(desk, story):
    yoga = ServiceFactory(clinic=story.clinic, capacity=2)
    group = SessionFactory(service=yoga, location=story.location, practitioner=story.demir, capacity=1)
    visit_of = {"service": yoga.pk, "on": "2026-11-30", "clock": "09:00"}
    assert str(desk.get(EXPLAIN, asked(story, **visit_of)).context["for_staff"]) == "It can be booked."
    join(group, patient=story.ada)
    assert str(desk.get(EXPLAIN, asked(story, **visit_of)).context["for_staff"]) == str(MESSAGES[Rule.FULL])
    page = desk.get(EXPLAIN, asked(story, **visit_of | {"clock": "09:15"}))
    assert str(page.context["for_staff"]) == str(MESSAGES[Rule.SESSION])


def test_a_time_skipped_by_the_clocks_is_explained(desk, story):
    page = desk.get(EXPLAIN, asked(story, on="2027-03-28", clock="02:30"))
    assert str(page.context["for_staff"]) == str(MESSAGES[Rule.TIME])


def test_another_patients_or_clinics_things_are_not_asked_about(story):
    otto = enter(story.otto)
    page = otto.get(EXPLAIN, asked(story, patient=story.ada.pk))
    assert page.status_code == 200
    assert "parts" not in page.context
    one = visit(story, start=NINE, end=NINE + timedelta(minutes=30))
    assert otto.get(EXPLAIN, asked(story, moved=one.pk)).status_code == 404
    assert otto.get(EXPLAIN, asked(story, moved="nonsense")).status_code == 404


@pytest.mark.parametrize("role", [Role.DPO, Role.AUDITOR])
def test_who_neither_books_nor_moves_is_told_so(story, role):
    assert enter(someone(clinic=story.clinic, role=role)).get(EXPLAIN).status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"service": None},
        {"on": "x"},
        {"clock": "99:99"},
        {"at": "0"},
        {"on": "0001-01-01"},
        {"on": "9999-12-31"},
        {"on": None, "start": "9999-12-31T23:59:59+00:00"},
        {"practitioner": "999"},
        {"needs": "flying"},
        {"patient": "9" * 30},
    ],
)
def test_an_address_that_is_none_gives_a_page(desk, story, changed):
    assert desk.get(EXPLAIN, asked(story, **changed)).status_code == 200


def test_it_is_reached_from_phone_booking_and_from_a_refusal(desk, story):
    page = desk.get(BOOK, {"service": story.service.pk})
    assert f'formaction="{EXPLAIN}"' in page.content.decode()
    refused = desk.get(BOOK, asked(story, clock="20:00"))
    assert str(refused.context["refusal"]) == str(MESSAGES[Rule.HOURS])
    assert refused.context["why"].startswith(f"{EXPLAIN}?")
    assert str(desk.get(refused.context["why"]).context["for_staff"]) == str(MESSAGES[Rule.HOURS])
