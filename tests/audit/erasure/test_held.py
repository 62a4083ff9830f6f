"""A legal hold on a record that a person's keys open keeps those keys."""

from typing import Any

import pytest
from django.core.management import call_command

from audit import erasure, holds, stream
from audit.context import Actor, use
from audit.keys import keyring
from audit.models import Chain, Erasure, LegalHold, Record, SubjectKey
from bookings.models import Patient, RelatedPerson
from tests.audit.erasure.acts import EVA, NOW, Died, die, erase, events, readable
from tests.factories import PatientFactory

pytestmark = pytest.mark.django_db
DANA = Actor(kind="staff", id="6", label="Dana")


def place(ada: Patient, **changes: Any) -> LegalHold:
    stream.drain()
    asked: dict[str, Any] = {"chain": f"clinic/{ada.clinic_id}", "matter": "2026/17", "reason": "A claim"}
    return holds.place(actor=DANA, now=NOW, **asked | changes)


def lift(hold: LegalHold) -> None:
    holds.lift(actor=EVA, now=NOW, hold_id=hold.pk, reason="Settled")


def first_about(ada: Patient) -> int:
    return Record.objects.filter(body__contains=f"1.{ada.key_id.hex}.").order_by("seq")[0].seq


def test_a_person_in_a_held_record_is_not_erased_and_nothing_is_planned(ada: Patient) -> None:
    hold = place(ada)
    with pytest.raises(holds.UnderHold, match="2026/17"):
        erase(ada)
    assert Erasure.objects.count() == 0
    assert len(readable(ada)) == 3
    lift(hold)
    erase(ada)
    assert readable(ada) == []


def test_a_hold_on_other_records_is_no_obstacle(ada: Patient) -> None:
    stream.drain()
    first, last = first_about(ada), Chain.objects.get(name=f"clinic/{ada.clinic_id}").seq
    assert first > 1
    place(ada, last=first - 1)
    place(ada, matter="2026/18", first=last + 1, last=last + 1)
    stream.drain()  # the record of the second hold itself takes that number
    erase(ada)
    assert readable(ada) == []


def test_one_record_in_the_range_is_enough(ada: Patient) -> None:
    stream.drain()
    first = first_about(ada)
    place(ada, first=first, last=first)
    with pytest.raises(holds.UnderHold):
        erase(ada)


def test_a_row_that_is_gone_is_kept_by_its_record(ada: Patient) -> None:
    """What was deleted or moved to another person stands in a record all the same."""
    stream.drain()
    [told] = Record.objects.filter(model=RelatedPerson._meta.label)
    with use("test.remove", actor=EVA):
        RelatedPerson.objects.filter(patient=ada).delete()
    place(ada, first=told.seq, last=told.seq)
    with pytest.raises(holds.UnderHold):
        erase(ada)


def test_a_change_that_is_no_record_yet_counts_under_an_open_hold(ada: Patient) -> None:
    stream.drain()
    end = Chain.objects.get(name=f"clinic/{ada.clinic_id}").seq
    hold = place(ada, first=end + 1)
    with use("test.rename", actor=EVA):
        ada.family_name = "King"
        ada.save()
    with pytest.raises(holds.UnderHold):
        erase(ada)
    lift(hold)
    erase(ada)


def test_an_erasure_half_way_waits_for_the_hold_and_holds_up_no_other(
    ada: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: Patient = PatientFactory(clinic=ada.clinic)
    stream.drain()
    first = Record.objects.filter(body__contains=f"1.{other.key_id.hex}.").order_by("seq")[0].seq
    monkeypatch.setattr("audit.keys.local.LocalKeys.remember_destroyed", die)
    for number, patient in enumerate((ada, other)):
        with pytest.raises(Died):
            erase(patient, f"R-{number}")
    monkeypatch.undo()
    hold = place(ada, last=first - 1)
    with pytest.raises(holds.UnderHold):
        erase(ada, "R-0")
    assert erasure.resume(now=NOW) == 1
    assert (keyring.is_destroyed(key_id=other.key_id), len(readable(ada))) == (True, 3)
    assert erasure.resume(now=NOW) == 0
    lift(hold)
    assert erasure.resume(now=NOW) == 1
    assert readable(ada) == []
    assert len([event for event in events(ada.clinic) if event["name"] == "erasure"]) == 2


def test_an_erasure_a_restore_took_back_waits_and_stays_closed(
    ada: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    [key] = SubjectKey.objects.filter(pk=ada.key_id)
    certificate = erase(ada)
    SubjectKey.objects.filter(pk=key.pk).delete()
    key.save(force_insert=True)
    hold = place(ada)
    assert erase(ada) == certificate
    assert erasure.replay(now=NOW) == 0
    assert (readable(ada), keyring.any_live(key_ids=[ada.key_id])) == ([], True)
    call_command("erasure_replay")
    assert capsys.readouterr().out.endswith("Erasures that wait until a legal hold is lifted: 1.\n")
    lift(hold)
    assert erasure.resume(now=NOW) + erasure.replay(now=NOW) == 1
    assert not keyring.any_live(key_ids=[ada.key_id])
