"""Background work of the diary; each task makes one call into a use case."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from audit.tasks import AuditedTask
from bookings import approval, holds, lapses, sources


@shared_task(base=AuditedTask, name="bookings.sweep_holds")
def sweep_holds(**kwargs: Any) -> int:
    """Free what expired holds still take; returns how many rows went."""
    return holds.sweep(now=timezone.now())


@shared_task(base=AuditedTask, name="bookings.sweep_drafts")
def sweep_drafts(**kwargs: Any) -> int:
    """Remove forms that were left unfinished and old codes, with their keys, and the counts of minutes
    past. Beat wakes it; nothing waits for it."""
    now = timezone.now()
    sources.sweep(now=now)
    return lapses.sweep(now=now)


@shared_task(base=AuditedTask, name="bookings.lapse")
def lapse(**kwargs: Any) -> int:
    """Cancel requests and offers that nobody answered in time; returns how many. Late only delays: an answer after the
    deadline is refused whether or not this has run."""
    return approval.lapse(now=timezone.now())
