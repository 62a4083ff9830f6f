"""Is it up (`/healthz`), can it book (`/readyz`), how far behind is the evidence (`/metrics`).

What stalls the stream cannot report through the stream: these pages read the tables themselves.
"""

import hmac
import ipaddress
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, Max, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.chains import HEADS_CHAIN
from audit.models import Anchor, Chain, Cursor, Fact, ParkedRecord, Record
from audit.models.segments import Segment, SegmentState
from audit.models.verifications import Outcome
from audit.verify.routine import Standing, standing

LATE_SECONDS = 60.0  # a fact waits this long for its record before we call the stream late
UNSEALED_SECONDS = 900.0  # and a record this long for its segment
UNANCHORED_SECONDS = 1800.0  # and a sealed head of the log of logs this long for its time stamp, asked for every ten

_migrated: set[str] = set()  # databases found complete; a running process never loses a migration


@dataclass(frozen=True, slots=True)
class State:
    """What the tables say at one moment. Ages are seconds, 0 when nothing waits; lags are records."""

    outbox_age: float = 0.0
    unsealed_age: float = 0.0
    unanchored_age: float = 0.0
    parked: int = 0
    consumer_lag: dict[str, int] = field(default_factory=dict)
    verification: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The newest check of the evidence of each kind: when it ended (RFC 3339), what it found, whether it is overdue."""

    @property
    def late(self) -> list[str]:
        """What is behind, in words; empty when all is well."""
        found = []
        if self.outbox_age > LATE_SECONDS:
            found.append("facts wait for the sequencer")
        if self.unsealed_age > UNSEALED_SECONDS:
            found.append("records wait for the sealer")
        if self.unanchored_age > UNANCHORED_SECONDS:
            found.append("sealed heads wait for a time stamp")
        if self.parked:
            found.append("records are parked")
        for kind, said in self.verification.items():
            if said["outcome"] == Outcome.DOES_NOT_HOLD:
                found.append(f"the {kind} verification found that the evidence does not hold")
            if said["overdue"]:
                found.append(f"the {kind} verification is overdue")
        return found


def state(*, now: datetime) -> State:
    """Read how far behind the stream is; cheap queries all. Raises DatabaseError."""
    oldest = Fact.objects.order_by("pk").values_list("at", flat=True).first()
    next_to_seal = Record.objects.filter(chain=OuterRef("name"), seq=OuterRef("sealed_size") + 1).values("at")[:1]
    waiting = Chain.objects.filter(sealed_size__lt=F("seq")).values_list(Subquery(next_to_seal), flat=True)
    seen = [moment for moment in waiting if moment is not None]
    ends = dict(Chain.objects.values_list("name", "seq"))
    lags: dict[str, int] = {}
    for consumer, chain, seq in Cursor.objects.values_list("consumer", "chain", "seq"):
        lags[consumer] = max(lags.get(consumer, 0), ends.get(chain, 0) - seq)
    return State(
        outbox_age=(now - oldest).total_seconds() if oldest else 0.0,
        unsealed_age=(now - min(seen)).total_seconds() if seen else 0.0,
        unanchored_age=_unanchored_age(now=now),
        parked=ParkedRecord.objects.count(),
        consumer_lag=lags,
        verification={str(one.kind): _told(one) for one in standing(now=now) if one.last or one.overdue},
    )


def _unanchored_age(*, now: datetime) -> float:
    """How long the oldest head that no time stamp covers has waited for one; 0 where no authority is set."""
    if not settings.TSA_URL:
        return 0.0
    covered = Anchor.objects.aggregate(newest=Max("size"))["newest"] or 0
    heads = Segment.objects.filter(chain=HEADS_CHAIN, state=SegmentState.SEALED, last__gt=covered).order_by("last")
    oldest = heads.values_list("sealed_at", flat=True).first()
    return (now - oldest).total_seconds() if oldest else 0.0


def _told(check: Standing) -> dict[str, Any]:
    last = check.last
    ended = last.ended_at.isoformat() if last else None
    return {"ended": ended, "outcome": last.outcome if last else None, "overdue": check.overdue}


def last_sealed(*, now: datetime) -> float | None:
    """Return how many seconds ago a segment was last sealed; None before the first."""
    moment: datetime | None = Segment.objects.aggregate(newest=Max("sealed_at"))["newest"]
    return (now - moment).total_seconds() if moment else None


def last_anchored(*, now: datetime) -> float | None:
    """Return how many seconds ago a head was last given a time stamp; None before the first."""
    moment: datetime | None = Anchor.objects.aggregate(newest=Max("kept_at"))["newest"]
    return (now - moment).total_seconds() if moment else None


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 only when a booking could not be made; what is merely late or degraded is said in the body."""
    now = timezone.now()
    try:
        missing = [alias for alias in connections if not _complete(alias)]
        found = state(now=now) if not missing else State()
        sealed = last_sealed(now=now) if not missing else None
        anchored = last_anchored(now=now) if not missing else None
    except DatabaseError:
        return JsonResponse({"status": "down", "because": ["the database does not answer"]}, status=503)
    if missing:
        because = [f"migrations are missing in the database {alias}" for alias in missing]
        return JsonResponse({"status": "down", "because": because}, status=503)
    broker = redis_answers()
    because = found.late if broker else ["Redis does not answer", *found.late]
    return JsonResponse(
        {
            "status": "degraded" if because else "ready",
            "because": because,
            "redis": broker,
            "last_seal_age": sealed,
            "last_anchor_age": anchored,
            **asdict(found),
        }
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers about the evidence for Prometheus; nothing in them is about a person."""
    if not _may_measure(request):
        return HttpResponseForbidden("metrics are for this machine, or for who holds METRICS_TOKEN\n")
    registry = CollectorRegistry()
    registry.register(_Evidence())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def redis_answers() -> bool:
    """Tell whether the broker answers within a third of a second."""
    address = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(address, socket_timeout=0.3, socket_connect_timeout=0.3) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


class _Evidence(Collector):
    """Reads the tables at every scrape, so that all web processes say the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; `horae_database_up` alone when the database does not answer."""
        now = timezone.now()
        up = GaugeMetricFamily("horae_database_up", "1 when the database answers")
        try:
            found = state(now=now)
            kinds = [(name, Record.objects.filter(capture=name).count()) for name in ("bypass", "alarm")]
            outbox = Fact.objects.count()
            anchored = last_anchored(now=now)
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield GaugeMetricFamily("horae_redis_up", "1 when Redis answers", value=int(redis_answers()))
        yield GaugeMetricFamily("horae_outbox_facts", "facts not yet sequenced", value=outbox)
        yield GaugeMetricFamily("horae_outbox_age_seconds", "age of the oldest fact", value=found.outbox_age)
        yield GaugeMetricFamily(
            "horae_unsealed_age_seconds", "age of the oldest record not yet sealed", value=found.unsealed_age
        )
        yield GaugeMetricFamily(
            "horae_unanchored_age_seconds",
            "age of the oldest sealed head that waits for a time stamp",
            value=found.unanchored_age,
        )
        if anchored is not None:
            yield GaugeMetricFamily("horae_anchor_age_seconds", "age of the newest time stamp", value=anchored)
        yield GaugeMetricFamily("horae_parked_records", "records a consumer gave up on", value=found.parked)
        lag = GaugeMetricFamily("horae_consumer_lag_records", "records behind, worst chain", labels=["consumer"])
        for consumer, behind in sorted(found.consumer_lag.items()):
            lag.add_metric([consumer], behind)
        yield lag
        findings = GaugeMetricFamily(
            "horae_findings", "records that are findings, acknowledged or not", labels=["kind"]
        )
        for kind, count in kinds:
            findings.add_metric([kind], count)
        yield findings
        checks = GaugeMetricFamily(
            "horae_verification_overdue", "1 when the check of the evidence was not made in time", labels=["kind"]
        )
        holds = GaugeMetricFamily("horae_verification_holds", "1 when the last check found no fault", labels=["kind"])
        for kind, said in found.verification.items():
            checks.add_metric([kind], int(said["overdue"]))
            if said["outcome"]:
                holds.add_metric([kind], int(said["outcome"] != Outcome.DOES_NOT_HOLD))
        yield checks
        yield holds


def _complete(alias: str) -> bool:
    if alias not in _migrated:
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.add(alias)
    connections[alias].ensure_connection()
    return True


def _may_measure(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # a proxy on this machine speaks for someone else
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
