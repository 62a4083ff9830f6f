"""The Merkle tree of RFC 6962, section 2.1 (the same in RFC 9162): hashes, heads, proofs and their checks.

A leaf is the 32-byte hash of a record line, `SHA-256(0x00 || line)`; an inner node is `SHA-256(0x01 || left || right)`.
The two prefixes keep a node from being passed off as a record. Sizes and indexes count leaves from 0, so the record
with sequence number 1 has index 0.

No Django here: the single-file verifier carries this module.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Span = tuple[int, int]
SpanHash = Callable[[int, int], bytes]


def leaf_hash(line: bytes) -> bytes:
    """The leaf of one record: `line` is its canonical bytes without the newline."""
    return sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The tree of the first `size` leaves, kept as the hashes of its largest complete subtrees.

    Appending costs one or two hashes and about `log2(size)` hashes of memory, whatever the size: this is what lets a
    head be computed without reading the leaves before it.
    """

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """`nodes`: subtree hashes from left (largest) to right, one for each bit set in `size`; else `ValueError`."""
        self.size = size
        self.nodes = list(nodes)
        if size < 0 or len(self.nodes) != size.bit_count() or any(len(node) != HASH_BYTES for node in self.nodes):
            raise ValueError("a compact range needs one 32-byte hash for each bit set in its size")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        node, rest = leaf, self.size
        while rest & 1:
            node = node_hash(self.nodes.pop(), node)
            rest >>= 1
        self.nodes.append(node)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the right, in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The head of the tree at this size."""
        if not self.nodes:
            return EMPTY_ROOT
        head = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            head = node_hash(node, head)
        return head

    def to_bytes(self) -> bytes:
        """The subtree hashes joined, left to right; the size is kept beside them."""
        return b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "CompactRange":
        """What `to_bytes` wrote for that size; raises `ValueError` if the length does not fit."""
        if len(data) % HASH_BYTES:
            raise ValueError("a compact range is a whole number of hashes")
        return cls(size, (data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)))


def root(leaves: Iterable[bytes]) -> bytes:
    """The head of the tree over `leaves` (leaf hashes, in order)."""
    whole = CompactRange()
    whole.extend(leaves)
    return whole.root()


def spans_over(leaves: Sequence[bytes]) -> SpanHash:
    """A `SpanHash` that answers from leaves held in memory. A store of tiles can answer the same question from disk."""

    def hash_of(start: int, end: int) -> bytes:
        return root(leaves[start:end])

    return hash_of


def inclusion_spans(*, index: int, size: int) -> list[Span]:
    """Which subtrees (start, end) make the audit path of leaf `index` in the tree of `size`, from the leaf upward.

    Raises `ValueError` unless `0 <= index < size`. (RFC 6962, 2.1.1: PATH.)
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in a tree of this size")
    start, end = 0, size
    path: list[Span] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    path.reverse()
    return path


def consistency_spans(*, old: int, new: int) -> list[Span]:
    """Which subtrees (start, end) prove that the tree of `new` leaves begins with the tree of `old` leaves.

    Raises `ValueError` unless `0 < old <= new`. Empty when they are the same size. (RFC 6962, 2.1.2: PROOF, SUBPROOF.)
    """
    if not 0 < old <= new:
        raise ValueError("consistency is proved from a tree that is not empty to one at least as large")
    start, end, whole = 0, new, True
    path: list[Span] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, end))
    path.reverse()
    return path


def inclusion_proof(hash_of: SpanHash, *, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size`: hashes from the leaf's sibling to the root's child."""
    return [hash_of(start, end) for start, end in inclusion_spans(index=index, size=size)]


def consistency_proof(hash_of: SpanHash, *, old: int, new: int) -> list[bytes]:
    """The hashes that prove the tree of `new` leaves to be the tree of `old` leaves with more added at the right."""
    return [hash_of(start, end) for start, end in consistency_spans(old=old, new=new)]


def includes(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows `leaf` at `index` of the tree with this `size` and `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def consistent(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows the tree (`new`, `new_root`) to begin with (`old`, `old_root`) (RFC 9162, 2.1.4.2).

    Every tree begins with the empty one: `old` 0 holds with no proof and the empty root.
    """
    if old == 0 or old == new:
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    if not 0 < old < new or not proof:
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new_node = node_hash(new_node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and old_node == old_root and new_node == new_root


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (which is at least 2)."""
    return 1 << (count - 1).bit_length() - 1
