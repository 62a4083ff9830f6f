"""What is owed to whom because of what happened."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audit import stream
from audit.context import acting, use
from audit.keys import keyring
from audit.stream import Happened
from bookings import consents
from bookings.models import Appointment, Consent, ConsentText
from bookings.reminders import reminder_time
from notifications.models import Kind, Message, State
from notifications.plan import plan
from tests.bookings.asking import wording
from tests.factories import AppointmentFactory, Cast
from tests.happenings import CLERK, booked, cancelled, changed
from tests.notifications.stories import challenged, standing

pytestmark = pytest.mark.django_db

#: A Tuesday at ten in Lyon, and the day it is booked.
START = datetime(2031, 6, 10, 8, 0, tzinfo=UTC)
BOOKED_AT = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)


def record(
    appointment: Appointment,
    *,
    op: str = "I",
    at: datetime = BOOKED_AT,
    before: Mapping[str, Any] | None = None,
    purpose: str = "",
) -> Happened:
    """What the stream says about an appointment as it now stands."""
    return Happened(
        chain=f"clinic/{appointment.clinic_id}",
        seq=1,
        id=uuid.uuid4(),
        at=at,
        clinic_id=appointment.clinic_id,
        model="bookings.Appointment",
        pk=str(appointment.pk),
        op=op,
        operation="create",
        case="booking.book",
        before=before or {},
        after={"status": appointment.status},
        body={"purpose": purpose},
    )


@pytest.fixture
def visit(people: Cast) -> Appointment:
    return AppointmentFactory(
        clinic=people.clinic, location=people.location, patient=people.ada, practitioner=people.demir, start=START
    )


def test_a_booking_owes_a_confirmation_now_and_a_reminder_the_day_before(visit: Appointment) -> None:
    plan(record(visit))
    owed = {message.kind: message.planned_for for message in Message.objects.all()}
    assert owed == {
        Kind.CONFIRMATION: BOOKED_AT,
        Kind.REMINDER: datetime(2031, 6, 9, 10, 0, tzinfo=ZoneInfo("Europe/Paris")),
    }


def test_the_same_record_again_owes_nothing_more(visit: Appointment) -> None:
    happened = record(visit)
    plan(happened)
    plan(happened)
    assert standing() == [("confirmation", "planned"), ("reminder", "planned")]


def test_an_appointment_sooner_than_its_reminder_gets_none(visit: Appointment) -> None:
    plan(record(visit, at=reminder_time(visit) + timedelta(seconds=1)))
    assert standing() == [("confirmation", "planned")]


def test_the_reminder_follows_the_clock_of_the_location_over_a_change_to_winter_time(visit: Appointment) -> None:
    visit.start = datetime(2027, 10, 31, 9, 0, tzinfo=UTC)  # 10:00 in Paris, winter time since 3:00
    assert reminder_time(visit).astimezone(UTC) == datetime(2027, 10, 30, 8, 0, tzinfo=UTC)


def test_an_appointment_just_after_midnight_is_reminded_of_on_the_day_its_patient_calls_the_day_before(
    visit: Appointment,
) -> None:
    visit.start = datetime(2031, 6, 9, 22, 30, tzinfo=UTC)  # half past midnight on the 10th in Paris
    assert reminder_time(visit) == datetime(2031, 6, 9, 10, 0, tzinfo=ZoneInfo("Europe/Paris"))


def test_a_cancellation_is_told_and_ends_what_was_still_owed(visit: Appointment) -> None:
    plan(record(visit))
    visit.status, visit.cancelled_by = "cancelled", "patient"
    visit.save()
    plan(record(visit, op="U", at=BOOKED_AT + timedelta(hours=1), before={"status": "booked"}))
    assert standing() == [("confirmation", "superseded"), ("cancellation", "planned"), ("reminder", "superseded")]


def test_a_change_of_nothing_a_patient_was_told_owes_nothing(visit: Appointment) -> None:
    plan(record(visit, op="U", before={"updated": "2031-06-02T15:30:00Z"}))
    assert standing() == []


def test_an_appointment_entered_in_error_is_not_spoken_of_again(visit: Appointment) -> None:
    plan(record(visit))
    visit.status = "entered-in-error"
    visit.save()
    plan(record(visit, op="U", before={"status": "booked"}))
    assert standing() == [("confirmation", "superseded"), ("reminder", "superseded")]


def test_a_move_of_what_was_confirmed_is_told_as_a_move_and_reminded_of_once(visit: Appointment) -> None:
    plan(record(visit))
    Message.objects.filter(kind=Kind.CONFIRMATION).update(state=State.HANDED_OVER)
    visit.start, visit.end = START + timedelta(days=2), visit.end + timedelta(days=2)
    visit.save()
    happened = record(visit, op="U", at=BOOKED_AT + timedelta(hours=1), before={"start": "x", "end": "x"})
    plan(happened)
    plan(happened)
    assert standing(["reminder"]) == [("reminder", "superseded"), ("reminder", "planned")]
    assert standing(["confirmation", "moved"]) == [("confirmation", "handed_over"), ("moved", "planned")]


def test_a_move_before_the_confirmation_left_is_told_as_the_confirmation(visit: Appointment) -> None:
    plan(record(visit))
    visit.start, visit.end = START + timedelta(days=2), visit.end + timedelta(days=2)
    visit.save()
    happened = record(visit, op="U", at=BOOKED_AT + timedelta(hours=1), before={"start": "x", "end": "x"})
    plan(happened)
    plan(happened)
    assert standing(["confirmation", "moved"]) == [("confirmation", "superseded"), ("confirmation", "planned")]


def test_another_place_is_told_as_a_move_and_another_room_is_not(visit: Appointment) -> None:
    plan(record(visit, op="U", before={"room_id": 1, "practitioner_id": 1, "end": "x"}))
    assert standing() == []
    plan(record(visit, op="U", before={"location_id": 1}))
    assert standing(["moved"]) == [("moved", "planned")]


@pytest.mark.parametrize(("status", "kind"), [("pending", Kind.REQUEST), ("proposed", Kind.OFFER)])
def test_what_is_not_booked_yet_is_told_so_and_neither_confirmed_nor_reminded_of(
    visit: Appointment, status: str, kind: Kind
) -> None:
    visit.status, visit.respond_by = status, BOOKED_AT + timedelta(days=2)
    visit.save()
    happened = record(visit)
    plan(happened)
    plan(happened)
    assert standing() == [(kind, "planned")]


@pytest.mark.parametrize("before", ["pending", "proposed"])
def test_a_request_or_an_offer_that_comes_true_is_confirmed_and_reminded_of(visit: Appointment, before: str) -> None:
    plan(record(visit, op="U", before={"status": before}))
    assert standing() == [("confirmation", "planned"), ("reminder", "planned")]


def test_another_offer_ends_the_one_before(visit: Appointment) -> None:
    visit.status, visit.respond_by = "proposed", BOOKED_AT + timedelta(days=2)
    visit.save()
    plan(record(visit, op="U", before={"status": "pending"}))
    plan(record(visit, op="U", at=BOOKED_AT + timedelta(hours=1), before={"start": "x"}))
    assert standing() == [("offer", "superseded"), ("offer", "planned")]


def test_a_booked_visit_its_patient_asks_to_move_is_a_request_again(visit: Appointment) -> None:
    plan(record(visit))
    visit.status, visit.respond_by = "pending", BOOKED_AT + timedelta(days=2)
    visit.save()
    plan(record(visit, op="U", at=BOOKED_AT + timedelta(hours=1), before={"status": "booked", "start": "x"}))
    assert standing() == [("confirmation", "superseded"), ("request", "planned"), ("reminder", "superseded")]


def test_an_arrival_taken_back_is_no_news(visit: Appointment) -> None:
    plan(record(visit, op="U", before={"status": "arrived"}))
    assert standing() == []


def test_a_request_that_lapses_at_the_time_it_asked_for_is_told_all_the_same(visit: Appointment) -> None:
    visit.status, visit.cancelled_by, visit.cancellation_reason = "cancelled", "system", "request-lapsed"
    visit.save()
    plan(record(visit, op="U", at=START + timedelta(minutes=1), before={"status": "pending"}))
    assert standing() == [("cancellation", "planned")]


def test_an_appointment_moved_away_and_back_is_reminded_of(visit: Appointment) -> None:
    plan(record(visit))
    for hour, away in ((1, timedelta(days=2)), (2, timedelta(0))):
        visit.start, visit.end = START + away, START + away + timedelta(minutes=30)
        visit.save()
        plan(record(visit, op="U", at=BOOKED_AT + timedelta(hours=hour), before={"start": "x"}))
    assert standing(["reminder"]) == [("reminder", "planned"), ("reminder", "superseded")]


def test_a_booking_that_is_cancelled_before_it_is_read_is_not_confirmed(visit: Appointment) -> None:
    happened = record(visit)
    visit.status, visit.cancelled_by = "cancelled", "patient"
    visit.save()
    plan(happened)
    assert standing() == []


def test_history_brought_in_from_elsewhere_is_not_announced_but_reminded_of(visit: Appointment) -> None:
    plan(record(visit, purpose="import"))
    assert standing() == [("reminder", "planned")]


def test_nothing_is_owed_for_an_appointment_that_was_over_when_it_was_written_down(visit: Appointment) -> None:
    plan(record(visit, at=START + timedelta(days=1)))
    assert standing() == []


def test_nobody_to_write_to_means_nothing_owed(people: Cast, visit: Appointment) -> None:
    people.ada.email = ""
    people.ada.save()
    people.ben.valid_until = BOOKED_AT.date() - timedelta(days=1)
    people.ben.save()
    plan(record(visit))
    assert standing() == []


def test_of_a_child_without_an_address_whoever_acts_for_them_is_told(people: Cast, visit: Appointment) -> None:
    people.ada.email = ""
    people.ada.save()
    plan(record(visit))
    assert standing() == [("confirmation", "planned"), ("reminder", "planned")]


def test_nothing_is_owed_about_an_erased_patient(people: Cast, visit: Appointment) -> None:
    keyring.destroy_subject_keys(key_ids=[people.ada.key_id])
    plan(record(visit))
    assert standing() == []


def test_a_row_that_is_gone_owes_nothing(visit: Appointment) -> None:
    happened = record(visit)
    visit.occupancies.all().delete()
    visit.delete()
    plan(happened)
    assert standing() == []


def test_the_stream_leads_from_a_booking_to_its_messages(people: Cast) -> None:
    soon = datetime.now(UTC) + timedelta(days=9)
    appointment = booked(people, start=soon)
    assert standing() == [("confirmation", "planned"), ("reminder", "planned")]
    cancelled(appointment)
    assert standing(["cancellation"]) == [("cancellation", "planned")]
    assert list(stream.parked()) == []


def test_arriving_is_no_news(people: Cast) -> None:
    appointment = booked(people, start=datetime.now(UTC) + timedelta(days=9))
    changed(appointment, status="arrived", arrived_at=datetime.now(UTC))
    assert [kind for kind, _state in standing()] == ["confirmation", "reminder"]


def test_a_code_is_owed_once_to_whoever_is_to_get_it(people: Cast) -> None:
    challenge = challenged(people, now=datetime.now(UTC))
    message = Message.objects.get()
    assert (message.kind, message.challenge, message.state) == (Kind.CODE, challenge, State.PLANNED)


def test_a_code_that_must_not_be_delivered_is_not(people: Cast) -> None:
    challenged(people, now=datetime.now(UTC), deliver=False)
    assert standing() == []


# --- reminders are for whoever wants them


def reminders() -> list[str]:
    """The states of the reminders owed."""
    return [state for _, state in standing([Kind.REMINDER])]


def saying(people: Cast, *, now: datetime = BOOKED_AT) -> Consent:
    """Ada agrees to be reminded, and the consumers have seen it."""
    text = ConsentText.objects.get()
    with acting(actor=CLERK):
        given = consents._give(actor=CLERK, now=now, patient=people.ada, text=text, source=Consent.Source.DESK)
    stream.drain()
    return given


def taking_back(given: Consent, *, now: datetime = BOOKED_AT) -> None:
    """The same taken back."""
    with use("consent.withdraw", actor=CLERK):
        given.withdrawn_at = now
        given.save()
    stream.drain()


def switching(people: Cast, *, remind: bool) -> None:
    """The patient's switch, and the consumers have seen it."""
    people.ada.remind = remind
    with use("patient.correct", actor=CLERK):
        people.ada.save()
    stream.drain()


def test_who_switched_reminders_off_is_owed_none_until_they_switch_them_on(people: Cast) -> None:
    switching(people, remind=False)
    booked(people, start=START)
    assert standing() == [("confirmation", "planned")]
    switching(people, remind=True)
    assert reminders() == ["planned"]
    switching(people, remind=False)
    assert reminders() == ["superseded"]
    switching(people, remind=True)
    assert reminders() == ["planned"]


def test_where_the_clinic_asks_for_consent_a_reminder_is_owed_only_while_one_stands(people: Cast) -> None:
    wording(people.clinic)
    booked(people, start=START)
    assert standing() == [("confirmation", "planned")]
    given = saying(people)
    assert reminders() == ["planned"]
    taking_back(given)
    assert reminders() == ["superseded"]
    assert standing([Kind.CONFIRMATION]) == [("confirmation", "planned")]
    saying(people)
    assert reminders() == ["planned"]


def test_a_visit_that_moves_is_reminded_of_only_with_consent(people: Cast) -> None:
    wording(people.clinic)
    visit = booked(people, start=START)
    changed(visit, start=START + timedelta(days=1), end=visit.end + timedelta(days=1))
    assert reminders() == []
    saying(people)
    changed(visit, start=START + timedelta(days=2), end=visit.end + timedelta(days=1))
    assert reminders() == ["superseded", "planned"]


def test_a_consent_to_something_else_owes_no_reminder(people: Cast) -> None:
    wording(people.clinic, purpose="recall")
    visit = booked(people, start=START)
    Message.objects.filter(appointment=visit, kind=Kind.REMINDER).update(state=State.SUPERSEDED)
    saying(people)
    assert reminders() == ["superseded"]
