"""Booking and cancelling: all or nothing, once per command, by the rules of who asks."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from audit.context import Actor
from audit.models import Fact
from bookings import booking, holds, legs, links
from bookings.availability import NotOffered, Rule, SlotTaken, choose, free_slots
from bookings.booking import NotPossible, TooLateToCancel
from bookings.holds import HOLD, PROMISED
from bookings.models import Appointment, Hold, Occupancy, OpeningHours, Practitioner
from tests.factories import (
    MONDAY,
    AppointmentFactory,
    Cast,
    OfferFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    SessionFactory,
    cast,
    occupy,
    open_week,
)

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
TEN = datetime(2026, 11, 30, 10, 0, tzinfo=PARIS)
NOW = MONDAY - timedelta(days=3)
VISITOR = Actor(kind="visitor", id="v1", label="visitor")
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))


def book(people: Cast, **wish: Any) -> Appointment:
    asked = {
        "actor": VISITOR,
        "now": NOW,
        "key": uuid.uuid4(),
        "patient": people.ada,
        "service": people.service,
        "location": people.location,
        "start": TEN,
    }
    return booking.book(**{**asked, **wish})


def hold(people: Cast, *, now: datetime = NOW, visitor: str = "one", **wish: Any) -> Hold:
    asked = {"service": people.service, "location": people.location, "practitioner": people.demir, "start": TEN}
    return holds.hold(actor=VISITOR, now=now, visitor=visitor, **{**asked, **wish})


def free(people: Cast) -> list[datetime]:
    day = TEN.date()
    return [
        slot.start for slot in free_slots(service=people.service, now=NOW, since=day, until=day + timedelta(days=1))
    ]


def another(people: Cast) -> Practitioner:
    ana = PractitionerFactory(clinic=people.clinic)
    OfferFactory(service=people.service, practitioner=ana)
    open_week(of=ana, at=people.location)
    return ana


def test_a_booked_visit_says_what_the_patient_is_told_and_takes_all_its_schedules() -> None:
    people = cast(room_kind="ultrasound", buffer_before=5, buffer_after=10)
    room = RoomFactory(location=people.location, kind="ultrasound")
    visit = book(people, reason="Cough", language="fr", contact_person=people.ben)
    visit.refresh_from_db()
    assert (visit.start, visit.end, visit.status) == (TEN, TEN + timedelta(minutes=30), "booked")
    assert (visit.practitioner, visit.room, visit.clinic) == (people.demir, room, people.clinic)
    assert (visit.patient, visit.contact_person, visit.language) == (people.ada, people.ben, "fr")
    assert (visit.reason, visit.booked_online, visit.sequence) == ("Cough", True, 0)
    assert visit.link_digest == links.digest(links.token(visit))
    for row in visit.occupancies.all():
        assert (row.period.lower, row.period.upper) == (TEN - timedelta(minutes=5), TEN + timedelta(minutes=40))
        assert row.kind == "appointment"
    assert {row.schedule_id for row in visit.occupancies.all()} == {people.demir.schedule_id, room.schedule_id}


def test_the_evidence_of_a_write_says_which_operation_it_was_and_who_did_it() -> None:
    people = cast()
    visit = book(people)
    assert meaning(visit) == ("booking.book", "create", "visitor")
    booking.cancel(actor=CARLA, now=NOW, appointment_id=visit.pk, by="clinic")
    assert meaning(visit) == ("booking.cancel", "cancel", "staff")


def meaning(visit: Appointment) -> tuple[str, str, str]:
    """Use case, operation and kind of actor of the last fact about an appointment."""
    fact = Fact.objects.filter(source="t", new__id=str(visit.pk)).latest("id")
    said = json.loads(fact.ctx or "")
    return said["use"]["case"], said["operation"], said["actor"]["kind"]


def test_a_taken_time_is_refused_with_the_nearest_free_ones_and_nothing_is_written() -> None:
    people = cast()
    book(people)
    with pytest.raises(SlotTaken) as told:
        book(people, practitioner=people.demir)
    assert [slot.start for slot in told.value.nearest][:3] == [
        TEN + timedelta(minutes=minutes) for minutes in (-60, -30, 30)
    ]
    assert Appointment.objects.count() == 1


def test_a_visit_may_begin_when_another_ends() -> None:
    people = cast(duration=30)
    book(people)
    book(people, start=TEN + timedelta(minutes=30))
    book(people, start=TEN - timedelta(minutes=30))
    assert Appointment.objects.count() == 3


def test_with_anyone_the_free_one_is_booked_until_nobody_is() -> None:
    people = cast()
    ana = another(people)
    assert [book(people).practitioner_id for _ in range(2)] == [people.demir.pk, ana.pk]
    with pytest.raises(SlotTaken):
        book(people)


def test_a_taken_room_refuses_even_when_the_practitioner_is_free() -> None:
    people = cast(room_kind="ultrasound")
    RoomFactory(location=people.location, kind="ultrasound")
    ana = another(people)
    book(people, practitioner=people.demir)
    with pytest.raises(SlotTaken):
        book(people, practitioner=ana)


def test_the_same_command_again_gives_the_first_appointment() -> None:
    people = cast()
    key = uuid.uuid4()
    first = book(people, key=key)
    assert book(people, key=key) == first
    assert book(people, key=key, start=TEN + timedelta(hours=2)) == first
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (TEN - timedelta(days=7), Rule.PAST),
        (TEN.replace(hour=3, minute=7), Rule.HOURS),
        (TEN.replace(tzinfo=None), Rule.TIME),
        (datetime(2027, 3, 28, 2, 30, tzinfo=PARIS), Rule.TIME),
    ],
)
def test_what_is_not_offered_is_refused_and_nothing_is_written(start: datetime, rule: Rule) -> None:
    people = cast()
    with pytest.raises(NotOffered) as told:
        book(people, start=start)
    assert told.value.rule == rule
    assert not Appointment.objects.exists()
    assert not Occupancy.objects.exists()


def test_a_patient_of_another_clinic_is_not_booked() -> None:
    people = cast()
    with pytest.raises(NotOffered) as told:
        book(people, patient=PatientFactory(clinic=people.elsewhere))
    assert told.value.rule == Rule.PATIENT


def test_staff_book_between_steps_and_without_notice() -> None:
    people = cast(minimum_notice=1000, bookable_online=False)
    visit = book(people, actor=CARLA, now=TEN, start=TEN + timedelta(minutes=5), online=False)
    assert (visit.start, visit.booked_online) == (TEN + timedelta(minutes=5), False)
    with pytest.raises(SlotTaken):
        book(people, actor=CARLA, now=TEN, start=TEN + timedelta(minutes=10), online=False)


def test_what_a_foreign_calendar_takes_is_taken() -> None:
    people = cast()
    occupy(schedules=[people.demir.schedule_id], start=TEN, end=TEN + timedelta(minutes=10), kind="external")
    with pytest.raises(SlotTaken):
        book(people)


def test_the_exclusion_constraint_is_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the check before it ever wrong, the database would still refuse, politely."""
    people = cast()
    now_taken: list[Occupancy] = []

    def too_late(**asked: Any) -> Any:
        choice = choose(**asked)
        now_taken.extend(
            occupy(
                schedules=[people.demir.schedule_id],
                start=TEN,
                end=TEN + timedelta(minutes=5),
                group_session=SessionFactory(clinic=people.clinic, occupancies=False, start=TEN + timedelta(days=9)),
            )
        )
        return choice

    monkeypatch.setattr(legs, "choose", too_late)
    with pytest.raises(SlotTaken):
        book(people)
    assert now_taken
    assert not Appointment.objects.exists()


def test_any_other_broken_promise_of_the_database_is_not_taken_for_a_lost_race() -> None:
    people = cast()
    visit = book(people)
    with pytest.raises(Exception, match="appointment_command_once"), transaction.atomic():
        AppointmentFactory(clinic=people.clinic, idempotency_key=visit.idempotency_key)


# --- from a hold


def test_booking_from_a_hold_turns_what_it_takes_into_the_appointments() -> None:
    people = cast(buffer_after=10)
    held = hold(people)
    visit = book(people, hold=held, practitioner=people.demir)
    assert not Hold.objects.exists()
    (row,) = Occupancy.objects.all()
    assert (row.appointment, row.kind, row.period.upper) == (visit, "appointment", TEN + timedelta(minutes=40))


def test_who_was_held_is_who_is_booked() -> None:
    people = cast()
    ana = another(people)
    held = hold(people, practitioner=ana)
    assert book(people, hold=held).practitioner == ana


def test_a_hold_keeps_others_out_and_its_own_visitor_in() -> None:
    people = cast()
    held = hold(people)
    with pytest.raises(SlotTaken):
        book(people, practitioner=people.demir)
    book(people, hold=held)


def test_an_expired_hold_whose_time_is_still_free_still_books() -> None:
    people = cast()
    held = hold(people)
    book(people, hold=held, now=NOW + HOLD + timedelta(hours=1))
    assert not Hold.objects.exists()


def test_somebody_elses_expired_hold_is_in_nobodys_way() -> None:
    people = cast(room_kind="ultrasound")
    RoomFactory(location=people.location, kind="ultrasound")
    hold(people, visitor="two")
    book(people, now=NOW + HOLD)
    assert Occupancy.objects.filter(kind="hold").count() == 0


def test_an_expired_hold_whose_time_somebody_took_is_refused() -> None:
    people = cast()
    held = hold(people)
    later = NOW + HOLD
    hold(people, visitor="two", now=later)
    with pytest.raises(SlotTaken):
        book(people, hold=held, now=later)


def test_what_was_held_in_time_does_not_become_too_soon_while_the_form_is_filled_in() -> None:
    people = cast(minimum_notice=120)
    held = hold(people, now=TEN - timedelta(minutes=120))
    last = held.expires_at + PROMISED
    with pytest.raises(NotOffered) as told:
        book(people, hold=held, now=last)
    assert told.value.rule == Rule.NOTICE
    book(people, hold=held, now=last - timedelta(seconds=1))


def test_a_hold_for_another_time_is_no_claim_to_this_one() -> None:
    people = cast()
    held = hold(people)
    visit = book(people, hold=held, start=TEN + timedelta(hours=1))
    assert visit.start == TEN + timedelta(hours=1)
    assert Hold.objects.get() == held


def test_a_hold_swept_away_meanwhile_still_books_while_its_time_is_free() -> None:
    people = cast()
    held = hold(people)
    later = NOW + HOLD + PROMISED
    holds.sweep(now=later)
    assert not Hold.objects.exists()
    book(people, hold=held, now=later)


def test_a_clinic_that_closed_meanwhile_is_not_booked_from_a_hold() -> None:
    people = cast()
    held = hold(people)
    OpeningHours.objects.all().delete()
    with pytest.raises(NotOffered):
        book(people, hold=held)
    assert Hold.objects.get() == held


def test_everything_a_booking_may_read_is_locked_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    people = cast(room_kind="ultrasound")
    ana = another(people)
    rooms = [RoomFactory(location=people.location, kind="ultrasound") for _ in range(2)]
    asked: list[dict[str, Any]] = []
    for module in (booking, holds):
        monkeypatch.setattr(module, "lock", lambda **things: asked.append(things))
    key = uuid.uuid4()
    book(people, key=key)
    hold(people, practitioner=None, start=TEN + timedelta(hours=1))
    hold(people, practitioner=ana, start=TEN + timedelta(hours=2))
    hold(people, practitioner=None, start=TEN + timedelta(hours=3))
    shared = {room.schedule_id for room in rooms}
    everyone = shared | {people.demir.schedule_id, ana.schedule_id}
    # Who keeps nothing yet asks whoever is likely first.
    hers = shared | {ana.schedule_id}
    assert [set(things["schedules"]) for things in asked] == [everyone, hers, hers, everyone]
    assert [things.get("command") for things in asked] == [key, None, None, None]
    assert [things.get("visitor") for things in asked] == [None, "one", "one", "one"]


def test_the_plain_function_composes_inside_a_callers_transaction() -> None:
    people = cast()
    with transaction.atomic():
        visit = booking._book(
            actor=CARLA,
            now=NOW,
            key=uuid.uuid4(),
            patient=people.ada,
            service=people.service,
            location=people.location,
            start=TEN,
        )
    assert Appointment.objects.get() == visit


@pytest.mark.django_db(transaction=True)
def test_the_public_function_refuses_to_be_part_of_a_callers_transaction() -> None:
    people = cast()
    with transaction.atomic(), pytest.raises(RuntimeError):
        book(people)


# --- cancelling


def cancel(visit: Appointment, *, by: Any = "patient", now: datetime = NOW, **why: Any) -> Appointment:
    return booking.cancel(actor=VISITOR, now=now, appointment_id=visit.pk, by=by, **why)


def test_a_cancelled_appointment_frees_its_practitioner_and_its_room_at_once() -> None:
    people = cast(room_kind="ultrasound")
    RoomFactory(location=people.location, kind="ultrasound")
    visit = book(people)
    assert TEN not in free(people)
    cancel(visit)
    assert TEN in free(people)
    assert not Occupancy.objects.exists()
    book(people)


def test_who_cancelled_and_why_are_kept_apart_and_the_revision_rises() -> None:
    people = cast()
    visit = book(people)
    cancel(visit, by="clinic", reason="practitioner-ill")
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by, visit.cancellation_reason) == ("cancelled", "clinic", "practitioner-ill")
    assert visit.sequence == 1


def test_patients_cancel_online_until_the_services_time_and_the_clinic_at_any() -> None:
    people = cast(cancel_until=240)
    visit = book(people)
    with pytest.raises(TooLateToCancel):
        cancel(visit, now=TEN - timedelta(minutes=240) + timedelta(seconds=1))
    assert Appointment.objects.get().status == "booked"
    assert cancel(visit, by="clinic", now=TEN + timedelta(minutes=10)).status == "cancelled"
    other = book(people)
    assert cancel(other, now=TEN - timedelta(minutes=240)).status == "cancelled"


def test_cancelling_twice_changes_nothing_the_second_time() -> None:
    people = cast()
    visit = book(people)
    cancel(visit)
    again = cancel(visit, by="clinic", reason="again")
    assert (again.cancelled_by, again.cancellation_reason, again.sequence) == ("patient", "", 1)


@pytest.mark.parametrize("state", ["fulfilled", "noshow", "entered-in-error"])
def test_what_is_over_cannot_be_cancelled(state: str) -> None:
    people = cast()
    visit = book(people)
    Appointment.objects.filter(pk=visit.pk).update(status=state)
    with pytest.raises(NotPossible):
        cancel(visit, by="clinic")


def test_an_unknown_appointment_is_not_cancelled() -> None:
    with pytest.raises(Appointment.DoesNotExist):
        booking.cancel(actor=VISITOR, now=NOW, appointment_id=uuid.uuid4(), by="patient")
