"""What a hostile or hurried visitor may try between the lines of the intake."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from audit.context import Actor
from audit.models import SubjectKey
from bookings import booking, completing, holds, intake, lapses, lookup, patients, proof
from bookings.availability import Wish
from bookings.contacts import contact_of
from bookings.models import Appointment, ContactChallenge, Draft, Hold, Patient, RelatedPerson
from tests.bookings.test_intake import ACTOR, FORM, NOW, VISITOR, completed, drafted, held
from tests.factories import MONDAY, Cast, cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


def another_draft(people: Cast, *, hours: int, **form: str) -> Draft:
    hold = held(people, start=MONDAY + timedelta(hours=hours))
    draft = intake.start(actor=ACTOR, now=NOW, visitor=VISITOR, hold=hold, language="en")
    return intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form={**FORM, **form})


def test_an_address_changed_after_the_proof_is_not_booked(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    finish = booking.retelling_the_nearest

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        changed = {**FORM, "email": "victim@example.org"}
        intake.save(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, form=changed)
        return finish(*args, **kwargs)

    monkeypatch.setattr(booking, "retelling_the_nearest", meanwhile)
    with pytest.raises(completing.NotProved):
        completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, code=sent.code)
    assert not Appointment.objects.exists()


def test_a_patient_recognised_by_a_helpers_address_is_written_to_at_that_address(people: Cast) -> None:
    first = completed(drafted(people, who="other", helper_name="Mum", relationship="parent"))
    second = completed(another_draft(people, hours=2))
    assert second.patient == first.patient
    assert contact_of(second, now=NOW).email == "zoe@example.org"
    asked = lookup.ask(
        actor=ACTOR, now=NOW, clinic=people.clinic, contact="zoe@example.org", visitor=VISITOR, language="en"
    )
    proved = proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=asked.pk, code=asked.code)
    assert lookup.found(now=NOW, challenge=proved) == [first, second]


def test_whoever_no_longer_acts_for_a_patient_is_no_contact_any_more(people: Cast) -> None:
    appointment = completed(drafted(people, who="other", helper_name="Ben", relationship="guardian"))
    RelatedPerson.objects.filter(patient=appointment.patient).update(valid_until=(NOW - timedelta(days=1)).date())
    appointment = Appointment.objects.get(pk=appointment.pk)
    assert contact_of(appointment, now=NOW).email == ""
    assert contact_of(appointment, now=NOW - timedelta(days=1)).email == "zoe@example.org"
    assert patients.by_email(clinic_id=people.clinic.pk, email="zoe@example.org", now=NOW) == []
    again = completed(another_draft(people, hours=2, who="other", helper_name="Ben", relationship="guardian"))
    assert again.patient != appointment.patient


def test_asking_too_often_leaves_no_key_behind(people: Cast) -> None:
    before = SubjectKey.objects.count()
    for number in range(proof.MOST_PER_VISITOR):
        lookup.ask(
            actor=ACTOR, now=NOW, clinic=people.clinic, contact=f"{number}@x.org", visitor=VISITOR, language="en"
        )
    for number in range(5):
        with pytest.raises(proof.TooManyCodes):
            lookup.ask(
                actor=ACTOR, now=NOW, clinic=people.clinic, contact=f"y{number}@x.org", visitor=VISITOR, language="en"
            )
    assert SubjectKey.objects.count() == before + proof.MOST_PER_VISITOR


@pytest.mark.fault
def test_the_bound_of_codes_to_one_contact_holds_in_a_race(people: Cast) -> None:
    together = Barrier(12)

    def ask(number: int) -> int:
        together.wait()
        try:
            lookup.ask(
                actor=ACTOR,
                now=NOW,
                clinic=people.clinic,
                contact="ada@example.org",
                visitor=f"visitor {number}",
                language="en",
            )
        except proof.TooManyCodes:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(ask, range(12))) == proof.MOST_PER_CONTACT


def test_pressing_the_same_time_again_opens_the_same_form(people: Cast) -> None:
    drafts = {
        intake.start(actor=ACTOR, now=NOW, visitor=VISITOR, hold=held(people), language="en").pk for _ in range(5)
    }
    assert len(drafts) == 1
    assert (Draft.objects.count(), Hold.objects.count()) == (1, 1)


@pytest.mark.fault
def test_two_tabs_that_finish_at_once_are_one_booking(people: Cast) -> None:
    draft = drafted(people)
    sent = completing.send_code(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    proof.prove(actor=ACTOR, now=NOW, visitor=VISITOR, challenge_id=sent.pk, code=sent.code)
    together = Barrier(4)

    def finish(_: int) -> Any:
        together.wait()
        try:
            return completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        booked = set(pool.map(finish, range(4)))
    assert len(booked) == 1
    assert (Appointment.objects.count(), Patient.objects.filter(email__isnull=False).count()) == (1, 2)


def test_a_booked_form_cannot_be_moved(people: Cast) -> None:
    draft = drafted(people)
    completed(draft)
    with pytest.raises(intake.DraftGone):
        intake.rehold(
            actor=ACTOR,
            now=NOW,
            visitor=VISITOR,
            draft_id=draft.pk,
            wishes=[
                Wish(
                    service=people.service,
                    location=people.location,
                    practitioner=people.demir,
                    start=MONDAY + timedelta(hours=3),
                )
            ],
        )
    assert not Hold.objects.exists()


def test_the_sweep_goes_on_until_nothing_is_left(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapses, "MOST_AT_ONCE", 2)
    for number in range(5):
        hold = holds.hold(
            actor=Actor("visitor", "", ""),
            now=NOW,
            visitor=f"v{number}",
            service=people.service,
            location=people.location,
            practitioner=people.demir,
            start=MONDAY + timedelta(hours=1, minutes=30 * number),
        )
        intake.start(actor=ACTOR, now=NOW, visitor=f"v{number}", hold=hold, language="en")
    later: datetime = NOW + timedelta(hours=3)
    assert lapses.sweep(now=later) == 5
    assert not Draft.objects.exists()
    assert not ContactChallenge.objects.exists()
