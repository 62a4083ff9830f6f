"""Waits before trying the outside world again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.backoff import full_jitter

BASE, CAP = timedelta(seconds=30), timedelta(hours=2)


@given(attempt=st.integers(-1, 10_000))
def test_a_wait_is_at_least_a_second_and_at_most_the_cap(attempt: int) -> None:
    assert timedelta(seconds=1) <= full_jitter(attempt=attempt, base=BASE, cap=CAP) <= CAP


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 30), (2, 60), (5, 480), (9, 7200), (40, 7200)])
def test_the_longest_wait_doubles_until_the_cap(attempt: int, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    assert full_jitter(attempt=attempt, base=BASE, cap=CAP) == timedelta(seconds=seconds)


def test_waits_differ_so_that_those_who_failed_together_do_not_come_back_together() -> None:
    assert len({full_jitter(attempt=8, base=BASE, cap=CAP) for _ in range(20)}) > 10
