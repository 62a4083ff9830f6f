"""The database's copy of one record: read, understood, and held against the leaf that was signed for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.db import connection

from audit import tree
from audit.verify.report import Report

_COLUMNS: Final = """seq, body, leaf, id::text, retention, use_id::text, model, object_pk, operation, capture,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_PAGE: Final = 2000


class Row(NamedTuple):
    seq: int
    body: str
    leaf: bytes
    id: str
    retention: str
    use_id: str | None
    model: str
    object_pk: str
    operation: str
    capture: str
    at: str


def against(report: Report, chain: str, row: Row, leaf: bytes, line: bytes | None) -> None:
    """One record of the database against the leaf that was signed for it."""
    data = row.body.encode()
    body = parsed(data)
    if tree.leaf_hash(data) != leaf:
        claimed = body.get("seq")
        if isinstance(claimed, int) and claimed != row.seq:
            report.find("record-moved", chain=chain, seq=row.seq, found=claimed)
        else:
            fields = _differing(body, parsed(line)) if line is not None else ""
            report.find("record-changed", chain=chain, seq=row.seq, fields=fields or "its text")
        return
    aside(report, chain, row, body, leaf)


def aside(report: Report, chain: str, row: Row, body: Mapping[str, Any], leaf: bytes) -> None:
    """The columns beside a record repeat what it says; searches and checks rely on them."""
    use = body.get("use")
    said = {
        "leaf": leaf,
        "id": body.get("id"),
        "retention": body.get("retention"),
        "use_id": use.get("id") if isinstance(use, dict) else None,
        "model": body.get("model") or "",
        "object_pk": body.get("pk") or "",
        "operation": body.get("operation") or "",
        "capture": body.get("capture"),
        "at": body.get("at"),
    }
    fields = [name for name, value in said.items() if getattr(row, name) != value]
    if fields:
        report.find("record-aside", chain=chain, seq=row.seq, fields=", ".join(fields))


def rows(chain: str, first: int, last: int) -> Iterator[Row]:
    """The records of a chain in order, a page at a time."""
    while first <= last:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM audit_record"  # noqa: S608 - constants
                " WHERE chain = %s AND seq BETWEEN %s AND %s ORDER BY seq LIMIT %s",
                [chain, first, last, _PAGE],
            )
            page = [Row._make(row) for row in cursor.fetchall()]
        for row in page:
            yield row._replace(leaf=bytes(row.leaf))
        if len(page) < _PAGE:
            return
        first = page[-1].seq + 1


def parsed(line: bytes | str) -> dict[str, Any]:
    """What a record says, or nothing where it cannot be read: it may have been tampered with."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Names of what differs, one level into images: never values."""
    names: list[str] = []
    for name in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += [
                f"{name}.{key}" for key in sorted(mine.keys() | theirs.keys()) if mine.get(key) != theirs.get(key)
            ]
        else:
            names.append(name)
    return ", ".join(names)
