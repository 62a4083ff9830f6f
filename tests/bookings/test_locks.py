"""Locks: all at once, in one order, only where they hold, never for ever."""

from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable, UndefinedTable

from bookings import locks
from bookings.locks import TooBusy, lock
from bookings.views.methods import allow
from tests.bookings.waiting import locked_elsewhere


def held() -> list[int]:
    """The advisory locks this session holds, as the signed numbers they were taken by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
        )
        return sorted(row[0] for row in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_locking_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        lock(schedules=[1])


@pytest.mark.django_db(transaction=True)
def test_everything_named_is_held_until_the_transaction_ends() -> None:
    with transaction.atomic():
        lock(schedules=[1, 2, 1], patients=[1], visitor="somebody", command=UUID(int=1))
        assert len(held()) == 5
    assert held() == []


@pytest.mark.django_db(transaction=True)
def test_keys_are_taken_in_ascending_order_whatever_order_they_are_named_in() -> None:
    """Two callers that name the same things in opposite orders ask for the same list."""
    asked = []

    def listen(execute, sql, params, many, context):
        if "pg_advisory_xact_lock" in sql:
            asked.append(params[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        for schedules in ([3, 1, 2], [2, 3, 1]):
            with transaction.atomic():
                lock(schedules=schedules, patients=[1])
    assert asked[0] == asked[1] == sorted(asked[0])


def test_whoever_waits_too_long_for_a_row_gets_the_page_that_asks_to_try_again(rf) -> None:
    @allow("GET")
    def waits(request):
        raise OperationalError from LockNotAvailable()

    @allow("GET")
    def breaks(request):
        raise OperationalError from UndefinedTable()

    assert waits(rf.get("/")).status_code == 503
    with pytest.raises(OperationalError):
        breaks(rf.get("/"))


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", locks.PATIENCE / 30)
    with locked_elsewhere(schedules=[7]):
        with pytest.raises(TooBusy), transaction.atomic():
            lock(schedules=[7])
        with transaction.atomic():
            lock(schedules=[8])
