"""Appointments in the admin: looked at, never edited; steps through their use cases, each failure told."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.models import Fact
from bookings import panels
from bookings.models import Appointment, AppointmentStatus, Role, User
from tests.bookings.entering import another_patient, enter, reads, said, settled_count, someone, url, visit
from tests.factories import Cast, LocationFactory, MembershipFactory, PractitionerFactory, cast

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 9, 40, tzinfo=UTC)
LIST = reverse("admin:bookings_appointment_changelist")


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


def at(hours: float) -> dict[str, datetime]:
    start = NOW + timedelta(hours=hours)
    return {"start": start, "end": start + timedelta(minutes=30)}


def take(client: Client, action: str, *visits: Appointment) -> list[str]:
    form = {"action": action, "_selected_action": [one.pk for one in visits], "index": 0}
    return said(client.post(f"{LIST}?when=all", form, follow=True))


def listed(client: Client, **query: str) -> list[Appointment]:
    return list(client.get(LIST, query).context["cl"].result_list)


def test_no_field_can_be_edited_and_no_form_is_offered(desk, story):
    one = visit(story, **at(1))
    page = desk.get(url(one))
    assert page.context["adminform"].form.fields == {}
    assert desk.post(url(one), {"status": "fulfilled"}).status_code == 403
    assert Appointment.objects.get(pk=one.pk).status == "booked"


def test_a_list_and_a_page_are_recorded_as_read(desk, story):
    one = visit(story, **at(1))
    desk.get(LIST)
    desk.get(url(one))
    assert [(read["view"], read["patients"]) for read in reads()] == [
        ("appointment.list", [story.ada.code]),
        ("appointment.page", [story.ada.code]),
    ]


def test_an_action_takes_the_step_for_each_and_tells_which_could_not(desk, story):
    here, gone = (
        visit(story, **at(0.5)),
        visit(story, status=AppointmentStatus.CANCELLED, cancelled_by="patient", **at(1.5)),
    )
    tomorrow = visit(story, **at(24))
    messages = take(desk, "arrive", here, gone, tomorrow)
    assert messages == [
        f"Tue, 1 Dec 2026, 10:40 · {story.ada.code}: It is too early for this: the appointment is still to come.",
        f"Mon, 30 Nov 2026, 12:10 · {story.ada.code}: This is not possible for this appointment any more.",
        "Arrived: 1 appointment.",
    ]
    assert Appointment.objects.get(pk=here.pk).status == "arrived"


def test_an_action_reaches_only_clinics_where_the_role_allows_it(story):
    MembershipFactory(user=story.eva, clinic=story.elsewhere, role=Role.RECEPTION)
    one = visit(story, **at(0.5))
    messages = take(enter(User.objects.get(pk=story.eva.pk)), "arrive", one)
    assert messages == [f"Mon, 30 Nov 2026, 11:10 · {story.ada.code}: you may not do this in this clinic."]
    assert Appointment.objects.get(pk=one.pk).status == "booked"


def test_an_action_never_reaches_an_appointment_of_another_clinic(story):
    one = visit(story, **at(0.5))
    take(enter(story.otto), "arrive", one)
    assert Appointment.objects.get(pk=one.pk).status == "booked"


def test_whoever_only_looks_has_no_actions(story):
    visit(story, **at(1))
    page = enter(someone(clinic=story.clinic, role=Role.DPO)).get(LIST)
    assert page.context["action_form"] is None or page.context["action_form"].fields["action"].choices == [
        ("", "---------")
    ]


def test_a_step_is_recorded_as_the_use_case_it_is(desk, story):
    one = visit(story, **at(0.5))
    Fact.objects.all().delete()
    take(desk, "arrive", one)
    fact = Fact.objects.get(tbl="bookings_appointment", source="t")
    assert '"case":"visits.arrive"' in (fact.ctx or "")
    assert '"operation":"arrive"' in (fact.ctx or "")


def test_the_page_offers_the_steps_that_make_sense(desk, story):
    one = visit(story, **at(0.5))
    assert [step.name for step in desk.get(url(one)).context["steps"]] == [
        "arrive",
        "check-in",
        "fulfil",
        "cancel",
        "withdraw",
    ]
    response = desk.post(reverse("admin:desk_step"), {"do": f"arrive:{one.pk}:booked", "back": "page"})
    assert response["Location"] == url(one)


@pytest.mark.parametrize(
    ("when", "expected"),
    [("", [1, 2, 3]), ("today", [1, 2]), ("week", [2, 3]), ("past", [1, 0]), ("undecided", [0, 1])],
)
def test_a_list_is_narrowed_by_when(desk, story, when, expected):
    visits = [visit(story, **at(hours)) for hours in (-24, -2, 2, 48)]
    assert listed(desk, **({"when": when} if when else {})) == [visits[number] for number in expected]


def test_filters_name_things_of_the_own_clinic_only(desk, story):
    PractitionerFactory(clinic=story.elsewhere, name="Weber")
    PractitionerFactory(clinic=story.clinic, name="Klein")
    LocationFactory(clinic=story.elsewhere, name="Am Ring")
    LocationFactory(clinic=story.clinic, name="Terreaux")
    page = desk.get(LIST).content.decode()
    assert "Klein" in page
    assert "Terreaux" in page
    assert "Weber" not in page
    assert "Am Ring" not in page


def test_what_messages_and_calendars_say_stands_on_the_page(desk, story, monkeypatch):
    class Told:
        title = "Calendar"

        def lines(self, appointment_ids):
            return {pk: ["Pushed <at> once"] for pk in appointment_ids}

    monkeypatch.setattr(panels, "_panels", [Told()])
    page = desk.get(url(visit(story, **at(1)))).content.decode()
    assert "<dt>Calendar</dt><dd>Pushed &lt;at&gt; once</dd>" in page


def test_times_are_told_on_the_clock_of_the_location(desk, story):
    one = visit(story, **at(1))
    assert "Mon, 30 Nov 2026, 11:40" in desk.get(LIST).content.decode()
    assert "Mon, 30 Nov 2026, 11:40" in desk.get(url(one)).content.decode()


def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(desk, story):
    visit(story, **at(1))
    one = settled_count(desk, LIST)
    for number in (2, 3):
        visit(story, patient=another_patient(story, f"Zuse{number}"), **at(number))
    assert len(listed(desk)) == 3
    assert settled_count(desk, LIST) == one


@pytest.mark.parametrize(
    "query",
    ["when=nonsense", "practitioner__id__exact=x", "p=x", "o=99.-1", "patient__family_name=Lovelace", "clinic=999"],
)
def test_a_list_asked_for_nonsense_answers_with_a_page(desk, story, query):
    assert desk.get(f"{LIST}?{query}", follow=True).status_code in (200, 400)
