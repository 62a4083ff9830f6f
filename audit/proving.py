"""Proofs that a record stands in its chain, made for whoever checks them alone (see `audit.proof`)."""

from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Length

from audit import canonical, signing, tree
from audit.models import Chain, Record, Segment, SegmentState, Tile
from audit.note import NoteError, parse_note
from audit.proof import Proof, ProofError
from audit.tiles import WIDTH, Tiles, around, span_hash, split

_CHUNK: Final = 10_000


class NotSealed(Exception):
    """No signed head covers the record yet."""


class CannotProve(Exception):
    """What the database holds does not give the signed head: `audit_verify` will say more."""


def prove(record: Record, *, content: bool = True) -> Proof:
    """The proof that a sealed record stands under its chain's newest signed head; `content`: with the record in it.

    It is checked before it is given; tiles that give another head are made anew once, since an older copy of the
    database may have come back. Raises NotSealed, CannotProve.
    """
    segment = Segment.objects.filter(chain=record.chain, state=SegmentState.SEALED).order_by("-last").first()
    if segment is None or segment.last < record.seq:
        raise NotSealed
    grow(chain=record.chain, size=segment.last)
    try:
        return _proved(record, segment, content=content)
    except CannotProve:
        Tile.objects.filter(chain=record.chain).delete()
        grow(chain=record.chain, size=segment.last)
        return _proved(record, segment, content=content)


def exported(proof: Proof) -> dict[str, Any]:
    """A record as it leaves the house: with its hash, and why it cannot have been made up later.

    `proof` holds its record's line. The shape is `#exported` of `audit/schemas/audit-record-v1.json`.
    """
    if proof.line is None:
        raise ValueError("a proof without its record exports nothing")
    (signature,) = parse_note(proof.checkpoint).signatures
    return {
        "record": canonical.decode(proof.line),
        "hash": tree.leaf_hash(proof.line).hex(),
        "provenance_signature": {
            "checkpoint": proof.checkpoint.decode(),
            "key_id": signature.key_id.hex(),
            "algorithm": "Ed25519",
            "index": proof.index,
            "inclusion_proof": [one.hex() for one in proof.hashes],
        },
    }


def _proved(record: Record, segment: Segment, *, content: bool) -> Proof:
    line, trust, tiles = record.body.encode(), signing.trust(), _around(record, size=segment.last)
    try:
        path = tree.inclusion_proof(
            span_hash(lambda level, index: tiles.get((level, index), ())), index=record.seq - 1, size=segment.last
        )
        proof = Proof(record.seq - 1, path, segment.checkpoint.encode(), line if content else None)
        head = proof.check(line=line, key=trust.public_keys[0], verify=trust.verify)
    except (LookupError, NoteError, ProofError) as error:
        raise CannotProve(f"record {record.seq} of chain {record.chain}: {error}") from error
    if (head.origin, head.size) != (signing.origin_of(record.chain), segment.last):
        raise CannotProve(f"the head noted for chain {record.chain} speaks of something else")
    return proof


def _around(record: Record, *, size: int) -> dict[tuple[int, int], list[bytes]]:
    wanted = Q()
    for level, index in around(index=record.seq - 1, size=size):
        wanted |= Q(level=level, index=index)
    found = Tile.objects.filter(wanted, chain=record.chain).values_list("level", "index", "hashes")
    return {(level, index): _hashes(hashes) for level, index, hashes in found}


def grow(*, chain: str, size: int) -> None:
    """Bring a chain's tiles up to its first `size` records; those that reach that far already are left alone."""
    if _grown(chain) < size:
        _grow(chain=chain, size=size)


@transaction.atomic
def _grow(*, chain: str, size: int) -> None:
    Chain.objects.select_for_update().filter(name=chain).first()  # one at a time
    tiles = Tiles(_edges(chain))
    while tiles.size < size:
        leaves = (
            Record.objects.filter(chain=chain, seq__gt=tiles.size, seq__lte=size)
            .order_by("seq")
            .values_list("seq", "leaf")[:_CHUNK]
        )
        before = tiles.size
        for seq, leaf in leaves:
            if seq != tiles.size + 1:
                break
            tiles.extend([bytes(leaf)])
        if tiles.size == before:
            raise CannotProve(f"record {before + 1} of chain {chain} is missing")
    Tile.objects.bulk_create(
        [
            Tile(chain=chain, level=level, index=index, hashes=b"".join(hashes))
            for (level, index), hashes in tiles.touched.items()
        ],
        update_conflicts=True,
        unique_fields=["chain", "level", "index"],
        update_fields=["hashes"],
    )


def _grown(chain: str) -> int:
    """How many leaves the tiles hold, by the last of them."""
    leaves = Tile.objects.filter(chain=chain, level=0).order_by("-index").values_list("index", Length("hashes"))
    index, length = leaves.first() or (0, 0)
    return int(index * WIDTH + length // tree.HASH_BYTES)


def _edges(chain: str) -> list[tuple[int, list[bytes]]]:
    """The last tile of each level, each found by the index: a long chain has thousands."""
    found: list[tuple[int, list[bytes]]] = []
    while (tile := Tile.objects.filter(chain=chain, level=len(found)).order_by("-index").first()) is not None:
        found.append((tile.index, _hashes(tile.hashes)))
    return found


def _hashes(kept: bytes | memoryview) -> list[bytes]:
    return split(bytes(kept))
