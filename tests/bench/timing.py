"""Measuring time: medians and percentiles, and methods that take turns so that what else runs here meets them all."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MILLI = 1000.0


def median(seconds: Sequence[float]) -> float:
    """The middle of what was measured, in milliseconds."""
    return statistics.median(seconds) * MILLI


def percentile(seconds: Sequence[float], percent: float) -> float:
    """The measured value that `percent` of all do not exceed (nearest rank), in milliseconds."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] * MILLI


def taking_turns(methods: Mapping[str, Callable[[], Any]], *, rounds: int, warm: int = 2) -> dict[str, list[float]]:
    """Seconds of each method in each round, which begins with another method each time; `warm` rounds before the first
    do not count.

    What one call leaves for the garbage collector is collected before the next begins, so nobody pays for a neighbour.
    """
    names = list(methods)
    found: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.freeze()  # what is there already need not be looked through each time
    for number in range(-warm, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            gc.collect()
            began = time.perf_counter()
            methods[name]()
            took = time.perf_counter() - began
            if number >= 0:
                found[name].append(took)
    gc.unfreeze()
    return found
