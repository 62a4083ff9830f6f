"""Proofs that a record stands in its chain, made for whoever checks them alone (see `audit.proof`)."""

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from audit import signing, tree
from audit.models import Chain, Record, Segment, SegmentState, Tile
from audit.note import NoteError
from audit.proof import Proof, ProofError
from audit.tiles import Tiles, span_hash, split

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


def _proved(record: Record, segment: Segment, *, content: bool) -> Proof:
    def fetch(level: int, index: int) -> Sequence[bytes]:
        tile = Tile.objects.filter(chain=record.chain, level=level, index=index).first()
        return [] if tile is None else _hashes(tile)

    line, trust = record.body.encode(), signing.trust()
    try:
        path = tree.inclusion_proof(span_hash(fetch), index=record.seq - 1, size=segment.last)
        proof = Proof(record.seq - 1, path, segment.checkpoint.encode(), line if content else None)
        head = proof.check(line=line, key=trust.public_keys[0], verify=trust.verify)
    except (LookupError, NoteError, ProofError) as error:
        raise CannotProve(f"record {record.seq} of chain {record.chain}: {error}") from error
    if (head.origin, head.size) != (signing.origin_of(record.chain), segment.last):
        raise CannotProve(f"the head noted for chain {record.chain} speaks of something else")
    return proof


@transaction.atomic
def grow(*, chain: str, size: int) -> None:
    """Bring a chain's tiles up to its first `size` records; those that reach that far already are left alone."""
    if Tiles(_edges(chain)).size >= size:
        return
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


def _edges(chain: str) -> list[tuple[int, list[bytes]]]:
    """The last tile of each level, each found by the index: a long chain has thousands."""
    found: list[tuple[int, list[bytes]]] = []
    while (tile := Tile.objects.filter(chain=chain, level=len(found)).order_by("-index").first()) is not None:
        found.append((tile.index, _hashes(tile)))
    return found


def _hashes(tile: Tile) -> list[bytes]:
    return split(bytes(tile.hashes))
