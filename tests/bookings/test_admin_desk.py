"""The day sheet's page: forty patients, one press each."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.models import Appointment, AppointmentStatus, Notice, Role
from tests.bookings.entering import another_patient, enter, reads, said, settled_count, someone, visit
from tests.bookings.grouping import join
from tests.factories import (
    AppointmentFactory,
    Cast,
    LocationFactory,
    MembershipFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    SessionFactory,
    cast,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 9, 40, tzinfo=UTC)
DESK = reverse("admin:desk")
STEP = reverse("admin:desk_step")


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


def today(story: Cast, hour: int = 9, minute: int = 30, **fields: object) -> Appointment:
    start = datetime(2026, 11, 30, hour, minute, tzinfo=UTC)
    return visit(story, start=start, end=start + timedelta(minutes=30), **fields)


def press(client: Client, step: str, visit: Appointment | uuid.UUID, before: str = "", **fields: str) -> list[str]:
    pk = visit.pk if isinstance(visit, Appointment) else visit
    return said(client.post(STEP, {"do": f"{step}:{pk}:{before}", **fields}, follow=True))


def status(visit: Appointment) -> str:
    return Appointment.objects.get(pk=visit.pk).status


def buttons(client: Client, visit: Appointment, **query: str) -> list[str]:
    row = next(row for row in client.get(DESK, query).context["rows"] if row.appointment == visit)
    return [step.name for step in (*row.buttons, *row.more)]


def test_the_sheet_names_patients_and_records_that_it_did(desk, story):
    today(story)
    page = desk.get(DESK).content.decode()
    assert "Lovelace, Ada" in page
    assert story.ada.code in page
    assert reads() == [{"chain": f"clinic/{story.clinic.pk}", "view": "desk", "patients": [story.ada.code]}]
    desk.get(DESK)
    assert len(reads()) == 1


def test_whoever_enters_the_board_is_recorded_alone(desk, story):
    today(story)
    desk.get(DESK)
    other = another_patient(story, "Zuse")
    today(story, hour=11, patient=other)
    desk.get(DESK)
    assert [read["patients"] for read in reads()] == [[story.ada.code], [other.code]]


@pytest.mark.parametrize(
    ("step", "before", "after", "words"),
    [
        ("arrive", "booked", "arrived", "has arrived"),
        ("check-in", "arrived", "checked-in", "is checked in"),
        ("begin", "checked-in", "checked-in", "is being seen"),
        ("fulfil", "checked-in", "fulfilled", "took place"),
        ("noshow", "booked", "noshow", "did not come"),
        ("undo", "arrived", "booked", "is one step back"),
    ],
)
def test_one_press_takes_one_step_and_says_so_without_a_name(desk, story, step, before, after, words):
    one = today(story, status=before)
    messages = press(desk, step, one, before)
    assert status(one) == after
    assert messages == [f"Mon, 30 Nov 2026, 10:30 · {story.ada.code} {words}."]


def test_a_press_leads_back_to_the_same_row_of_the_same_sheet(desk, story):
    one = today(story)
    response = desk.post(STEP, {"do": f"arrive:{one.pk}", "back": "day=2026-11-29&show=all"})
    assert response["Location"] == f"{DESK}?day=2026-11-29&show=all#a-{one.pk}"


def test_a_way_back_is_made_of_the_sheets_own_words_only(desk, story):
    one = today(story)
    response = desk.post(STEP, {"do": f"arrive:{one.pk}", "back": "day=2026-11-29&next=//evil.example&show=<b>"})
    assert response["Location"] == f"{DESK}?day=2026-11-29#a-{one.pk}"


def test_what_is_not_possible_is_said_and_changes_nothing(desk, story):
    one = today(story, status=AppointmentStatus.CANCELLED, cancelled_by="patient")
    assert press(desk, "arrive", one) == [
        f"Mon, 30 Nov 2026, 10:30 · {story.ada.code}: This is not possible for this appointment any more."
    ]
    assert status(one) == "cancelled"


def test_an_appointment_of_another_clinic_answers_like_one_that_never_was(story):
    one = today(story)
    client = enter(story.otto)
    assert (
        press(client, "arrive", one)
        == press(client, "arrive", uuid.uuid4())
        == ["This appointment is not on your desk."]
    )
    for step in ("cancel", "withdraw"):
        theirs = client.get(reverse("admin:desk_ask", args=[one.pk, step]))
        nobodys = client.get(reverse("admin:desk_ask", args=[uuid.uuid4(), step]))
        assert theirs.status_code == nobodys.status_code == 404
    assert status(one) == "booked"


@pytest.mark.parametrize("do", ["", "arrive", "arrive:nonsense", "fly:{pk}", "cancel:{pk}", "withdraw:{pk}", "\x00"])
def test_a_press_that_no_button_sends_changes_nothing(desk, story, do):
    one = today(story)
    assert said(desk.post(STEP, {"do": do.format(pk=one.pk)}, follow=True)) == ["This appointment is not on your desk."]
    assert status(one) == "booked"


def test_undo_takes_back_what_the_person_saw_and_nothing_newer(desk, story):
    one = today(story, status=AppointmentStatus.CHECKED_IN)
    assert press(desk, "undo", one, "arrived") == ["Somebody else changed this appointment meanwhile. Look again."]
    assert status(one) == "checked-in"


def test_cancelling_asks_why_and_tells_before_it_is_done(desk, story):
    one = today(story, hour=15)
    page = reverse("admin:desk_ask", args=[one.pk, "cancel"])
    assert "told by e-mail" in desk.get(page).content.decode()
    assert said(desk.post(page, {"reason": "because"})) == ["Say why, please."]
    assert status(one) == "booked"
    response = desk.post(page, {"reason": "practitioner-away", "back": "show=all"})
    assert response["Location"] == f"{DESK}?show=all#a-{one.pk}"
    cancelled = Appointment.objects.get(pk=one.pk)
    assert (cancelled.status, cancelled.cancelled_by, cancelled.cancellation_reason) == (
        "cancelled",
        "clinic",
        "practitioner-away",
    )


def test_a_mistake_is_marked_after_a_page_that_says_what_it_means(desk, story):
    one = today(story)
    page = reverse("admin:desk_ask", args=[one.pk, "withdraw"])
    assert "Nothing leads back" in desk.get(page).content.decode()
    desk.post(page)
    assert status(one) == "entered-in-error"


def test_steps_of_a_button_have_no_page_and_pages_no_button(desk, story):
    one = today(story)
    assert desk.get(reverse("admin:desk_ask", args=[one.pk, "arrive"])).status_code == 404


def test_now_stands_between_what_was_and_what_comes_and_other_days_come_last(desk, story):
    old = visit(story, start=NOW - timedelta(days=3), end=NOW - timedelta(days=3) + timedelta(minutes=30))
    over, running, later = today(story, hour=8), today(story), today(story, hour=12)
    page = desk.get(DESK)
    rows = page.context["rows"]
    assert [(row.appointment, row.now, row.left) for row in rows] == [
        *((over, "", False), (running, "", False), (later, "10:40", False), (old, "", True)),
    ]
    assert b'href="#now"' in page.content
    assert b"1 of other days needs a decision" in page.content
    tomorrow = desk.get(DESK, {"day": "2026-12-01"})
    assert [row.now for row in tomorrow.context["rows"]] == []


def test_where_nobody_can_be_written_to_the_page_says_so_before_it_is_done(desk, story):
    one = today(story, hour=15)
    ask = reverse("admin:desk_ask", args=[one.pk, "cancel"])
    move = reverse("admin:bookings_appointment_move", args=[one.pk])
    chosen = {"start": "2026-11-30T15:30:00+00:00", "at": story.location.pk}
    assert b"told by e-mail at once" in desk.get(ask).content
    story.ada.email = ""
    story.ada.save()
    assert b"told by e-mail at once" in desk.get(ask).content  # Ben acts for her
    story.ben.delete()
    assert b"nobody is told unless you do it" in desk.get(ask).content
    assert b"nobody is told unless you do it" in desk.get(move, chosen).content


def test_what_needs_a_decision_is_asked_how_it_ended(desk, story):
    over = today(story, hour=8)
    assert buttons(desk, over)[:2] == ["fulfil", "noshow"]


def test_what_is_to_come_tomorrow_can_only_be_moved_cancelled_or_withdrawn(desk, story):
    start = NOW + timedelta(days=1)
    later = visit(story, start=start, end=start + timedelta(minutes=30))
    assert buttons(desk, later, day="2026-12-01") == ["move", "cancel", "withdraw"]


def test_who_only_looks_has_no_buttons_and_a_forged_press_does_nothing(story):
    one = today(story)
    client = enter(someone(clinic=story.clinic, role=Role.DPO))
    assert buttons(client, one) == []
    assert press(client, "arrive", one) == ["This appointment is not on your desk."]
    assert status(one) == "booked"


def test_an_auditor_has_no_day_sheet(story):
    assert enter(someone(clinic=story.clinic, role=Role.AUDITOR)).get(DESK).status_code == 404


def test_a_practitioner_opens_their_own_day_and_may_ask_for_everybodys(story):
    other = PractitionerFactory(clinic=story.clinic, name="Weber")
    user = someone(clinic=story.clinic, role=Role.PRACTITIONER)
    story.demir.user = user
    story.demir.save()
    mine = today(story)
    theirs = visit(story, start=NOW + timedelta(hours=3), end=NOW + timedelta(hours=4))
    Appointment.objects.filter(pk=theirs.pk).update(practitioner=other)
    client = enter(user)
    assert [row.appointment for row in client.get(DESK).context["rows"]] == [mine]
    everybody = client.get(DESK, {"show": "all"})
    assert [row.appointment for row in everybody.context["rows"]] == [mine, theirs]
    assert "show=all" in everybody.context["tomorrow"]


@pytest.mark.parametrize("query", [{"clinic": "999999"}, {"clinic": "nonsense"}])
def test_a_sheet_of_another_clinic_is_not_there(story, query):
    theirs = {"clinic": str(story.elsewhere.pk)}
    client = enter(story.carla)
    assert client.get(DESK, theirs).status_code == client.get(DESK, query).status_code == 404


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "0001-01-01", "9999-12-31", "", "\x00"])
def test_a_day_that_is_none_gives_today(desk, day):
    assert desk.get(DESK, {"day": day}).context["filters"].day.isoformat() == "2026-11-30"


@pytest.mark.parametrize(
    "query", [{"location": "x"}, {"location": "9" * 30}, {"show": "p"}, {"show": "zzz"}, {"show": "r-1"}]
)
def test_a_filter_that_is_none_shows_the_whole_day(desk, story, query):
    one = today(story)
    assert [row.appointment for row in desk.get(DESK, query).context["rows"]] == [one]


def test_somebody_of_two_clinics_chooses_and_acts_by_the_role_held_there(story):
    LocationFactory(clinic=story.elsewhere)
    MembershipFactory(user=story.carla, clinic=story.elsewhere, role=Role.AUDITOR)
    MembershipFactory(user=story.eva, clinic=story.elsewhere, role=Role.RECEPTION)
    assert [clinic.name for clinic in enter(story.carla).get(DESK).context["filters"].clinics] == ["Cabinet du Parc"]
    eva = enter(story.eva)
    one = today(story)
    assert len(eva.get(DESK).context["filters"].clinics) == 2
    assert press(eva, "arrive", one) == ["This appointment is not on your desk."]


def test_a_sheet_takes_as_many_queries_for_three_rows_as_for_one(desk, story):
    RoomFactory(location=story.location)
    today(story)
    one = settled_count(desk, DESK)
    for hour in (11, 13):
        today(story, hour=hour, patient=another_patient(story, f"Zuse{hour}"))
    assert len(desk.get(DESK).context["rows"]) == 3
    assert settled_count(desk, DESK) == one


def test_the_index_takes_as_many_queries_for_three_rows_as_for_one(desk, story):
    today(story)
    one = settled_count(desk, reverse("admin:index"))
    for hour in (11, 13):
        today(story, hour=hour)
    assert settled_count(desk, reverse("admin:index")) == one


def test_a_group_stands_together_under_one_heading_that_says_how_full_it_is(desk, story):
    yoga = ServiceFactory(clinic=story.clinic, name="Yoga", capacity=8)
    session = SessionFactory(
        service=yoga,
        location=story.location,
        practitioner=story.demir,
        start=NOW + timedelta(minutes=50),
        end=NOW + timedelta(minutes=110),
    )
    people = [join(session, patient=another_patient(story, f"Zuse{number}")) for number in range(3)]
    alone = [
        AppointmentFactory(
            clinic=story.clinic, location=story.location, patient=story.ada, start=session.start, end=session.end
        )
        for _ in range(3)
    ]
    join(session, patient=another_patient(story, "Gone")).occupancies.all().delete()
    page = desk.get(DESK)
    rows = page.context["rows"]
    assert {row.appointment.pk for row in rows[:3]} == {row.pk for row in alone}
    assert {row.appointment.session_id for row in rows[3:]} == {session.pk}
    assert {row.pk for row in people} < {row.appointment.pk for row in rows[3:]}
    assert [row.group for row in rows] == ["", "", "", "Group, 3 of 8 places taken", "", "", ""]
    assert page.content.decode().count("3 of 8 places taken") == 1


def test_what_is_out_of_the_ordinary_stands_in_the_row(desk, story):
    today(story, hour=11, kind="home", overbooked=True, overbook_reason="urgent")
    page = desk.get(DESK)
    assert page.context["rows"][0].marks == ["at the patient’s home", "squeezed in: It is urgent"]
    assert "squeezed in: It is urgent" in page.content.decode()


def test_a_sheet_with_groups_takes_as_many_queries_for_three_as_for_one(desk, story):
    yoga = ServiceFactory(clinic=story.clinic, capacity=8)

    def meet(hour: int) -> None:
        start = datetime(2026, 11, 30, hour, tzinfo=UTC)
        session = SessionFactory(
            service=yoga, location=story.location, practitioner=story.demir, start=start, end=start + timedelta(hours=1)
        )
        join(session, patient=another_patient(story, f"Zuse{hour}"))

    meet(11)
    one = settled_count(desk, DESK)
    for hour in (12, 13):
        meet(hour)
    assert settled_count(desk, DESK) == one


def test_the_persons_name_and_the_way_out_stand_on_every_page(desk, story):
    today(story)
    for address in (DESK, reverse("admin:index"), reverse("admin:bookings_patient_changelist"), reverse("mfa_index")):
        page = desk.get(address).content.decode()
        assert "Carla Rossi" in page
        assert "Log out" in page


def test_lists_of_staff_tell_moments_on_the_clock_of_their_clinic(desk, story):
    Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.PERHAPS_SAME)
    Notice.objects.update(created=datetime(2026, 11, 30, 9, 5, tzinfo=UTC))
    page = desk.get(reverse("admin:bookings_notice_changelist"))
    assert "30 Nov 2026, 10:05" in page.content.decode()
