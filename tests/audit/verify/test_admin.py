"""The page on which auditors see how the checks stand, and read what they found."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from audit.models.verifications import Kind, Verification
from audit.verify import Report, kept
from bookings.models import Role
from tests.audit.sealed_house import furnished
from tests.bookings.entering import enter, operator, settled_count, someone
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db
LIST = reverse("admin:audit_verification_changelist")


@pytest.fixture
def story(tmp_path: Path, settings: Any) -> Cast:
    furnished(tmp_path, settings)
    return cast()


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def keep(report: Report, *, kind: Kind = Kind.HOURLY) -> Verification:
    ended = report.at + timedelta(seconds=3)
    row = kept.row_of(report, kept.signed(report, kind=kind, ended=ended), kind=kind, ended=ended)
    row.save(force_insert=True)
    return row


def report(*, found: bool = False, chain: str = "clinic/1") -> Report:
    made = Report(at=timezone.now() - timedelta(minutes=5), log="horae.example", keys=("ab" * 32,))
    made.count("segments", 3)
    if found:
        made.find("line-altered", object="x", chain=chain, seq=7)
        made.find("row-changed", table="bookings_patient", pk="4711", fields="name")
    return made


def page(client: Client, row: Verification) -> str:
    return client.get(reverse("admin:audit_verification_change", args=[row.pk])).content.decode()


@pytest.mark.parametrize("role", [Role.DPO, Role.AUDITOR])
def test_whoever_reads_evidence_sees_how_the_checks_stand(story: Cast, role: Role) -> None:
    row = keep(report())
    client = enter(someone(clinic=story.clinic, role=role))
    said = client.get(LIST)
    assert [(check.kind, check.row, check.wrong) for check in said.context["checks"]] == [
        ("hourly", row, False),
        ("nightly", None, False),
        ("weekly", None, False),
        ("by hand", None, False),
    ]
    assert "THE EVIDENCE HOLDS." in page(client, row)
    assert "It holds." in page(client, row)


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.PRACTITIONER, Role.MANAGER])
def test_others_see_nothing_of_it(story: Cast, role: Role) -> None:
    client = enter(someone(clinic=story.clinic, role=role))
    assert client.get(LIST).status_code == 403


def test_what_is_about_other_clinics_is_for_the_operator(story: Cast) -> None:
    mine = f"clinic/{story.clinic.pk}"
    row = keep(report(found=True, chain=mine))
    other = keep(report(found=True, chain="clinic/999999"))
    auditor, boss = enter(someone(clinic=story.clinic, role=Role.AUDITOR)), enter(operator())
    assert f"Record 7 of chain {mine} was changed" in page(auditor, row)
    assert "4711" not in page(auditor, row)
    assert "1 findings about other clinics" in page(auditor, row)
    said = page(auditor, other)
    assert "THE EVIDENCE DOES NOT HOLD." in said
    assert "2 findings about other clinics" in said
    assert "999999" not in said
    for shown in (row, other):
        assert "4711" in page(boss, shown)


def test_a_report_that_is_not_the_signed_one_is_not_shown(story: Cast) -> None:
    row = keep(report(found=True))
    Verification.objects.filter(pk=row.pk).update(body=row.body.replace("does not hold", "holds"), outcome="holds")
    boss = enter(operator())
    assert "Nothing in it can be relied on." in page(boss, row)
    assert "It does not hold" in page(boss, row)
    assert "4711" not in page(boss, row)
    (check, *_rest) = boss.get(LIST).context["checks"]
    assert (check.says, check.wrong) == ("not the report that was signed", True)


def test_a_report_nobody_could_sign_says_so(story: Cast, settings: Any) -> None:
    settings.KEYS_URL, own = "", settings.KEYS_URL
    row = keep(report())
    settings.KEYS_URL = own
    said = page(enter(operator()), row)
    assert "There was no key to sign it with." in said
    assert "This report could not be signed" in said


def test_nothing_can_be_changed_added_or_deleted(story: Cast) -> None:
    row = keep(report())
    client = enter(operator())
    assert client.post(reverse("admin:audit_verification_change", args=[row.pk]), {"kind": "weekly"}).status_code == 403
    assert client.post(reverse("admin:audit_verification_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:audit_verification_add")).status_code == 403


def test_a_longer_list_costs_no_more_queries(story: Cast) -> None:
    client = enter(operator())
    keep(report())
    one = settled_count(client, LIST)
    for _ in range(3):
        keep(report())
    assert settled_count(client, LIST) == one
