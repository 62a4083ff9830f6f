"""Evidence made by hand, with no database: what the sealer would have stored for a few invented records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit import canonical, note, segment, tree
from audit.verify import Trust
from audit.worm import names
from audit.worm.folder import FolderWorm

LOG = "horae.example"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOCKED = NOW + timedelta(days=3650)
CLASSES = ("regulatory_retention", "transactional")


class Key:
    """An Ed25519 key with a fixed seed."""

    def __init__(self, seed: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def trust(*keys: Key, log: str = LOG) -> Trust:
    return Trust(log, [key.public_key for key in keys], verify_signature)


OURS, THEIRS = Key(1), Key(2)


@dataclass
class Chain:
    """One chain, grown and sealed step by step into `worm`."""

    worm: FolderWorm
    name: str = "clinic/1"
    key: Key = OURS
    log: str = LOG
    lines: list[tuple[bytes, str]] = field(default_factory=list)
    compact: tree.CompactRange = field(default_factory=tree.CompactRange)
    previous: str = segment.GENESIS
    sealed: int = 0

    @property
    def head(self) -> str:
        return tree.leaf_hash(self.lines[-1][0]).hex() if self.lines else segment.GENESIS

    def grow(self, count: int, **changes: object) -> "Chain":
        for _ in range(count):
            seq = len(self.lines) + 1
            retention = CLASSES[seq % 2]
            body = {
                "v": 1,
                "chain": self.name,
                "seq": seq,
                "prev": self.head,
                "id": f"00000000-0000-7000-8000-{seq:012d}",
                "retention": retention,
                "after": {"note": f"record {seq}"},
                **changes,
            }
            self.lines.append((canonical.encode(body), str(body["retention"])))
        return self

    def seal(self, *, checkpoint: bool = True) -> "Chain":
        first, last = self.sealed + 1, len(self.lines)
        prefix = names.segment_prefix(chain=self.name, first=first, last=last)
        prev = tree.leaf_hash(self.lines[first - 2][0]).hex() if first > 1 else segment.GENESIS
        content = segment.pack(self.lines[first - 1 :])
        self.compact.extend(content.leaves)
        locked = canonical.moment(LOCKED)
        payloads = []
        for retention, data in content.payloads.items():
            stored, digest = segment.compress(data), sha256(data).hexdigest()
            key = names.payload_key(prefix, retention=retention, digest=digest)
            version = self._put(key, stored)
            payloads.append(
                segment.Payload(
                    retention=retention,
                    key=key,
                    version=version,
                    count=content.counts[retention],
                    bytes=len(data),
                    sha256=digest,
                    stored_bytes=len(stored),
                    stored_sha256=sha256(stored).hexdigest(),
                    retain_until=locked,
                )
            )
        digest = sha256(content.leaves_object).hexdigest()
        key = names.leaves_key(prefix, digest=digest)
        leaves = segment.Leaves(key, self._put(key, content.leaves_object), len(content.leaves_object), digest, locked)
        manifest = segment.Manifest(
            log=self.log,
            chain=self.name,
            first=first,
            last=last,
            planned=canonical.moment(NOW),
            prev=prev,
            head=self.head,
            root=self.compact.root().hex(),
            frontier=tuple(node.hex() for node in self.compact.nodes),
            payloads=tuple(payloads),
            leaves=leaves,
            previous_manifest=self.previous,
            retain_until=locked,
        )
        self.put_manifest(manifest)
        self.put_tiles()
        if checkpoint:
            self.put_checkpoint(size=last, root=self.compact.root())
        self.sealed = last
        return self

    def put_manifest(self, manifest: segment.Manifest) -> None:
        data = manifest.to_bytes()
        key = names.manifest_key(names.segment_prefix(chain=manifest.chain, first=manifest.first, last=manifest.last))
        self._put(key, data)
        self.put_statement(key, data, chain=self.name)
        self.previous = sha256(data).hexdigest()

    def put_tiles(self) -> None:
        """Every complete tile over the lines so far: 256 neighbouring hashes, whose root is a hash one level up."""
        hashes = [tree.leaf_hash(line) for line, _ in self.lines]
        for level in range(8):
            whole = [hashes[at : at + 256] for at in range(0, len(hashes) - 255, 256)]
            for index, tile in enumerate(whole):
                self._put(f"chains/{self.name}/tile/{level}/{index:03d}", b"".join(tile))
            hashes = [tree.root(tile) for tile in whole]

    def put_checkpoint(self, *, size: int, root: bytes) -> None:
        name = names.origin(log=self.log, chain=self.name)
        text = note.Checkpoint(name, size, root).text
        self._put(
            names.checkpoint_key(chain=self.name, size=size), note.sign_note(text=text, name=name, signer=self.key)
        )

    def put_statement(self, key: str, data: bytes, *, chain: str) -> None:
        name = names.origin(log=self.log, chain=chain)
        text = note.Statement(name, key, sha256(data).digest()).text
        self._put(names.statement_key(key), note.sign_note(text=text, name=name, signer=self.key))

    def publish_key(self, key: Key | None = None) -> "Chain":
        key = key or self.key
        data = segment.keyring_entry(
            log=self.log, public_key=key.public_key, purpose="checkpoint", not_before=canonical.moment(NOW)
        )
        name = names.keyring_key(key.public_key)
        self._put(name, data)
        self.put_statement(name, data, chain=names.KEYRING)
        return self

    def _put(self, key: str, data: bytes) -> str:
        return self.worm.put(key, data, retain_until=LOCKED, content_type="application/octet-stream").version


def sample(root: Path) -> FolderWorm:
    """Three segments of one clinic, one of another, one of the platform."""
    worm = FolderWorm(root)
    Chain(worm).publish_key().grow(5).seal().grow(4).seal().grow(3).seal()
    Chain(worm, "clinic/12").grow(3).seal()
    Chain(worm, "platform").grow(2).seal()
    return worm


def files(worm: FolderWorm) -> Sequence[str]:
    return [stored.key for stored in worm.list()]


def overwrite(worm: FolderWorm, key: str, data: bytes) -> None:
    """What someone who owns the machine can do."""
    path = worm.root / key
    path.chmod(0o640)
    path.write_bytes(data)


def remove(worm: FolderWorm, key: str) -> None:
    (worm.root / key).unlink()
