"""Celery's view of the evidence: short tasks that may run twice, at once, or not at all until beat sweeps.

`AuditedTask` is the base of every task of the house: what a task writes is written by the system, in a use of its name.
"""

import logging
from typing import Any, Final

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from audit import anchoring, enforcement, erasure, heads, holding, origins, sealer, stream, wake
from audit.context import Actor, acting, use
from audit.sequencer import sequence as sequence_facts
from audit.verify import routine

logger = logging.getLogger(__name__)

_LIMITS: Final = {"soft_time_limit": 120, "time_limit": 150}
_VERIFY_SECONDS: Final = 6 * 3600
"""Enough for years of records; what is not reached by then is said in the report, and the next run goes on."""


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
    """Seal what is due into the write-once store, and say in the log of logs how far that is."""
    now = timezone.now()
    try:
        sealer.seal(now=now)
    finally:  # one chain in trouble does not silence the others
        heads.keep(now=now)


@shared_task(name="audit.anchor", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def anchor(**kwargs: Any) -> None:
    """Have the newest head of the log of logs stamped by the authority, if one is set and the head is not yet."""
    try:
        anchoring.anchor(now=timezone.now())
    except anchoring.CannotAnchor as error:
        logger.warning("The signed heads carry no new time stamp: %s", error)


@shared_task(name="audit.canary", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def canary(**kwargs: Any) -> None:
    """Ask the write-once store once a day whether it refuses what it must."""
    enforcement.ask(now=timezone.now())


@shared_task(name="audit.sources", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def sources(**kwargs: Any) -> None:
    """Make the keys that sources of requests are sealed under, and destroy those whose days are over."""
    origins.prepare(now=timezone.now())


@shared_task(name="audit.erase", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def erase(**kwargs: Any) -> None:
    """Finish erasures that were left half-way."""
    erasure.resume(now=timezone.now())


@shared_task(
    name="audit.verify",
    base=AuditedTask,
    acks_late=False,  # it may outlast the broker's patience; what was cut short is due again at the next sweep
    ignore_result=True,
    soft_time_limit=_VERIFY_SECONDS,
    time_limit=_VERIFY_SECONDS + 300,
)
def verify(**kwargs: Any) -> None:
    """Make the check whose time has come: hourly, nightly or weekly."""
    kind = routine.due(now=timezone.now())
    if kind is not None:
        routine.run(kind, clock=timezone.now, over=SoftTimeLimitExceeded)


@shared_task(name="audit.hold", base=AuditedTask, acks_late=True, ignore_result=True, **_LIMITS)
def hold(**kwargs: Any) -> None:
    """Put legal holds on what was sealed since or could not be reached, and take off those that were lifted."""
    holding.settle(now=timezone.now())
