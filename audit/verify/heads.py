"""Signed heads without the records under them: their signatures, and that each continues the one before it.

What this reads is 33 bytes for a record, the leaves: enough to show that no signed history was replaced by another, not
that the stored records are the ones that were hashed.
"""

from hashlib import sha256

from audit.note import NoteError
from audit.segment import Manifest, SegmentError, read_leaves
from audit.verify.objects import Store
from audit.verify.plan import Segment, position_after
from audit.verify.segments import Position
from audit.worm.names import manifest_key, segment_prefix


def check_head(store: Store, *, chain: str, segment: Segment) -> bytes | None:
    """The root that is signed for the records up to this segment's end; None when no trusted signature says one."""
    key = segment.head.key
    data = store.read(key)
    if data is None:
        return None
    store.report.count("heads")
    if not store.trust.public_keys:
        return None
    try:
        checkpoint = store.trust.checkpoint(data, chain=chain)
        if checkpoint.size != segment.last:
            raise NoteError("it speaks of another number of records than its name says")
    except NoteError as error:
        store.report.find("checkpoint-bad", chain=chain, seq=segment.last, object=key, reason=str(error))
        return None
    return checkpoint.root


def check_continuity(store: Store, *, position: Position, segment: Segment) -> None:
    """Check that the head after `segment` continues the tree at `position`, and move the position behind it."""
    chain, last = position.chain, segment.last
    root = check_head(store, chain=chain, segment=segment)
    key = manifest_key(segment_prefix(chain=chain, first=segment.first, last=last))
    data, vouched = store.signed(key, chain=chain)
    after = position_after(data, chain=chain, size=last) if vouched else None
    if data is None or after is None or after.compact is None:
        if vouched:
            store.report.find("object-unreadable", object=key, reason="it is no list of this segment")
        position.lose(size=last)
        return
    manifest = Manifest.from_bytes(data)
    if position.manifest is not None and manifest.previous_manifest != position.manifest:
        _differs(store, chain, segment, "it does not follow the list before it")
    elif position.head is not None and manifest.prev != position.head:
        _differs(store, chain, segment, "it does not follow the record before it")
    leaves = _leaves(store, manifest)
    if leaves is None:
        position.lose(size=last)
        return
    if position.compact is not None:
        position.compact.extend(leaves)
    computed = position.compact.root() if position.compact is not None else after.compact.root()
    if root is not None and computed != root:
        store.report.find("root-differs", chain=chain, seq=last, object=segment.head.key)
    elif computed != after.compact.root():
        _differs(store, chain, segment, "its head is not that of its records")
    elif leaves[-1].hex() != manifest.head:
        _differs(store, chain, segment, "it ends with another record")
    position.size, position.head, position.compact, position.manifest = last, after.head, after.compact, after.manifest


def _leaves(store: Store, manifest: Manifest) -> list[bytes] | None:
    key = manifest.leaves.key
    data = store.read(key)
    if data is None:
        return None
    if sha256(data).hexdigest() != manifest.leaves.sha256:
        store.report.find("object-altered", object=key)
        return None
    try:
        leaves, _classes = read_leaves(data, count=manifest.count, classes=len(manifest.payloads))
    except SegmentError as error:
        store.report.find("object-unreadable", object=key, reason=str(error))
        return None
    return list(leaves)


def _differs(store: Store, chain: str, segment: Segment, reason: str) -> None:
    store.report.find("manifest-differs", chain=chain, first=segment.first, last=segment.last, reason=reason)
