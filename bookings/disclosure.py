"""The copy of everything held about a patient, in a common form a program reads (Art. 15(3), 20 GDPR):

    {"format": "horae.subject-copy", "version": 1, "made_at": "...", "controller": {"name": ..., "address": ...},
     "records": [{"code": "7KQ3-F9MX", "purposes": [
        {"activity": ..., "purpose": ..., "basis": ..., "source": ..., "kept": ..., "recipients": [...], "data": [
            {"what": "bookings.Appointment", "label": ..., "id": ..., "fields": {
                "start": {"label": ..., "category": "schedule", "value": ..., "readable": true}}}]}]}]}

Times are ISO 8601 in UTC; `readable` is false where the key was destroyed. What the patient reads on a page, and why
whoever acts for somebody gets neither, is `bookings.held`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from audit.chains import chain_of_clinic
from audit.context import Actor, note, use_case
from audit.subjects import collect
from bookings.held import by_declaration, column_of, is_gone
from bookings.models import Clinic, Patient

FORMAT: Final = "horae.subject-copy"
VERSION: Final = 1
EXPORT: Final = "export"
"""The event in the chain that says a copy was taken."""


@transaction.atomic(durable=True)
@use_case("data.export", operation=EXPORT)
def copy(*, actor: Actor, now: datetime, clinic: Clinic, patients: Sequence[Patient]) -> dict[str, Any]:
    """Everything held about these patients of a clinic, in JSON's types; that it was taken is recorded."""
    noted(clinic=clinic, patients=patients, form=FORMAT)
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_at": now.isoformat(),
        "controller": {
            "name": clinic.legal_name,
            "address": clinic.address,
            "email": clinic.email,
            "phone": clinic.phone,
        },
        "records": [{"code": patient.code, "purposes": list(_copied(patient))} for patient in patients],
    }


def noted(*, clinic: Clinic, patients: Sequence[Patient], form: str) -> None:
    """Record, inside the caller's use, that a copy of these patients' data was given out in a `form`."""
    codes = sorted(patient.code for patient in patients)
    note(chain=chain_of_clinic(clinic.pk), event=EXPORT, data={"form": form, "patients": codes})


def _copied(patient: Patient) -> Iterable[dict[str, Any]]:
    by_use: dict[str, dict[str, Any]] = {}
    for declaration, rows in by_declaration(collect(subject=patient)):
        use = declaration.use
        assert use is not None
        purpose = by_use.setdefault(
            use.activity,
            {
                "activity": use.activity,
                "purpose": use.purpose,
                "basis": use.basis,
                "source": use.source,
                "kept": use.duration,
                "recipients": list(use.recipients),
                "data": [],
            },
        )
        for row in rows:
            fields = {
                name: {
                    "label": str(column_of(declaration, name).verbose_name),
                    "category": str(category),
                    "value": value,
                    "readable": not is_gone(column_of(declaration, name), value),
                }
                for name, (category, value) in row.fields.items()
            }
            label = str(declaration.model._meta.verbose_name)
            purpose["data"].append({"what": declaration.label, "label": label, "id": row.pk, "fields": fields})
    return by_use.values()
