"""Keys of people and clinics."""

import json
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from audit.keys import keyring
from audit.keys.backend import KeysUnconfigured, backend
from audit.keys.keyring import KeyDestroyed, KeyMissing
from audit.keys.local import KeystoreBroken
from audit.keys.tokens import SealBroken
from audit.models import ClinicKey, SubjectKey

pytestmark = pytest.mark.django_db

FIELD = "bookings.Patient.email"


@pytest.fixture(autouse=True)
def own_store(settings: Settings, tmp_path: Path) -> Path:
    keyring.opened.forget()
    settings.KEYS_URL = f"file://{tmp_path}/keystore.json"
    return tmp_path / "keystore.json"


def test_a_person_has_a_key_of_their_own_under_the_clinics() -> None:
    one, other = (keyring.create_subject_key(clinic_id=4) for _ in range(2))
    keys = keyring.open_subject_keys(key_ids=[one, other])
    mine, theirs = keys[one], keys[other]
    assert mine is not None
    assert theirs is not None
    assert mine.reveal() != theirs.reveal()
    assert [row.clinic_id for row in ClinicKey.objects.all()] == [4]


def test_no_key_stands_readable_in_the_database(own_store: Path) -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    key = keyring.open_subject_key(key_id=key_id).reveal()
    rows = [bytes(row.wrapped or b"") for row in SubjectKey.objects.all()]
    rows += [bytes(row.wrapped) for row in ClinicKey.objects.all()]
    assert all(key not in row for row in rows)
    root = next(iter(json.loads(own_store.read_text())["roots"].values()))
    assert all(root.encode() not in row for row in rows)


def test_opening_many_keys_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    keys = [keyring.create_subject_key(clinic_id=clinic) for clinic in (4, 4, 5)]
    keyring.opened.forget()
    with django_assert_num_queries(1):
        assert len(keyring.open_subject_keys(key_ids=keys)) == 3


def test_an_opened_clinic_key_is_not_asked_of_the_backend_again(monkeypatch: pytest.MonkeyPatch) -> None:
    key_id = keyring.create_subject_key(clinic_id=4)

    def unreachable() -> None:
        raise AssertionError("the backend was asked")

    keyring.open_subject_key(key_id=key_id)
    monkeypatch.setattr(type(backend()), "unwrap", lambda *_args, **_named: unreachable())
    keyring.open_subject_key(key_id=key_id)
    keyring.opened.forget()
    with pytest.raises(AssertionError):
        keyring.open_subject_key(key_id=key_id)


def test_a_destroyed_key_is_a_tombstone_without_a_key() -> None:
    one, other = (keyring.create_subject_key(clinic_id=4) for _ in range(2))
    assert keyring.destroy_subject_keys(key_ids=[one, one]) == 1
    row = SubjectKey.objects.get(pk=one)
    assert row.wrapped is None
    assert row.destroyed_at is not None
    with pytest.raises(KeyDestroyed):
        keyring.open_subject_key(key_id=one)
    keyring.open_subject_key(key_id=other)


def test_a_restored_key_on_the_list_opens_nothing() -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    backup = bytes(SubjectKey.objects.get(pk=key_id).wrapped or b"")
    backend().remember_destroyed(key_ids=[key_id], erasure="E-1", subject="bookings.Patient:1")
    keyring.destroy_subject_keys(key_ids=[key_id])
    SubjectKey.objects.filter(pk=key_id).update(wrapped=backup, destroyed_at=None)
    assert keyring.any_live(key_ids=[key_id])
    assert keyring.is_destroyed(key_id=key_id)
    with pytest.raises(KeyDestroyed):
        keyring.open_subject_key(key_id=key_id)


def test_a_row_is_either_live_or_destroyed() -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    with pytest.raises(IntegrityError), transaction.atomic():
        SubjectKey.objects.filter(pk=key_id).update(wrapped=None)


def test_an_unknown_key_is_missing() -> None:
    with pytest.raises(KeyMissing):
        keyring.open_subject_key(key_id=uuid.uuid4())
    assert not keyring.is_destroyed(key_id=uuid.uuid4())


def test_wrapped_keys_swapped_between_two_people_do_not_open() -> None:
    one, other = (keyring.create_subject_key(clinic_id=4) for _ in range(2))
    taken = SubjectKey.objects.get(pk=other).wrapped
    SubjectKey.objects.filter(pk=one).update(wrapped=taken)
    with pytest.raises(SealBroken, match="its row was changed"):
        keyring.open_subject_key(key_id=one)


def test_wrapped_keys_swapped_between_two_clinics_do_not_open() -> None:
    one = keyring.create_subject_key(clinic_id=4)
    keyring.create_subject_key(clinic_id=5)
    ClinicKey.objects.filter(clinic_id=4).update(wrapped=ClinicKey.objects.get(clinic_id=5).wrapped)
    keyring.opened.forget()
    with pytest.raises(KeystoreBroken, match="does not open"):
        keyring.open_subject_key(key_id=one)


def test_a_clinics_secret_depends_on_clinic_and_purpose_and_stays() -> None:
    secret = keyring.clinic_secret(clinic_id=4, purpose="patient-index")
    assert len(secret) == 32
    assert keyring.clinic_secret(clinic_id=4, purpose="patient-index") == secret
    keyring.opened.forget()
    assert keyring.clinic_secret(clinic_id=4, purpose="patient-index") == secret
    assert keyring.clinic_secret(clinic_id=4, purpose="code-quota") != secret
    assert keyring.clinic_secret(clinic_id=5, purpose="patient-index") != secret


def test_a_value_sealed_by_id_comes_back() -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    token = keyring.seal(key_id=key_id, field=FIELD, value="ada@example.org")
    assert keyring.unseal(token=token, field=FIELD) == "ada@example.org"


def test_a_secret_of_the_installation_is_sealed_by_purpose() -> None:
    token = keyring.seal_platform_text(purpose="second-factor", text="JBSWY3DP")
    assert "JBSWY3DP" not in token
    assert keyring.unseal_platform_text(purpose="second-factor", token=token) == "JBSWY3DP"
    with pytest.raises(SealBroken):
        keyring.unseal_platform_text(purpose="another", token=token)


def test_without_a_key_store_nothing_is_sealed(settings: Settings) -> None:
    settings.KEYS_URL = ""
    with pytest.raises(KeysUnconfigured):
        keyring.create_subject_key(clinic_id=4)
    assert not SubjectKey.objects.exists()


def test_a_lost_key_store_is_named(own_store: Path) -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    own_store.unlink()
    keyring.opened.forget()
    with pytest.raises(KeystoreBroken, match="does not hold root key"):
        keyring.open_subject_key(key_id=key_id)


def test_a_rolled_back_clinic_key_answers_for_nobody() -> None:
    with transaction.atomic():
        keyring.create_subject_key(clinic_id=4)
        transaction.set_rollback(True)
    key_id = keyring.create_subject_key(clinic_id=4)
    sealed = keyring.seal(key_id=key_id, field="a.B.c", value="said")
    keyring.opened.forget()
    assert keyring.unseal(token=sealed, field="a.B.c") == "said"


def test_dumped_keys_are_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    key_id = keyring.create_subject_key(clinic_id=4)
    key = keyring.open_subject_key(key_id=key_id)
    call_command("dumpdata", "audit.SubjectKey", "audit.ClinicKey")
    written = capsys.readouterr().out
    assert key_id.hex in written.replace("-", "")
    assert key.reveal().hex() not in written


def test_no_trigger_records_a_key() -> None:
    keyring.create_subject_key(clinic_id=4)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND c.relname IN ('audit_subjectkey', 'audit_clinickey')"
        )
        assert cursor.fetchone() == (0,)
