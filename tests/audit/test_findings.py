"""A finding stays one until a person accounts for it, and says so in the chain."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.context import Actor
from audit.findings import NotAFinding, acknowledge, findings, unacknowledged
from audit.models import Record
from audit.sequencer import sequence
from tests.audit.sample.models import Entry

pytestmark = pytest.mark.django_db

EVA = Actor(kind="staff", id="5", label="Eva", roles=("dpo",))


@pytest.fixture
def bypasses() -> list[Record]:
    Entry.objects.create(name="usual")
    Entry.objects.bulk_create([Entry(name="unusual"), Entry(name="unusual")])
    sequence()
    return list(findings())


def test_what_went_past_the_application_is_a_finding(bypasses: list[Record]) -> None:
    assert [(record.chain, record.seq) for record in bypasses] == [("clinic/7", 2), ("clinic/7", 3)]
    assert list(unacknowledged()) == bypasses


def test_an_acknowledgement_is_a_record_of_the_same_chain(bypasses: list[Record]) -> None:
    acknowledge(actor=EVA, chain="clinic/7", seq=2, reason=" restored by hand ")
    sequence()
    assert [record.seq for record in unacknowledged()] == [3]
    assert findings().count() == 2
    body = json.loads(Record.objects.get(seq=4).body)
    assert (body["capture"], body["operation"]) == ("application", "audit.acknowledged")
    assert body["pk"] == str(bypasses[0].id)
    assert body["event"] == {
        "name": "audit.acknowledged",
        "data": {"seq": 2, "leaf": bytes(bypasses[0].leaf).hex(), "reason": "restored by hand"},
    }
    assert (body["actor"]["label"], body["use"]["case"]) == ("Eva", "audit.acknowledge")


@pytest.mark.parametrize("seq", [1, 99])
def test_only_a_finding_can_be_acknowledged(bypasses: list[Record], seq: int) -> None:
    with pytest.raises(NotAFinding):
        acknowledge(actor=EVA, chain="clinic/7", seq=seq, reason="x")


def test_an_acknowledgement_says_why(bypasses: list[Record]) -> None:
    with pytest.raises(ValueError, match="reason"):
        acknowledge(actor=EVA, chain="clinic/7", seq=2, reason="  ")


def test_an_acknowledgement_written_by_hand_does_not_count(bypasses: list[Record]) -> None:
    forged = json.dumps({"name": "audit.acknowledged", "about": str(bypasses[0].id), "data": {"seq": 2}})
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_note(%s::jsonb, 'clinic/7')", [forged])
    sequence()
    assert [record.seq for record in unacknowledged()] == [2, 3, 4]


def test_the_command_lists_and_acknowledges(bypasses: list[Record]) -> None:
    out = StringIO()
    call_command("audit_acknowledge", stdout=out)
    assert out.getvalue().count("bypass, create sample.Entry") == 2
    call_command("audit_acknowledge", "clinic/7", "2", "3", reason="a restore", stdout=StringIO())
    sequence()
    out = StringIO()
    call_command("audit_acknowledge", "--json", stdout=out)
    assert json.loads(out.getvalue()) == []
    body = json.loads(Record.objects.get(seq=4).body)
    assert (body["actor"]["kind"], body["actor"]["id"], body["source"]["client"]) == (
        *("system", "command.audit_acknowledge", "command"),
    )


@pytest.mark.parametrize("arguments", [["clinic/7", "2"], ["clinic/7", "1", "--reason", "x"]])
def test_the_command_refuses_in_words(bypasses: list[Record], arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("audit_acknowledge", *arguments)
