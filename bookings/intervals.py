"""Half-open intervals of whole numbers `[start, end)`, and the sweeps availability is made of.

A *set* of intervals here is a list in ascending order whose members neither overlap nor touch; every function takes and
gives sets unless it says otherwise. Availability counts epoch seconds, but nothing in this module knows what is
counted.

Searching works in the space of starts: an opening becomes the starts a visit may have in it, something taken becomes
the starts it forbids. One subtraction and one intersection then answer for a whole month.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The set of all points in any of `intervals`, which may come in any order, overlap, touch or be empty."""
    merged: list[Interval] = []
    last_start = last_end = 0
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= last_end:
            if end > last_end:
                last_end = end
                merged[-1] = (last_start, last_end)
        else:
            last_start, last_end = start, end
            merged.append((start, end))
    return merged


def subtract(base: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """The points of `base` outside `taken`."""
    left: list[Interval] = []
    index, count = 0, len(taken)
    for start, end in base:
        while index < count and taken[index][1] <= start:
            index += 1
        at = index
        while at < count and taken[at][0] < end:
            if taken[at][0] > start:
                left.append((start, taken[at][0]))
            start = taken[at][1]
            at += 1
        if start < end:
            left.append((start, end))
    return left


def intersect(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """The points in both sets."""
    both: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            both.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return both


def covers(base: Sequence[Interval], interval: Interval) -> bool:
    """Whether one member of `base` contains the whole of `interval`."""
    index = bisect_right(base, interval[0], key=lambda member: member[0]) - 1
    return index >= 0 and interval[1] <= base[index][1]


def touches(base: Sequence[Interval], interval: Interval) -> bool:
    """Whether any point of `interval` lies in `base`."""
    index = bisect_right(base, interval[0], key=lambda member: member[0]) - 1
    if index >= 0 and base[index][1] > interval[0]:
        return True
    return index + 1 < len(base) and base[index + 1][0] < interval[1]


def starts_inside(openings: Iterable[Interval], *, length: int) -> list[Interval]:
    """The starts at which something of `length` lies wholly in one of `openings`."""
    return [(start, end - length + 1) for start, end in openings if end - start >= length]


def starts_forbidden(taken: Iterable[Interval], *, before: int, after: int) -> list[Interval]:
    """The starts whose `[start - before, start + after)` would overlap something taken, which may overlap and touch."""
    return union((start - after + 1, end + before) for start, end in taken)


def stepped(*, openings: Iterable[Interval], step: int, allowed: Sequence[Interval]) -> Iterator[int]:
    """The points `opening + n * step` inside each of `openings` (in order of start) that are `allowed`, ascending.

    Openings are anchors: what is taken never shifts the grid. Where openings overlap, their grids follow one another.
    """
    first, count = 0, len(allowed)
    for opening, close in openings:
        while first < count and allowed[first][1] <= opening:
            first += 1
        at = first
        while at < count and allowed[at][0] < close:
            start = max(allowed[at][0], opening)
            yield from range(start + (opening - start) % step, min(allowed[at][1], close), step)
            at += 1
