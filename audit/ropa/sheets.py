"""The records of processing as tables: the same sheets for CSV and XLSX, made from the JSON document alone."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Cell = str | int | bool

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), full-width forms folded first."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. `name` is also part of the CSV's file name."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheets(document: Mapping[str, Any]) -> list[Sheet]:
    """The tables of a document that `audit.ropa.document.build` made, in reading order."""
    activities = document["activities"]
    return [
        Sheet("controller", ("item", "value"), tuple(_flat(document["controller"]))),
        Sheet(
            "activities",
            (
                "activity",
                "purposes",
                "legal bases",
                "data subjects",
                "special categories",
                "recipients",
                "retention",
                "sources",
                "impact assessment",
            ),
            tuple(_activity(activity) for activity in activities),
        ),
        Sheet(
            "data",
            ("activity", "model", "field", "category", "special", "protection", "reason"),
            tuple((activity["activity"], *row.values()) for activity in activities for row in activity["data"]),
        ),
        Sheet(
            "models",
            ("activity", "model", "evidence", "on erasure"),
            (
                *((activity["activity"], *row.values()) for activity in activities for row in activity["models"]),
                *(("", row["model"], row["evidence"], "") for row in document["models_without_a_use"]),
            ),
        ),
        _table("processors", document["processors"]),
        _table("endpoints", document["transfers"]["endpoints"]),
        Sheet(
            "transfers",
            ("item", "value"),
            tuple(_flat({name: value for name, value in document["transfers"].items() if name != "endpoints"})),
        ),
        Sheet("security", ("item", "value"), tuple(_flat(document["security_measures"]))),
        _table("to complete", document["to_complete"]),
    ]


def harmless(cell: Cell) -> Cell:
    """A cell that no spreadsheet computes: text that could begin a formula is preceded by an apostrophe.

    Control characters, which XLSX cannot hold, become U+FFFD.
    """
    if not isinstance(cell, str):
        return cell
    text = "".join(letter if letter >= " " or letter in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for letter in cell)
    visible = unicodedata.normalize("NFKC", text.lstrip(" \N{ZERO WIDTH NO-BREAK SPACE}"))
    return f"'{text}" if visible.startswith(FORMULA) else text


def _activity(activity: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        activity["activity"],
        "; ".join(activity["purposes"]),
        "; ".join(activity["legal_bases"]),
        "; ".join(activity["data_subjects"]),
        "; ".join(activity["special_categories"]),
        "; ".join(activity["recipients"]),
        "; ".join(f"{kept['duration']} ({kept['class']})" for kept in activity["retention"]),
        "; ".join(activity["sources"]),
        activity["impact_assessment"],
    )


def _table(name: str, rows: Sequence[Mapping[str, Cell]]) -> Sheet:
    header = tuple(rows[0]) if rows else ("none",)
    return Sheet(name, header, tuple(tuple(row.values()) for row in rows))


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[Cell, ...]]:
    for name, value in values.items():
        item = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{item}: ")
        elif isinstance(value, list):
            yield item, "; ".join(map(str, value)) or "none"
        else:
            yield item, value
