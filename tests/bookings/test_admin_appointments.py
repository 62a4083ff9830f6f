"""Appointments in the admin: looked at, never edited; steps through their use cases, each failure told."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.keys import keyring
from audit.models import Fact
from bookings import panels
from bookings.models import Appointment, AppointmentStatus, Role, User
from tests.bookings.entering import another_patient, enter, reads, said, settled_count, someone, url, visit
from tests.bookings.grouping import join
from tests.factories import (
    Cast,
    DeviceFactory,
    LocationFactory,
    MembershipFactory,
    PractitionerFactory,
    ServiceFactory,
    SessionFactory,
    cast,
)

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
        "move",
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


def test_the_page_says_how_long_and_until_when(desk, story):
    page = desk.get(url(visit(story, **at(1)))).content.decode()
    assert "30 minutes, until 12:10" in page
    assert "&rsaquo; Mon, 30 Nov 2026, 11:40" in page


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


# --- what the page tells of the whole engine


def lines(page) -> dict[str, str]:
    """Label -> what stands beside it, on an appointment's page."""
    fields = [field for fieldset in page.context["adminform"] for line in fieldset for field in line]
    return {str(field.field["label"]).capitalize(): str(field.contents()) for field in fields}


def test_a_plain_visit_is_not_burdened_with_empty_lines(desk, story):
    told = lines(desk.get(url(visit(story, **at(1)))))
    assert {"Device", "Group", "Series", "Booked together with", "Overbooked", "Answer by"}.isdisjoint(told)
    assert {"Address of the visit", "New or known", "Who pays", "Has a referral"}.isdisjoint(told)
    assert (told["How people meet"], told["Needs"]) == ("at the clinic", "–")


def test_everything_that_was_asked_and_decided_stands_on_the_page(desk, story):
    device = DeviceFactory(location=story.location, name="Scanner 2")
    one = visit(
        story,
        device=device,
        kind="home",
        standing="new",
        coverage="private",
        referral=True,
        needs="wheelchair more-time",
        visit_address="3 rue de la Paix",
        overbooked=True,
        overbook_reason="patient-waits",
        status=AppointmentStatus.PENDING,
        respond_by=NOW + timedelta(hours=3),
        **at(24),
    )
    told = lines(desk.get(url(one)))
    assert "Scanner 2" in told["Device"]
    assert told["How people meet"] == "at the patient’s home"
    assert (told["New or known"], told["Who pays"]) == ("new patient", "private insurance")
    assert "icon-yes" in told["Has a referral"]
    assert told["Needs"] == "step-free access, more time"
    assert told["Address of the visit"] == "3 rue de la Paix"
    assert told["Overbooked"] == "The patient is here and waits"
    assert told["Answer by"] == "Mon, 30 Nov 2026, 13:40"


def test_what_was_sealed_is_a_dash_once_erased(desk, story):
    one = visit(story, kind="home", needs="companion", visit_address="3 rue de la Paix", **at(24))
    keyring.destroy_subject_keys(key_ids=[story.ada.key_id])
    told = lines(desk.get(url(one)))
    assert (told["Needs"], told["Address of the visit"]) == ("–", "–")


def test_a_group_says_how_full_it_is(desk, story):
    session = SessionFactory(
        service=ServiceFactory(clinic=story.clinic, capacity=8), location=story.location, practitioner=story.demir
    )
    one = join(session, patient=story.ada)
    join(session, patient=another_patient(story, "Zuse"))
    assert lines(desk.get(url(one)))["Group"] == "Group, 2 of 8 places taken"


# --- who takes part


def invite_page(one: Appointment) -> str:
    return reverse("admin:bookings_appointment_invite", args=[one.pk])


def test_everybody_who_takes_part_is_listed_with_their_answer(desk, story):
    one = visit(story, **at(24))
    page = desk.get(url(one))
    assert invite_page(one) in page.content.decode()
    ines = {"name": "Ines Costa", "email": "ines@example.org", "language": "fr"}
    form = {"role": "interpreter", "required": "on", **ines}
    response = desk.post(invite_page(one), form)
    assert response["Location"] == url(one)
    invited = one.participants.get()
    assert (invited.name, invited.email, invited.language, invited.required) == (
        "Ines Costa",
        "ines@example.org",
        "fr",
        True,
    )
    assert said(desk.get(url(one))) == ["Invited: interpreter."]
    told = lines(desk.get(url(one)))["Who takes part"]
    assert "interpreter: Ines Costa · has not answered" in told
    assert f"patient: {story.ada.code} · accepted" in told


def test_whom_to_invite_is_somebody_of_the_clinic_or_of_the_patient(desk, story):
    one = visit(story, **at(24))
    klein = PractitionerFactory(clinic=story.clinic, name="Klein")
    PractitionerFactory(clinic=story.elsewhere, name="Weber")
    fields = desk.get(invite_page(one)).context["form"].fields
    assert list(fields["practitioner"].queryset) == [klein]
    assert list(fields["related_person"].queryset) == [story.ben]
    desk.post(invite_page(one), {"role": "practitioner", "practitioner": klein.pk, "name": "x", "language": "en"})
    desk.post(invite_page(one), {"role": "related-person", "related_person": story.ben.pk, "language": "en"})
    assert [(row.practitioner, row.related_person, row.name) for row in one.participants.order_by("invited_at")] == [
        (klein, None, ""),
        (None, story.ben, ""),
    ]
    again = desk.post(invite_page(one), {"role": "practitioner", "practitioner": klein.pk, "language": "en"})
    assert said(again)[-1].startswith("This person cannot be invited")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"role": "interpreter"}, "name"),
        ({"role": "practitioner", "name": "Klein"}, "practitioner"),
        ({"role": "king", "name": "Klein"}, "role"),
        ({"role": "referrer", "name": "Klein", "email": "nowhere"}, "email"),
    ],
)
def test_an_invitation_without_the_one_invited_is_asked_again(desk, story, form, field):
    one = visit(story, **at(24))
    page = desk.post(invite_page(one), {"language": "en", **form})
    assert list(page.context["form"].errors) == [field]
    assert not one.participants.exists()


def test_nobody_of_another_clinic_and_nobody_who_only_looks_invites(story):
    one = visit(story, **at(24))
    form = {"role": "interpreter", "name": "Ines", "language": "en"}
    for client in (enter(story.otto), enter(someone(clinic=story.clinic, role=Role.DPO))):
        assert client.get(invite_page(one)).status_code == client.post(invite_page(one), form).status_code == 404
    assert not one.participants.exists()


def test_whoever_is_shown_while_inviting_is_recorded_as_read(desk, story):
    one = visit(story, **at(24))
    desk.get(invite_page(one))
    assert [(read["view"], read["patients"]) for read in reads()] == [("appointment.invite", [story.ada.code])]
