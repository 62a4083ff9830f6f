"""System checks: what a missing or wrong declaration is told."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from audit import checks, declare
from audit.declare import PLATFORM, Declaration, OnErasure, Retention, Use, declare_audited, declare_exempt
from audit.keys import keyring
from audit.keys.backend import backend
from audit.models import SubjectKey
from audit.sealed import SealedTextField

USE = Use(
    activity="Test",
    purpose="Test",
    basis="Art. 6(1)(b) GDPR",
    retention=Retention.EPHEMERAL,
    duration="a moment",
    source="the test",
    subjects=("patients",),
)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "_declared", dict(declare._declared))


@pytest.fixture
def person() -> Iterator[type[models.Model]]:
    with isolate_apps("bookings"):

        class Person(models.Model):  # noqa: DJ008 - lives for one test
            name = models.CharField(max_length=20)
            born = models.DateField()

            class Meta:
                app_label = "bookings"

        yield Person


def found(model: type[models.Model], **declared: Any) -> list[str]:
    """Ids and messages for a model declared as audited with these arguments, on top of sound ones."""
    label = model._meta.label
    declare._declared.pop(label.lower(), None)
    declare_audited(label, **{"chain": PLATFORM, "use": USE, **declared})
    return problems(model, declare._declared[label.lower()])


def problems(model: type[models.Model], declaration: Declaration | None) -> list[str]:
    return [f"{message.id} {message.msg}" for message in checks.problems(model=model, declaration=declaration)]


def test_every_model_and_field_of_every_installed_app_is_declared() -> None:
    assert checks.classified(None) == []


def test_a_model_neither_audited_nor_exempt_is_an_error(person: type[models.Model]) -> None:
    assert problems(person, None) == ["horae.E001 bookings.Person is neither audited nor exempt"]


def test_a_sound_declaration_is_silent(person: type[models.Model]) -> None:
    assert found(person, technical="id", identity="name born") == []


def test_a_new_field_without_classification_is_an_error(person: type[models.Model]) -> None:
    assert found(person, technical="id", identity="name") == ["horae.E002 bookings.Person.born is not classified"]


def test_a_field_classified_twice_is_an_error(person: type[models.Model]) -> None:
    assert found(person, technical="id born", identity="name born") == [
        "horae.E003 bookings.Person.born is classified more than once"
    ]


def test_a_field_that_does_not_exist_is_an_error(person: type[models.Model]) -> None:
    [message] = found(person, technical="id", identity="name born shoe")
    assert message.startswith("horae.E004 bookings.Person classifies shoe")
    [message] = found(person, technical="id", identity="name born", clear={"id": "why"})
    assert message.startswith("horae.E004 bookings.Person classifies id")


@pytest.mark.parametrize("wrong", [{"chain": "clinic_id"}, {"appointment": "visit_id"}, {"digest": ("shoe",)}])
def test_a_column_that_does_not_exist_is_an_error(person: type[models.Model], wrong: dict[str, Any]) -> None:
    [message] = found(person, technical="id", identity="name born", **wrong)
    assert message.startswith("horae.E005")


@pytest.mark.parametrize("path", ["shoe", "name", "name__shoe"])
def test_a_subject_path_that_leads_nowhere_is_an_error(
    person: type[models.Model], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Declaration, "model", person)
    [message] = found(person, technical="id", identity="name born", subject=path)
    assert message.startswith("horae.E006")


def test_personal_data_without_a_use_are_an_error(person: type[models.Model]) -> None:
    assert found(person, technical="id", identity="name born", use=None) == [
        "horae.E007 bookings.Person holds personal data and its use does not say: use"
    ]
    short = Use(activity="Test", purpose="", basis="x", retention=Retention.EPHEMERAL)
    assert found(person, technical="id", identity="name born", use=short) == [
        "horae.E007 bookings.Person holds personal data and its use does not say: purpose, duration, source, subjects"
    ]
    assert found(person, technical="id name born", use=None) == []


def test_a_credential_that_would_stand_in_the_evidence_is_an_error(person: type[models.Model]) -> None:
    [message] = found(person, technical="id born", credential="name")
    assert message.startswith("horae.E008 bookings.Person.name is a credential")
    assert found(person, technical="id born", credential="name", digest=("name",)) == []
    declare._declared.pop("bookings.person")
    declare_exempt("bookings.Person", "test", use=USE, technical="id born", credential="name")
    assert problems(person, declare._declared["bookings.person"]) == []


@isolate_apps("bookings")
def test_readable_text_about_a_person_whose_data_are_sealed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sealed(models.Model):  # noqa: DJ008 - lives for one test
        name = SealedTextField()
        street = models.TextField()
        words = ArrayField(models.CharField(max_length=9))
        tokens = ArrayField(models.BigIntegerField())

        class Meta:
            app_label = "bookings"

        def sealing_key_id(self) -> uuid.UUID:
            return uuid.UUID(int=1)

    monkeypatch.setattr(Declaration, "model", Sealed)
    fields = {"technical": "id", "identity": "name tokens", "contact": "street", "health": "words"}
    assert [message.split(" ")[:2] for message in found(Sealed, subject="self", **fields)] == [
        ["horae.E009", "bookings.Sealed.street"],
        ["horae.E009", "bookings.Sealed.words"],
    ]
    assert found(Sealed, subject="self", clear={"street": "a test", "words": "a test"}, **fields) == []


def test_a_field_erasure_could_not_blank_is_an_error(
    person: type[models.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Declaration, "model", person)
    [message] = found(person, technical="id", identity="name born", subject="self")
    assert message.startswith("horae.E010 bookings.Person.born cannot be erased")
    assert found(person, technical="id", identity="name born", subject="self", on_erasure=OnErasure.DELETE) == []


def test_a_declaration_of_no_model_is_an_error() -> None:
    declare_exempt("bookings.Gone", "test")
    messages = list(checks.unknown_models(declared=declare._declared, installed=[]))
    assert "bookings.Gone is declared and is no installed model" in [message.msg for message in messages]
    assert {message.id for message in messages} == {"horae.E011"}


def test_the_check_command_fails_on_an_undeclared_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(declare._declared, "bookings.patient")
    with pytest.raises(SystemCheckError, match=r"horae\.E001"):
        call_command("check", "--tag", "classification")


def test_the_check_command_fails_on_an_unclassified_field(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = declare._declared["bookings.patient"]
    less = {name: category for name, category in sound.categories.items() if name != "email"}
    values = {name: getattr(sound, name) for name in sound.__slots__} | {"categories": less}
    monkeypatch.setitem(declare._declared, "bookings.patient", Declaration(**values))
    with pytest.raises(SystemCheckError, match=r"horae\.E002.*|bookings\.Patient\.email is not classified"):
        call_command("check", "--tag", "classification")


@pytest.mark.django_db
def test_the_database_check_is_silent_when_all_is_as_declared() -> None:
    assert checks.as_declared(None, databases=["default"]) == []
    assert checks.as_declared(None, databases=None) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TRIGGER audit_row ON bookings_patient", "bookings_patient carries no evidence trigger"),
        (
            "ALTER TABLE bookings_patient DISABLE TRIGGER audit_row",
            "bookings_patient has its evidence trigger switched off",
        ),
        (
            """CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON bookings_patientindex
            FOR EACH ROW EXECUTE FUNCTION audit_row('', 'patient_id', '')""",
            "bookings_patientindex carries an evidence trigger that nothing declares",
        ),
    ],
)
def test_triggers_not_as_declared_are_an_error(sql: str, said: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
    assert [(message.id, message.msg) for message in checks.as_declared(None, databases=["default"])] == [
        ("horae.E012", said)
    ]


@pytest.mark.django_db
def test_the_database_check_waits_for_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_row ON bookings_patient")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'bookings'")
    assert checks.as_declared(None, databases=["default"]) == []


@pytest.mark.django_db
def test_keys_a_restore_brought_back_are_an_error(settings: Settings, tmp_path: Path) -> None:
    settings.KEYS_URL = f"file://{tmp_path}/keystore.json"
    keyring.opened.forget()
    key_id = keyring.create_subject_key(clinic_id=990_001)
    backend().remember_destroyed(key_ids=[key_id], erasure="R-1", subject="bookings.Patient:1")
    [message] = checks.as_declared(None, databases=["default"])
    assert message.id == "horae.E013"
    assert "erasure_replay" in (message.hint or "")
    assert SubjectKey.objects.filter(pk=key_id).exists()
