"""Figures: what a ratio says, when a target holds, and what people and programs are given."""

import json
from pathlib import Path

import pytest

from tests.bench.figures import Figure, Target, missed, table, write


def test_a_faster_figure_says_how_many_times_longer_the_peer_takes() -> None:
    figure = Figure.faster("free times", 50.0, "ms", peer=10_000.0, at_least=150)
    assert (figure.ratio, figure.holds) == (200.0, True)


def test_a_times_figure_says_how_many_times_the_peers_it_is() -> None:
    figure = Figure.times("free times", 50.0, "ms", peer=40.0, at_most=1.2)
    assert (figure.ratio, figure.holds) == (1.25, False)


@pytest.mark.parametrize(
    ("target", "number", "met"),
    [
        (Target("value", "at most", 3), 3, True),
        (Target("value", "at most", 3), 3.01, False),
        (Target("ratio", "at least", 150), 150, True),
        (Target("ratio", "at least", 150), 149.9, False),
    ],
)
def test_the_limit_itself_holds(target: Target, number: float, met: bool) -> None:
    assert target.met_by(number) is met


def test_a_target_of_a_ratio_that_is_missing_does_not_hold() -> None:
    assert Figure("free times", 1.0, "ms", target=Target("ratio", "at most", 2)).holds is False


def test_without_a_target_nothing_holds_and_nothing_is_missed() -> None:
    figure = Figure.plain("rate", 4.2, "bookings/s")
    assert (figure.holds, missed([figure])) == (None, [])


def test_missed_are_those_that_do_not_hold() -> None:
    kept, not_kept = Figure.plain("a", 1, "ms", at_most=2), Figure.plain("b", 3, "ms", at_most=2)
    assert missed([kept, not_kept]) == [not_kept]


def test_the_file_is_a_list_with_the_agreed_names(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "latest.json"
    write([Figure.faster("free times", 61.26, "ms", peer=9234.56, at_least=150)], to=path)
    assert json.loads(path.read_text()) == [
        {
            "name": "free times",
            "value": 61.26,
            "unit": "ms",
            "peer": 9234.6,
            "ratio": 150.7,
            "target": "ratio at least 150",
            "holds": True,
        }
    ]
    assert [found.name for found in path.parent.iterdir()] == ["latest.json"]


def test_the_table_lines_up_and_shouts_at_what_does_not_hold() -> None:
    lines = table([Figure.plain("rate", 1234.5, "1/s"), Figure.plain("slowest", 0.25, "s", at_most=0.1)]).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "figure value unit peer ratio target holds",
        "------- ----- ---- ---- ----- ----------------- -----",
        "rate 1,234 1/s",
        "slowest 0.25 s value at most 0.1 NO",
    ]
