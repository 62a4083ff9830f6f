"""Files made from the records: the same content in each, and nothing a spreadsheet would compute."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from audit.ropa.document import TO_COMPLETE
from audit.ropa.files import as_csv, as_json, as_xlsx, write
from audit.ropa.sheets import harmless, sheets
from tests.audit.ropa.test_document import document


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document()


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_json_is_the_document(made: dict[str, Any]) -> None:
    assert json.loads(as_json(made)[".json"]) == made


def test_csv_and_xlsx_hold_the_same_sheets(made: dict[str, Any]) -> None:
    files = as_csv(made)
    book = load_workbook(io.BytesIO(as_xlsx(made)[".xlsx"]))
    assert [f"-{name.replace(' ', '-')}.csv" for name in book.sheetnames] == list(files)
    for sheet, content in zip(book, files.values(), strict=True):
        rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        # openpyxl reads an empty text as no value, and newlines as one character
        assert rows == [[cell.replace("\r\n", "\n") for cell in row] for row in table(content)]


def test_every_field_of_the_document_is_in_the_data_sheet(made: dict[str, Any]) -> None:
    rows = table(as_csv(made)["-data.csv"])[1:]
    assert [(row[1], row[2], row[3]) for row in rows] == [
        (row["model"], row["field"], row["category"]) for activity in made["activities"] for row in activity["data"]
    ]


def test_what_is_to_complete_stands_in_amber(made: dict[str, Any]) -> None:
    book = load_workbook(io.BytesIO(as_xlsx(made)[".xlsx"]))
    amber = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.fill.start_color.rgb == "00FFE699"
    ]
    assert len(amber) == made["to_complete_count"]
    assert all(str(cell.value).startswith(TO_COMPLETE) for cell in amber)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+33 4 72",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "＝1+1",
        "\ufeff=1",
        "|calc",
        "\r=1",
        '=HYPERLINK("http://x")',
    ],
)
def test_text_that_could_begin_a_formula_is_neutralised(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["Ada", "1-2", "a=b", "", 7, True, "'quoted"])
def test_other_cells_stay(cell: str | int) -> None:
    assert harmless(cell) == cell


@hypothesis_settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=30))
def test_no_cell_of_any_file_is_a_formula(text: str) -> None:
    poisoned = document_of(text)
    for content in as_csv(poisoned).values():
        for row in table(content):
            assert not [cell for cell in row if cell.lstrip(" \ufeff").startswith(("=", "+", "-", "@", "\t", "\r"))]
    book = load_workbook(io.BytesIO(as_xlsx(poisoned)[".xlsx"]))
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def document_of(text: str) -> dict[str, Any]:
    """A small document whose every text somebody else chose."""
    return {
        "controller": {"legal_name": text, "address": text},
        "activities": [],
        "models_without_a_use": [{"model": text, "evidence": text}],
        "processors": [{"host": text, "role": text}],
        "transfers": {"endpoints": [{"what": text}], "safeguards": text},
        "security_measures": {"how": {"key": text}},
        "to_complete": [],
    }


def test_files_are_written_whole_and_again(made: dict[str, Any], tmp_path: Path) -> None:
    for _ in range(2):
        written = write(document=made, formats=["json", "csv", "xlsx"], folder=tmp_path / "out", stem="ropa-parc")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(path.name for path in written)
    assert names[0] == "ropa-parc-activities.csv"
    assert len(names) == len(sheets(made)) + 2
