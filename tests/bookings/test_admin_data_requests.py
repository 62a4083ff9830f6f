"""Requests about data in the admin: who sees them, who reads them, who answers, and erasing."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit import erasure
from audit.context import Actor
from audit.keys import keyring
from bookings import rights
from bookings.admin.data_requests import NOT_REACHED, left
from bookings.models import DataRequest, Patient, Role
from tests.bookings.entering import ROLE_NAMES, counted, enter, operator, reads, said, someone, url, visit
from tests.factories import MONDAY, Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db
LIST = "/admin/bookings/datarequest/"
ADA = Actor(kind="patient", id="1", label="P")
WORDS = "Carla told my neighbour"
SEES = {Role.RECEPTION, Role.MANAGER, Role.DPO}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def eva(story: Cast) -> Client:
    return enter(story.eva)


def asked(story: Cast, *, now: datetime = MONDAY, patient: Patient | None = None, kind: str = "access") -> DataRequest:
    return rights.ask(
        actor=ADA,
        now=now,
        patient=patient or story.ada,
        asked_by=None,
        kind=DataRequest.Kind(kind),
        text=WORDS,
    )


def press(browser: Client, wanted: DataRequest, do: str, text: str = "Here it is") -> Any:
    return browser.post(url(wanted), {"do": do, "text": text}, follow=True)


def erase_page(wanted: DataRequest) -> str:
    return reverse("admin:bookings_datarequest_erase", args=[wanted.pk])


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_desk_manager_and_officer_see_that_a_request_is_there_and_the_officer_alone_reads_it(
    story: Cast, role: str
) -> None:
    wanted = asked(story)
    browser = enter(someone(clinic=story.clinic, role=role))
    assert (browser.get(LIST).status_code == 200) == (role in SEES)
    page = browser.get(url(wanted))
    assert (page.status_code == 200) == (role in SEES)
    assert (WORDS in page.content.decode()) == (role == Role.DPO)
    answered = press(browser, wanted, "answer")
    assert (answered.status_code == 200) == (role == Role.DPO)
    assert (DataRequest.objects.get().state == "done") == (role == Role.DPO)


def test_an_operator_and_another_clinic_see_none(story: Cast) -> None:
    wanted = asked(story)
    for browser in (enter(operator()), enter(someone(clinic=story.elsewhere, role=Role.DPO))):
        assert story.ada.code not in browser.get(LIST).content.decode()
        assert browser.get(url(wanted)).status_code in (302, 403)
        assert browser.post(url(wanted), {"do": "answer", "text": "x"}).status_code in (302, 403)
        assert browser.get(erase_page(wanted)).status_code in (403, 404)
    assert DataRequest.objects.get().state == "open"


def test_what_is_elsewhere_answers_like_what_never_was(story: Cast) -> None:
    there = asked(story, patient=PatientFactory(clinic=story.elsewhere), kind="erase")
    browser = enter(story.eva)
    for pk in (there.pk, uuid.uuid4()):
        assert browser.get(reverse("admin:bookings_datarequest_erase", args=[pk])).status_code == 404
        assert browser.get(reverse("admin:bookings_datarequest_change", args=[pk])).status_code == 302


def test_the_list_is_by_due_date_with_the_days_left_in_words(story: Cast, eva: Client) -> None:
    late = asked(story, now=MONDAY - timedelta(days=40), patient=PatientFactory(clinic=story.clinic, code="LATE"))
    new = asked(story, now=MONDAY, patient=PatientFactory(clinic=story.clinic, code="NEWEST"))
    old = asked(story, now=MONDAY - timedelta(days=20), patient=PatientFactory(clinic=story.clinic, code="OLDER"))
    closed = asked(story)
    rights.answer(actor=ADA, now=MONDAY, request_id=closed.pk, text="Done")
    page = eva.get(LIST)
    assert list(page.context["cl"].result_list) == [late, old, new]
    text = page.content.decode()
    assert ("Overdue by 9 days" in text, "30 days left" in text, "10 days left" in text) == (True, True, True)
    assert list(eva.get(f"{LIST}?state=closed").context["cl"].result_list) == [closed]
    assert len(eva.get(f"{LIST}?state=all").context["cl"].result_list) == 4


def test_the_clock_in_words(story: Cast) -> None:
    wanted = asked(story)
    due = wanted.due_at
    told = [left(wanted, now=due - timedelta(hours=hours)) for hours in (30, 2, -1, -30)]
    assert told == ["2 days left", "1 day left", "Overdue by 1 day", "Overdue by 2 days"]
    wanted.state = "done"
    assert left(wanted, now=due) == ""


def test_looking_is_recorded(story: Cast, eva: Client) -> None:
    wanted = asked(story, kind="erase")
    eva.get(LIST)
    eva.get(url(wanted))
    chain = f"clinic/{story.clinic.pk}"
    assert reads() == [
        {"chain": chain, "view": "datarequest.list", "patients": [story.ada.code]},
        {"chain": chain, "view": "datarequest.page", "patients": [story.ada.code]},
    ]


def test_the_list_costs_the_same_for_one_and_three(story: Cast, eva: Client) -> None:
    def cost() -> int:
        eva.get(LIST)
        with counted() as queries:
            eva.get(LIST)
        return len(queries)

    asked(story)
    one = cost()
    for _number in range(2):
        asked(story, patient=PatientFactory(clinic=story.clinic))
    assert cost() == one


@pytest.mark.parametrize(("do", "state"), [("answer", "done"), ("refuse", "refused")])
def test_an_answer_and_a_refusal_close_the_request(story: Cast, eva: Client, do: str, state: str) -> None:
    wanted = asked(story)
    response = press(eva, wanted, do)
    assert said(response) == ["Saved. The patient reads it in their account."]
    row = DataRequest.objects.get()
    assert (row.state, row.answer, row.answered_by) == (state, "Here it is", str(story.eva.pk))
    assert said(press(eva, wanted, do)) == ["This request is closed already."]


def test_prolonging_is_offered_once_and_in_time(story: Cast, eva: Client, clock: time_machine.Traveller) -> None:
    wanted, other = asked(story), asked(story)
    assert "Prolong by two months" in eva.get(url(wanted)).content.decode()
    press(eva, wanted, "prolong", "Many files")
    text = eva.get(url(wanted)).content.decode()
    assert ("Many files" in text, "Prolong by two months" in text) == (True, False)
    clock.move_to(other.due_at + timedelta(days=1))
    eva = enter(story.eva)
    assert "Prolong by two months" not in eva.get(url(other)).content.decode()
    assert said(press(eva, other, "prolong")) == ["A request can be prolonged once, and within the first month only."]


@pytest.mark.parametrize(
    ("do", "text", "sentence"),
    [
        ("answer", "  ", "Write what the patient is told."),
        ("refuse", "x" * 2001, "This is too long: at most 2000 characters."),
        ("prolong", "x" * 501, "This is too long: at most 500 characters."),
    ],
)
def test_what_cannot_be_sent_is_said_and_what_was_typed_stays(
    story: Cast, eva: Client, do: str, text: str, sentence: str
) -> None:
    wanted = asked(story)
    response = press(eva, wanted, do, text)
    assert said(response) == [sentence]
    assert f">{text}</textarea>" in response.content.decode()
    assert DataRequest.objects.get().state == "open"


def test_what_stands_in_the_way_of_erasure_is_named_and_linked(story: Cast, eva: Client) -> None:
    ahead = visit(story, start=MONDAY + timedelta(days=3), end=MONDAY + timedelta(days=3, hours=1))
    wanted = asked(story, kind="erase")
    page = eva.get(erase_page(wanted)).content.decode()
    assert reverse("admin:bookings_appointment_change", args=[ahead.pk]) in page
    assert "Reception does that" in page
    assert reverse("admin:bookings_patient_change", args=[story.ada.pk]) in eva.get(url(wanted)).content.decode()


@pytest.mark.parametrize("do", ["", "erase", "nothing", "x" * 9000, "\x00"])
def test_any_other_press_is_not_there(story: Cast, eva: Client, do: str) -> None:
    assert press(eva, asked(story), do).status_code == 404


def test_the_desk_is_told_of_a_count_on_the_index_only_when_it_may_answer(story: Cast, eva: Client) -> None:
    asked(story)
    asked(story, kind="erase")
    assert "2 requests about data" in eva.get("/admin/").content.decode()
    assert "2 requests about data" not in enter(story.carla).get("/admin/").content.decode()


# --- erasing


def test_the_page_says_what_it_reaches_and_what_not(story: Cast, eva: Client) -> None:
    wanted = asked(story, kind="erase")
    assert erase_page(wanted) in eva.get(url(wanted)).content.decode()
    text = eva.get(erase_page(wanted)).content.decode()
    for one in (*NOT_REACHED.values(), story.ada.code, "Nobody can undo this."):
        assert str(one) in text
    assert list(NOT_REACHED) == list(erasure.NOT_REACHED)


def test_erasing_takes_the_patients_code_and_leaves_the_request_readable(story: Cast, eva: Client) -> None:
    wanted = asked(story, kind="erase")
    wrong = eva.post(erase_page(wanted), {"code": "WRONG"}, follow=True)
    assert said(wrong) == ["This is not the code of this patient. Nothing was erased."]
    assert not keyring.is_destroyed(key_id=story.ada.key_id)
    done = eva.post(erase_page(wanted), {"code": story.ada.code}, follow=True)
    assert said(done) == [f"Erased, under the reference “request {wanted.pk}”."]
    assert keyring.is_destroyed(key_id=story.ada.key_id)
    text = done.content.decode()
    assert ("no longer readable" in text, WORDS in text, story.ada.code in text) == (True, False, True)
    assert eva.get(f"{LIST}?state=closed").status_code == 200
    assert eva.post(erase_page(wanted), {"code": story.ada.code}).status_code == 302


def test_with_a_visit_to_come_the_page_says_so_and_erases_nothing(story: Cast, eva: Client) -> None:
    wanted = asked(story, kind="erase")
    visit(story, start=MONDAY + timedelta(days=1))
    text = eva.get(erase_page(wanted)).content.decode()
    assert ("1 appointment is still to come. Cancel it first." in text, "Erase for good" in text) == (True, False)
    refused = eva.post(erase_page(wanted), {"code": story.ada.code}, follow=True)
    assert said(refused) == ["This patient has appointments still to come. Cancel them first."]
    assert not keyring.is_destroyed(key_id=story.ada.key_id)


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role != Role.DPO])
def test_nobody_but_the_officer_erases(story: Cast, role: str) -> None:
    wanted = asked(story, kind="erase")
    browser = enter(someone(clinic=story.clinic, role=role))
    assert browser.get(erase_page(wanted)).status_code in (403, 404)
    assert browser.post(erase_page(wanted), {"code": story.ada.code}).status_code in (403, 404)
    assert not keyring.is_destroyed(key_id=story.ada.key_id)


def test_a_request_for_something_else_has_no_such_page(story: Cast, eva: Client) -> None:
    wanted = asked(story)
    assert erase_page(wanted) not in eva.get(url(wanted)).content.decode()
    assert eva.get(erase_page(wanted)).status_code == 404


def test_nothing_is_added_or_deleted_by_hand(story: Cast, eva: Client) -> None:
    wanted = asked(story)
    assert eva.get(f"{LIST}add/").status_code == 403
    assert eva.get(url(wanted, "delete")).status_code == 403
