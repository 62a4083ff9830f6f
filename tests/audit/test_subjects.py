"""Where a person's data are, and what erasure writes in their place."""

import datetime
import json

import pytest
from django.contrib.auth.models import Group
from django.db import models
from pytest_django import DjangoAssertNumQueries

from audit import subjects
from audit.declare import Category, declaration_of, declarations
from audit.keys import keyring
from audit.subjects import CannotBlank, Held, blank_value, collect, subject_model
from bookings.models import Appointment, Patient, RelatedPerson, User
from tests.factories import AppointmentFactory, MembershipFactory, PatientFactory, RelatedPersonFactory, UserFactory

NOW = datetime.datetime(2026, 11, 30, 8, tzinfo=datetime.UTC)


def held(rows: list[Held], model: str) -> list[dict[str, object]]:
    return [{name: value for name, (_, value) in row.fields.items()} for row in rows if row.model == model]


@pytest.mark.django_db
def test_an_export_opens_everything_about_the_person_and_nothing_about_another() -> None:
    ada = PatientFactory()
    RelatedPersonFactory(patient=ada, name="Ben Lovelace")
    visit = AppointmentFactory(patient=ada, clinic=ada.clinic, reason="Headache")
    other = PatientFactory(clinic=ada.clinic, given_name="Zora", family_name="Neale")
    AppointmentFactory(patient=other, clinic=ada.clinic, reason="Cough")
    rows = collect(subject=ada)
    assert [row["family_name"] for row in held(rows, "bookings.Patient")] == ["Lovelace"]
    assert [row["name"] for row in held(rows, "bookings.RelatedPerson")] == ["Ben Lovelace"]
    assert [(row["reason"], row["id"]) for row in held(rows, "bookings.Appointment")] == [("Headache", str(visit.pk))]
    written = json.dumps([row.fields for row in rows])
    assert "Zora" not in written
    assert "Cough" not in written
    assert all(row.purpose for row in rows)


@pytest.mark.django_db
def test_an_export_holds_no_credential() -> None:
    user = UserFactory()
    MembershipFactory(user=user)
    rows = collect(subject=user)
    assert [row["email"] for row in held(rows, "bookings.User")] == [user.email]
    assert len(held(rows, "bookings.StaffMembership")) == 1
    assert not [name for row in rows for name, (category, _) in row.fields.items() if category is Category.CREDENTIAL]


@pytest.mark.django_db
def test_an_export_costs_the_same_for_one_row_and_for_three(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    ada = PatientFactory()
    RelatedPersonFactory(patient=ada)
    with django_assert_max_num_queries(100) as one:
        collect(subject=ada)
    for _ in range(2):
        RelatedPersonFactory(patient=ada)
    with django_assert_max_num_queries(100) as three:
        collect(subject=ada)
    assert len(three.captured_queries) == len(one.captured_queries)


@pytest.mark.django_db
def test_keys_of_a_person_are_found_by_row_and_by_token() -> None:
    ada, former = PatientFactory(), PatientFactory()
    row = RelatedPersonFactory(patient=former, name="Ben")
    RelatedPerson.objects.filter(pk=row.pk).update(patient=ada)  # a merge: the row moves, its ciphertext stays
    source = subjects.sources()[-1]
    assert set(source.keys(subject=ada)) == {ada.key_id, former.key_id}


@pytest.mark.django_db
def test_an_erased_person_is_exported_empty() -> None:
    ada = PatientFactory()
    keyring.destroy_subject_keys(key_ids=[ada.key_id])
    [row] = held(collect(subject=ada), "bookings.Patient")
    assert (row["family_name"], row["email"], row["code"]) == (None, None, ada.code)


def test_every_model_about_a_patient_is_reached() -> None:
    reached = {label for label, declaration in declarations().items() if subject_model(declaration) is Patient}
    assert {
        "bookings.patient",
        "bookings.patientindex",
        "bookings.relatedperson",
        "bookings.appointment",
        "notifications.message",
    } <= reached


def test_a_path_ends_at_the_persons_model() -> None:
    appointment = declaration_of(Appointment)
    user = declaration_of(User)
    group = declaration_of(Group)
    assert appointment is not None
    assert user is not None
    assert group is not None
    assert subject_model(appointment) is Patient
    assert subject_model(user) is User
    assert subject_model(group) is None


@pytest.mark.parametrize(
    ("column", "blank"),
    [
        (models.CharField(max_length=5), ""),
        (models.TextField(), ""),
        (models.CharField(max_length=5, unique=True, null=True), None),
        (models.DateField(null=True), None),
        (models.JSONField(), {}),
        (models.BooleanField(), False),
    ],
)
def test_a_field_is_blanked_by_its_kind(column: "models.Field[object, object]", blank: object) -> None:
    assert blank_value(column) == blank


def test_a_unique_text_is_blanked_by_chance() -> None:
    column: models.CharField[str, str] = models.CharField(max_length=30, unique=True)
    one, other = blank_value(column), blank_value(column)
    assert one != other
    assert one.startswith("erased-")
    assert len(one) == 30


@pytest.mark.parametrize(
    "column", [models.DateField(), models.IntegerField(), models.CharField(max_length=8, unique=True)]
)
def test_what_has_no_empty_value_is_named(column: "models.Field[object, object]") -> None:
    with pytest.raises(CannotBlank):
        blank_value(column)


def test_a_source_is_registered_once() -> None:
    with pytest.raises(ValueError, match="named tables"):
        subjects.register(subjects.DeclaredRows())
