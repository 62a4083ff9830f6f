"""How long to wait before trying the outside world again."""

import random
from datetime import timedelta


def full_jitter(*, attempt: int, base: timedelta, cap: timedelta) -> timedelta:
    """A random wait between nothing and `base * 2**(attempt - 1)`, at most `cap`; `attempt` counts from 1.

    Full jitter: whoever failed together does not come back together. At least a second, so that a row never spins.
    """
    doublings = min(max(attempt - 1, 0), 30)
    longest = min(base * (1 << doublings), cap)
    return max(timedelta(seconds=1), longest * random.random())  # noqa: S311 - a delay is no secret
