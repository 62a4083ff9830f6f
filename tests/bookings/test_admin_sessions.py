"""Group sessions in the admin: planned, looked at, given other numbers of places, called off."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from bookings.models import Appointment, GroupSession, Role, User
from tests.bookings.entering import enter, operator, reads, said, settled_count, someone, url
from tests.bookings.grouping import join
from tests.factories import (
    MONDAY,
    Cast,
    ClosureFactory,
    LocationFactory,
    PatientFactory,
    PractitionerFactory,
    ServiceFactory,
    SessionFactory,
    cast,
)

ADD = "/admin/bookings/groupsession/add/"
LIST = "/admin/bookings/groupsession/"
TEN = MONDAY + timedelta(hours=2)
durable = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(MONDAY - timedelta(days=3), tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast(capacity=8, name="Back school")


@pytest.fixture
def mara(story: Cast) -> User:
    return someone(clinic=story.clinic, role=Role.MANAGER)


@pytest.fixture
def manager(mara: User) -> Client:
    return enter(mara)


def plan(story: Cast, **changed: Any) -> dict[str, Any]:
    return {
        "service": story.service.pk,
        "location": story.location.pk,
        "practitioner": story.demir.pk,
        "start_0": "2026-11-30",
        "start_1": "10:00",
        "capacity": "",
        "times": 1,
        "weeks": 1,
        **changed,
    }


def session_of(story: Cast, **fields: Any) -> GroupSession:
    given = {"location": story.location, "practitioner": story.demir, "start": TEN, **fields}
    session: GroupSession = SessionFactory(service=story.service, **given)
    return session


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# --- planning


@durable
def test_a_session_is_planned_by_the_clock_of_its_location_with_the_places_of_its_service(manager, story):
    response = manager.post(ADD, plan(story))
    assert response["Location"] == LIST
    session = GroupSession.objects.get()
    assert (session.start, session.capacity) == (datetime(2026, 11, 30, 9, tzinfo=UTC), 8)
    page = manager.get(LIST)
    assert said(page) == ["1 session is planned."]
    assert "Mon, 30 Nov 2026, 10:00" in page.content.decode()
    assert "0 of 8" in page.content.decode()


@durable
def test_sessions_every_other_week_keep_their_wall_time_over_the_change_of_clocks(manager, story):
    manager.post(ADD, plan(story, start_0="2027-03-16", start_1="14:00", times=3, weeks=2, capacity=5))
    rows = GroupSession.objects.order_by("start")
    paris = ZoneInfo("Europe/Paris")
    assert [(row.start.astimezone(paris).strftime("%d %b %H:%M"), row.capacity) for row in rows] == [
        ("16 Mar 14:00", 5),
        ("30 Mar 14:00", 5),
        ("13 Apr 14:00", 5),
    ]


@durable
def test_of_several_sessions_none_is_planned_when_one_cannot_be_and_the_page_says_which(manager, story):
    ClosureFactory(clinic=story.clinic, start=MONDAY + timedelta(days=7))
    response = manager.post(ADD, plan(story, times=3, capacity=5))
    assert response.status_code == 200
    assert not GroupSession.objects.exists()
    assert told(response) == [
        "The clinic is closed at this time. Please choose another one.",
        "Mon, 7 Dec 2026, 10:00: The clinic is closed at this time. Please choose another one.",
    ]
    page = response.content.decode()
    for typed in ('value="10:00"', 'value="2026-11-30"', 'value="5"', f'value="{story.demir.pk}" selected'):
        assert typed in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start_0": "2027-03-28", "start_1": "02:30"}, "the clocks go forward"),
        ({"start_0": ""}, "This field is required."),
        ({"times": 61}, "less than or equal to 60"),
        ({"weeks": 9}, "less than or equal to 8"),
        ({"capacity": 0}, "greater than or equal to 1"),
        ({"service": 987_654}, "Select a valid choice"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_a_sentence(manager, story, changed, sentence):
    page = manager.post(ADD, plan(story, **changed)).content.decode()
    assert sentence in page
    assert not GroupSession.objects.exists()


@pytest.mark.django_db
def test_the_plan_offers_groups_people_and_places_of_the_own_clinic_only(manager, story):
    ServiceFactory(clinic=story.clinic)
    ServiceFactory(clinic=story.elsewhere, capacity=3)
    LocationFactory(clinic=story.elsewhere)
    PractitionerFactory(clinic=story.elsewhere)
    fields = manager.get(ADD).context["form"].fields
    assert list(fields["service"].queryset) == [story.service]
    assert list(fields["location"].queryset) == [story.location]
    assert list(fields["practitioner"].queryset) == [story.demir]


@pytest.mark.django_db
def test_a_plan_over_two_clinics_is_refused(story):
    there = LocationFactory(clinic=story.elsewhere)
    page = enter(operator()).post(ADD, plan(story, location=there.pk)).content.decode()
    assert "Choose one of the same clinic." in page


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [(Role.RECEPTION, 200), (Role.PRACTITIONER, 403), (Role.AUDITOR, 403)])
def test_who_may_plan(story, role, status):
    client = enter(someone(clinic=story.clinic, role=role))
    assert client.get(ADD).status_code == status
    assert client.get(LIST).status_code == 200


# --- the list


@pytest.mark.django_db
def test_a_list_takes_as_many_queries_for_three_sessions_as_for_one(manager, story):
    join(session_of(story), patient=story.ada)
    one = settled_count(manager, LIST)
    for hours in (3, 4):
        there = LocationFactory(clinic=story.clinic)
        join(session_of(story, start=MONDAY + timedelta(hours=hours), location=there), patient=story.ada)
    assert settled_count(manager, LIST) == one


@pytest.mark.django_db
def test_the_list_says_how_many_places_are_taken_and_what_was_called_off(manager, story):
    session = session_of(story)
    for _number in range(3):
        join(session, patient=PatientFactory(clinic=story.clinic))
    off = session_of(story, start=TEN + timedelta(hours=2), cancelled_at=MONDAY)
    past = session_of(story, start=MONDAY - timedelta(days=7))
    SessionFactory(start=TEN)
    page = manager.get(LIST)
    assert list(page.context["cl"].result_list) == [session, off]
    assert "3 of 8" in page.content.decode()
    assert "called off" in page.content.decode()
    assert list(manager.get(LIST, {"when": "past"}).context["cl"].result_list) == [past]
    assert list(manager.get(LIST, {"when": "all"}).context["cl"].result_list) == [off, session, past]


# --- one session


@pytest.mark.django_db
def test_a_sessions_page_names_who_joined_by_code_and_the_look_is_recorded(manager, story):
    session = session_of(story)
    joined = join(session, patient=story.ada)
    page = manager.get(url(session)).content.decode()
    assert f'<a href="{url(joined)}">{story.ada.code}</a> · booked' in page
    assert "Lovelace" not in page
    assert "1 of 8" in page
    assert reads()[-1]["patients"] == [story.ada.code]


@pytest.mark.django_db
def test_an_operator_sees_the_session_and_nobody_in_it(story):
    session = session_of(story)
    join(session, patient=story.ada)
    page = enter(operator()).get(url(session)).content.decode()
    assert "1 of 8" in page
    assert story.ada.code not in page


@durable
def test_a_session_gets_more_places_and_not_fewer_than_joined(manager, story):
    session = session_of(story)
    for _number in range(2):
        join(session, patient=PatientFactory(clinic=story.clinic))
    assert said(manager.post(url(session), {"capacity": 12}, follow=True)) == ["The number of places is changed."]
    refused = manager.post(url(session), {"capacity": 1})
    assert told(refused) == [
        "More people than that have joined. Cancel some of their places first, or keep more places."
    ]
    assert 'value="1"' in refused.content.decode()
    assert GroupSession.objects.get().capacity == 12


@durable
def test_a_session_is_called_off_once_it_was_said_how_many_are_told(manager, story):
    session = session_of(story)
    for _number in range(2):
        join(session, patient=PatientFactory(clinic=story.clinic))
    join(session, patient=story.ada, status="cancelled", cancelled_by="patient")
    ask = reverse("admin:bookings_groupsession_call_off", args=[session.pk])
    assert ask in manager.get(url(session)).content.decode()
    page = manager.get(ask).content.decode()
    assert "2 people have joined. Their appointments are cancelled, and they are told at once." in page
    assert told(manager.post(ask, {})) == ["Say why, please."]
    reason = next(iter(manager.get(ask).context["reasons"]))[0]
    page = manager.post(ask, {"reason": reason}, follow=True)
    assert said(page) == ["The session is called off, and 2 people are told."]
    assert GroupSession.objects.get().cancelled_at is not None
    assert set(Appointment.objects.values_list("status", flat=True)) == {"cancelled"}
    assert ask not in page.content.decode()
    assert manager.get(ask).status_code == 302


@pytest.mark.django_db
def test_who_only_looks_changes_nothing(story):
    session = session_of(story)
    client = enter(someone(clinic=story.clinic, role=Role.PRACTITIONER))
    ask = reverse("admin:bookings_groupsession_call_off", args=[session.pk])
    page = client.get(url(session)).content.decode()
    assert "Call this session off" not in page
    assert "Change the number of places" not in page
    assert client.post(url(session), {"capacity": 12}).status_code == 403
    assert client.post(ask, {"reason": "other"}).status_code == 403


@pytest.mark.django_db
def test_a_session_of_another_clinic_answers_like_one_that_never_was(story):
    session = session_of(story)
    client = enter(someone(clinic=story.elsewhere, role=Role.MANAGER))
    assert client.get(url(session))["Location"] == reverse("admin:index")
    assert client.post(url(session), {"capacity": 12})["Location"] == reverse("admin:index")
    ask = reverse("admin:bookings_groupsession_call_off", args=[session.pk])
    assert (client.get(ask).status_code, client.post(ask, {"reason": "other"}).status_code) == (404, 404)
    assert session not in client.get(LIST, {"when": "all"}).context["cl"].result_list


@pytest.mark.django_db
def test_no_session_is_deleted(manager, story):
    assert manager.post(url(session_of(story), "delete"), {"post": "yes"}).status_code == 403
