"""The complete tiles of a chain's tree held against the sealed leaves, as the check of its segments goes by.

Memory for one tile of each level, however long the chain. A hash that damage hides is unknown, and a tile that would
need it is not judged: the damage itself is told of.
"""

from audit import tree
from audit.tiles import WIDTH, leaves_at
from audit.verify.bench import Sealed
from audit.verify.objects import Store
from audit.worm.names import SEGMENT_KEY, read_tile_key, segment_prefix, tile_key
from audit.worm.store import ObjectMissing, WormUnavailable

_Hashes = list[bytes | None]


class TileCheck:
    """Fed with the segments of one chain in order, those that could be read."""

    def __init__(self, store: Store, chain: str) -> None:
        self.store = store
        self.chain = chain
        self._size = 0
        self._edges: list[tuple[int, _Hashes]] = []

    def add(self, sealed: Sealed) -> None:
        """Take in a segment's leaves; what lies between it and the one before stays unknown."""
        if sealed.first - 1 != self._size:
            self._lose(sealed.first - 1)
        for leaf in sealed.leaves:
            self._append(0, leaf, until=sealed.until)
        self._size += len(sealed.leaves)

    def finish(self, *, size: int) -> None:
        """Tell of tiles beyond the chain's `size` records, and of whatever else lies among them."""
        before = ""
        for stored in self.store.worm.list(f"chains/{self.chain}/tile/"):
            named = read_tile_key(stored.key)
            if stored.key == before:
                self.store.report.find("object-doubled", object=stored.key)
            elif named is None or not self._reaches(leaves_at(level=named[0], index=named[1]), size=size):
                self.store.report.find("object-unexpected", object=stored.key)
            before = stored.key

    def _reaches(self, wanted: int, *, size: int) -> bool:
        """Whether the chain has so many records, counting what was sealed while the check ran."""
        if wanted <= size:
            return True
        after = segment_prefix(chain=self.chain, first=size + 1, last=0)
        for stored in self.store.worm.list(f"chains/{self.chain}/seg/", after=after):
            match = SEGMENT_KEY.fullmatch(stored.key)
            if match is not None and int(match["last"]) >= wanted:
                return True
        return False

    def _lose(self, size: int) -> None:
        """Go on at `size` leaves without knowing those before."""
        self._size, self._edges = size, []
        while size:
            index, count = divmod(size, WIDTH)
            self._edges.append((index, [None] * count))
            size = index

    def _append(self, level: int, node: bytes | None, *, until: str) -> None:
        if level == len(self._edges):
            self._edges.append((0, []))
        index, hashes = self._edges[level]
        hashes.append(node)
        if len(hashes) < WIDTH:
            return
        known = [known for known in hashes if known is not None]
        whole = len(known) == WIDTH
        if whole:
            self._hold(level, index, known, until=until)
        self._edges[level] = index + 1, []
        self._append(level + 1, tree.root(known) if whole else None, until=until)

    def _hold(self, level: int, index: int, hashes: list[bytes], *, until: str) -> None:
        key = tile_key(chain=self.chain, level=level, index=index)
        place: dict[str, str | int] = {
            "object": key,
            "chain": self.chain,
            "seq": leaves_at(level=level, index=index),
        }
        try:
            stored = self.store.worm.look(key)
            data = self.store.worm.get(key)
        except ObjectMissing:
            self.store.report.find("tile-missing", **place)
            return
        except WormUnavailable as error:
            self.store.report.miss("store-unreadable", object=key, reason=str(error))
            return
        self.store.report.count("tiles")
        self.store.lock(stored, until=until)
        if data != b"".join(hashes):
            self.store.report.find("tile-differs", **place)
