"""How long the store refuses to give evidence up, by the retention class its record carries."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

from audit.declare import Retention

LOCK_YEARS: Final[Mapping[str, int]] = {
    Retention.LEGAL_HOLD: 30,  # claims for injury to health lapse 30 years after the act in the strictest member states
    Retention.REGULATORY: 10,  # what member states ask of records about treatment
    Retention.TRANSACTIONAL: 3,  # the ordinary limitation of claims
    Retention.EPHEMERAL: 1,
}
LONGEST: Final = max(LOCK_YEARS.values())


def locked_until(retention: str, *, since: datetime) -> datetime:
    """The end of the lock for evidence of class `retention` sealed at `since` (aware): a midnight, UTC.

    An unknown class is locked longest: forgetting to declare one must not let evidence go.
    """
    return _years_after(since, LOCK_YEARS.get(retention, LONGEST))


def commitments_locked_until(*, since: datetime) -> datetime:
    """The end of the lock for what holds no personal data and everything else is proved by: hashes, heads, keys."""
    return _years_after(since, LONGEST)


def _years_after(since: datetime, years: int) -> datetime:
    # Whole days, so that the lock of an object put again moves at most once a day; the next one, so it is never short.
    day = since.astimezone(UTC).date() + timedelta(days=1)
    leap = day.month == 2 and day.day == 29
    return datetime.combine(day.replace(year=day.year + years, day=28 if leap else day.day), time(), tzinfo=UTC)
