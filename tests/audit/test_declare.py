"""Declarations: what they say, and what they refuse."""

import subprocess
import sys

import pytest

from audit import declare
from audit.classification import category_of
from audit.declare import (
    PLATFORM,
    AlreadyDeclared,
    Category,
    OnErasure,
    declaration_of,
    declarations,
    declare_audited,
    declare_exempt,
)
from bookings.models import Clinic, Patient, PatientIndex, User


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "_declared", dict(declare._declared))


def test_a_declaration_names_table_columns_and_categories() -> None:
    declaration = declaration_of(Patient)
    assert declaration is not None
    assert declaration.audited
    assert (declaration.label, declaration.label_lower) == ("bookings.Patient", "bookings.patient")
    assert (declaration.table, declaration.pk_column, declaration.chain_column) == (
        "bookings_patient",
        "id",
        "clinic_id",
    )
    assert declaration.categories["family_name"] is Category.IDENTITY
    assert category_of(Patient, "email") is Category.CONTACT
    assert category_of(Patient, "nothing") is None
    assert declaration.model is Patient


def test_a_clinic_is_in_its_own_chain_and_a_user_in_the_platforms() -> None:
    clinic, user = declaration_of(Clinic), declaration_of(User)
    assert clinic is not None
    assert user is not None
    assert clinic.chain_column == "id"
    assert user.chain_column is None
    assert user.audited
    assert user.digest == ("password",)


def test_an_exempt_model_is_classified_and_deleted_at_erasure() -> None:
    declaration = declaration_of(PatientIndex)
    assert declaration is not None
    assert not declaration.audited
    assert declaration.exempt_reason
    assert declaration.on_erasure is OnErasure.DELETE


def test_a_table_between_two_models_is_declared_by_its_field() -> None:
    through = User.groups.through
    declaration = declaration_of(through)
    assert declaration is not None
    assert declaration.table == "bookings_user_groups"
    assert declarations()["bookings.user_groups"] is declaration


def test_a_model_is_declared_once() -> None:
    with pytest.raises(AlreadyDeclared):
        declare_audited("bookings.Patient", chain=PLATFORM)


def test_an_exemption_has_a_reason() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        declare_exempt("bookings.Nothing", " ")


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="'secret' is not a valid Category"):
        declare_exempt("bookings.Nothing", "test", secret="name")


def test_a_field_named_twice_is_remembered() -> None:
    declare_exempt("bookings.Nothing", "test", identity="name age", technical="id name")
    assert declarations()["bookings.nothing"].repeated == {"name"}


def test_nobody_changes_the_map_from_outside() -> None:
    with pytest.raises(TypeError):
        declarations()["bookings.patient"] = None  # type: ignore[index]


def test_declarations_are_importable_before_the_app_registry_is_ready() -> None:
    code = "import audit.declare, config.declarations; from django.apps import apps; assert not apps.ready"
    subprocess.run([sys.executable, "-c", code], check=True)
