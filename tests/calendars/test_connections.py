"""A calendar as staff deal with it: credentials sealed and forgettable, states that mean what they say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django import db
from django.core.exceptions import ValidationError

from audit import stream
from audit.declare import declaration_of
from audit.models import Record
from audit.sealed import KeyDestroyed, SealBroken
from bookings.models import Notice
from calendars import connections
from calendars.addresses import check_address
from calendars.models import Block, CalendarConnection, ConnectionHealth
from tests.calendars.stories import pushed
from tests.factories import Cast
from tests.happenings import CLERK, booked
from tests.servers import PASSWORD, USERNAME, Radicale

pytestmark = [pytest.mark.django_db, pytest.mark.real]

State = CalendarConnection.State


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def test_credentials_are_stored_sealed(connection: CalendarConnection) -> None:
    stored = str(CalendarConnection.objects.values_list("username", "password").get())
    assert PASSWORD not in stored
    assert USERNAME not in stored
    again = CalendarConnection.objects.get()
    assert (again.username, again.password) == (USERNAME, PASSWORD)


def test_the_evidence_holds_only_a_digest_of_the_password(connection: CalendarConnection) -> None:
    (body,) = Record.objects.filter(model="calendars.CalendarConnection").values_list("body", flat=True)
    assert PASSWORD not in body
    ciphertext = CalendarConnection.objects.values_list("password", flat=True).get()
    assert str(ciphertext) not in body


def test_the_password_of_another_connection_does_not_open(
    connect: Callable[..., CalendarConnection], radicale: Radicale
) -> None:
    one, other = connect(), connect(url=f"{radicale.root}demir/other/", password="another password")
    with db.connection.cursor() as cursor:
        stolen = CalendarConnection.objects.values_list("password", flat=True).get(pk=other.pk)
        cursor.execute("UPDATE calendars_calendarconnection SET password = %s WHERE id = %s", [stolen, one.pk])
    with pytest.raises(SealBroken):
        CalendarConnection.objects.get(pk=one.pk).password  # noqa: B018


def test_forgotten_credentials_cannot_be_read_from_any_copy(connection: CalendarConnection) -> None:
    copy = CalendarConnection.objects.get()  # as in a backup: the ciphertext is still there
    connections.forget(actor=CLERK, connection_id=connection.pk)
    with pytest.raises(KeyDestroyed):
        copy.password  # noqa: B018
    connection.refresh_from_db()
    assert (connection.state, connection.username, connection.password) == (State.PAUSED, "", "")


def test_a_connection_without_credentials_is_not_resumed(connection: CalendarConnection, now: datetime) -> None:
    connections.forget(actor=CLERK, connection_id=connection.pk)
    with pytest.raises(connections.NoCredentials):
        connections.resume(actor=CLERK, now=now, connection_id=connection.pk)


@pytest.mark.django_db(transaction=True)
def test_new_credentials_come_under_a_new_key_and_put_a_refused_calendar_back_to_work(
    people: Cast, connect: Callable[..., CalendarConnection], radicale: Radicale, now: datetime
) -> None:
    connection = connect(password="wrong")
    booked(people, start=now + timedelta(days=9))
    pushed(now=now)
    connection.refresh_from_db()
    assert connection.state == State.NEEDS_ATTENTION
    former, copy = connection.key_id, CalendarConnection.objects.get()
    connections._change_credentials(actor=CLERK, connection=connection, username=USERNAME, password=PASSWORD)
    assert connection.key_id != former
    with pytest.raises(KeyDestroyed):
        copy.password  # noqa: B018
    stream.drain()
    assert pushed(now=now) == [Block.State.DONE]
    assert Notice.objects.get().resolved_at == now


def test_a_paused_calendar_is_left_alone_and_catches_up_when_resumed(
    people: Cast, connection: CalendarConnection, radicale: Radicale, now: datetime
) -> None:
    booked(people, start=now + timedelta(days=9))
    connections.pause(actor=CLERK, connection_id=connection.pk)
    stream.drain()
    booked(people, start=now + timedelta(days=10))
    assert pushed(now=now) == []
    connections.resume(actor=CLERK, now=now, connection_id=connection.pk)
    stream.drain()
    assert pushed(now=now) == [Block.State.DONE] * 2
    assert len(radicale.events()) == 2


def test_resuming_tries_again_what_had_failed(people: Cast, connection: CalendarConnection, now: datetime) -> None:
    booked(people, start=now + timedelta(days=9))
    Block.objects.update(state=Block.State.FAILED, last_error="EventRefused")
    assert pushed(now=now) == []
    connections.resume(actor=CLERK, now=now, connection_id=connection.pk)
    assert pushed(now=now) == [Block.State.DONE]


def test_probing_a_good_calendar_says_so(connection: CalendarConnection, now: datetime) -> None:
    assert connections.probe(actor=CLERK, now=now, connection_id=connection.pk) is None
    assert ConnectionHealth.objects.get().last_success == now


def test_probing_a_bad_calendar_says_what_to_do(
    connect: Callable[..., CalendarConnection], radicale: Radicale, now: datetime
) -> None:
    connection = connect(password="wrong")
    error = connections.probe(actor=CLERK, now=now, connection_id=connection.pk)
    assert error is not None
    assert "app password" in str(error.sentence)
    connection.refresh_from_db()
    assert connection.state == State.NEEDS_ATTENTION


def test_probing_a_calendar_that_works_again_puts_it_back_to_work(
    connection: CalendarConnection, radicale: Radicale, now: datetime
) -> None:
    assert radicale.ask("DELETE").is_success
    assert connections.probe(actor=CLERK, now=now, connection_id=connection.pk) is not None
    assert radicale.ask("MKCALENDAR").status_code == 201
    assert connections.probe(actor=CLERK, now=now, connection_id=connection.pk) is None
    connection.refresh_from_db()
    assert connection.state == State.ACTIVE
    assert Notice.objects.get().resolved_at == now


@pytest.mark.parametrize(
    "address",
    [
        "",
        "calendar",
        "ftp://cloud.example/dav/",
        "http://cloud.example/dav/",
        "https:///dav/",
        "https://demir:secret@cloud.example/dav/",
        "https://cloud.example/dav",
        "https://cloud.example/dav/?token=1",
        "https://cloud.example/dav/#x",
        "https://cloud.example:port/dav/",
        "https://cloud.example/da v/",
        "https://cloud.example/dav/\n",
        "https://[::1/dav/",
        "javascript:alert(1)/",
    ],
)
def test_what_is_no_address_of_a_calendar_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        check_address(address)


@pytest.mark.parametrize("address", ["https://cloud.example/dav/demir/busy/", "http://127.0.0.1:5232/demir/busy/"])
def test_the_address_of_a_calendar_is_taken(address: str) -> None:
    check_address(address)


def test_the_records_of_processing_will_name_the_provider() -> None:
    for model in (CalendarConnection, Block):
        declared = declaration_of(model)
        assert declared is not None
        assert declared.use is not None
        assert "the calendar provider the clinic chose" in declared.use.recipients
