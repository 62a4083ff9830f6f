"""Many clients at once, each on a thread and a database connection of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call came to: its result or its exception, and how long it took."""

    result: Any
    error: BaseException | None
    seconds: float


def at_once(calls: Sequence[Callable[[], Any]]) -> list[list[Answer]]:
    """Start every call at the same moment; the answers of each, in order."""
    return in_turns([[call] for call in calls])


def in_turns(scripts: Sequence[Sequence[Callable[[], Any]]]) -> list[list[Answer]]:
    """One client per script, all started at the same moment, each making its calls one after the other."""
    ready = threading.Barrier(len(scripts))
    answers: list[list[Answer]] = [[] for _ in scripts]

    def play(number: int) -> None:
        try:
            connection.ensure_connection()
            ready.wait(PATIENCE_SECONDS)
            for call in scripts[number]:
                answers[number].append(_timed(call))
        finally:
            connection.close()

    threads = [threading.Thread(target=play, args=(number,)) for number in range(len(scripts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "a client never came back"
    return answers


def _timed(call: Callable[[], Any]) -> Answer:
    began = time.perf_counter()
    try:
        result, error = call(), None
    except Exception as raised:  # noqa: BLE001 - whatever it is, the test decides
        result, error = None, raised
    return Answer(result=result, error=error, seconds=time.perf_counter() - began)
