"""Findings: records that say something went past the application, until a person says why."""

from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from audit.context import Actor, note, use
from audit.models import Record
from audit.models.records import FINDINGS, Capture

ACKNOWLEDGED: Final = "audit.acknowledged"
"""Name of the event. Its `pk` is the id of the finding, its data are `{"seq": 7, "leaf": "<hex>", "reason": "..."}`."""


class NotAFinding(Exception):
    """The record is no finding, or there is none with that number: there is nothing to acknowledge."""


def findings() -> QuerySet[Record]:
    """Records captured as `bypass` or `alarm`, acknowledged or not, in the order of their chains."""
    return Record.objects.filter(capture__in=FINDINGS).order_by("chain", "seq")


def unacknowledged() -> QuerySet[Record]:
    """Findings nobody has acknowledged yet."""
    acknowledgement = Record.objects.filter(
        capture=Capture.APPLICATION,
        operation=ACKNOWLEDGED,
        model="",
        object_pk=Cast(OuterRef("id"), TextField()),
        chain=OuterRef("chain"),
    )
    return findings().exclude(Exists(acknowledgement))


def acknowledge(*, actor: Actor, chain: str, seq: int, reason: str) -> None:
    """Record in the same chain that `actor` knows of a finding, and why it came about; the finding stays as it is.

    Raises NotAFinding for any other record, ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("an acknowledgement needs a reason")
    with transaction.atomic(), use("audit.acknowledge", operation="acknowledge", actor=actor):
        finding = findings().filter(chain=chain, seq=seq).first()
        if finding is None:
            raise NotAFinding(f"Record {seq} of chain {chain} is no finding.")
        note(
            chain=chain,
            event=ACKNOWLEDGED,
            data={"seq": seq, "leaf": bytes(finding.leaf).hex(), "reason": reason.strip()},
            about=str(finding.id),
        )
