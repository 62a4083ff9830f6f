"""Waking the evidence workers: a hint, never a promise.

The row is the promise and beat sweeps; a wake-up only makes it soon. So publishing never raises, never waits longer
than the broker's own third of a second (the transport options of the settings), and after a failure is not tried again
for a while: a request must not pay for a broker that is gone.

Under load one wake-up serves many commits: `once` leaves a mark at the broker, and as long as it stands nobody asks
again. Whoever is woken takes the mark away (`heard`) before looking at the rows, so a row committed after that look has
asked anew, and a row committed before it is seen.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from celery import current_app
from django.conf import settings

QUEUE: Final = "evidence"
PAUSE_SECONDS: Final = 2.0
HEEDED_SECONDS: Final = 60
"""A wake-up older than this is dropped unread: the sweep has sent another, and they must not pile up."""
GATHERED_SECONDS: Final = 0.2
"""How long commits are gathered before the sequencer takes them together: one booking makes half a dozen."""
MARK_SECONDS: Final = 5
"""A mark nobody takes away (a worker was killed) stands in the way no longer than this."""

logger = logging.getLogger(__name__)


class _Circuit:
    """Open for `PAUSE_SECONDS` after a failure. One per process: all threads talk to the same broker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed_again = 0.0

    def lets_through(self) -> bool:
        with self._lock:
            return time.monotonic() >= self._closed_again

    def failed(self) -> None:
        with self._lock:
            self._closed_again = time.monotonic() + PAUSE_SECONDS

    def reset(self) -> None:
        with self._lock:
            self._closed_again = 0.0


circuit = _Circuit()


def enabled() -> bool:
    """False where nothing is published (tests): rows wait for whoever drains the stream."""
    return bool(settings.PUBLISH_TASKS)


def publish(task: str, *, queue: str = QUEUE, **kwargs: Any) -> bool:
    """Ask for `task` on a queue, with these keyword arguments (ids only); True when the broker has it. Never raises."""
    return _ask(task, queue=queue, kwargs=kwargs)


def once(task: str, *, after: float = 0, name: str = "") -> bool:
    """Ask for an evidence task, to be begun `after` so many seconds, unless the same was asked for and nobody has begun
    with it yet. The task begins with `heard`. Never raises."""
    return _ask(task, kwargs={"name": name} if name else {}, countdown=after or None, mark=_mark(task, name))


def heard(task: str, *, name: str = "") -> None:
    """A task begins: whatever is committed from now on asks again. Never raises."""
    if not enabled():
        return
    try:
        with _broker() as broker:
            broker.delete(_mark(task, name))
    except Exception as error:  # noqa: BLE001 - the mark ends by itself
        logger.warning("hearing %s failed (%s)", task, type(error).__name__)


def sequencer() -> None:
    """There are facts to sequence. Registered once per transaction by the carrier, called after its commit."""
    once("audit.sequence", after=GATHERED_SECONDS)


def _ask(
    task: str, *, queue: str = QUEUE, kwargs: dict[str, Any], countdown: float | None = None, mark: str = ""
) -> bool:
    if not enabled() or not circuit.lets_through():
        return False
    try:
        if mark and not _leave(mark):
            return True
        current_app.send_task(
            task,
            kwargs=kwargs,
            queue=queue,
            countdown=countdown,
            retry=False,
            ignore_result=True,
            expires=HEEDED_SECONDS,
        )
    except Exception as error:  # noqa: BLE001 - whatever the broker does, the write it follows is committed
        circuit.failed()
        logger.warning("waking %s failed (%s); beat will", task, type(error).__name__)
        return False
    return True


def _leave(mark: str) -> bool:
    """False when the mark was there already."""
    with _broker() as broker:
        return bool(broker.set(mark, 1, nx=True, ex=MARK_SECONDS))


@contextmanager
def _broker() -> Iterator[Any]:
    """The broker's own Redis client, on a connection out of Celery's pool."""
    with current_app.pool.acquire(block=True) as connection:
        yield connection.default_channel.client


def _mark(task: str, name: str) -> str:
    return f"horae:asked:{task}:{name}"
