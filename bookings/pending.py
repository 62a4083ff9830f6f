"""One notice to staff while something waits for them, closed when nothing does any more."""

from datetime import datetime

from django.db.models import Model, QuerySet

from bookings.models import Notice


def keep_notice(*, now: datetime, clinic_id: int, kind: Notice.Kind, waiting: QuerySet[Model]) -> None:
    """Open the clinic's notice of this kind when a row is `waiting`, else close it.

    Call it after the change, inside its use case: the notice is part of what was done. Whoever else decides about the
    same notice is waited for, so that two who settle the last two rows at once do not both leave it open.
    """
    opened = Notice.objects.select_for_update().filter(
        clinic_id=clinic_id, kind=kind, practitioner=None, appointment=None, resolved_at=None
    )
    notice = opened.first()
    if waiting.exists():
        if notice is None:
            Notice.objects.get_or_create(
                clinic_id=clinic_id, kind=kind, practitioner=None, appointment=None, resolved_at=None
            )
    elif notice is not None:
        opened.update(resolved_at=now)
