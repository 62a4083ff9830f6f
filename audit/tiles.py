"""The tree kept in tiles of 256 hashes (c2sp.org/tlog-tiles): any inner node is a few reads away, at any size.

Tile `index` of level 0 holds the leaves 256 × index and on; a hash of level `n` + 1 is the root over one full tile of
level `n`. So a subtree of `2**h` leaves is the root over at most 128 neighbouring hashes of one tile.

No Django here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from audit import tree

WIDTH: Final = 256
_BITS: Final = 8

Fetch = Callable[[int, int], Sequence[bytes]]
"""(level, index) -> the hashes of that tile, as many as there are yet."""


def leaves_at(*, level: int, index: int) -> int:
    """How many leaves the tree has when that tile becomes complete."""
    return int((index + 1) * WIDTH ** (level + 1))


def around(*, index: int, size: int) -> set[tuple[int, int]]:
    """Level and index of the tiles that the path of leaf `index` in a tree of `size` leaves can touch: of each level
    the one above the leaf, and the last. The last may not be there yet, where its first hash is still to come."""
    wanted, level = set(), 0
    while size // WIDTH**level:
        covers = WIDTH ** (level + 1)
        wanted |= {(level, index // covers), (level, (size - 1) // covers)}
        level += 1
    return wanted


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile as it is kept: one after another."""
    return [data[start : start + tree.HASH_BYTES] for start in range(0, len(data), tree.HASH_BYTES)]


class Tiles:
    """Tiles being filled at their right edge. `edges`: the last tile of each level, its index and its hashes."""

    def __init__(self, edges: Sequence[tuple[int, Sequence[bytes]]] = ()) -> None:
        self._edges = [(index, list(hashes)) for index, hashes in edges]
        self.touched: dict[tuple[int, int], list[bytes]] = {}
        """The tiles that changed since, by level and index."""

    @property
    def size(self) -> int:
        """How many leaves they hold."""
        return self._edges[0][0] * WIDTH + len(self._edges[0][1]) if self._edges else 0

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the right, in order."""
        for leaf in leaves:
            self._append(0, leaf)

    def _append(self, level: int, node: bytes) -> None:
        if level == len(self._edges):
            self._edges.append((0, []))
        index, hashes = self._edges[level]
        if len(hashes) == WIDTH:
            index, hashes = index + 1, []
        hashes.append(node)
        self._edges[level] = index, hashes
        self.touched[level, index] = hashes
        if len(hashes) == WIDTH:
            self._append(level + 1, tree.root(hashes))


def span_hash(fetch: Fetch) -> tree.SpanHash:
    """A `SpanHash` for `audit.tree` that reads each tile it needs once."""
    read: dict[tuple[int, int], Sequence[bytes]] = {}

    def hash_of(start: int, end: int) -> bytes:
        width = end - start
        whole = 1 << (width - 1).bit_length()
        if whole != width:
            middle = start + whole // 2
            return tree.node_hash(hash_of(start, middle), hash_of(middle, end))
        level = (width.bit_length() - 1) // _BITS
        covers = WIDTH**level
        index, place = divmod(start // covers, WIDTH)
        if (level, index) not in read:
            read[level, index] = fetch(level, index)
        hashes = read[level, index][place : place + width // covers]
        if len(hashes) != width // covers:
            raise LookupError(f"tile {index} of level {level} does not reach that far")
        return tree.root(hashes)

    return hash_of
