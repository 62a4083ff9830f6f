"""What reading and writing sealed fields costs."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from audit.keys import keyring
from audit.sealed import (
    SealedToken,
)
from audit.sealed_rows import SealedQuerySet, preloaded, reveal
from bookings.models import Patient, PatientIdentifier
from tests.audit.sealed.people import several, stored
from tests.factories import ClinicFactory, PatientFactory

pytestmark = pytest.mark.django_db


def test_two_hundred_patients_cost_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    several(200)
    with django_assert_num_queries(2):
        names = {patient.given_name + patient.email for patient in Patient.objects.all()}
    assert len(names) == 200


@pytest.mark.parametrize("count", [1, 3])
def test_creating_costs_as_many_queries_as_the_key_and_the_row(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clinic = ClinicFactory()
    keys = [keyring.create_subject_key(clinic_id=clinic.pk) for _ in range(count)]
    with django_assert_num_queries(2 * count):
        for key_id in keys:
            PatientFactory(clinic=clinic, key_id=key_id)


def test_a_list_that_reads_no_name_fetches_no_key(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    several(3)
    with django_assert_num_queries(1):
        assert len({patient.code for patient in Patient.objects.all()}) == 3


def test_children_with_their_person_cost_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for patient in several(3):
        PatientIdentifier.objects.create(clinic=patient.clinic, patient=patient, system="urn:x", value="7")
    with django_assert_num_queries(2):
        assert [row.value for row in PatientIdentifier.objects.select_related("patient")] == ["7", "7", "7"]


@pytest.mark.parametrize("source", ["queryset", "function"])
def test_reading_row_by_row_fetches_keys_by_chunk(
    source: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    several(7)

    def rows() -> Iterator[Patient]:
        if source == "queryset":
            return SealedQuerySet(Patient).iterator(chunk_size=3)
        return preloaded(Patient.objects.iterator(), chunk_size=3)

    with django_assert_num_queries(1 + 3):
        assert len([patient.given_name for patient in rows()]) == 7


def test_rows_nobody_holds_any_more_are_not_waited_for(ada: Patient) -> None:
    gone = PatientFactory(clinic=ada.clinic)
    seen = Seen()
    list(Patient.objects.filter(pk=gone.pk))
    with connection.execute_wrapper(seen):
        assert stored(ada).email
    assert not [parameters for parameters in seen.parameters if gone.key_id in parameters]


class Seen:
    """Notes the parameters of every query."""

    def __init__(self) -> None:
        self.parameters: list[Any] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.parameters.append(list(params or ()))
        return execute(sql, params, many, context)


def test_values_are_revealed_by_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    several(3)
    tokens = [*Patient.objects.order_by("id").values_list("given_name", flat=True), ""]
    assert all(isinstance(token, SealedToken) for token in tokens[:-1])
    with django_assert_num_queries(1):
        assert reveal(field="bookings.Patient.given_name", tokens=tokens) == ["Ada0", "Ada1", "Ada2", ""]
