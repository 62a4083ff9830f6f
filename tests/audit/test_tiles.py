"""Tiles give every inner node of the tree, at any size, and are filled a piece at a time."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import tree
from audit.tiles import WIDTH, Tiles, around, span_hash


def leaves(count: int, *, first: int = 0) -> list[bytes]:
    return [tree.leaf_hash(str(number).encode()) for number in range(first, first + count)]


def filled(*pieces: int) -> Tiles:
    tiles, size = Tiles(), 0
    for count in pieces:
        tiles.extend(leaves(count, first=size))
        size += count
    return tiles


def read(tiles: Tiles, asked: list[tuple[int, int]] | None = None) -> tree.SpanHash:
    def fetch(level: int, index: int) -> Sequence[bytes]:
        if asked is not None:
            asked.append((level, index))
        return tiles.touched.get((level, index), [])

    return span_hash(fetch)


@settings(deadline=None, max_examples=25)
@given(size=st.integers(1, 3 * WIDTH + 5), data=st.data())
def test_every_proof_from_tiles_is_the_proof_from_all_leaves(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hash_of = read(filled(size))
    proof = tree.inclusion_proof(hash_of, index=index, size=size)
    everything = leaves(size)
    assert proof == tree.inclusion_proof(tree.spans_over(everything), index=index, size=size)
    assert tree.includes(leaf=everything[index], index=index, size=size, proof=proof, root=tree.root(everything))


@pytest.mark.parametrize("size", [WIDTH**2 - 1, WIDTH**2, WIDTH**2 + WIDTH + 3])
def test_the_third_level_begins_where_the_second_is_full(size: int) -> None:
    tiles = filled(size)
    assert tiles.size == size
    asked: list[tuple[int, int]] = []
    proof = tree.inclusion_proof(read(tiles, asked), index=12_345, size=size)
    root = tree.root(leaves(size))
    assert tree.includes(leaf=leaves(1, first=12_345)[0], index=12_345, size=size, proof=proof, root=root)
    assert len(asked) == len(set(asked)) <= 6
    assert ((2, 0) in tiles.touched) == (size >= WIDTH**2)


@given(size=st.integers(1, WIDTH**4), data=st.data())
def test_a_path_touches_no_tile_but_those_around_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    asked: set[tuple[int, int]] = set()

    def fetch(level: int, place: int) -> Sequence[bytes]:
        asked.add((level, place))
        return [b"\0" * tree.HASH_BYTES] * WIDTH

    tree.inclusion_proof(span_hash(fetch), index=index, size=size)
    assert asked <= around(index=index, size=size)


@given(st.lists(st.integers(0, 300), max_size=5))
def test_however_they_were_filled_they_are_the_same(pieces: list[int]) -> None:
    assert filled(*pieces).touched == filled(sum(pieces)).touched


def test_filling_goes_on_from_the_edges_alone() -> None:
    before = filled(WIDTH + 10)
    edges = [(1, before.touched[0, 1]), (0, before.touched[1, 0])]
    after = Tiles(edges)
    after.extend(leaves(WIDTH, first=WIDTH + 10))
    assert after.size == 2 * WIDTH + 10
    assert before.touched | after.touched == filled(2 * WIDTH + 10).touched
    assert (0, 0) not in after.touched


def test_a_tile_that_does_not_reach_that_far_is_no_answer() -> None:
    with pytest.raises(LookupError):
        read(filled(100))(96, 128)
