"""Every function equals the naive set of whole numbers it stands for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bookings.intervals import (
    Interval,
    covers,
    intersect,
    starts_forbidden,
    starts_inside,
    stepped,
    subtract,
    touches,
    union,
)

points = st.integers(min_value=0, max_value=60)
intervals = st.lists(st.tuples(points, points), max_size=8)
solid = st.tuples(points, points).filter(lambda pair: pair[0] < pair[1])
lengths = st.integers(min_value=1, max_value=12)


def dots(found: list[Interval]) -> set[int]:
    return {point for start, end in found for point in range(start, end)}


def is_a_set(found: list[Interval]) -> bool:
    return all(start < end for start, end in found) and all(one[1] < other[0] for one, other in pairwise(found))


@given(intervals)
def test_union_holds_every_point_once(some: list[Interval]) -> None:
    assert is_a_set(union(some))
    assert dots(union(some)) == dots(some)


@given(intervals, intervals)
def test_subtract_leaves_what_is_not_taken(base: list[Interval], taken: list[Interval]) -> None:
    left = subtract(union(base), union(taken))
    assert is_a_set(left)
    assert dots(left) == dots(base) - dots(taken)


@given(intervals, intervals)
def test_intersect_keeps_what_both_have(one: list[Interval], other: list[Interval]) -> None:
    both = intersect(union(one), union(other))
    assert dots(both) == dots(one) & dots(other)


@given(intervals, solid)
def test_covers_and_touches_ask_the_points(base: list[Interval], interval: Interval) -> None:
    assert covers(union(base), interval) == (dots([interval]) <= dots(base))
    assert touches(union(base), interval) == bool(dots([interval]) & dots(base))


@given(intervals, lengths)
def test_starts_inside_are_those_whose_whole_length_is_open(openings: list[Interval], length: int) -> None:
    opened = union(openings)
    assert dots(starts_inside(opened, length=length)) == {
        start for start in range(-20, 80) if covers(opened, (start, start + length))
    }


@given(st.lists(solid, max_size=8), lengths, lengths)
def test_starts_forbidden_are_those_that_would_overlap(taken: list[Interval], before: int, after: int) -> None:
    forbidden = dots(starts_forbidden(taken, before=before, after=after))
    assert forbidden == {
        start
        for start in range(-40, 120)
        if any(start - before < end and start + after > begin for begin, end in taken)
    }


@given(intervals, intervals, lengths)
def test_stepped_counts_from_each_opening_whatever_is_taken(
    openings: list[Interval], allowed: list[Interval], step: int
) -> None:
    anchors = union(openings)
    found = list(stepped(openings=anchors, step=step, allowed=union(allowed)))
    assert found == sorted(
        point for start, end in anchors for point in range(start, end, step) if point in dots(allowed)
    )


def test_touching_intervals_become_one() -> None:
    assert union([(5, 9), (1, 5), (9, 9)]) == [(1, 9)]
