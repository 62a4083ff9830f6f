"""The steps from a planned range to a published head. Each is committed before the next, harmless when done again."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from audit import canonical, signing
from audit import segment as form
from audit.locks import commitments_locked_until, locked_until
from audit.models.records import Chain
from audit.models.segments import Segment, SegmentState
from audit.note import Checkpoint, NoteError, Signer, parse_note, sign_note
from audit.proving import CannotProve, grow
from audit.sealer.content import Built, CannotSeal, read
from audit.sealer.tiles import publish
from audit.worm import AlreadyWritten, ObjectMissing, Stored, Worm, names

Reached = Callable[[str], None]


class Superseded(Exception):
    """Another sealer has taken over: this one lost its lock and changes nothing any more."""


class Fork(Exception):
    """The evidence store already holds another history than the database would seal now; nothing was signed."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """One sealer at work on one chain: its store, its key, its fence, and what moment it is."""

    worm: Worm
    key: Signer
    fence: int
    now: datetime
    reached: Reached
    """Called between steps, with the name of what comes next."""

    def finish(self, segment: Segment) -> Segment:
        """Take the segment from wherever it stands to sealed. Raises what the steps raise; nothing done is undone."""
        built: Built | None = None
        if segment.state == SegmentState.PLANNED:
            self.reached("build")
            built = self._build(segment)
        if segment.state == SegmentState.BUILT:
            self.reached("store")
            self._store(segment, built or read(segment))
        if segment.state == SegmentState.STORED:
            if not segment.checkpoint:
                self.reached("sign")
                self._sign(segment)
            self.reached("publish")
            self._publish(segment)
        return segment

    def _build(self, segment: Segment) -> Built:
        """Fix what will be stored."""
        built = read(segment)
        self._move(
            segment,
            SegmentState.PLANNED,
            state=SegmentState.BUILT,
            contents=built.contents(),
            root=built.compact.root(),
            frontier=built.compact.to_bytes(),
            built_at=self.now,
        )
        return built

    def _store(self, segment: Segment, built: Built) -> None:
        """Put payloads, leaves and manifest where they can no longer be changed."""
        if built.contents() != segment.contents:
            raise CannotSeal(f"records of segment {segment} were changed after its range was built")
        self._refuse_fork(segment)
        manifest = self._manifest(segment, built)
        data = manifest.to_bytes()
        prefix = names.segment_prefix(chain=segment.chain, first=segment.first, last=segment.last)
        self.reached("put manifest")
        self._put(names.manifest_key(prefix), data, until=manifest.retain_until, kind="application/json")
        self.reached("note stored")
        self._move(segment, SegmentState.BUILT, state=SegmentState.STORED, manifest=data.decode(), stored_at=self.now)

    def _sign(self, segment: Segment) -> None:
        """Sign manifest and head, and move the chain's sealed size, in one transaction under this sealer's fence.

        Nothing signed leaves this function unless that transaction commits, so two sealers never publish two heads.
        """
        chain, data = segment.chain, segment.manifest.encode()
        root = bytes.fromhex(_noted(segment).root)
        self._refuse_fork(segment)
        stored = names.manifest_key(names.segment_prefix(chain=chain, first=segment.first, last=segment.last))
        if self.worm.get(stored) != data:
            raise CannotSeal(f"the manifest noted for segment {segment} is not the one that was stored")
        statement = signing.sign_statement(key_of_object=stored, data=data, chain=chain, key=self.key)
        name = names.origin(log=signing.log_name(), chain=chain)
        checkpoint = sign_note(text=Checkpoint(name, segment.last, root).text, name=name, signer=self.key)
        with transaction.atomic():
            moved = Chain.objects.filter(name=chain, fence=self.fence, sealed_size=segment.first - 1).update(
                sealed_size=segment.last, sealed_root=root
            )
            if moved != 1:
                raise Superseded(f"another sealer has taken over chain {chain}")
            self._move(
                segment,
                SegmentState.STORED,
                statement=statement.decode(),
                checkpoint=checkpoint.decode(),
            )

    def _publish(self, segment: Segment) -> None:
        """Put the signatures beside what they sign; the head comes last, and with it the segment is sealed."""
        until = _noted(segment).retain_until
        prefix = names.segment_prefix(chain=segment.chain, first=segment.first, last=segment.last)
        statement = names.statement_key(names.manifest_key(prefix))
        self._put(statement, segment.statement.encode(), until=until, kind="text/plain")
        self._publish_tiles(segment)
        self.reached("grow tiles")
        with contextlib.suppress(CannotProve):  # derived; whoever asks for a proof is told
            grow(chain=segment.chain, size=segment.last)
        self.reached("put checkpoint")
        checkpoint = names.checkpoint_key(chain=segment.chain, size=segment.last)
        self._put(checkpoint, segment.checkpoint.encode(), until=until, kind="text/plain")
        self.reached("note sealed")
        self._move(segment, SegmentState.STORED, state=SegmentState.SEALED, sealed_at=self.now)

    def _publish_tiles(self, segment: Segment) -> None:
        until = _noted(segment).leaves.retain_until

        def put(level: int, index: int, hashes: bytes) -> None:
            self.reached(f"put tile {level}/{index}")
            key = names.tile_key(chain=segment.chain, level=level, index=index)
            self._put(key, hashes, until=until, kind="application/octet-stream")

        # What they are made of may be gone from the store: the check says so, and new records are sealed all the same.
        with contextlib.suppress(CannotSeal):
            publish(worm=self.worm, chain=segment.chain, first=segment.first, last=segment.last, put=put)

    def _manifest(self, segment: Segment, built: Built) -> form.Manifest:
        prefix = names.segment_prefix(chain=segment.chain, first=segment.first, last=segment.last)
        longest = canonical.moment(commitments_locked_until(since=segment.planned_at))
        payloads = [self._payload(segment, prefix, name, built) for name in built.content.payloads]
        digest = sha256(built.content.leaves_object).hexdigest()
        key = names.leaves_key(prefix, digest=digest)
        self.reached("put leaves")
        leaves = self._put(key, built.content.leaves_object, until=longest, kind="application/octet-stream")
        return form.Manifest(
            log=signing.log_name(),
            chain=segment.chain,
            first=segment.first,
            last=segment.last,
            planned=canonical.moment(segment.planned_at),
            prev=built.before.head,
            head=built.head,
            root=built.compact.root().hex(),
            frontier=tuple(node.hex() for node in built.compact.nodes),
            payloads=tuple(payloads),
            leaves=form.Leaves(key, leaves.version, len(built.content.leaves_object), digest, longest),
            previous_manifest=built.before.manifest,
            retain_until=longest,
        )

    def _payload(self, segment: Segment, prefix: str, retention: str, built: Built) -> form.Payload:
        data = built.content.payloads[retention]
        digest = sha256(data).hexdigest()
        key = names.payload_key(prefix, retention=retention, digest=digest)
        until = canonical.moment(locked_until(retention, since=segment.planned_at))
        packed = form.compress(data)
        self.reached(f"put {retention}")
        try:
            stored = self._put(key, packed, until=until, kind="application/gzip")
        except Fork:
            # A run that died here may have packed the same lines with another zlib: then its bytes are the object.
            packed = self.worm.get(key)
            if not _unpacks_to(packed, data):
                raise
            stored = self._put(key, packed, until=until, kind="application/gzip")
        return form.Payload(
            retention=retention,
            key=key,
            version=stored.version,
            count=built.content.counts[retention],
            bytes=len(data),
            sha256=digest,
            stored_bytes=len(packed),
            stored_sha256=sha256(packed).hexdigest(),
            retain_until=until,
        )

    def _put(self, key: str, data: bytes, *, until: str, kind: str) -> Stored:
        try:
            return self.worm.put(key, data, retain_until=canonical.read_moment(until), content_type=kind)
        except AlreadyWritten as error:
            raise Fork(f"the evidence store already holds something else under {key}") from error

    def _refuse_fork(self, segment: Segment) -> None:
        """Raise `Fork` when the store knows a head of this chain that the database does not: an old copy came back."""
        own = names.checkpoint_key(chain=segment.chain, size=segment.last)
        known = names.checkpoint_key(chain=segment.chain, size=segment.first - 1)
        for stored in self.worm.list(f"chains/{segment.chain}/checkpoint/", after=known):
            if stored.key != own or not self._is_head_of(segment, own):
                raise Fork(f"the evidence store already holds the head {stored.key}, which the database does not know")

    def _is_head_of(self, segment: Segment, key: str) -> bool:
        name = names.origin(log=signing.log_name(), chain=segment.chain)
        text = Checkpoint(name, segment.last, bytes(segment.root or b"")).text
        try:
            return parse_note(self.worm.get(key)).text == text
        except (NoteError, ObjectMissing):
            return False

    def _move(self, segment: Segment, before: SegmentState, **values: Any) -> None:
        moved = Segment.objects.filter(pk=segment.pk, state=before, fence=self.fence).update(**values)
        if moved != 1:
            raise Superseded(f"another sealer has taken over segment {segment}")
        for name, value in values.items():
            setattr(segment, name, value)


def _noted(segment: Segment) -> form.Manifest:
    try:
        return form.Manifest.from_bytes(segment.manifest.encode())
    except form.SegmentError as error:
        raise CannotSeal(f"what is noted about segment {segment} cannot be read: {error}") from error


def _unpacks_to(packed: bytes, data: bytes) -> bool:
    try:
        return form.decompress(packed, limit=len(data)) == data
    except form.SegmentError:
        return False
