"""Erasing who asked for it: not while visits are to come, not without the code, and the request stays to be seen."""

from datetime import timedelta

import pytest

from audit import holds
from audit.context import Actor
from audit.keys import keyring
from audit.models import Erasure, Record
from audit.sealed import KeyDestroyed
from audit.stream import drain
from bookings import erasing, rights
from bookings.models import Appointment, DataRequest, Notice, Patient
from bookings.rights import NotOpen
from tests.bookings.entering import visit
from tests.factories import MONDAY, Cast, cast

pytestmark = pytest.mark.django_db
EVA = Actor(kind="staff", id="42", label="eva", roles=("dpo",))


@pytest.fixture
def story() -> Cast:
    return cast()


def asked(story: Cast, kind: DataRequest.Kind = DataRequest.Kind.ERASURE) -> DataRequest:
    return rights.ask(actor=EVA, now=MONDAY, patient=story.ada, asked_by=None, kind=kind, text="Forget me")


def erase(wanted: DataRequest, *, code: str | None = None) -> dict[str, object]:
    return erasing.erase(actor=EVA, now=MONDAY, request_id=wanted.pk, code=code or wanted.patient.code)


def live(story: Cast) -> bool:
    return not keyring.is_destroyed(key_id=story.ada.key_id)


def test_the_request_outlives_the_patient_in_what_is_not_sealed(story: Cast) -> None:
    wanted, also = asked(story), asked(story, DataRequest.Kind.ACCESS)
    certificate = erase(wanted, code=f" {story.ada.code.lower()} ")
    assert (certificate["reference"], live(story)) == (f"request {wanted.pk}", False)
    for row in (wanted, also):
        row = DataRequest.objects.get(pk=row.pk)
        assert (row.state, row.answered_at, row.answered_by) == ("done", MONDAY, "42")
        assert row.received_at == MONDAY
        with pytest.raises(KeyDestroyed):
            _ = row.text
    assert Notice.objects.get().resolved_at == MONDAY
    assert Patient.objects.get(pk=story.ada.pk).erased_at == MONDAY


@pytest.mark.parametrize("status", ["booked", "pending", "proposed", "arrived", "checked-in", "waitlist"])
def test_not_while_a_visit_is_to_come(story: Cast, status: str) -> None:
    wanted = asked(story)
    coming = visit(story, start=MONDAY + timedelta(days=1), status=status)
    with pytest.raises(erasing.StillToCome):
        erase(wanted)
    assert live(story)
    Appointment.objects.filter(pk=coming.pk).update(status="cancelled", cancelled_by="clinic")
    erase(wanted)
    assert not live(story)


def test_visits_that_are_over_are_no_obstacle(story: Cast) -> None:
    visit(story, start=MONDAY - timedelta(days=1), status="fulfilled")
    erase(asked(story))
    assert not live(story)


def test_not_while_a_legal_hold_stands_on_the_patients_records(story: Cast) -> None:
    drain()
    wanted, chain = asked(story), f"clinic/{story.clinic.pk}"
    hold = holds.place(actor=EVA, now=MONDAY, chain=chain, matter="2026/17", reason="A claim", last=10**6)
    with pytest.raises(erasing.Held, match="legal hold"):
        erase(wanted)
    assert (live(story), Erasure.objects.count()) == (True, 0)
    assert DataRequest.objects.get().state == "open"
    holds.lift(actor=Actor(kind="staff", id="43", label="dana"), now=MONDAY, hold_id=hold.pk, reason="Settled")
    erase(wanted)
    assert not live(story)


@pytest.mark.parametrize("code", ["P0000000X", "Lovelace", " "])
def test_not_without_the_patients_code(story: Cast, code: str) -> None:
    with pytest.raises(erasing.WrongCode):
        erase(asked(story), code=code)
    assert live(story)


@pytest.mark.parametrize("kind", [kind for kind in DataRequest.Kind if kind != DataRequest.Kind.ERASURE])
def test_not_for_a_request_for_something_else(story: Cast, kind: DataRequest.Kind) -> None:
    with pytest.raises(erasing.NotAskedFor):
        erase(asked(story, kind))
    assert live(story)


def test_not_once_it_is_withdrawn(story: Cast) -> None:
    wanted = asked(story)
    rights.withdraw(actor=EVA, now=MONDAY, request_id=wanted.pk)
    with pytest.raises(NotOpen):
        erase(wanted)
    assert live(story)


def test_one_that_died_between_erasing_and_closing_is_finished_by_the_same_press(
    story: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = asked(story)

    def die(**given: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(rights, "settle_erased", die)
        with pytest.raises(RuntimeError):
            erase(wanted)
    first = erase(wanted)
    assert (first["erased_at"], DataRequest.objects.get().state) == (MONDAY.isoformat(), "done")


def test_it_is_recorded_as_an_erasure_by_the_officer_and_nothing_went_past_the_record(story: Cast) -> None:
    drain()
    before = Record.objects.filter(capture__in=("bypass", "alarm")).count()
    wanted = asked(story)
    erase(wanted)
    drain()
    [event] = Record.objects.filter(operation="erasure", chain=f"clinic/{story.clinic.pk}")
    assert ('"id":"42"' in event.body, f"request {wanted.pk}" in event.body) == (True, True)
    assert Record.objects.filter(capture__in=("bypass", "alarm")).count() == before
