"""An erasure that died anywhere is finished."""

from typing import Any

import pytest

from audit import erasure, tasks
from audit.keys import keyring
from audit.models import Erasure
from bookings.models import Patient, PatientIndex, RelatedPerson
from tests.audit.erasure.acts import NOW, Died, die, erase, events, readable
from tests.factories import PatientFactory, RelatedPersonFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "place",
    [
        "audit.keys.local.LocalKeys.remember_destroyed",
        "audit.keys.keyring.destroy_subject_keys",
        "audit.subjects.DeclaredRows.erase",
        "audit.erasure._certificate",
        "audit.context.note",
    ],
)
def test_an_erasure_that_died_anywhere_is_finished(ada: Patient, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr(place, die)
    with pytest.raises(Died):
        erase(ada)
    monkeypatch.undo()
    assert Erasure.objects.get().state == "planned"
    assert erasure.resume(now=NOW) == 1
    assert erasure.resume(now=NOW) == 0
    assert readable(ada) == []
    assert not PatientIndex.objects.filter(patient=ada).exists()
    assert Erasure.objects.get().state == "done"
    assert len([event for event in events(ada.clinic) if event["name"] == "erasure"]) == 1


def test_an_erasure_that_cannot_be_finished_holds_up_no_other(ada: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    other: Patient = PatientFactory(clinic=ada.clinic)
    monkeypatch.setattr("audit.keys.local.LocalKeys.remember_destroyed", die)
    for number, patient in enumerate((ada, other)):
        with pytest.raises(Died):
            erase(patient, f"R-{number}")
    monkeypatch.undo()
    carry_out = erasure._carry_out

    def dies_for_ada(*, plan: Erasure, **named: Any) -> dict[str, Any]:
        return die() if plan.subject_pk == str(ada.pk) else carry_out(plan=plan, **named)

    monkeypatch.setattr(erasure, "_carry_out", dies_for_ada)
    with pytest.raises(ExceptionGroup) as caught:
        erasure.resume(now=NOW)
    assert len(caught.value.exceptions) == 1
    assert keyring.is_destroyed(key_id=other.key_id)
    assert not keyring.is_destroyed(key_id=ada.key_id)


def test_the_sweep_finishes_what_was_left(ada: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.context.note", die)
    with pytest.raises(Died):
        erase(ada)
    monkeypatch.undo()
    tasks.erase()
    assert Erasure.objects.get().state == "done"


@pytest.mark.parametrize("place", ["audit.subjects.DeclaredRows.erase", "audit.context.note"])
def test_once_the_keys_are_gone_a_crash_leaves_nothing_readable(
    ada: Patient, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(place, die)
    with pytest.raises(Died):
        erase(ada)
    assert readable(ada) == []


def test_what_was_sealed_after_the_plan_is_erased_too(ada: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.keys.local.LocalKeys.remember_destroyed", die)
    with pytest.raises(Died):
        erase(ada)
    monkeypatch.undo()
    former = PatientFactory(clinic=ada.clinic)
    RelatedPerson.objects.filter(pk=RelatedPersonFactory(patient=former).pk).update(patient=ada)
    erasure.resume(now=NOW)
    assert keyring.is_destroyed(key_id=former.key_id)
