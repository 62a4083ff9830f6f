"""The records of processing as files: JSON is the record, CSV and XLSX are made from it for people."""

import csv
import io
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from audit.ropa.document import TO_COMPLETE
from audit.ropa.sheets import Sheet, harmless, sheets

WIDEST: Final = 60
_BOLD: Final = Font(bold=True)
_AMBER: Final = PatternFill("solid", start_color="FFE699", end_color="FFE699")
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")


def as_json(document: Mapping[str, Any]) -> dict[str, bytes]:
    """`.json`: two spaces, keys in the document's order, UTF-8."""
    return {".json": (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()}


def as_csv(document: Mapping[str, Any]) -> dict[str, bytes]:
    """One file per sheet (`-activities.csv`), RFC 4180, UTF-8 with the mark that spreadsheets look for."""
    return {f"-{sheet.name.replace(' ', '-')}.csv": _csv(sheet) for sheet in sheets(document)}


def as_xlsx(document: Mapping[str, Any]) -> dict[str, bytes]:
    """`.xlsx`: one sheet each; what is to complete stands in amber."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets(document):
        page = book.create_sheet(sheet.name)
        for number, row in enumerate((sheet.header, *sheet.rows), start=1):
            for place, value in enumerate(row, start=1):
                written = page.cell(row=number, column=place)
                written.value = harmless(value)
                if isinstance(value, str):
                    written.data_type = "s"  # openpyxl would take "=..." for a formula
                written.alignment = _WRAPPED
                if number == 1:
                    written.font = _BOLD
                elif str(value).startswith(TO_COMPLETE):
                    written.fill = _AMBER
        for place, _name in enumerate(sheet.header, start=1):
            longest = max(len(str(row[place - 1])) for row in (sheet.header, *sheet.rows))
            page.column_dimensions[get_column_letter(place)].width = min(longest + 2, WIDEST)
        page.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return {".xlsx": content.getvalue()}


FORMATS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, bytes]]]] = {
    "json": as_json,
    "csv": as_csv,
    "xlsx": as_xlsx,
}


def write(*, document: Mapping[str, Any], formats: list[str], folder: Path, stem: str) -> list[Path]:
    """Write the document as `folder/stem...` in each format, each file whole or not at all; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in formats:
        for ending, content in FORMATS[name](document).items():
            path = folder / f"{stem}{ending}"
            temporary = folder / f".{path.name}.{secrets.token_hex(4)}"
            temporary.write_bytes(content)
            temporary.replace(path)
            written.append(path)
    return written


def _csv(sheet: Sheet) -> bytes:
    content = io.StringIO()
    writer = csv.writer(content)
    for row in (sheet.header, *sheet.rows):
        writer.writerow([harmless(cell) for cell in row])
    return b"\xef\xbb\xbf" + content.getvalue().encode()
