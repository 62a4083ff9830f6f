"""Copies are asked for by a press, are files nobody keeps, and are the holder's own only."""

import json

import pytest
from django.test import Client

from audit.models import Fact
from audit.stream import drain
from bookings import patients
from bookings.models import Patient
from tests.bookings.views.rights.signed_in import FHIR, HELD, JSON, signed_in
from tests.bookings.whole_patient import fill
from tests.factories import Cast, PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(people: Cast) -> Client:
    patients.reindex(people.ada)
    return signed_in(people.clinic)


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        (JSON, "application/json; charset=utf-8", "my-data.json"),
        (FHIR, "application/fhir+json; charset=utf-8", "my-data.fhir.json"),
    ],
)
def test_a_copy_is_a_file_that_nothing_keeps(people: Cast, ada: Client, address: str, kind: str, name: str) -> None:
    fill(people)
    response = ada.post(address)
    assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"] == "no-store"
    assert "Penicillin" in json.dumps(json.loads(response.content))


@pytest.mark.parametrize("address", [JSON, FHIR])
def test_a_copy_is_not_given_to_a_get(ada: Client, address: str) -> None:
    drain()
    assert ada.get(address).status_code == 405
    assert not Fact.objects.exists()


@pytest.mark.parametrize("address", [JSON, FHIR])
def test_whoever_acts_for_the_patient_takes_nothing(people: Cast, ada: Client, address: str) -> None:
    drain()
    assert signed_in(people.clinic, email="ben@example.org").post(address).status_code == 404
    assert not any(fact.source == "a" for fact in Fact.objects.all())


def test_a_copy_holds_the_records_of_this_address_and_no_other(people: Cast, ada: Client) -> None:
    child: Patient = PatientFactory(clinic=people.clinic, given_name="Ida")
    other: Patient = PatientFactory(clinic=people.clinic, email="zelda@example.org")
    abroad: Patient = PatientFactory(clinic=people.elsewhere)
    for patient in (child, other, abroad):
        patients.reindex(patient)
    copy = json.loads(ada.post(JSON).content)
    assert [record["code"] for record in copy["records"]] == [people.ada.code, child.code]
    bundle = ada.post(FHIR).content.decode()
    assert [code in bundle for code in (people.ada.code, child.code, other.code, abroad.code)] == [
        *(True, True),
        *(False, False),
    ]


def test_the_buttons_are_forms_that_are_guarded(ada: Client) -> None:
    page = ada.get(HELD).content.decode()
    for address in (JSON, FHIR):
        assert f'<form method="post" action="{address}">' in page
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = ada.cookies
    assert careful.post(JSON).status_code == 403
