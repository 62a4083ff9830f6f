"""What the tests of erasure do and ask."""

import datetime
import json
from typing import Any

from audit import erasure, stream
from audit.context import Actor
from audit.models import Record
from audit.sealed import KeyDestroyed
from bookings.models import Appointment, Clinic, Patient, RelatedPerson

NOW = datetime.datetime(2026, 11, 30, 8, tzinfo=datetime.UTC)
EVA = Actor(kind="staff", id="5", label="Eva")
PLAIN = ("Ada", "Lovelace", "ada@example.org", "1985-12-10", "Headache", "Ben Lovelace")


class Died(Exception):
    """Stands for the power going off."""


def die(*_arguments: Any, **_named: Any) -> Any:
    raise Died


def erase(patient: Patient, reference: str = "R-1") -> dict[str, Any]:
    return erasure.erase(actor=EVA, now=NOW, subject=patient, reference=reference)


def readable(patient: Patient) -> list[str]:
    """What a reader with the running system's keys still gets."""
    found = []
    rows: list[tuple[Any, str]] = [
        (Patient.objects.get(pk=patient.pk), "family_name"),
        (RelatedPerson.objects.get(patient=patient), "name"),
        (Appointment.objects.get(patient=patient), "reason"),
    ]
    for row, name in rows:
        try:
            found.append(getattr(row, name))
        except KeyDestroyed:
            continue
    return found


def events(clinic: Clinic) -> list[dict[str, Any]]:
    stream.drain()
    records = Record.objects.filter(chain=f"clinic/{clinic.pk}").order_by("seq")
    return [event for record in records if (event := json.loads(record.body)["event"])]
