"""Sealed fields: plain text that would reach the database, and values of another person."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Concat, Upper

from audit.sealed import (
    SealBroken,
    SealedLookup,
    SealedToken,
)
from audit.sealed_rows import SealedQuerySet
from bookings.models import Patient, PatientIdentifier
from tests.audit.sealed.people import column, several, stored
from tests.factories import PatientFactory

pytestmark = pytest.mark.django_db


def test_too_long_a_text_is_refused_by_its_plain_length(ada: Patient) -> None:
    ada.given_name = "é" * 121
    with pytest.raises(ValidationError) as caught:
        ada.full_clean()
    assert set(caught.value.message_dict) == {"given_name"}
    with pytest.raises(ValueError, match="at most 120 characters"), transaction.atomic():
        ada.save()
    ada.given_name = "é" * 120
    ada.full_clean()
    ada.save()


def test_a_null_byte_is_refused(ada: Patient) -> None:
    ada.given_name = "A\x00da"
    with pytest.raises(ValidationError):
        ada.full_clean()


def test_a_required_text_is_required(ada: Patient) -> None:
    ada.family_name = ""
    with pytest.raises(ValidationError):
        ada.full_clean()


@pytest.mark.parametrize("value", [17, b"Ada", ["Ada"]])
def test_what_is_no_text_is_refused(ada: Patient, value: object) -> None:
    with pytest.raises(TypeError, match=r"bookings\.Patient\.given_name holds text"):
        ada.given_name = value  # type: ignore[assignment]


def by(lookup: str, value: object) -> Any:
    """A search that the type checker does not run (its plugin asks the field, which refuses)."""
    return Patient.objects.filter(**{lookup: value})


REFUSED: list[Any] = [
    lambda: by("email", "ada@example.org"),
    lambda: Patient.objects.exclude(email="ada@example.org"),
    lambda: by("email__iexact", "ada@example.org"),
    lambda: by("email__icontains", "ada"),
    lambda: by("email__in", ["ada@example.org"]),
    lambda: by("email__gt", "a"),
    lambda: by("email__lower", "ada@example.org"),
    lambda: by("email", F("phone")),
    lambda: by("identifiers__value__startswith", "7"),
    lambda: Patient.objects.get_or_create(email="ada@example.org"),
    lambda: Patient.objects.update(email="ada@example.org"),
    lambda: Patient.objects.update(email=Value("ada@example.org")),
    lambda: Patient.objects.update(email=F("phone")),
    lambda: Patient.objects.update(email=Concat(Value("a"), F("phone"), output_field=CharField())),
    lambda: Patient.objects.update(email=Upper("email")),
    lambda: Patient.objects.bulk_update([changed()], ["email"]),
    lambda: setattr(Patient.objects.get(), "email", F("phone")),
]


def changed() -> Patient:
    patient = Patient.objects.get()
    patient.email = "ada@example.net"
    return patient


@pytest.mark.parametrize("attempt", REFUSED)
def test_plain_text_never_reaches_the_database(ada: Patient, attempt: Any) -> None:
    before = column(ada)
    with pytest.raises(SealedLookup), transaction.atomic():
        list(attempt() or ())
    assert column(ada) == before


def test_the_database_itself_refuses_plain_text(ada: Patient) -> None:
    with pytest.raises(DatabaseError, match="check"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE bookings_patient SET email = 'ada@example.org'")
    with pytest.raises(DatabaseError, match="check"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE bookings_patient SET email = email || 'x '")


def test_an_update_may_empty_a_field_or_carry_a_token(ada: Patient) -> None:
    token = SealedToken(column(ada))
    Patient.objects.update(email="")
    assert column(ada) == ""
    Patient.objects.update(email=token)
    assert stored(ada).email == "ada@example.org"


def test_rows_are_not_ordered_by_ciphertext() -> None:
    rows: SealedQuerySet[Patient] = SealedQuerySet(Patient)
    for name in ("family_name", "-family_name"):
        with pytest.raises(SealedLookup):
            rows.order_by(name)
    assert list(rows.order_by("-id")) == []


def test_values_swapped_between_two_people_are_refused() -> None:
    one, other = several(2)
    one_token, other_token = column(one), column(other)
    Patient.objects.filter(pk=one.pk).update(email=SealedToken(other_token))
    Patient.objects.filter(pk=other.pk).update(email=SealedToken(one_token))
    for patient in (one, other):
        with pytest.raises(SealBroken, match="belongs to another person"):
            _ = stored(patient).email


def test_values_swapped_between_two_fields_are_refused(ada: Patient) -> None:
    Patient.objects.update(phone=SealedToken(column(ada, "email")))
    with pytest.raises(SealBroken):
        _ = stored(ada).phone
    assert stored(ada).email == "ada@example.org"


def test_another_persons_value_is_neither_kept_nor_taken_over_by_a_save() -> None:
    one, other = several(2)
    Patient.objects.filter(pk=one.pk).update(email=SealedToken(column(other)))
    patient = stored(one)
    patient.email = other.email
    with pytest.raises(SealBroken):
        patient.save()


def test_a_merged_person_reads_what_was_sealed_before(ada: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    survivor = PatientFactory(clinic=ada.clinic)
    identifier = PatientIdentifier.objects.create(clinic=ada.clinic, patient=ada, system="urn:x", value="7")
    identifier.patient = survivor
    identifier.save()
    with pytest.raises(SealBroken):
        _ = PatientIdentifier.objects.get().value
    monkeypatch.setattr(PatientIdentifier, "former_sealing_key_ids", lambda self: {ada.key_id}, raising=False)
    assert PatientIdentifier.objects.get().value == "7"
