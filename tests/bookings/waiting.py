"""Somebody else's transaction, which holds locks for as long as a test likes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from bookings.locks import lock


@contextmanager
def locked_elsewhere(**things: Any) -> Iterator[None]:
    """What `locks.lock` names is held by another connection until the block ends."""
    taken, done = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic():
                lock(**things)
                taken.set()
                done.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert taken.wait(20)
        yield
    finally:
        done.set()
        thread.join()
