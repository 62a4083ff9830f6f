"""Celery's view of the evidence: short tasks that may run twice, at once, or not at all until beat sweeps.

`AuditedTask` is the base of every task of the house: what a task writes is written by the system, in a use of its name.
"""

import logging
from typing import Any, Final

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from audit import erasure, holding, sealer, stream, wake
from audit.context import Actor, acting, note, use
from audit.sequencer import sequence as sequence_facts
from audit.stores import open_worm
from audit.worm import WormUnavailable
from audit.worm.canary import probe

logger = logging.getLogger(__name__)

_LIMITS: Final = {"soft_time_limit": 120, "time_limit": 150}


class AuditedTask(Task):  # type: ignore[misc] # celery has no types
    """Runs in `acting(system)` and in the use `task.<name>`."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with (
            acting(actor=Actor.system(self.name), request_id=str(self.request.id or ""), client="worker"),
            use(f"task.{self.name}"),
        ):
            return super().__call__(*args, **kwargs)


@shared_task(name="audit.sequence", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def sequence(**kwargs: Any) -> None:
    """Turn waiting facts into records, and wake the consumers."""
    wake.heard("audit.sequence")
    if sequence_facts():
        for name in stream.consumers():
            wake.once("audit.consume", name=name)


@shared_task(name="audit.consume", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def consume(*, name: str | None = None, **kwargs: Any) -> None:
    """Let one consumer, or every one, catch up."""
    wake.heard("audit.consume", name=name or "")
    stream.consume(name)


@shared_task(name="audit.seal", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def seal(**kwargs: Any) -> None:
    """Seal what is due into the write-once store."""
    sealer.seal(now=timezone.now())


@shared_task(name="audit.canary", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def canary(**kwargs: Any) -> None:
    """Ask the write-once store whether it refuses what it must, and write down what it did."""
    now = timezone.now()
    try:
        faults = probe(open_worm(settings.WORM_URL), now=now)
    except WormUnavailable as error:
        logger.warning("The evidence store could not be asked whether it refuses: %s", error)
        return
    for fault in faults:
        logger.error("The evidence store does not enforce its locks: %s", fault)
    note(chain="platform", event="worm.canary", data={"faults": faults})


@shared_task(name="audit.erase", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def erase(**kwargs: Any) -> None:
    """Finish erasures that were left half-way."""
    erasure.resume(now=timezone.now())


@shared_task(name="audit.hold", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def hold(**kwargs: Any) -> None:
    """Put legal holds on what was sealed since or could not be reached, and take off those that were lifted."""
    holding.settle(now=timezone.now())
