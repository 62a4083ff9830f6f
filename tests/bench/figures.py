"""What a run finds: figures with their targets, the table people read, the file programs read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must keep to. `of` says which number: the value itself, or its ratio to the peer."""

    of: Literal["value", "ratio"]
    bound: Literal["at least", "at most"]
    limit: float

    def __str__(self) -> str:
        return f"{self.of} {self.bound} {self.limit:g}"

    def met_by(self, number: float) -> bool:
        """Whether a number keeps to it; the limit itself does."""
        return number >= self.limit if self.bound == "at least" else number <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `peer` is what it is compared with, in the same unit; the name says whose that is.

    `ratio` reads as its target does: "how many times faster" where that must be at least something, "how many times as
    much" where it must be at most something.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    target: Target | None = None

    @classmethod
    def plain(cls, name: str, value: float, unit: str, *, at_most: float | None = None) -> Self:
        """A number by itself, with a limit or none."""
        return cls(name, value, unit, target=None if at_most is None else Target("value", "at most", at_most))

    @classmethod
    def faster(cls, name: str, value: float, unit: str, *, peer: float, at_least: float | None = None) -> Self:
        """A duration, and how many times longer the peer's is."""
        target = None if at_least is None else Target("ratio", "at least", at_least)
        return cls(name, value, unit, peer=peer, ratio=peer / value, target=target)

    @classmethod
    def times(cls, name: str, value: float, unit: str, *, peer: float, at_most: float | None = None) -> Self:
        """A number, and how many times the peer's it is."""
        target = None if at_most is None else Target("ratio", "at most", at_most)
        return cls(name, value, unit, peer=peer, ratio=value / peer, target=target)

    @property
    def holds(self) -> bool | None:
        """Whether the target holds; None when there is none."""
        if self.target is None:
            return None
        number = self.value if self.target.of == "value" else self.ratio
        return number is not None and self.target.met_by(number)

    def as_json(self) -> dict[str, Any]:
        """The figure as the file holds it."""
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "peer": _rounded(self.peer),
            "ratio": _rounded(self.ratio),
            "target": str(self.target) if self.target else None,
            "holds": self.holds,
        }


def table(figures: Iterable[Figure]) -> str:
    """All figures in columns, numbers to the right."""
    rows = [("figure", "value", "unit", "peer", "ratio", "target", "holds")]
    rows += [
        (
            figure.name,
            _shown(figure.value),
            figure.unit,
            _shown(figure.peer),
            _shown(figure.ratio),
            str(figure.target or ""),
            {True: "yes", False: "NO", None: ""}[figure.holds],
        )
        for figure in figures
    ]
    return columns(rows, right=(1, 3, 4))


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of texts under the heads of its first row; columns with a number in `right` keep to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def write(figures: Sequence[Figure], *, to: Path) -> None:
    """The list of figures as JSON, put in place at once."""
    to.parent.mkdir(parents=True, exist_ok=True)
    fresh = to.with_suffix(".new")
    fresh.write_text(json.dumps([figure.as_json() for figure in figures], indent=1, ensure_ascii=False) + "\n")
    fresh.replace(to)


def missed(figures: Iterable[Figure]) -> list[Figure]:
    """Those whose target does not hold."""
    return [figure for figure in figures if figure.holds is False]


def _rounded(number: float | None) -> float | None:
    """Four significant digits, and every digit of a count."""
    if number is None or abs(number) >= 1000:
        return number if number is None else round(number, 1)
    return float(f"{number:.4g}")


def _shown(number: float | None) -> str:
    if number is None:
        return ""
    if number == int(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
