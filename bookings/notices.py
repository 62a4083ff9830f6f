"""Raising and resolving notices: what staff should look at."""

from datetime import datetime
from typing import Any
from uuid import UUID

from audit.context import Actor, use_case
from bookings.models import Notice


@use_case("notice.raise", operation="create")
def raise_notice(
    *,
    actor: Actor,
    clinic_id: int,
    kind: Notice.Kind,
    practitioner_id: int | None = None,
    appointment_id: UUID | None = None,
) -> Notice:
    """The open notice of this kind about this thing, made when there is none; part of the caller's transaction."""
    notice, _made = Notice.objects.get_or_create(**_open(clinic_id, kind, practitioner_id, appointment_id))
    return notice


@use_case("notice.resolve", operation="update")
def resolve_notice(
    *,
    actor: Actor,
    now: datetime,
    clinic_id: int,
    kind: Notice.Kind,
    practitioner_id: int | None = None,
    appointment_id: UUID | None = None,
) -> int:
    """Close the open notice of this kind about this thing; returns how many were closed (0 or 1).

    The caller says that what the notice told is no longer so.
    """
    return Notice.objects.filter(**_open(clinic_id, kind, practitioner_id, appointment_id)).update(resolved_at=now)


def _open(
    clinic_id: int, kind: Notice.Kind, practitioner_id: int | None, appointment_id: UUID | None
) -> dict[str, Any]:
    """What an unresolved notice of this kind about this thing looks like; there is at most one."""
    return {
        "clinic_id": clinic_id,
        "kind": kind,
        "practitioner_id": practitioner_id,
        "appointment_id": appointment_id,
        "resolved_at": None,
    }
