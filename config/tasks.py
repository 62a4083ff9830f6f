"""The watch: a stalled stream cannot carry its own alarm, so this one goes to the operators by mail, directly."""

from hashlib import sha256
from typing import Any

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.mail import mail_admins
from django.utils import timezone

from audit.tasks import AuditedTask
from config import health

SILENT_SECONDS = 3600  # the same alarm is mailed once an hour


@shared_task(name="config.watch", base=AuditedTask, acks_late=True, ignore_result=True)
def watch(**kwargs: Any) -> None:
    """Mail the operators (HORAE_OPERATORS) when the stream is late or records are parked."""
    late = health.state(now=timezone.now()).late
    if late and settings.ADMINS and cache.add(_named(late), 1, SILENT_SECONDS):
        mail_admins("Horae: the evidence is behind", "\n".join([*late, "", f"{settings.BASE_URL}/readyz says more."]))


def _named(late: list[str]) -> str:
    """The key under which it is remembered that this was mailed; short, however much is late."""
    return "watch:" + sha256("\n".join(late).encode()).hexdigest()[:32]


@shared_task(name="config.clear_sessions", base=AuditedTask, acks_late=True, ignore_result=True)
def clear_sessions(**kwargs: Any) -> None:
    """Delete sessions that ran out: they tie a visitor to appointments, and nobody needs them any more."""
    SessionStore.clear_expired()
