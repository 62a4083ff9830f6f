"""The tables as they stand, held against what the records say they must be.

Each row is compared with the image in the last record about it; facts not yet made records go on top. Three sorted
streams are read side by side (records, facts, rows), so memory stays flat however long the table is. Compared are the
columns of the image that the table still has: a column added or dropped later is no change of a row.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from audit import canonical
from audit.chains import PLATFORM_CHAIN, chain_of_clinic
from audit.declare import Declaration
from audit.functions import IMAGE_SETTINGS
from audit.models.records import Capture
from audit.triggers import audited_tables
from audit.verify.copies import parsed
from audit.verify.records import Tell
from audit.verify.report import Report
from audit.verify.workers import Workers

_CHUNK: Final = 2000

# The last record about each row in each chain; a row that moved between clinics has some in several.
_RECORDS: Final = """
    SELECT r.object_pk, r.chain, r.at, r.body
    FROM (SELECT chain, max(seq) AS seq FROM audit_record WHERE model = %s AND object_pk <> ''
          GROUP BY object_pk, chain) AS last
    JOIN audit_record r USING (chain, seq)
    ORDER BY r.object_pk COLLATE "C"
"""
_TRUNCATIONS: Final = "SELECT at, body FROM audit_record WHERE model = %s AND object_pk = '' ORDER BY at DESC"
_FACTS: Final = """
    SELECT DISTINCT ON (pk COLLATE "C") pk, chain, op, new::text, id
    FROM audit_fact WHERE source = 't' AND tbl = %s AND pk IS NOT NULL
    ORDER BY pk COLLATE "C", id DESC
"""
_TRUNCATED: Final = "SELECT max(id) FROM audit_fact WHERE source = 't' AND tbl = %s AND op = 'T'"


@dataclass(frozen=True, slots=True)
class _Image:
    """What a source says of a row: its columns, or None for one that is gone; `known` is False if it cannot tell."""

    chain: str
    columns: Mapping[str, Any] | None
    known: bool = True


def check_tables(
    *,
    report: Report,
    only: str,
    tell: Tell,
    among: Collection[str] | None = None,
    jobs: int = 1,
    join: Callable[[], None] | None = None,
) -> None:
    """Compare audited tables with the records and facts of the current snapshot: every one, or those `among` names.

    `only`: rows of one chain. `jobs`: processes; `join` gives each a connection to the snapshot.
    """
    wanted = [
        name
        for name, declaration in sorted(audited_tables().items())
        if (among is None or name in among) and (only in ("", PLATFORM_CHAIN) or declaration.chain_column is not None)
    ]

    def compared(name: str) -> Report:
        return _compared(name, only=only, at=report.at)

    def begin() -> Callable[[str], Report]:
        if join is not None:
            join()
        return compared

    found: Iterable[tuple[str, Report | None]]
    found = Workers(jobs, begin).run(wanted) if jobs > 1 else ((name, compared(name)) for name in wanted)
    for name, part in found:
        tell(name)
        if part is None:
            report.miss("table-unreadable", table=name, reason="the process that read it died")
        else:
            report.absorb(part)
            report.tables += part.tables


def _compared(name: str, *, only: str, at: datetime) -> Report:
    report = Report(at=at)
    try:
        with transaction.atomic():
            _check_table(name, audited_tables()[name], report=report, only=only)
    except DatabaseError as error:
        report.miss("table-unreadable", table=name, reason=str(error).strip().splitlines()[0])
    else:
        report.count("tables")
        report.tables.append(name)
    return report


def _check_table(name: str, declaration: Declaration, *, report: Report, only: str) -> None:
    for pk, expected, row in _paired(name, declaration):
        chain = _chain_of(declaration, row)
        if only and only != chain and (expected is None or only != expected.chain):
            continue
        report.count("rows")
        if expected is None:
            report.find("row-added", table=name, pk=pk)
        elif not expected.known:
            continue
        elif row is None:
            if expected.columns is not None:
                report.find("row-removed", table=name, pk=pk)
        elif expected.columns is None:
            report.find("row-returned", table=name, pk=pk)
        elif fields := [key for key, value in expected.columns.items() if key in row and row[key] != value]:
            report.find("row-changed", table=name, pk=pk, fields=", ".join(sorted(fields)))


def _paired(name: str, declaration: Declaration) -> Iterator[tuple[str, _Image | None, Mapping[str, Any] | None]]:
    """For each key any source knows: what the row must be (None if nobody ever spoke of it) and what it is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TRUNCATED, [name])
        emptied = cursor.fetchone()[0]
    expected = _merged(_recorded(declaration, emptied=emptied is not None), _waiting(name, emptied))
    rows = _rows(name, declaration)
    image, row = next(expected, None), next(rows, None)
    while image is not None or row is not None:
        if row is None or (image is not None and image[0] < row[0]):
            assert image is not None
            yield image[0], image[1], None
            image = next(expected, None)
        elif image is None or row[0] < image[0]:
            yield row[0], None, row[1]
            row = next(rows, None)
        else:
            yield row[0], image[1], row[1]
            image, row = next(expected, None), next(rows, None)


def _merged(records: Iterator[tuple[str, _Image]], facts: Iterator[tuple[str, _Image]]) -> Iterator[tuple[str, _Image]]:
    """Both streams by key; where both speak of a row the fact is the later word."""
    record, fact = next(records, None), next(facts, None)
    while record is not None or fact is not None:
        if fact is None or (record is not None and record[0] < fact[0]):
            assert record is not None
            yield record
            record = next(records, None)
        else:
            yield fact
            if record is not None and record[0] == fact[0]:
                record = next(records, None)
            fact = next(facts, None)


def _recorded(declaration: Declaration, *, emptied: bool) -> Iterator[tuple[str, _Image]]:
    """What the last record of each row says; all of them are gone when the table was `emptied` since."""
    truncated = _truncated_at(declaration)
    held = ""
    latest: tuple[Any, str, str] | None = None
    for pk, chain, at, body in _stream(_RECORDS, [declaration.label]):
        if pk != held and latest is not None:
            yield held, _image(*latest, truncated=truncated, emptied=emptied)
            latest = None
        held = pk
        if latest is None or at > latest[0]:
            latest = at, chain, body
    if latest is not None:
        yield held, _image(*latest, truncated=truncated, emptied=emptied)


def _image(at: Any, chain: str, body: str, *, truncated: Any, emptied: bool) -> _Image:
    if emptied or (truncated is not None and at <= truncated):
        return _Image(chain, None)
    said = parsed(body)
    if said.get("op") == "D" and said.get("capture") != Capture.ALARM:
        return _Image(chain, None)
    after = said.get("after")
    # A fact that could not be told, or a record that was tampered with: told of elsewhere, and no image.
    return _Image(chain, after) if isinstance(after, dict) else _Image(chain, None, known=False)


def _truncated_at(declaration: Declaration) -> Any:
    for at, body in _stream(_TRUNCATIONS, [declaration.label]):
        if parsed(body).get("op") == "T":
            return at
    return None


def _waiting(name: str, emptied: int | None) -> Iterator[tuple[str, _Image]]:
    """What the last fact about each row says; facts before the table was `emptied` (the id of that fact) are void."""
    for pk, chain, op, new, number in _stream(_FACTS, [name]):
        if emptied is not None and number < emptied:
            yield pk, _Image(chain or PLATFORM_CHAIN, None)
            continue
        columns = canonical.image(new) if op in ("I", "U") and new else None
        yield pk, _Image(chain or PLATFORM_CHAIN, columns)


def _rows(name: str, declaration: Declaration) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row as its trigger would have shown it, by key."""
    quote = connection.ops.quote_name
    image = "to_jsonb(t)"
    for column in declaration.digest:
        # As the trigger does: the credential's SHA-256 in its place.
        secret = f"encode(sha256(convert_to(to_jsonb(t)->>{_text(column)}, 'UTF8')), 'hex')"
        image = f"jsonb_set({image}, ARRAY[{_text(column)}], coalesce(to_jsonb({secret}), 'null'))"
    pk = f"to_jsonb(t)->>{_text(declaration.pk_column)}"
    query = f'SELECT {pk}, ({image})::text FROM {quote(name)} AS t ORDER BY ({pk}) COLLATE "C"'  # noqa: S608 - quoted
    for key, row in _stream(query, []):
        yield key, canonical.image(row)


def _chain_of(declaration: Declaration, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    clinic = row.get(declaration.chain_column) if declaration.chain_column else None
    return chain_of_clinic(clinic)


def _stream(sql: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query through a cursor on the server, a chunk at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while chunk := cursor.fetchmany(_CHUNK):
            yield from chunk


def image_settings(cursor: CursorWrapper) -> None:
    """Make `to_jsonb` in this transaction show rows as the triggers saw them."""
    for name, value in IMAGE_SETTINGS.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"
