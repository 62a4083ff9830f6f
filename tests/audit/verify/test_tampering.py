"""Every field of a record and every column the evidence keeps in the database, changed one at a time: each is found,
and where. The lists are read off records and models, so that what is added later is tried by itself.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from audit import canonical, segment, signing, tree
from audit.models import Chain, Record, Segment
from audit.verify import Report, verify_worm
from audit.verify.run import verify
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import NOW, House, furnished, samples_only

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"
#: Columns nothing is concluded from: when a step was done and by which sealer. A state set back makes the sealer do a
#: step again, which changes nothing.
OF_NO_CONSEQUENCE = {
    (Segment, "state"),
    (Segment, "fence"),
    (Segment, "built_at"),
    (Segment, "stored_at"),
    (Segment, "sealed_at"),
    (Chain, "fence"),
}


@pytest.fixture
def house(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three entries of one clinic and an event, sealed; so each key of a record has a value in one of them."""
    samples_only(monkeypatch)
    made = furnished(tmp_path, settings)
    made.happens(3)
    made.told()
    made.seals()
    return made


def other(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, datetime):
        return value + timedelta(seconds=1)
    if isinstance(value, bytes | memoryview):
        return bytes(value)[:-1] + bytes([bytes(value)[-1] ^ 1])
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, dict):
        return {**value, "zz": "x"}
    return "x"


def places(report: Report) -> list[tuple[Any, ...]]:
    return [(one.code, one.values.get("chain"), one.values.get("seq")) for one in report.findings]


def in_store(house: House) -> Report:
    return verify_worm(house.worm, trust=signing.trust(), now=NOW)


def payload_of(house: House, seq: int) -> str:
    """The object that holds a record."""
    for key, data in house.files().items():
        if key.endswith(".ndjson.gz") and f'"seq":{seq},' in segment.decompress(data, limit=10**6).decode():
            return key
    raise AssertionError


@pytest.mark.parametrize("seq", [2, 4])
def test_every_field_of_a_record_changed_in_the_store_is_found_and_the_record_named(house: House, seq: int) -> None:
    key = payload_of(house, seq)
    packed = house.worm.get(key)
    plain = segment.decompress(packed, limit=10**6)
    (line,) = [one for one in plain.splitlines() if json.loads(one)["seq"] == seq]
    record = json.loads(line)
    for name in record:
        changed = canonical.encode({**record, name: other(record[name])})
        house.overwrite(key, segment.compress(plain.replace(line, changed)))
        found = places(in_store(house))
        assert ("line-altered", CHAIN, seq) in found, name
        dropped = canonical.encode({field: value for field, value in record.items() if field != name})
        house.overwrite(key, segment.compress(plain.replace(line, dropped)))
        assert ("line-altered", CHAIN, seq) in places(in_store(house)), name
    house.overwrite(key, packed)
    assert in_store(house).holds


@contextmanager
def changed(row: models.Model, **values: Any) -> Iterator[None]:
    """A row with other values, and as it was again."""
    rows = type(row)._base_manager.filter(pk=row.pk)
    before = rows.values(*values).get()
    rows.update(**values)
    try:
        yield
    finally:
        type(row)._base_manager.filter(pk=values.get("pk", row.pk)).update(**before)


@pytest.mark.parametrize("fitting", [False, True], ids=["hash left as it was", "hash made to fit"])
def test_every_field_of_a_record_changed_in_the_database_is_found_and_named(house: House, fitting: bool) -> None:
    row = Record.objects.get(chain=CHAIN, seq=2)
    record = json.loads(row.body)
    for name in record:
        body = canonical.encode({**record, name: other(record[name])})
        values: dict[str, Any] = {"body": body.decode()} | ({"leaf": tree.leaf_hash(body)} if fitting else {})
        with changed(row, **values):
            found = places(verify(now=NOW))
        # A record that gives itself another number is told as one that moved.
        assert ("record-moved" if name == "seq" else "record-changed", CHAIN, 2) in found, name
    assert verify(now=NOW).holds


@pytest.mark.parametrize("model", [Record, Chain, Segment])
def test_every_column_beside_the_records_is_held_against_the_store(house: House, model: type[models.Model]) -> None:
    row = model._base_manager.filter(**{"name" if model is Chain else "chain": CHAIN}).earliest("pk")
    if model is Record:
        row = Record.objects.get(chain=CHAIN, seq=2)
    told = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or (model, field.attname) in OF_NO_CONSEQUENCE:
            continue
        value = getattr(row, field.attname)
        wanted = other(value)
        if (model, field.attname) == (Record, "seq"):
            wanted = 99  # the next one is taken
        if (model, field.attname) == (Chain, "sealed_size"):
            wanted = value - 1  # more than there is, the database refuses itself
        if isinstance(field, models.UUIDField):
            wanted = row.pk
        with changed(row, **{field.attname: wanted}):
            told[field.attname] = {one.code for one in verify(now=NOW).findings}
    assert {name for name, codes in told.items() if not codes} == set()
    assert verify(now=NOW).holds
