"""Whether a calendar answers, and who is told when it does not."""

from datetime import datetime, timedelta

from audit.context import Actor
from bookings.backoff import full_jitter
from bookings.models import Notice
from bookings.notices import raise_notice, resolve_notice
from calendars.models import CalendarConnection, ConnectionHealth
from calendars.providers import CalendarError

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)

State = CalendarConnection.State


def answered(*, connection: CalendarConnection, actor: Actor, now: datetime) -> None:
    """The calendar did what was asked: what was said about it is no longer so. Runs in the caller's transaction."""
    health = _of(connection)
    failing = health.failures > 0
    health.failures, health.last_error, health.retry_at, health.last_success = 0, "", None, now
    health.save()
    if failing:
        resolve_notice(
            actor=actor,
            now=now,
            clinic_id=connection.clinic_id,
            kind=Notice.Kind.CALENDAR_FAILING,
            practitioner_id=connection.practitioner_id,
        )


def failed(*, connection: CalendarConnection, error: CalendarError, actor: Actor, now: datetime) -> datetime:
    """The calendar as a whole failed: leave it alone for a while, longer each time, or until a person has mended it.

    Staff get one notice until it answers again. Returns when it may be tried again. Runs in the caller's transaction.
    """
    health = _of(connection)
    health.failures += 1
    health.last_failure, health.last_error = now, type(error).__name__
    if error.permanent:
        health.retry_at = None
        if connection.state == State.ACTIVE:
            connection.state = State.NEEDS_ATTENTION
            connection.save(update_fields=["state", "updated"])
    else:
        wait = full_jitter(attempt=health.failures, base=FIRST_WAIT, cap=LONGEST_WAIT)
        health.retry_at = now + max(wait, error.retry_after or timedelta(0))
    health.save()
    raise_notice(
        actor=actor,
        clinic_id=connection.clinic_id,
        kind=Notice.Kind.CALENDAR_FAILING,
        practitioner_id=connection.practitioner_id,
    )
    return health.retry_at or now


def _of(connection: CalendarConnection) -> ConnectionHealth:
    health, _made = ConnectionHealth.objects.select_for_update().get_or_create(
        connection=connection, defaults={"clinic_id": connection.clinic_id}
    )
    return health
