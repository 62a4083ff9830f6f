"""Publishing the complete tiles of a chain's tree (c2sp.org/tlog-tiles) from the leaves that lie in the store.

Only what is sealed is read: leaves objects, and tiles put before. The tiles the database keeps for proofs can always be
made anew; these cannot, so they are not made of them.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256

from audit import tree
from audit.models.segments import Segment
from audit.sealer.content import CannotSeal
from audit.segment import Manifest, SegmentError, read_leaves
from audit.tiles import WIDTH, leaves_at, split
from audit.worm import ObjectMissing, Worm
from audit.worm.names import tile_key

Put = Callable[[int, int, bytes], None]
"""(level, index, hashes): put one tile; harmless when it is there already."""


def publish(*, worm: Worm, chain: str, first: int, last: int, put: Put) -> None:
    """Put every tile that the records `first` to `last` complete, level by level, in order.

    Those before them that are not there yet (a chain begun without tiles) come first. Memory for one tile and one
    segment's leaves. Raises `CannotSeal` when the store lacks what they are made of, `WormError`.
    """
    level = 0
    while (end := last // WIDTH ** (level + 1)) > 0:
        index = min((first - 1) // WIDTH ** (level + 1), end)
        # Put in order: the newest one there has all others before it.
        while index > 0 and not _there(worm, tile_key(chain=chain, level=level, index=index - 1)):
            index -= 1
        hashes = _leaves(worm, chain, index, end) if level == 0 else _roots(worm, chain, level, index, end)
        tile: list[bytes] = []
        for node in hashes:
            tile.append(node)
            if len(tile) == WIDTH:
                put(level, index, b"".join(tile))
                index, tile = index + 1, []
        if index != end:
            raise CannotSeal(f"the leaves of chain {chain} do not reach record {leaves_at(level=level, index=end - 1)}")
        level += 1


def _there(worm: Worm, key: str) -> bool:
    try:
        worm.look(key)
    except ObjectMissing:
        return False
    return True


def _leaves(worm: Worm, chain: str, index: int, end: int) -> Iterator[bytes]:
    """The leaves of the level-0 tiles from `index` up to `end`, a segment at a time."""
    if index == end:
        return
    begin, stop = index * WIDTH, end * WIDTH
    rows = Segment.objects.filter(chain=chain, last__gt=begin, first__lte=stop).order_by("first")
    follows = None
    for row in rows.only("first", "last", "chain", "manifest").iterator(chunk_size=50):
        if row.first != follows and (follows is not None or row.first > begin + 1):
            raise CannotSeal(f"the segment of chain {chain} before record {row.first} is not known")
        follows = row.last + 1
        try:
            manifest = Manifest.from_bytes(row.manifest.encode())
            data = worm.get(manifest.leaves.key)
            if sha256(data).hexdigest() != manifest.leaves.sha256:
                raise CannotSeal(f"the leaves of segment {row} are not the ones that were sealed")
            leaves, _ = read_leaves(data, count=manifest.count, classes=len(manifest.payloads))
        except (SegmentError, ObjectMissing) as error:
            raise CannotSeal(f"the leaves of segment {row} cannot be read: {error}") from error
        yield from leaves[max(0, begin - row.first + 1) : max(0, stop - row.first + 1)]


def _roots(worm: Worm, chain: str, level: int, index: int, end: int) -> Iterator[bytes]:
    """The hashes of the tiles of a higher level: each the root of one tile below."""
    for below in range(index * WIDTH, end * WIDTH):
        try:
            yield tree.root(split(worm.get(tile_key(chain=chain, level=level - 1, index=below))))
        except ObjectMissing as error:
            raise CannotSeal(f"tile {below} of level {level - 1} of chain {chain} is gone") from error
