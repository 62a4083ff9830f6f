"""A practitioner's calendar as staff deal with it: connect, test, pause, resume, forget."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, use_case
from audit.keys import keyring
from bookings.models import Practitioner
from bookings.refusals import Refusal
from calendars import health
from calendars.models import Block, CalendarConnection, ConnectionHealth
from calendars.opening import open_calendar
from calendars.providers import CalendarError

State = CalendarConnection.State


class NoCredentials(Refusal):
    """The connection's credentials were forgotten."""

    message = _("User name and password were forgotten. Enter them again first.")


@use_case("calendar.connect", operation="create")
def _add(*, actor: Actor, connection: CalendarConnection) -> None:
    """Save a new connection under a key of its own; the stream writes what lies ahead of its practitioner to it.

    The address was checked by the model's validators, called by whoever parsed it.
    """
    connection.key_id = keyring.create_subject_key(clinic_id=connection.clinic_id)
    connection.save(force_insert=True)


@use_case("calendar.credentials", operation="update")
def _change_credentials(*, actor: Actor, connection: CalendarConnection, username: str, password: str) -> None:
    """Replace user name and password, under a new key; the former ones cannot be read any more.

    A calendar that needed attention is tried again; a paused one stays paused.
    """
    former = connection.key_id
    connection.username = connection.password = ""
    connection.key_id = keyring.create_subject_key(clinic_id=connection.clinic_id)
    connection.username, connection.password = username, password
    if connection.state == State.NEEDS_ATTENTION:
        connection.state = State.ACTIVE
    connection.save()
    transaction.on_commit(partial(keyring.destroy_subject_keys, key_ids=[former]))


@transaction.atomic(durable=True)
def connect(*, actor: Actor, practitioner: Practitioner, url: str, username: str, password: str) -> CalendarConnection:
    """Connect a calendar of this practitioner, whose address passed `calendars.addresses.check_address`."""
    connection = CalendarConnection(clinic_id=practitioner.clinic_id, practitioner=practitioner, url=url)
    connection.username, connection.password = username, password
    _add(actor=actor, connection=connection)
    return connection


@transaction.atomic(durable=True)
def pause(*, actor: Actor, connection_id: UUID) -> None:
    """Write nothing to this calendar until it is resumed; what stands there stays."""
    _set_state(actor=actor, connection_id=connection_id, state=State.PAUSED)


@transaction.atomic(durable=True)
def resume(*, actor: Actor, now: datetime, connection_id: UUID) -> None:
    """Write to this calendar again what changed meanwhile or had failed. Raises NoCredentials after `forget`."""
    connection = CalendarConnection.objects.get(pk=connection_id)
    if keyring.is_destroyed(key_id=connection.key_id):
        raise NoCredentials
    _set_state(actor=actor, connection_id=connection_id, state=State.ACTIVE)
    _retry(actor=actor, now=now, connection_id=connection_id)
    ConnectionHealth.objects.filter(connection_id=connection_id).update(retry_at=None)


@transaction.atomic(durable=True)
def forget(*, actor: Actor, connection_id: UUID) -> None:
    """Pause the calendar and destroy the key of its credentials: no copy of the row opens them again."""
    connection = _set_state(actor=actor, connection_id=connection_id, state=State.PAUSED)
    _forget(actor=actor, connection=connection)


def probe(*, actor: Actor, now: datetime, connection_id: UUID) -> CalendarError | None:
    """Call the calendar once and note how it answered; returns what went wrong, None when all is well.

    A calendar that needed attention and answers is active again.
    """
    connection = CalendarConnection.objects.get(pk=connection_id)
    error: CalendarError | None = None
    try:
        with open_calendar(connection) as calendar:
            calendar.check()
    except CalendarError as found:
        error = found
    with transaction.atomic(durable=True):
        _note_probe(actor=actor, now=now, connection=connection, error=error)
    return error


@use_case("calendar.probe", operation="update")
def _note_probe(*, actor: Actor, now: datetime, connection: CalendarConnection, error: CalendarError | None) -> None:
    if error is not None:
        health.failed(connection=connection, error=error, actor=actor, now=now)
        return
    health.answered(connection=connection, actor=actor, now=now)
    if connection.state == State.NEEDS_ATTENTION:
        connection.state = State.ACTIVE
        connection.save(update_fields=["state", "updated"])


@use_case("calendar.state", operation="update")
def _set_state(*, actor: Actor, connection_id: UUID, state: CalendarConnection.State) -> CalendarConnection:
    connection = CalendarConnection.objects.select_for_update().get(pk=connection_id)
    if connection.state != state:
        connection.state = state
        connection.save(update_fields=["state", "updated"])
    return connection


@use_case("calendar.retry", operation="update")
def _retry(*, actor: Actor, now: datetime, connection_id: UUID) -> None:
    failed = Block.objects.filter(connection_id=connection_id, state=Block.State.FAILED)
    failed.update(state=Block.State.PLANNED, attempts=0, recreated=0, next_try=now)


@use_case("calendar.forget", operation="update")
def _forget(*, actor: Actor, connection: CalendarConnection) -> None:
    keyring.destroy_subject_keys(key_ids=[connection.key_id])
    connection.username = connection.password = ""
    connection.save(update_fields=["username", "password", "updated"])
