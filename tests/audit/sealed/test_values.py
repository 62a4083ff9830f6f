"""Sealed fields: what the column holds and what an attribute gives."""

import pytest
from django.db import connection
from django.forms import modelform_factory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from audit.sealed import (
    SealedTextField,
)
from bookings.models import Patient
from tests.audit.sealed.people import column, stored
from tests.factories import ClinicFactory, PatientFactory

pytestmark = pytest.mark.django_db


def test_the_column_holds_ciphertext_and_the_attribute_gives_text(ada: Patient) -> None:
    assert stored(ada).email == "ada@example.org"
    assert column(ada).startswith(f"1.{ada.key_id.hex}.")
    assert "example" not in column(ada)


def test_no_plain_text_is_in_the_row(ada: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(p)::text FROM bookings_patient p WHERE id = %s", [ada.pk])
        row = cursor.fetchone()[0]
    assert not [text for text in ("Ada", "Lovelace", "1985-12-10", "ada@example.org") if text in row]


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=120))
def test_any_text_comes_back(ada: Patient, text: str) -> None:
    ada.given_name = text
    ada.save()
    assert stored(ada).given_name == text


def test_an_empty_text_stays_empty(ada: Patient) -> None:
    assert column(ada, "phone") == ""
    assert stored(ada).phone == ""
    assert list(Patient.objects.filter(phone="")) == [ada]
    assert list(Patient.objects.exclude(email="")) == [ada]
    assert not Patient.objects.filter(email__isnull=True).exists()


def test_an_instance_reads_its_own_text_before_and_after_save() -> None:
    patient = PatientFactory.build(clinic=ClinicFactory(), given_name="Ada")
    assert patient.given_name == "Ada"
    patient.save()
    assert patient.given_name == "Ada"


def test_an_unchanged_text_keeps_its_ciphertext(ada: Patient) -> None:
    before = column(ada)
    patient = stored(ada)
    patient.email = "ada@example.org"  # assigned without being read, as a form does
    patient.language = "fr"
    patient.save()
    patient = stored(ada)
    assert patient.email == "ada@example.org"
    patient.email = "ada@example.org"
    patient.full_clean()
    patient.save()
    assert column(ada) == before


def test_a_text_changed_and_changed_back_keeps_its_ciphertext(ada: Patient) -> None:
    before = column(ada)
    patient = stored(ada)
    patient.email = "other@example.org"
    patient.email = "ada@example.org"
    patient.save()
    assert column(ada) == before


def test_a_changed_text_gets_another_ciphertext(ada: Patient) -> None:
    before = column(ada)
    ada.email = "ada@example.net"
    ada.save()
    assert column(ada) != before
    assert stored(ada).email == "ada@example.net"


def test_refreshing_keeps_the_ciphertext_and_fetches_no_key(
    ada: Patient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = column(ada)
    with django_assert_num_queries(1):
        ada.refresh_from_db()
    with django_assert_num_queries(1):
        ada.save()
    assert column(ada) == before
    assert ada.email == "ada@example.org"


def test_a_deferred_field_is_loaded_when_read(ada: Patient) -> None:
    assert Patient.objects.only("code", "clinic", "key_id").get().email == "ada@example.org"
    patient = Patient.objects.defer("email").get()
    patient.given_name = "Adah"
    before = column(ada)
    patient.save()
    assert column(ada) == before


def test_a_form_reads_and_writes_text(ada: Patient) -> None:
    form_class = modelform_factory(Patient, fields=["given_name", "email"])
    form = form_class(instance=stored(ada))
    assert form.initial == {"given_name": "Ada", "email": "ada@example.org"}
    form = form_class({"given_name": "Adah", "email": "ada@example.org"}, instance=stored(ada))
    assert form.is_valid(), form.errors
    before = column(ada)
    form.save()
    assert stored(ada).given_name == "Adah"
    assert column(ada) == before


def test_a_text_in_the_shape_of_a_token_is_text_when_a_person_types_it(ada: Patient) -> None:
    typed = column(ada)
    form = modelform_factory(Patient, fields=["email"])({"email": typed}, instance=PatientFactory(clinic=ada.clinic))
    assert form.is_valid(), form.errors
    other = form.save()
    assert stored(other).email == typed
    assert column(other) != typed


def test_a_migration_rebuilds_the_field_as_it_is() -> None:
    for field in (SealedTextField(max_length=5), SealedTextField(blank=True), SealedTextField(null=True)):  # type: ignore[misc]
        field.set_attributes_from_name("text")
        name, path, args, kwargs = field.deconstruct()
        assert (name, path, args) == ("text", "audit.sealed.SealedTextField", [])
        again = SealedTextField(*args, **kwargs)
        assert (again.max_length, again.blank, again.null) == (field.max_length, field.blank, field.null)


def test_a_short_text_is_edited_in_one_line() -> None:
    form = modelform_factory(Patient, fields=["given_name"])()
    assert form.fields["given_name"].widget.__class__.__name__ == "TextInput"
    assert form.fields["given_name"].max_length == 120  # type: ignore[attr-defined]
