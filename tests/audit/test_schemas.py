"""Every record, of whatever kind, is what its published schema says; and the schema says something."""

import json
import random
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from audit import sealer
from audit.context import Actor, Shown, acting, note, resting_on, use
from audit.models import Record
from audit.sequencer import sequence
from audit.views import RECORD_SCHEMA
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry, Tag, Visit
from tests.factories import MONDAY

pytestmark = pytest.mark.usefixtures("db")
SCHEMA = json.loads(RECORD_SCHEMA.read_text())
VALID = Draft202012Validator(SCHEMA)
PUBLISHED = Registry().with_resource(SCHEMA["$id"], Resource.from_contents(SCHEMA))
EXPORTED = Draft202012Validator({"$ref": f"{SCHEMA['$id']}#exported"}, registry=PUBLISHED)
CARLA = Actor(kind="staff", id="2", label="Carla", roles=("reception",))


def written() -> list[dict[str, Any]]:
    return [json.loads(body) for body in Record.objects.order_by("chain", "seq").values_list("body", flat=True)]


def one_of_each_kind() -> None:
    with acting(actor=CARLA, purpose="TREAT", request_id="r-1", client="web"), use("booking.book"):
        with resting_on(Shown("notice", "3", "web"), Shown("consent", "8", "web")):
            Visit.objects.create(id=uuid.uuid4(), clinic_id=3, recurrence_id=MONDAY, occurrence_index=4)
        Visit.objects.update(status="cancelled")
        note(chain="clinic/3", event="page.read", data={"patients": ["7KQ3-F9MX"], "é": 2**60})
        Entry.objects.create(name="Zoë \u202e", secret="s", extra={"deep": [[1.5, None]]})
        Entry.objects.all().delete()
    Tag.objects.bulk_create([Tag(name="past the application")])
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sample_tag CASCADE")
        with transaction.atomic():
            cursor.execute("SELECT set_config('audit.ctx', %s, true)", ['{"actor": {"kind": "god"}, "consent": 3}'])
            cursor.execute(
                """INSERT INTO audit_fact (source, chain, op, new) VALUES ('t', 'no chain', 'X', '{"a": 1}')"""
            )
            cursor.execute("SELECT audit_carry('', %s::jsonb)", ['[{"t": "sample_tag", "op": "I", "n": 2}]'])
    sequence()


def test_the_schema_is_one_and_lists_exactly_the_keys_of_a_record() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    one_of_each_kind()
    assert list(SCHEMA["properties"]) == SCHEMA["required"]
    assert {frozenset(body) for body in written()} == {frozenset(SCHEMA["required"])}


def test_a_record_of_every_kind_validates() -> None:
    one_of_each_kind()
    bodies = written()
    assert {body["capture"] for body in bodies} == {"trigger+signal", "bypass", "application", "alarm"}
    assert {body["op"] for body in bodies} >= {"I", "U", "D", "T", None}
    for body in bodies:
        assert [error.message for error in VALID.iter_errors(body)] == [], body


def test_what_an_act_rests_on_stands_in_its_records_and_in_no_other() -> None:
    one_of_each_kind()
    created, updated, *_ = [body for body in written() if body["chain"] == "clinic/3"]
    assert created["consent"] == [
        {"kind": "notice", "id": "3", "channel": "web"},
        {"kind": "consent", "id": "8", "channel": "web"},
    ]
    assert updated["consent"] is None


@pytest.mark.parametrize(
    "broken",
    [
        {"v": 2},
        {"seq": 0},
        {"prev": "00"},
        {"at": "2026-11-30T08:00:00Z"},
        {"op": "X"},
        {"capture": "guessed"},
        {"actor": {"kind": "god", "id": None, "label": None, "roles": []}},
        {"clock": {}},
        {"consent": []},
        {"source": {"address": "192.0.2.1"}},
        {"event": {"name": "x"}},
        {"retention": "forever"},
        {"surplus": None},
    ],
)
def test_what_is_no_record_does_not_validate(broken: dict[str, Any]) -> None:
    one_of_each_kind()
    body = random.choice(written())
    assert VALID.is_valid(body)
    assert not VALID.is_valid(body | broken)
    for name in broken:
        assert name not in SCHEMA["required"] or not VALID.is_valid({k: v for k, v in body.items() if k != name})


def test_an_exported_record_validates_and_says_why_it_was_not_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    one_of_each_kind()
    sealer.seal(now=MONDAY)
    call_command("audit_prove", "clinic/3:2", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [error.message for error in EXPORTED.iter_errors(told)] == []
    record = Record.objects.get(chain="clinic/3", seq=2)
    assert (told["record"], told["hash"]) == (json.loads(record.body), bytes(record.leaf).hex())
    assert told["provenance_signature"]["checkpoint"].startswith("horae.localhost/clinic/3\n3\n")
    assert (told["provenance_signature"]["index"], len(told["provenance_signature"]["inclusion_proof"])) == (1, 2)


def test_the_schema_is_published_for_everybody() -> None:
    answer = Client().get("/schemas/audit-record-v1.json")
    assert (answer.status_code, json.loads(answer.content)) == (200, SCHEMA)
    assert answer["Content-Type"] == "application/schema+json"
    assert "public" in answer["Cache-Control"]
