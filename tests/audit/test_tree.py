"""RFC 6962 trees against the published vectors, the RFC's own recursive definitions, and another implementation."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import tree

# Inputs and roots of the Certificate Transparency reference tree, sizes 1 to 8.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def definition(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + definition(entries[:k]) + definition(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1, word for word."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), definition(entries[k:])]
    return [*path(m - k, entries[k:]), definition(entries[:k])]


def subproof(m: int, entries: list[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2, word for word."""
    n = len(entries)
    if m == n:
        return [] if complete else [definition(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], complete), definition(entries[k:])]
    return [*subproof(m - k, entries[k:], False), definition(entries[:k])]


def entries_of(size: int) -> list[bytes]:
    return [f"record {number}".encode() for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots_are_reproduced(size: int) -> None:
    assert tree.root(map(tree.leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert tree.root([]) == tree.EMPTY_ROOT == sha256(b"").digest()


def test_published_proofs_are_reproduced() -> None:
    hash_of = tree.spans_over([tree.leaf_hash(entry) for entry in INPUTS])
    assert [node.hex() for node in tree.inclusion_proof(hash_of, index=2, size=3)] == [ROOTS[1]]
    assert [node.hex() for node in tree.inclusion_proof(hash_of, index=5, size=8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]
    assert [node.hex() for node in tree.consistency_proof(hash_of, old=2, new=5)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]
    assert tree.consistency_proof(hash_of, old=8, new=8) == []


@pytest.mark.parametrize("size", range(1, 40))
def test_heads_and_proofs_are_those_of_the_rfc_at_every_size(size: int) -> None:
    entries = entries_of(size)
    leaves = [tree.leaf_hash(entry) for entry in entries]
    hash_of = tree.spans_over(leaves)
    head = tree.root(leaves)
    assert head == definition(entries)
    for index in range(size):
        proof = tree.inclusion_proof(hash_of, index=index, size=size)
        assert proof == path(index, entries)
        assert tree.includes(leaf=leaves[index], index=index, size=size, proof=proof, root=head)
    for old in range(1, size + 1):
        proof = tree.consistency_proof(hash_of, old=old, new=size)
        assert proof == subproof(old, entries, True)
        assert tree.consistent(old=old, old_root=definition(entries[:old]), new=size, new_root=head, proof=proof)


@given(st.integers(1, 200), st.data())
def test_an_inclusion_proof_holds_for_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(entry) for entry in entries_of(size)]
    index = data.draw(st.integers(0, size - 1))
    head = tree.root(leaves)
    proof = tree.inclusion_proof(tree.spans_over(leaves), index=index, size=size)
    assert tree.includes(leaf=leaves[index], index=index, size=size, proof=proof, root=head)
    other = tree.leaf_hash(b"another")
    assert not tree.includes(leaf=other, index=index, size=size, proof=proof, root=head)
    assert not tree.includes(leaf=leaves[index], index=index, size=size, proof=proof, root=other)
    assert not tree.includes(leaf=leaves[index], index=index, size=size, proof=[*proof, other], root=head)
    assert not tree.includes(leaf=leaves[index], index=size, size=size, proof=proof, root=head)
    assert not tree.includes(leaf=leaves[index], index=-1, size=size, proof=proof, root=head)
    if proof:
        spot = data.draw(st.integers(0, len(proof) - 1))
        assert not tree.includes(leaf=leaves[index], index=index, size=size, proof=proof[:-1], root=head)
        broken = [*proof[:spot], other, *proof[spot + 1 :]]
        assert not tree.includes(leaf=leaves[index], index=index, size=size, proof=broken, root=head)
        wrong = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
        assert not tree.includes(leaf=leaves[index], index=wrong, size=size, proof=proof, root=head)


def test_a_proof_that_stops_early_holds_for_no_larger_tree() -> None:
    leaves = [tree.leaf_hash(entry) for entry in entries_of(3)]
    assert not tree.includes(leaf=leaves[0], index=0, size=3, proof=[], root=leaves[0])
    assert not tree.includes(leaf=leaves[0], index=0, size=3, proof=[leaves[1]], root=tree.root(leaves[:2]))
    assert not tree.consistent(old=1, old_root=leaves[0], new=3, new_root=tree.root(leaves[:2]), proof=[leaves[1]])


@given(st.integers(2, 200), st.data())
def test_a_consistency_proof_holds_for_nothing_else(new: int, data: st.DataObject) -> None:
    leaves = [tree.leaf_hash(entry) for entry in entries_of(new)]
    old = data.draw(st.integers(1, new - 1))
    before, after = tree.root(leaves[:old]), tree.root(leaves)
    proof = tree.consistency_proof(tree.spans_over(leaves), old=old, new=new)
    assert tree.consistent(old=old, old_root=before, new=new, new_root=after, proof=proof)
    other = tree.leaf_hash(b"another")
    assert not tree.consistent(old=old, old_root=other, new=new, new_root=after, proof=proof)
    assert not tree.consistent(old=old, old_root=before, new=new, new_root=other, proof=proof)
    assert not tree.consistent(old=old, old_root=before, new=new, new_root=after, proof=proof[:-1])
    assert not tree.consistent(old=old, old_root=before, new=new, new_root=after, proof=[*proof, other])
    assert not tree.consistent(old=new, old_root=after, new=old, new_root=before, proof=proof)
    rewritten = [tree.leaf_hash(b"rewritten"), *leaves[1:]]
    forged = tree.consistency_proof(tree.spans_over(rewritten), old=old, new=new)
    assert not tree.consistent(old=old, old_root=before, new=new, new_root=tree.root(rewritten), proof=forged)


def test_every_tree_begins_with_the_empty_one() -> None:
    head = tree.leaf_hash(b"a")
    assert tree.consistent(old=0, old_root=tree.EMPTY_ROOT, new=1, new_root=head, proof=[])
    assert not tree.consistent(old=0, old_root=head, new=1, new_root=head, proof=[])
    assert tree.consistent(old=1, old_root=head, new=1, new_root=head, proof=[])
    assert not tree.consistent(old=1, old_root=head, new=1, new_root=tree.EMPTY_ROOT, proof=[])


def test_proofs_outside_the_tree_are_refused() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        tree.inclusion_spans(index=3, size=3)
    with pytest.raises(ValueError, match="not empty"):
        tree.consistency_spans(old=0, new=3)
    with pytest.raises(ValueError, match="not empty"):
        tree.consistency_spans(old=4, new=3)


@given(st.lists(st.integers(0, 60), max_size=5))
def test_a_compact_range_goes_on_where_it_was_put_down(steps: list[int]) -> None:
    kept = tree.CompactRange()
    leaves: list[bytes] = []
    for step in steps:
        added = [tree.leaf_hash(f"{len(leaves) + number}".encode()) for number in range(step)]
        leaves += added
        kept = tree.CompactRange.from_bytes(kept.size, kept.to_bytes())
        kept.extend(added)
        assert kept.root() == tree.root(leaves)
        assert kept.size == len(leaves)


def test_a_compact_range_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="each bit"):
        tree.CompactRange(3, [b"\0" * 32])
    with pytest.raises(ValueError, match="each bit"):
        tree.CompactRange(1, [b"short"])
    with pytest.raises(ValueError, match="whole number"):
        tree.CompactRange.from_bytes(1, b"\0" * 31)


def test_another_implementation_agrees_on_roots_and_proofs() -> None:
    pymerkle = pytest.importorskip("pymerkle", reason="the independent tree (GPL, for tests only) is not installed")
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    leaves: list[bytes] = []
    for size, entry in enumerate(entries_of(70), start=1):
        theirs.append_entry(entry)
        leaves.append(tree.leaf_hash(entry))
        assert theirs.get_root() == tree.root(leaves)
        for index in {0, size // 2, size - 1}:
            proof = theirs.prove_inclusion(index + 1, size)
            ours = tree.inclusion_proof(tree.spans_over(leaves), index=index, size=size)
            pymerkle.verify_inclusion(leaves[index], tree.root(leaves), proof)
            assert proof.path[1:] == ours
