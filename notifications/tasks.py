"""Celery's view of messages: one task per row, and the sweep that finds what nobody woke."""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import wake
from audit.context import Actor
from audit.tasks import AuditedTask
from notifications import sending

ACTOR = Actor.system("notifications")


@shared_task(name="notifications.send", base=AuditedTask, acks_late=True, ignore_result=True)
def send(*, message_id: str, **kwargs: Any) -> None:
    """Send one message. Doing it twice sends once."""
    sending.send(actor=ACTOR, now=timezone.now(), message_id=UUID(message_id))


@shared_task(name="notifications.sweep", base=AuditedTask, acks_late=True, ignore_result=True)
def sweep(**kwargs: Any) -> None:
    """Wake a sender for everything that is due."""
    for message_id in sending.sweep(actor=ACTOR, now=timezone.now()):
        wake.publish("notifications.send", queue="messages", message_id=str(message_id))
