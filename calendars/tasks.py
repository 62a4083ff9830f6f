"""Celery's view of calendars: one task per block, and the sweep that finds what nobody woke."""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import wake
from audit.context import Actor
from audit.tasks import AuditedTask
from calendars import push as pushing

ACTOR = Actor.system("calendars")


@shared_task(name="calendars.push", base=AuditedTask, acks_late=True, ignore_result=True)
def push(*, block_id: str, **kwargs: Any) -> None:
    """Bring one calendar up to date about one appointment. Doing it twice does it once."""
    pushing.push(actor=ACTOR, now=timezone.now(), block_id=UUID(block_id))


@shared_task(name="calendars.sweep", base=AuditedTask, acks_late=True, ignore_result=True)
def sweep(**kwargs: Any) -> None:
    """Wake a pusher for everything that is due."""
    for block_id in pushing.sweep(actor=ACTOR, now=timezone.now()):
        wake.publish("calendars.push", queue="calendars", block_id=str(block_id))
