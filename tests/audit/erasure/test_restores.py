"""A restored backup does not undo an erasure."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from audit import erasure
from audit.keys import keyring
from audit.models import Erasure, SubjectKey
from bookings.models import Patient, PatientIndex
from tests.audit.erasure.acts import NOW, erase, readable

pytestmark = pytest.mark.django_db


def restore(rows: list[Any]) -> None:
    """Bring rows back as a backup would: past every model and list."""
    for row in rows:
        type(row).objects.filter(pk=row.pk).delete()
        row.save(force_insert=True)


def keys_back(patient: Patient) -> Callable[[], None]:
    backup = list(SubjectKey.objects.filter(pk=patient.key_id))
    return lambda: restore(backup)


def test_a_restored_key_database_opens_nothing_and_is_cleaned(ada: Patient) -> None:
    put_back = keys_back(ada)
    erase(ada)
    put_back()
    assert keyring.any_live(key_ids=[ada.key_id])
    assert readable(ada) == []
    assert erasure.replay(now=NOW) == 1
    assert not keyring.any_live(key_ids=[ada.key_id])
    assert erasure.replay(now=NOW) == 0


def test_a_database_restored_from_before_the_erasure_is_erased_again(ada: Patient) -> None:
    put_back = keys_back(ada)
    erase(ada)
    put_back()
    Erasure.objects.all().delete()
    Patient.objects.filter(pk=ada.pk).update(erased_at=None)
    PatientIndex.objects.create(patient=ada, clinic=ada.clinic, tokens=[1])
    assert erasure.replay(now=NOW) == 1
    assert not PatientIndex.objects.filter(patient=ada).exists()
    assert Patient.objects.get(pk=ada.pk).erased_at == NOW
    assert Erasure.objects.get().reference == "R-1"


def test_replaying_without_a_restore_does_nothing(ada: Patient) -> None:
    erase(ada)
    assert erasure.replay(now=NOW) == 0


def test_the_command_replays_and_says_how_many(ada: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    put_back = keys_back(ada)
    erase(ada)
    put_back()
    call_command("erasure_replay", "--json")
    assert capsys.readouterr().out == '{"resumed": 0, "replayed": 1}\n'
    call_command("erasure_replay")
    assert capsys.readouterr().out == "Nothing to erase again.\n"
