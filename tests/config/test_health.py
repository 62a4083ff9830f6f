"""What the probes say when something is missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, connection
from django.test import Client, override_settings

from audit.models import Anchor, Chain, Cursor, Fact, ParkedRecord, Record
from audit.models.segments import Segment
from audit.models.verifications import Verification
from config import health
from config.tasks import watch

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def redis_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests run without a Redis."""
    monkeypatch.setattr(health, "redis_answers", lambda: True)


def fact(*, age: float) -> None:
    """A fact left in the outbox `age` seconds before NOW."""
    made = Fact.objects.create(source="t", chain="platform", tbl="x", op="I", object_pk="1")
    Fact.objects.filter(pk=made.pk).update(at=NOW - timedelta(seconds=age))


def record(*, seq: int, age: float, capture: str = "trigger+signal") -> None:
    """Record `seq` of the platform chain, made `age` seconds before NOW."""
    Record.objects.create(
        chain="platform",
        seq=seq,
        body="{}",
        leaf=bytes(32),
        retention="transactional",
        model="x",
        object_pk="1",
        operation="create",
        capture=capture,
        at=NOW - timedelta(seconds=age),
    )


def test_alive_without_a_database() -> None:
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_ready() -> None:
    Fact.objects.all().delete()
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"


@pytest.mark.django_db
def test_without_redis_it_is_degraded_and_still_books(monkeypatch: pytest.MonkeyPatch) -> None:
    Fact.objects.all().delete()
    monkeypatch.setattr(health, "redis_answers", lambda: False)
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["because"]) == ("degraded", ["Redis does not answer"])


def test_without_a_database_no_booking_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(alias: str) -> bool:
        raise DatabaseError

    monkeypatch.setattr(health, "_complete", gone)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")


@pytest.mark.django_db
def test_a_missing_migration_stops_bookings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["because"] == ["migrations are missing in the database default"]


@pytest.mark.django_db
def test_what_waits_is_measured_from_the_tables() -> None:
    Fact.objects.all().delete()
    fact(age=90)
    for seq, age in ((1, 5000), (2, 4000), (3, 10)):
        record(seq=seq, age=age)
    Chain.objects.create(name="platform", seq=3, sealed_size=1)
    Cursor.objects.create(consumer="notifications", chain="platform", seq=1)
    ParkedRecord.objects.create(consumer="calendars", chain="platform", seq=1, error="E", parked_at=NOW)
    found = health.state(now=NOW)
    assert found == health.State(outbox_age=90, unsealed_age=4000, parked=1, consumer_lag={"notifications": 2})
    assert found.late == ["facts wait for the sequencer", "records wait for the sealer", "records are parked"]


def sealed(*, hours: float) -> None:
    """A segment sealed so many hours before NOW: since then there is something to check."""
    moment = NOW - timedelta(hours=hours)
    Segment.objects.create(
        chain="platform", first=1, last=1, state="sealed", fence=1, planned_at=moment, sealed_at=moment
    )


def checked(kind: str, *, hours: float, outcome: str = "holds") -> None:
    """A check of the evidence made so many hours before NOW."""
    moment = NOW - timedelta(hours=hours)
    Verification.objects.create(
        kind=kind, level="segments", outcome=outcome, started_at=moment, ended_at=moment, body="{}"
    )


@pytest.mark.django_db
def test_checks_of_the_evidence_are_told_and_called_overdue() -> None:
    sealed(hours=1)
    assert health.state(now=NOW).late == []
    checked("hourly", hours=0.5)
    checked("by hand", hours=0.1, outcome="does not hold")
    found = health.state(now=NOW)
    assert found.verification == {
        "hourly": {"ended": "2026-11-22T11:30:00+00:00", "outcome": "holds", "overdue": False}
    }
    assert found.late == []
    later = health.state(now=NOW + timedelta(days=9))
    assert later.late == [f"the {kind} verification is overdue" for kind in ("hourly", "nightly", "weekly")]


@pytest.mark.django_db
def test_a_check_that_found_something_is_told_until_a_later_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    Fact.objects.all().delete()
    sealed(hours=1)
    monkeypatch.setattr("config.health.timezone.now", lambda: NOW)
    checked("hourly", hours=0.5, outcome="does not hold")
    body = Client().get("/readyz").json()
    assert (body["status"], body["because"]) == (
        "degraded",
        ["the hourly verification found that the evidence does not hold"],
    )
    assert body["verification"]["hourly"]["outcome"] == "does not hold"
    text = Client().get("/metrics").content.decode()
    assert 'horae_verification_holds{kind="hourly"} 0.0' in text
    assert 'horae_verification_overdue{kind="hourly"} 0.0' in text
    checked("hourly", hours=0.1)
    assert Client().get("/readyz").json()["because"] == []


@pytest.mark.django_db
def test_the_last_seal_is_told_by_its_age() -> None:
    assert health.last_sealed(now=NOW) is None
    for number, age in ((1, 7200), (2, 30)):
        moment = NOW - timedelta(seconds=age)
        Segment.objects.create(
            chain="platform", first=number, last=number, state="sealed", fence=1, planned_at=moment, sealed_at=moment
        )
    assert health.last_sealed(now=NOW) == 30


@pytest.mark.django_db
def test_metrics_count_findings() -> None:
    record(seq=1, age=1, capture="bypass")
    text = Client().get("/metrics").content.decode()
    assert 'horae_findings{kind="bypass"} 1.0' in text
    assert "horae_database_up 1.0" in text
    assert "horae_outbox_age_seconds" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, 403),
        ({"headers": {"X-Forwarded-For": "192.0.2.7"}}, 403),  # from a proxy on this machine
    ],
)
def test_metrics_are_for_this_machine(given: dict[str, Any], status: int) -> None:
    assert Client().get("/metrics", **given).status_code == status


@pytest.mark.django_db
@override_settings(METRICS_TOKEN="swordfish")
def test_metrics_for_who_holds_the_token() -> None:
    assert Client().get("/metrics").status_code == 403
    bearer = {"Authorization": "Bearer swordfish"}
    assert Client().get("/metrics", headers=bearer, REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.django_db
@override_settings(ADMINS=[("operator", "ops@example.org")])
def test_a_stalled_stream_is_mailed_to_the_operators_once_an_hour() -> None:
    Fact.objects.all().delete()
    watch()
    assert mail.outbox == []
    ParkedRecord.objects.create(consumer="calendars", chain="platform", seq=1, error="E", parked_at=NOW)
    watch()
    watch()
    (told,) = mail.outbox
    assert told.to == ["ops@example.org"]
    assert "records are parked" in told.body


def head(*, last: int, age: float) -> None:
    """A sealed segment of the log of logs that ends with record `last`."""
    moment = NOW - timedelta(seconds=age)
    Segment.objects.create(
        chain="heads", first=last, last=last, state="sealed", fence=1, planned_at=moment, sealed_at=moment
    )


@pytest.mark.django_db
def test_heads_that_wait_for_a_time_stamp_are_late_where_an_authority_is_set(settings: Any) -> None:
    head(last=1, age=9000)
    head(last=2, age=health.UNANCHORED_SECONDS + 1)
    head(last=3, age=10)
    assert (health.state(now=NOW).unanchored_age, health.last_anchored(now=NOW)) == (0.0, None)
    settings.TSA_URL = "http://127.0.0.1:1/tsa"
    assert "sealed heads wait for a time stamp" in health.state(now=NOW).late
    Anchor.objects.create(size=1, sha256="", stamped_at=NOW, kept_at=NOW - timedelta(seconds=8900))
    assert health.state(now=NOW).unanchored_age == health.UNANCHORED_SECONDS + 1
    assert "sealed heads wait for a time stamp" in health.state(now=NOW).late
    Anchor.objects.create(size=2, sha256="", stamped_at=NOW, kept_at=NOW - timedelta(seconds=60))
    assert health.state(now=NOW).unanchored_age == 10.0
    assert "sealed heads wait for a time stamp" not in health.state(now=NOW).late
    assert health.last_anchored(now=NOW) == 60.0
    assert Client().get("/readyz").json()["last_anchor_age"] > 0
    measured = Client().get("/metrics").content.decode()
    assert "horae_unanchored_age_seconds" in measured
    assert "horae_anchor_age_seconds" in measured
