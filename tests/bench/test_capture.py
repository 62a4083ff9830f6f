"""What is said of a recorder in the matrix of writes."""

import pytest

from tests.audit.writes import MATRIX
from tests.bench.capture import matrix, verdict


@pytest.mark.parametrize(
    ("write", "found", "said"),
    [
        ("update_or_create", ["I entry", "U entry"], "ok"),
        ("update_or_create", ["U entry", "U entry"], "2 for 2"),
        ("queryset.update", [], "0 for 3"),
        ("failed save", ["U entry"], "1 for 0"),
        ("no change", [], "ok"),
        ("save with F()", "ValueError", "ValueError"),
        ("many to many", ["U entry"] * 3, "ok"),
        ("many to many", ["U entry"] * 2, "2 for 4"),
        ("TRUNCATE", ["D entry"] * 3, "ok"),
        ("TRUNCATE", [], "0 for 3"),
    ],
)
def test_a_write_is_recorded_rightly_or_how_it_is_not_is_said(write: str, found: list[str] | str, said: str) -> None:
    assert verdict(write, found) == said


def test_the_matrix_has_a_line_for_each_write_and_a_column_for_each_recorder() -> None:
    right = {write: changes for write, (_, changes) in MATRIX.items()}
    lines = matrix({"one": right, "another": dict.fromkeys(MATRIX, "KeyError")}).splitlines()
    assert lines[0].split() == ["write", "one", "another"]
    assert [line.split()[-2:] for line in lines[2:]] == [["ok", "KeyError"]] * len(MATRIX)
