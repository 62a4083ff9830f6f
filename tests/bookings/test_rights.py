"""Requests about data: a calendar month, once two more, five at a time, one notice while any waits."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.context import Actor
from bookings import rights
from bookings.models import DataRequest, Location, Notice, Patient, RelatedPerson
from bookings.reach import Reached
from tests.factories import MONDAY, Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db
ADA = Actor(kind="patient", id="1", label="P")
EVA = Actor(kind="staff", id="42", label="eva", roles=("dpo",))
Kind, State = DataRequest.Kind, DataRequest.State


@pytest.fixture
def story() -> Cast:
    return cast()


def asked(story: Cast, *, now: datetime = MONDAY, **changed: Any) -> DataRequest:
    given = {"patient": story.ada, "asked_by": None, "kind": Kind.ACCESS, "text": "Everything, please"}
    return rights.ask(actor=ADA, now=now, **{**given, **changed})


def notices() -> list[bool]:
    """Of each notice, oldest first, whether it is still open."""
    rows = Notice.objects.filter(kind=Notice.Kind.DATA_REQUEST).order_by("pk")
    return [notice.resolved_at is None for notice in rows]


@pytest.mark.parametrize(
    ("received", "due", "prolonged"),
    [
        ("2026-01-31T12:00Z", "2026-02-28T12:00Z", "2026-04-30T11:00Z"),
        ("2026-11-30T07:00Z", "2026-12-30T07:00Z", "2027-02-28T07:00Z"),
        # 00:30 on the first of March in Paris, and the same hour of its wall in summer
        ("2026-02-28T23:30Z", "2026-03-31T22:30Z", "2026-05-31T22:30Z"),
    ],
)
def test_a_month_and_once_two_more_by_the_calendar_of_the_clinic(
    story: Cast, received: str, due: str, prolonged: str
) -> None:
    now = datetime.fromisoformat(received)
    wanted = asked(story, now=now)
    assert wanted.due_at == datetime.fromisoformat(due)
    later = rights.prolong(actor=EVA, now=now, request_id=wanted.pk, reason="Many files")
    assert (later.due_at, later.extended_at) == (datetime.fromisoformat(prolonged), now)
    assert later.extension == "Many files"


def test_a_clinic_without_a_location_counts_in_utc(story: Cast) -> None:
    stranger: Patient = PatientFactory(clinic=story.elsewhere)
    assert not Location.objects.filter(clinic=story.elsewhere).exists()
    assert asked(story, patient=stranger).due_at == datetime(2026, 12, 30, 7, tzinfo=UTC)


def test_prolonging_is_for_the_first_month_and_once_and_says_why(story: Cast) -> None:
    wanted = asked(story)
    with pytest.raises(rights.NoWords):
        rights.prolong(actor=EVA, now=MONDAY, request_id=wanted.pk, reason="  ")
    with pytest.raises(rights.TooLateToProlong):
        rights.prolong(actor=EVA, now=wanted.due_at + timedelta(seconds=1), request_id=wanted.pk, reason="Late")
    rights.prolong(actor=EVA, now=wanted.due_at, request_id=wanted.pk, reason="In time")
    with pytest.raises(rights.TooLateToProlong):
        rights.prolong(actor=EVA, now=wanted.due_at, request_id=wanted.pk, reason="Again")


def test_five_are_open_at_most_whoever_asks(story: Cast) -> None:
    made = [asked(story) for _ in range(4)] + [asked(story, asked_by=story.ben)]
    with pytest.raises(rights.TooManyOpen):
        asked(story, asked_by=story.ben)
    asked(story, patient=PatientFactory(clinic=story.clinic))  # somebody else's are their own
    rights.withdraw(actor=ADA, now=MONDAY, request_id=made[0].pk)
    assert asked(story).state == State.OPEN


@pytest.mark.parametrize("closed", ["erased", "merged"])
def test_nothing_is_asked_about_a_record_that_is_gone(story: Cast, closed: str) -> None:
    state = {"erased_at": MONDAY} if closed == "erased" else {"merged_into": PatientFactory(clinic=story.clinic)}
    Patient.objects.filter(pk=story.ada.pk).update(**state)
    with pytest.raises(rights.NobodyToAskFor):
        asked(story)


@pytest.mark.parametrize(
    ("way", "state", "by"), [("answer", "done", "42"), ("refuse", "refused", "42"), ("withdraw", "withdrawn", "")]
)
def test_a_request_is_closed_once(story: Cast, way: str, state: str, by: str) -> None:
    wanted = asked(story)
    words = {} if way == "withdraw" else {"text": " Here you are. "}
    close = getattr(rights, way)
    done = close(actor=EVA, now=MONDAY + timedelta(days=1), request_id=wanted.pk, **words)
    done = DataRequest.objects.get(pk=done.pk)
    said = "" if way == "withdraw" else "Here you are."
    assert (done.state, done.answer, done.answered_by) == (state, said, by)
    assert done.answered_at == MONDAY + timedelta(days=1)
    for again in ("answer", "refuse", "withdraw"):
        more = {} if again == "withdraw" else {"text": "Once more"}
        with pytest.raises(rights.NotOpen):
            getattr(rights, again)(actor=EVA, now=MONDAY, request_id=wanted.pk, **more)
    with pytest.raises(rights.NotOpen):
        rights.prolong(actor=EVA, now=MONDAY, request_id=wanted.pk, reason="Once more")


@pytest.mark.parametrize("way", ["answer", "refuse"])
def test_nothing_is_answered_or_refused_without_words(story: Cast, way: str) -> None:
    wanted = asked(story)
    with pytest.raises(rights.NoWords):
        getattr(rights, way)(actor=EVA, now=MONDAY, request_id=wanted.pk, text=" \n")
    wanted.refresh_from_db()
    assert wanted.state == State.OPEN


def test_one_notice_is_open_while_any_request_is(story: Cast) -> None:
    first, second = asked(story), asked(story)
    assert notices() == [True]
    rights.answer(actor=EVA, now=MONDAY, request_id=first.pk, text="Done")
    assert notices() == [True]
    rights.withdraw(actor=ADA, now=MONDAY, request_id=second.pk)
    assert notices() == [False]
    asked(story)
    assert notices() == [False, True]


def test_a_notice_is_each_clinics_own(story: Cast) -> None:
    asked(story)
    there = asked(story, patient=PatientFactory(clinic=story.elsewhere))
    rights.answer(actor=EVA, now=MONDAY, request_id=there.pk, text="Done")
    assert notices() == [True, False]
    assert rights.open_count(clinic_ids=[story.clinic.pk, story.elsewhere.pk]) == {story.clinic.pk: 1}
    assert rights.open_count(clinic_ids=[]) == {}


def test_a_patient_is_shown_all_and_who_acts_what_they_asked(story: Cast) -> None:
    own, bens = asked(story), asked(story, asked_by=story.ben, now=MONDAY + timedelta(hours=1))
    carer = RelatedPerson.objects.create(clinic=story.clinic, patient=story.ada, name="Cleo", relationship="carer")
    assert list(rights.visible_to([Reached(story.ada, None)])) == [bens, own]
    assert list(rights.visible_to([Reached(story.ada, story.ben)])) == [bens]
    assert list(rights.visible_to([Reached(story.ada, carer)])) == []
    assert list(rights.visible_to([])) == []


def test_days_left_count_the_one_under_way_and_are_negative_once_it_is_late(story: Cast) -> None:
    wanted = asked(story)
    due = wanted.due_at
    left = [rights.days_left(wanted, now=due - timedelta(hours=hours)) for hours in (49, 23, 0, -1, -25)]
    assert left == [3, 1, 0, -1, -2]


def test_what_was_written_is_sealed(story: Cast) -> None:
    wanted = asked(story)
    stored = DataRequest.objects.values_list("text", flat=True).get(pk=wanted.pk)
    assert stored.startswith("1.")
    assert uuid.UUID(str(wanted.pk)) == wanted.pk
