"""Looking is recorded: a list or page of the admin that shows patients leaves a read record before it is answered."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit import reads
from audit.chains import chain_of_clinic
from bookings.models import Appointment, Patient, User
from bookings.roles import staff_actor

M = TypeVar("M", bound=models.Model)


def record_reads(*, request: HttpRequest, view: str, patients: Iterable[Patient]) -> None:
    """Record, in the chain of each clinic concerned, that the person is being shown these patients in `view`."""
    user = request.user
    assert isinstance(user, User)
    codes: dict[int, set[str]] = {}
    for patient in patients:
        codes.setdefault(patient.clinic_id, set()).add(patient.code)
    for clinic_id, shown in codes.items():
        actor = staff_actor(user=user, clinic_id=clinic_id)
        reads.record(actor=actor, now=timezone.now(), chain=chain_of_clinic(clinic_id), view=view, patients=shown)


class ReadRecorded(admin.ModelAdmin[M]):
    """Mixin for pages of patients and appointments."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        listed = (_context(response).get("cl"),)
        self._record(request, "list", [row for cl in listed if cl is not None for row in cl.result_list])
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().changeform_view(request, object_id, form_url, extra_context)
        self._record(request, "page", [_context(response).get("original")])
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().delete_view(request, object_id, extra_context)
        self._record(request, "page", [_context(response).get("object")])
        return response

    def _record(self, request: HttpRequest, what: str, rows: Iterable[Any]) -> None:
        patients = [row.patient if isinstance(row, Appointment) else row for row in rows if row is not None]
        record_reads(request=request, view=f"{self.opts.model_name}.{what}", patients=patients)


def _context(response: HttpResponse) -> dict[str, Any]:
    """What a page is about to show; empty for a redirect."""
    found: dict[str, Any] | None = getattr(response, "context_data", None)
    return found or {}
