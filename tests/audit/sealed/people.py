"""Patients for the tests of sealed fields, and the column as the table holds it."""

from django.db import connection

from bookings.models import Clinic, Patient
from tests.factories import ClinicFactory, PatientFactory


def column(patient: Patient, name: str = "email") -> str:
    """What the table holds, past every Python of ours."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM bookings_patient WHERE id = %s", [patient.pk])
        return str(cursor.fetchone()[0])


def stored(patient: Patient) -> Patient:
    return Patient.objects.get(pk=patient.pk)


def several(count: int, *, clinic: Clinic | None = None) -> list[Patient]:
    clinic = clinic or ClinicFactory()
    return [PatientFactory(clinic=clinic, given_name=f"Ada{number}") for number in range(count)]
