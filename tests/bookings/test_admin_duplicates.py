"""Two records side by side: joined or told apart, by the desk of their clinic."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.context import Actor
from audit.keys import keyring
from bookings import consents, merging
from bookings.consents import NotTheirs
from bookings.models import Appointment, Consent, Notice, Patient, PossibleDuplicate, Role
from tests.bookings.asking import wording
from tests.bookings.entering import ROLE_NAMES, counted, enter, operator, reads, said, someone, url, visit
from tests.factories import MONDAY, Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db
LIST = "/admin/bookings/possibleduplicate/"
SETTLES = {Role.RECEPTION, Role.MANAGER}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def carla(story: Cast) -> Client:
    return enter(story.carla)


def task_of(story: Cast) -> PossibleDuplicate:
    """Ada, and a newer record of hers with an appointment."""
    new = PatientFactory(clinic=story.clinic, email="ada@new.example")
    visit(story, patient=new)
    Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.PERHAPS_SAME)
    return PossibleDuplicate.objects.create(clinic=story.clinic, patient=new, other=story.ada)


def press(browser: Client, task: PossibleDuplicate, do: str, keep: object = "") -> Any:
    return browser.post(url(task), {"do": do, "keep": str(keep)}, follow=True)


def test_both_records_stand_side_by_side_and_looking_is_recorded(story: Cast, carla: Client) -> None:
    task = task_of(story)
    text = carla.get(url(task)).content.decode()
    for told in ("ada@example.org", "ada@new.example", "10 Dec 1985", "Ben Lovelace", "One patient: join"):
        assert told in text, told
    codes = sorted([story.ada.code, task.patient.code])
    assert reads() == [{"chain": f"clinic/{story.clinic.pk}", "view": "possibleduplicate.page", "patients": codes}]


@pytest.mark.parametrize("kept", ["older", "newer"])
def test_joined_into_the_record_that_was_chosen(story: Cast, carla: Client, kept: str) -> None:
    task = task_of(story)
    keep, gone = (story.ada, task.patient) if kept == "older" else (task.patient, story.ada)
    assert said(press(carla, task, "join", keep.pk)) == [f"The two records are one: {keep.code}."]
    gone.refresh_from_db()
    assert (gone.merged_into, Appointment.objects.get().patient) == (keep, keep)
    task.refresh_from_db()
    assert (task.state, task.settled_at) == ("joined", MONDAY)
    assert Notice.objects.get().resolved_at == MONDAY


def test_told_apart_they_stay_two(story: Cast, carla: Client) -> None:
    task = task_of(story)
    assert said(press(carla, task, "apart")) == ["They stay two patients."]
    task.refresh_from_db()
    assert (task.state, Patient.objects.exclude(merged_into=None).count()) == ("different", 0)
    assert "One patient: join" not in carla.get(url(task)).content.decode()


@pytest.mark.parametrize("do", ["join", "apart"])
def test_what_is_settled_is_not_settled_again(story: Cast, carla: Client, do: str) -> None:
    task = task_of(story)
    press(carla, task, "apart")
    assert said(press(carla, task, do, story.ada.pk)) == ["This was settled already."]
    assert not Patient.objects.exclude(merged_into=None).exists()


@pytest.mark.parametrize(("do", "keep"), [("join", ""), ("join", "0"), ("join", "x"), ("", "1"), ("erase", "1")])
def test_any_other_press_is_not_there(story: Cast, carla: Client, do: str, keep: str) -> None:
    assert press(carla, task_of(story), do, keep).status_code == 404


def test_a_third_patient_cannot_be_joined(story: Cast, carla: Client) -> None:
    task = task_of(story)
    for third in (PatientFactory(clinic=story.clinic), PatientFactory(clinic=story.elsewhere)):
        assert press(carla, task, "join", third.pk).status_code == 404
    assert not Patient.objects.exclude(merged_into=None).exists()


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_reception_and_managers_settle_and_nobody_else_sees(story: Cast, role: str) -> None:
    task = task_of(story)
    browser = enter(someone(clinic=story.clinic, role=role))
    assert (browser.get(LIST).status_code == 200) == (role in SETTLES)
    page = browser.get(url(task))
    assert (page.status_code == 200) == (role in SETTLES)
    press(browser, task, "apart")
    task.refresh_from_db()
    assert (task.state == "different") == (role in SETTLES)


def test_another_clinic_and_an_operator_find_nothing(story: Cast) -> None:
    task = task_of(story)
    for browser in (enter(story.otto), enter(operator())):
        assert story.ada.code not in browser.get(LIST).content.decode()
        assert browser.get(url(task)).status_code in (302, 403)
        assert press(browser, task, "apart").status_code in (200, 403)
    task.refresh_from_db()
    assert task.state == "open"


def test_the_list_names_no_names_shows_what_is_open_and_costs_the_same(story: Cast, carla: Client) -> None:
    def cost() -> int:
        with counted() as queries:
            assert "Lovelace" not in carla.get(LIST).content.decode()
        return len(queries)

    first = task_of(story)
    carla.get(LIST)
    one = cost()
    second, third = (
        PossibleDuplicate.objects.create(
            clinic=story.clinic, patient=PatientFactory(clinic=story.clinic), other=story.ada
        )
        for _number in range(2)
    )
    assert cost() == one
    press(carla, second, "apart")
    assert set(carla.get(LIST).context["cl"].result_list) == {first, third}
    assert set(carla.get(f"{LIST}?state=settled").context["cl"].result_list) == {second}
    assert len(carla.get(f"{LIST}?state=all").context["cl"].result_list) == 3


def test_an_erased_record_is_shown_without_words(story: Cast, carla: Client) -> None:
    task = task_of(story)
    keyring.destroy_subject_keys(key_ids=[task.patient.key_id])
    text = carla.get(url(task)).content.decode()
    assert ("ada@new.example" in text, "ada@example.org" in text) == (False, True)
    refused = press(carla, task, "join", story.ada.pk)
    assert said(refused) == ["These two records cannot be joined: one of them is erased, or joined already."]


def test_a_joined_record_says_where_it_went_and_takes_nothing_more(story: Cast) -> None:
    gone = PatientFactory(clinic=story.clinic, email="ada@new.example")
    merging.join(actor=Actor.system("test"), now=MONDAY, keep=story.ada, gone=gone)
    desk = enter(story.carla)
    page = desk.get(url(gone)).content.decode()
    assert url(story.ada) in page
    assert "Lovelace" not in page
    desk.post(url(gone), {"family_name": "Byron", "language": "en"})
    gone.refresh_from_db()
    assert gone.family_name == "Lovelace"
    assert desk.get(reverse("admin:bookings_patient_consents", args=[gone.pk])).status_code == 404
    with pytest.raises(NotTheirs):
        consents.give(
            actor=Actor.system("test"), now=MONDAY, patient=gone, text=wording(story.clinic), source=Consent.Source.DESK
        )
