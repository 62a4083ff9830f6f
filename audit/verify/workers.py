"""Work spread over processes: answers in the order of the tasks, a bounded number of them on the way.

A process that dies takes nobody's answer with it but that of the task it died of: that task is tried once more, alone,
and then has none. Nothing is ever taken for done that was not.
"""

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD: Final = 2
"""Tasks on the way for each process: one in work, one waiting."""
_work: Callable[[Any], Any] | None = None


def can_fork() -> bool:
    """Whether this process may have children that begin as copies of it; a Celery worker's own child may not."""
    return "fork" in multiprocessing.get_all_start_methods() and not multiprocessing.current_process().daemon


class Workers(Generic[T, R]):
    """So many processes; `begin` runs once in each and gives the function that does a task there."""

    def __init__(self, jobs: int, begin: Callable[[], Callable[[T], R]]) -> None:
        self._jobs = jobs
        self._begin = begin
        self._pool: ProcessPoolExecutor | None = None

    def run(self, tasks: Iterable[T]) -> Iterator[tuple[T, R | None]]:
        """Each task with its answer, in order; None for a task whose process died. What a task raises comes through."""
        waiting: deque[tuple[T, Future[R]]] = deque()
        source = iter(tasks)
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < self._jobs * _AHEAD:
                    with suppress(StopIteration):
                        task = next(source)
                        waiting.append((task, self._begun(task)))
                        continue
                    more = False
                if waiting:
                    task, future = waiting.popleft()
                    yield task, self._answer(task, future)
        finally:
            self._end()

    def _answer(self, task: T, future: "Future[R]") -> R | None:
        try:
            return future.result()
        except BrokenProcessPool:
            # Whoever was on the way when a process died is tried alone: then it is known who it was.
            self._end()
        alone = ProcessPoolExecutor(1, _context(), initializer=_start, initargs=(self._begin, os.getpid()))
        try:
            answer: R = alone.submit(_do, task).result()
            return answer
        except BrokenProcessPool:
            return None
        finally:
            alone.shutdown()

    def _begun(self, task: T) -> "Future[R]":
        try:
            return self._executor().submit(_do, task)
        except BrokenProcessPool:
            self._end()
            return self._executor().submit(_do, task)

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context, given = _context(), (self._begin, os.getpid())
            self._pool = ProcessPoolExecutor(self._jobs, context, initializer=_start, initargs=given)
        return self._pool

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _context() -> Any:
    # Only a copy has what the parent knows (settings, the test's database, what was read of the chains already).
    return multiprocessing.get_context("fork")


def _start(begin: Callable[[], Callable[[Any], Any]], parent: int) -> None:
    global _work
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _work = begin()


def _end_with(parent: int) -> None:
    """End when the parent is gone, however it went: nobody waits for the answer any more."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _do(task: Any) -> Any:
    assert _work is not None
    return _work(task)
