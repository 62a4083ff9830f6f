"""Reports that are kept: signed as evidence is, believed only while their signature holds.

A report says up to where each chain was found to hold. The next check may begin there, but only on the word of a report
this installation's key signed: what a row beside it says is for lists.
"""

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from audit import canonical, signing
from audit.chains import PLATFORM_CHAIN
from audit.keys.backend import KeysUnconfigured
from audit.keys.local import KeystoreBroken
from audit.models.records import Record
from audit.models.verifications import Kind, Outcome, Verification
from audit.note import NoteError
from audit.verify.copies import parsed
from audit.verify.report import Finding, Head, Report
from audit.verify.trust import Trust
from audit.verify.words import DEPTH

ORIGIN: Final = "verification"
"""Stands where a chain's name stands in the origin of a report's signature."""
KEPT_DAYS: Final = 365
EVENT: Final = "verification"
"""Name of the record that a check by the clock leaves in the chain `platform`; also what it says to be about."""
_UNSIGNED: Final = '"code": "report-unsigned"'
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


class Altered(Exception):
    """A kept report is not the one that was signed."""


class Unsigned(Altered):
    """There was no key to sign with, and the report says so: it vouches for nothing."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The bytes of a report and of the signed note over it, which is empty when there was no key to sign with."""

    id: uuid.UUID
    body: bytes
    statement: bytes


def key_of(number: uuid.UUID) -> str:
    """What the signature over a report calls it."""
    return f"{ORIGIN}/{number}"


def signed(report: Report, *, kind: Kind, ended: datetime) -> Signed:
    """The report as it is kept and handed out: JSON that names itself, its kind and its times, and a signature."""
    number = uuid.uuid4()
    try:
        signer = signing.signer()
    except (KeysUnconfigured, KeystoreBroken):
        signer = None
        report.note("report-unsigned")
    said = {"id": str(number), "kind": str(kind), "began": _moment(report.at), "ended": _moment(ended)}
    body = (json.dumps({**said, **report.as_json()}, indent=1, ensure_ascii=False) + "\n").encode()
    if signer is None:
        return Signed(number, body, b"")
    statement = signing.sign_statement(key_of_object=key_of(number), data=body, chain=ORIGIN, key=signer)
    return Signed(number, body, statement)


def row_of(report: Report, made: Signed, *, kind: Kind, ended: datetime) -> Verification:
    """The row in which a signed report is kept, not saved yet."""
    return Verification(
        id=made.id,
        kind=kind,
        level=report.level,
        scope=report.scope,
        outcome=report.outcome,
        started_at=report.at,
        ended_at=ended,
        body=made.body.decode(),
        statement=made.statement.decode(),
    )


def read(row: Verification, *, trust: Trust) -> Mapping[str, Any]:
    """What a kept report says. Raises Altered, with the reason, unless a trusted key signed exactly this."""
    body = row.body.encode()
    if not row.statement and _UNSIGNED in row.body:
        raise Unsigned("nobody signed it")
    try:
        statement = trust.statement(row.statement.encode(), chain=ORIGIN, key=key_of(row.id))
    except NoteError as error:
        raise Altered(str(error)) from error
    if statement != type(statement).over(origin=statement.origin, key=statement.key, data=body):
        raise Altered("its text was changed")
    said: Mapping[str, Any] = json.loads(body)
    beside = (row.kind, row.level, row.scope, row.outcome, _moment(row.started_at), _moment(row.ended_at))
    if beside != tuple(said[name] for name in ("kind", "level", "scope", "outcome", "began", "ended")):
        raise Altered("what stands beside it was changed")
    return said


def unsigned(row: Verification) -> Mapping[str, Any]:
    """What a report says that nobody vouches for."""
    said: Mapping[str, Any] = json.loads(row.body)
    return said


def told(said: Mapping[str, Any]) -> Report:
    """A kept report as it was made, to be told in whatever language."""

    def entries(part: str) -> list[Finding]:
        return [Finding(entry["code"], {k: v for k, v in entry.items() if k != "code"}) for entry in said[part]]

    return Report(
        at=canonical.read_moment(said["began"]),
        log=said["log"],
        keys=tuple(said["keys"]),
        findings=entries("findings"),
        found=said["found"],
        unchecked=entries("unchecked"),
        notes=entries("notes"),
        counts=dict(said["checked"]),
        scope=said["scope"],
        level=said["level"],
        since={chain: Head(**head) for chain, head in said["since"].items()},
        verified={chain: Head(**head) for chain, head in said["verified"].items()},
        tables=list(said["tables"]),
    )


def verified_heads(*, level: str, only: str, trust: Trust, report: Report) -> dict[str, Head]:
    """The head of each chain that the newest kept report of at least this depth vouches for.

    A report that is not the one that was signed is a finding of `report`, and the one before it is asked instead:
    that can only make the check longer.
    """
    if not trust.public_keys:
        return {}
    deep = DEPTH[max(DEPTH.index(level), DEPTH.index("segments")) :]
    scopes = {"", only} if only else {""}
    rows = Verification.objects.filter(level__in=deep, scope__in=scopes).order_by("-ended_at")
    for row in rows.iterator(chunk_size=10):
        said = _believed(row, trust=trust, report=report)
        if said is not None:
            heads = {chain: Head(**head) for chain, head in said["verified"].items()}
            return {chain: head for chain, head in heads.items() if only in ("", chain)}
    return {}


def check_kept(*, trust: Trust, now: datetime, report: Report) -> None:
    """Hold every kept report against its signature, and the chain's word that there was one against the reports."""
    if not trust.public_keys:
        return
    there: dict[str, tuple[Verification, str]] = {}
    for row in Verification.objects.order_by("-ended_at").iterator(chunk_size=50):
        report.count("reports")
        _believed(row, trust=trust, report=report)
        digest = sha256(row.body.encode()).hexdigest()
        row.body = row.statement = ""  # one at a time is held
        there[str(row.id)] = row, digest
    told = Record.objects.filter(model="", object_pk=EVENT, operation=EVENT, chain=PLATFORM_CHAIN)
    for record in told.filter(at__gt=now - timedelta(days=KEPT_DAYS)).order_by("seq").iterator(chunk_size=500):
        event = parsed(record.body).get("event")
        data = event.get("data") if isinstance(event, dict) else None
        said = data if isinstance(data, dict) else {}
        number = str(said.get("id"))
        kept = there.get(number)
        if kept is None:
            report.find("report-gone", chain=record.chain, seq=record.seq, id=number)
        elif said.get("sha256") != kept[1]:
            # Also one that now says that nobody signed it, which alone would be no fault.
            _altered(kept[0], "its text was changed", report=report)


def compared_on(*, since: datetime, trust: Trust) -> dict[str, date]:
    """When the rows of each table were last compared, by signed reports since then."""
    days: dict[str, date] = {}
    for row in Verification.objects.filter(level=DEPTH[-1], scope="", started_at__gt=since).order_by("started_at"):
        with suppress(Altered):
            days.update(dict.fromkeys(read(row, trust=trust)["tables"], row.started_at.astimezone(UTC).date()))
    return days


def latest() -> dict[str, Verification]:
    """The newest report of each kind, by kind; what it says is fetched only if somebody reads it."""
    rows = Verification.objects.defer("body", "statement").order_by("-ended_at")
    found = (rows.filter(kind=kind).first() for kind in Kind)
    return {row.kind: row for row in found if row is not None}


def prune(*, now: datetime) -> int:
    """Delete reports that are older than a year, but none that found something; returns how many."""
    old = Verification.objects.filter(ended_at__lt=now - timedelta(days=KEPT_DAYS))
    return old.exclude(outcome=Outcome.DOES_NOT_HOLD).delete()[0]


def _believed(row: Verification, *, trust: Trust, report: Report) -> Mapping[str, Any] | None:
    try:
        return read(row, trust=trust)
    except Unsigned:
        return None
    except Altered as error:
        _altered(row, str(error), report=report)
        return None


def _altered(row: Verification, reason: str, *, report: Report) -> None:
    # Told once, though the check may meet it several times: looking for a head, reading all, asking the chain.
    if all(found.values.get("id") != str(row.id) for found in report.findings):
        at = f"{row.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        report.find("report-altered", at=at, id=str(row.id), reason=reason)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_MOMENT)
