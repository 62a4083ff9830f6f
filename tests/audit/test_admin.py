"""The evidence as people read it: their clinics' chains, never changed, findings acknowledged."""

import json
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit import access, findings
from audit.models import Chain, ParkedRecord, Record
from audit.models.segments import Segment
from audit.sequencer import sequence
from bookings.models import Role
from tests.bookings.entering import enter, operator, said, settled_count, someone, url, visit
from tests.factories import Cast, MembershipFactory, cast

pytestmark = pytest.mark.django_db
LIST = reverse("admin:audit_record_changelist")
Maker = Callable[..., Record]


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def make() -> Maker:
    """Records out of the blue, past the sequencer."""

    def made(
        chain: str, *, capture: str = "trigger+signal", model: str = "bookings.Room", operation: str = "update"
    ) -> Record:
        seq = Record.objects.filter(chain=chain).count() + 1
        Chain.objects.get_or_create(name=chain)
        return Record.objects.create(
            chain=chain,
            seq=seq,
            body=json.dumps({"v": 1, "chain": chain, "after": {"name": "Salle <1>"}}),
            leaf=b"\x01" * 32,
            retention="transactional",
            model=model,
            object_pk="7",
            operation=operation,
            capture=capture,
            at="2026-11-30T09:40:00.000001Z",
        )

    return made


def listed(client: Client, **query: str) -> list[Record]:
    return list(client.get(LIST, query).context["cl"].result_list)


@pytest.mark.parametrize("role", [Role.DPO, Role.AUDITOR])
def test_records_of_the_own_clinics_are_listed_and_no_others(story, make, role):
    own, _other, _platform = (
        make(chain) for chain in (f"clinic/{story.clinic.pk}", f"clinic/{story.elsewhere.pk}", "platform")
    )
    client = enter(someone(clinic=story.clinic, role=role))
    assert listed(client) == [own]
    assert listed(client, chain=f"clinic/{story.elsewhere.pk}") == listed(client, chain="clinic/999") == [own]
    assert "Salle &lt;1&gt;" in client.get(url(own)).content.decode()


def test_a_record_of_another_clinic_answers_like_one_that_never_was(story, make):
    other = make(f"clinic/{story.elsewhere.pk}", capture="bypass")
    client = enter(someone(clinic=story.clinic, role=Role.DPO))
    for page in ("change", "history"):
        name = f"admin:audit_record_{page}"
        theirs, nobodys = client.get(reverse(name, args=[other.pk])), client.get(reverse(name, args=[uuid.uuid4()]))
        assert (theirs.status_code, theirs.get("Location")) == (nobodys.status_code, nobodys.get("Location"))
    assert client.get(reverse("admin:audit_record_acknowledge", args=[other.pk])).status_code == 404


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.PRACTITIONER, Role.MANAGER])
def test_others_have_no_page_of_the_evidence(story, make, role):
    make(f"clinic/{story.clinic.pk}")
    client = enter(someone(clinic=story.clinic, role=role))
    for name in ("record", "segment", "parkedrecord"):
        assert client.get(reverse(f"admin:audit_{name}_changelist")).status_code == 403


def test_an_operator_sees_that_something_happened_and_what_only_on_the_platforms_chain(story, make):
    there, platform = make(f"clinic/{story.clinic.pk}"), make("platform")
    client = enter(operator())
    assert listed(client) == [there]
    assert listed(client, chain="platform") == [platform]
    assert "Salle" not in client.get(url(there)).content.decode()
    assert "Salle" in client.get(url(platform)).content.decode()


def test_an_operator_learns_nothing_of_whom_a_clinic_looked_at(story):
    visit(story)
    enter(story.carla).get(reverse("admin:desk"), {"day": "2026-11-30"})
    sequence()
    code, chain = story.ada.code, f"clinic/{story.clinic.pk}"
    eva = enter(someone(clinic=story.clinic, role=Role.DPO))
    assert [record.operation for record in listed(eva, q=code)] == ["read"]
    assert "desk · 1 patient" in eva.get(LIST, {"q": code}).content.decode()
    client = enter(operator())
    assert listed(client, q=code, chain=chain) == []
    assert "desk · 1 patient" not in client.get(LIST, {"chain": chain}).content.decode()


def test_nothing_of_the_evidence_can_be_changed_added_or_deleted(story, make):
    record = make(f"clinic/{story.clinic.pk}")
    boss = operator()
    MembershipFactory(user=boss, clinic=story.clinic, role=Role.DPO)
    client = enter(boss)
    assert client.post(url(record), {"body": "{}"}).status_code == 403
    assert client.post(url(record, "delete"), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:audit_record_add")).status_code == 403


def test_a_finding_is_acknowledged_with_a_reason_and_stays_in_the_chain(story):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bookings_location SET name = 'Elsewhere' WHERE id = %s", [story.location.pk])
    sequence()
    finding = findings.unacknowledged().get(chain=f"clinic/{story.clinic.pk}")
    client = enter(story.eva)
    assert [record.pk for record in listed(client, findings="open")] == [finding.pk]
    page = reverse("admin:audit_record_acknowledge", args=[finding.pk])
    assert page in client.get(url(finding)).content.decode()
    assert "required" in client.post(page, {"reason": " "}).content.decode()
    response = client.post(page, {"reason": "A repair by hand, agreed with the manager."})
    assert said(client.get(response["Location"])) == [f"Acknowledged: record {finding.seq} of {finding.chain}."]
    sequence()
    assert not findings.unacknowledged().filter(pk=finding.pk).exists()
    assert listed(client, findings="open") == []
    assert [record.pk for record in listed(client, findings="all")] == [finding.pk]
    last = json.loads(Record.objects.filter(chain=finding.chain).latest("seq").body)
    assert last["actor"]["label"] == "eva"
    assert client.get(page).status_code == 403


def test_an_auditor_reads_findings_and_acknowledges_none(story, make):
    finding = make(f"clinic/{story.clinic.pk}", capture="alarm")
    client = enter(someone(clinic=story.clinic, role=Role.AUDITOR))
    assert client.get(url(finding)).context["may_acknowledge"] is False
    assert client.post(reverse("admin:audit_record_acknowledge", args=[finding.pk]), {"reason": "x"}).status_code == 403


def test_what_is_no_finding_cannot_be_acknowledged(story, make):
    record = make(f"clinic/{story.clinic.pk}")
    assert enter(story.eva).get(reverse("admin:audit_record_acknowledge", args=[record.pk])).status_code == 403


def test_segments_and_parked_records_of_the_own_clinics_are_listed(story):
    for clinic in (story.clinic, story.elsewhere):
        Segment.objects.create(
            chain=f"clinic/{clinic.pk}", first=1, last=2, fence=1, planned_at="2026-11-30T00:00Z", root=b"\x02" * 32
        )
        ParkedRecord.objects.create(
            consumer="calendars", chain=f"clinic/{clinic.pk}", seq=1, error="ValueError", parked_at="2026-11-30T00:00Z"
        )
    for name in ("segment", "parkedrecord"):
        page = enter(story.eva).get(reverse(f"admin:audit_{name}_changelist"))
        assert [row.chain for row in page.context["cl"].result_list] == [f"clinic/{story.clinic.pk}"]
    segment = Segment.objects.get(chain=f"clinic/{story.clinic.pk}")
    assert "02" * 32 in enter(story.eva).get(url(segment)).content.decode()


def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(story, make):
    chain = f"clinic/{story.clinic.pk}"
    client = enter(story.eva)
    make(chain)
    one = settled_count(client, LIST)
    make(chain), make(chain)
    assert len(listed(client)) == 3
    assert settled_count(client, LIST) == one


def test_somebody_of_two_clinics_reads_one_chain_at_a_time(story, make):
    MembershipFactory(user=story.eva, clinic=story.elsewhere, role=Role.AUDITOR)
    here, there = make(f"clinic/{story.clinic.pk}"), make(f"clinic/{story.elsewhere.pk}")
    client = enter(story.eva)
    assert listed(client) == [here]
    assert listed(client, chain=f"clinic/{story.elsewhere.pk}") == [there]


def test_while_nobody_says_who_may_read_nobody_reads(story, monkeypatch):
    monkeypatch.setattr(access, "_readers", [])
    assert access.reader_of(story.eva) == access.NOBODY


def test_reading_a_board_becomes_a_record_in_the_chain_of_the_clinic(story):
    visit(story)
    enter(story.carla).get(reverse("admin:bookings_appointment_changelist"), {"when": "all"})
    sequence()
    record = Record.objects.get(operation="read")
    body = json.loads(record.body)
    assert record.chain == f"clinic/{story.clinic.pk}"
    assert body["event"]["data"] == {"view": "appointment.list", "patients": [story.ada.code]}
    assert (body["actor"]["label"], body["actor"]["roles"], body["capture"]) == ("carla", ["reception"], "application")
