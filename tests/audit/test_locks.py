"""How long evidence is locked: never short, never without a class."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.declare import Retention
from audit.locks import LOCK_YEARS, commitments_locked_until, locked_until


@pytest.mark.parametrize(
    ("retention", "until"),
    [
        (Retention.LEGAL_HOLD, datetime(2056, 3, 2, tzinfo=UTC)),
        (Retention.REGULATORY, datetime(2036, 3, 2, tzinfo=UTC)),
        (Retention.TRANSACTIONAL, datetime(2029, 3, 2, tzinfo=UTC)),
        (Retention.EPHEMERAL, datetime(2027, 3, 2, tzinfo=UTC)),
        ("unheard_of", datetime(2056, 3, 2, tzinfo=UTC)),
    ],
)
def test_each_class_has_its_time_and_an_unknown_one_the_longest(retention: str, until: datetime) -> None:
    assert locked_until(retention, since=datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) == until


def test_every_class_has_a_time() -> None:
    assert set(LOCK_YEARS) == set(Retention)


@given(st.integers(0, 900 * 365 * 86400))
def test_a_lock_is_never_short_and_commitments_outlive_everything(seconds: int) -> None:
    since = datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=5))) + timedelta(seconds=seconds)
    for retention, years in LOCK_YEARS.items():
        until = locked_until(retention, since=since)
        assert until >= since + timedelta(days=365 * years)
        assert until <= commitments_locked_until(since=since)
        assert (until.hour, until.minute, until.second, until.microsecond) == (0, 0, 0, 0)


def test_a_lock_from_a_leap_day_ends_on_the_day_before_march() -> None:
    assert locked_until("ephemeral", since=datetime(2028, 2, 28, 23, 0, tzinfo=UTC)) == datetime(
        2029, 2, 28, tzinfo=UTC
    )
