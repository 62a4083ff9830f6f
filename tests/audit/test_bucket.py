"""Evidence in a bucket of a real S3 server with Object Lock: what it refuses, and what lies on top is noticed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from audit import holds, signing, worm
from audit.bucket import BucketWorm
from audit.context import Actor
from audit.stores import open_worm
from audit.tiles import WIDTH
from audit.verify import verify_worm
from audit.worm import LegallyHeld, ObjectMissing, RetentionHolds, WormUnavailable
from audit.worm.canary import probe
from audit.worm.names import CANARY
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import ADA, NOW, furnished
from tests.ceph import Gateway, credentials, gateway  # noqa: F401 - fixtures

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("credentials")]
CLOCK = datetime.now(UTC)  # the server's own clock judges locks
LATER = CLOCK.replace(microsecond=0) + timedelta(days=2)


def opened(server: Gateway, bucket: str, **more: str) -> BucketWorm:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    made = open_worm(f"s3://{bucket}?endpoint={server.url}&region=default{query}")
    assert isinstance(made, BucketWorm)
    return made


def put(store: worm.Worm, *, until: datetime = LATER, data: bytes = b"evidence") -> worm.Stored:
    return store.put("a/b", data, retain_until=until, content_type="text/plain")


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
def test_the_server_itself_refuses_to_delete_and_to_shorten(gateway: Gateway, mode: str) -> None:  # noqa: F811
    bucket = gateway.bucket()
    store = opened(gateway, bucket, mode=mode)
    stored = put(store)
    operator = gateway.client()
    version: dict[str, Any] = {"Bucket": bucket, "Key": "a/b", "VersionId": stored.version}
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.delete_object(**version)
    shorter: Any = {"Mode": mode, "RetainUntilDate": LATER - timedelta(days=1)}
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.put_object_retention(**version, Retention=shorter)
    with pytest.raises(RetentionHolds):
        store.delete("a/b", now=LATER)  # our clock says yes, the server's no
    assert store.get("a/b") == b"evidence"
    assert probe(store, now=CLOCK) == []


def test_who_asked_for_compliance_is_not_content_with_less(gateway: Gateway) -> None:  # noqa: F811
    bucket = gateway.bucket()
    put(opened(gateway, bucket, mode="GOVERNANCE"))
    assert opened(gateway, bucket, mode="GOVERNANCE").look("a/b").retain_until == LATER
    assert opened(gateway, bucket).look("a/b").retain_until is None


def test_a_lock_that_is_over_lets_go(gateway: Gateway) -> None:  # noqa: F811
    store = opened(gateway, gateway.bucket())
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    put(store, until=until)
    with pytest.raises(RetentionHolds):
        store.delete("a/b", now=until)
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1.5)
    store.delete("a/b", now=datetime.now(UTC))
    with pytest.raises(ObjectMissing):
        store.get("a/b")


def test_a_held_version_outlives_its_lock_until_the_hold_is_lifted(gateway: Gateway) -> None:  # noqa: F811
    bucket = gateway.bucket()
    store = opened(gateway, bucket)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    stored = put(store, until=until)
    canary = store.put(f"{CANARY}old", b"canary", retain_until=until, content_type="text/plain")
    store.hold("a/b", held=True, now=CLOCK, version=stored.version)
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1.5)
    operator = gateway.client()
    for bypass in (False, True):
        with pytest.raises(ClientError, match="AccessDenied"):
            operator.delete_object(Bucket=bucket, Key="a/b", VersionId=stored.version, BypassGovernanceRetention=bypass)
    with pytest.raises(LegallyHeld):
        store.delete("a/b", now=datetime.now(UTC))
    assert probe(store, now=datetime.now(UTC)) == []
    assert canary.key not in [one.key for one in store.list(CANARY)]  # held, asked for, let go, taken away
    store.hold("a/b", held=False, now=CLOCK, version=stored.version)
    store.delete("a/b", now=datetime.now(UTC))
    with pytest.raises(ObjectMissing):
        store.get("a/b")


def test_what_is_put_on_top_hides_nothing_and_is_listed(gateway: Gateway) -> None:  # noqa: F811
    bucket = gateway.bucket()
    store = opened(gateway, bucket)
    first = put(store)
    operator = gateway.client()
    operator.put_object(Bucket=bucket, Key="a/b", Body=b"forgery")
    operator.delete_object(Bucket=bucket, Key="a/b")
    assert (store.get("a/b"), store.look("a/b")) == (b"evidence", first)
    listed = list(store.list())
    assert ([one.key for one in listed], listed[0]) == (["a/b"] * 3, first)
    assert listed[1].retain_until is None
    assert listed[2].version.startswith("delete-marker:")
    assert put(store) == first
    with pytest.raises(worm.AlreadyWritten):
        put(store, data=b"forgery")


def test_a_bucket_without_locks_is_found_out(gateway: Gateway) -> None:  # noqa: F811
    store = opened(gateway, gateway.bucket(lock=False))
    with pytest.raises(WormUnavailable):
        probe(store, now=CLOCK)


def test_a_store_that_cannot_be_reached_or_may_not_be_says_so(
    gateway: Gateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    bucket = gateway.bucket()
    with pytest.raises(WormUnavailable, match="cannot be reached"):
        opened(Gateway("http://127.0.0.1:9"), bucket).get("a/b")
    with pytest.raises(WormUnavailable, match="mode"):
        opened(gateway, bucket, mode="NONE")
    with pytest.raises(WormUnavailable):
        opened(gateway, "no-such-bucket").put("a/b", b"", retain_until=LATER, content_type="text/plain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(WormUnavailable):
        put(opened(gateway, bucket))


@pytest.mark.usefixtures("db")
def test_nothing_leaves_for_a_host_that_was_not_declared(gateway: Gateway) -> None:  # noqa: F811
    with pytest.raises(WormUnavailable, match="declared list"):
        opened(Gateway("https://s3.elsewhere.example"), gateway.bucket()).get("a/b")


def _version_on_top(operator: Any, bucket: str, key: str) -> None:
    operator.put_object(Bucket=bucket, Key=key, Body=b"forgery")


def _marker_on_top(operator: Any, bucket: str, key: str) -> None:
    operator.delete_object(Bucket=bucket, Key=key)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("tamper", [_version_on_top, _marker_on_top])
def test_sealed_evidence_in_a_bucket_holds_and_what_lies_on_it_is_named(
    gateway: Gateway,  # noqa: F811
    tmp_path: Path,
    settings: Any,
    tamper: Callable[[Any, str, str], None],
) -> None:
    house = furnished(tmp_path, settings)
    bucket = gateway.bucket()
    settings.WORM_URL = f"s3://{bucket}/evidence?endpoint=http://127.0.0.1:9&region=default"
    house.happens(3)
    with pytest.raises(ExceptionGroup):
        house.seals()  # the store is away: nothing is lost, and it heals by itself
    settings.WORM_URL = f"s3://{bucket}/evidence?endpoint={gateway.url}&region=default"
    assert len(house.seals()) == 1
    house.told()
    house.seals()
    store = open_worm(settings.WORM_URL)
    assert probe(store, now=CLOCK) == []
    assert verify_worm(store, trust=signing.trust(), now=NOW).holds
    keys = [one.key for one in store.list() if not one.key.startswith(CANARY)]
    touched = [
        keys[0],
        keys[-1],
        next(key for key in keys if "ndjson" in key),
        next(k for k in keys if "/checkpoint/" in k),
    ]
    for key in touched:
        tamper(gateway.client(), bucket, f"evidence/{key}")
    report = verify_worm(store, trust=signing.trust(), now=NOW)
    named = {str(finding.values.get("object")) for finding in report.findings if finding.code == "object-doubled"}
    assert named == set(touched)


@pytest.mark.usefixtures("db")
def test_a_legal_hold_and_the_tiles_stand_in_a_bucket(gateway: Gateway, tmp_path: Path, settings: Any) -> None:  # noqa: F811
    house = furnished(tmp_path, settings)
    bucket = gateway.bucket()
    settings.WORM_URL = f"s3://{bucket}/evidence?endpoint={gateway.url}&region=default"
    house.happens(WIDTH + 4)
    house.seals()
    asked: dict[str, Any] = {"chain": "clinic/7", "matter": "2026/17", "reason": "A claim"}
    hold = holds.place(actor=ADA, now=NOW, **asked)
    store = open_worm(settings.WORM_URL)
    assert [".ndjson.gz" in one.key for one in store.list() if one.held] == [True]
    assert [one.key for one in store.list("chains/clinic/7/tile/")] == ["chains/clinic/7/tile/0/000"]
    report = verify_worm(store, trust=signing.trust(), now=NOW)
    assert (report.holds, report.counts["tiles"]) == (True, 1)
    eva = Actor(kind="staff", id="42", label="eva")
    holds.lift(actor=eva, now=NOW, hold_id=hold.pk, reason="Settled")
    assert not any(one.held for one in store.list())
