"""Medians, percentiles, and turns."""

from functools import partial

import pytest

from tests.bench.timing import median, percentile, taking_turns


def test_the_median_is_in_milliseconds() -> None:
    assert median([0.003, 0.001, 0.002]) == pytest.approx(2.0)


@pytest.mark.parametrize(("percent", "expected"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile([number / 1000 for number in range(100, 0, -1)], percent) == pytest.approx(expected)


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([0.004], 99) == pytest.approx(4.0)


def test_methods_take_turns_and_warm_rounds_do_not_count() -> None:
    order: list[str] = []
    took = taking_turns({name: partial(order.append, name) for name in "ab"}, rounds=3, warm=1)
    assert {name: len(seconds) for name, seconds in took.items()} == {"a": 3, "b": 3}
    assert "".join(order) == "baabbaab"
