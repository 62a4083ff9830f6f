"""Part `chain`: how fast records are sequenced, sealed and checked, beside what this machine hashes at most; and how
long a proof takes in a short chain and in a long one.

Each is measured alone, and all but one on one core: facts wait until all are there, then records until all are there.
"""

import gzip
import statistics
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from audit import signing, tree
from audit.context import Actor, note, use
from audit.models import Chain, Record, Segment, SegmentState, Tile
from audit.note import Checkpoint, sign_note
from audit.proving import prove
from audit.sealer import seal
from audit.sequencer import sequence
from audit.stores import open_worm
from audit.tiles import Tiles
from audit.verify import verify_worm
from tests.bench.cluster import pointed_at
from tests.bench.figures import Figure, Target
from tests.bench.run import NotMeasured, Run
from tests.bench.timing import MILLI

FACTS: Final = 80_000
SEQUENCED: Final = 20_000
"""Facts a second."""
CHECKED: Final = 200_000
"""Records a second on one core."""
TWICE: Final = 1.8
"""Times as fast as on one core."""
PROVED: Final = 10.0
"""Milliseconds."""
CHAIN: Final = "clinic/1"
ACTOR: Final = Actor(kind="staff", id="1", label="Carla", roles=("reception",))


def measure(run: Run) -> list[Figure]:
    """All figures of this part. Raises NotMeasured when what was sealed does not hold."""
    run.server.create("chain", like=run.migrated)
    with pointed_at("chain"):
        figures = _rates(run, count=2_000 if run.quick else FACTS)
        sizes = (1_000, 20_000) if run.quick else (10_000, 1_000_000)
        return figures + [_proof(run, size=size) for size in sizes]


def _rates(run: Run, *, count: int) -> list[Figure]:
    run.say(f"chain: {count:,} facts")
    with transaction.atomic(), use("bench.write", actor=ACTOR):
        for number in range(count):
            data = {"page": "day sheet", "number": number, "patients": ["7KQ3-F9MX", "2EJZ-JT26"]}
            note(chain=CHAIN, event="page.read", data=data)
    sequencing = _took(sequence)
    run.say("chain: sealing")
    now = datetime.now(UTC)
    sealing = _took(lambda: seal(now=now))
    lines = [body.encode() for body in Record.objects.filter(chain=CHAIN).values_list("body", flat=True)]
    hashing = _took(lambda: [tree.leaf_hash(line) for line in lines])
    worm, trust = open_worm(settings.WORM_URL), signing.trust()
    reports = []
    checking = _took(lambda: reports.append(verify_worm(worm, trust=trust, now=now)))
    again = partial(open_worm, settings.WORM_URL)
    both = _took(lambda: reports.append(verify_worm(worm, trust=trust, now=now, jobs=2, again=again)))
    for report in reports:
        if not report.holds or report.counts["records"] < count:
            raise NotMeasured(f"what was sealed does not hold: {report.as_text()}")
    written = sum(len(line) for line in lines) / len(lines)
    limit = len(lines) / hashing
    run.say(f"chain: lines of {written:.0f} bytes, {len(gzip.compress(b''.join(lines))) / len(lines):.0f} packed")
    held = None if run.quick else SEQUENCED
    checked = None if run.quick else CHECKED
    return [
        _rate("sequencer (records a second)", count / sequencing, limit=limit, at_least=held),
        _rate("sealer (records a second)", count / sealing, limit=limit, at_least=None),
        _rate("verifier, one core (records a second)", count / checking, limit=limit, at_least=checked),
        Figure(
            "verifier, two processes, against one",
            count / both,
            "/s",
            peer=count / checking,
            ratio=checking / both,
            target=None if run.quick else Target("ratio", "at least", TWICE),
        ),
    ]


def _rate(name: str, value: float, *, limit: float, at_least: float | None) -> Figure:
    """Beside what Python's SHA-256 alone does with the same lines."""
    target = None if at_least is None else Target("value", "at least", at_least)
    return Figure(f"{name}, beside hashing alone", value, "/s", peer=limit, ratio=value / limit, target=target)


def _proof(run: Run, *, size: int) -> Figure:
    """A chain of `size` leaves of which one in a thousand has its record, under a head signed for all of them."""
    run.say(f"chain: a proof among {size:,} records")
    now = datetime.now(UTC)
    chain, step = f"clinic/{size}", max(1, size // 50)
    bodies = {seq: f'{{"chain":"{chain}","seq":{seq}}}' for seq in range(1, size + 1, step)}
    leaves = [
        tree.leaf_hash(bodies[seq].encode()) if seq in bodies else sha256(seq.to_bytes(8)).digest()
        for seq in range(1, size + 1)
    ]
    tiles = Tiles()
    tiles.extend(leaves)
    root = tree.root(leaves)
    name = signing.origin_of(chain)
    head = sign_note(text=Checkpoint(name, size, root).text, name=name, signer=signing.signer()).decode()
    Chain.objects.create(name=chain, seq=size, sealed_size=size, sealed_root=root)
    Segment.objects.create(
        chain=chain,
        first=1,
        last=size,
        state=SegmentState.SEALED,
        fence=1,
        checkpoint=head,
        planned_at=now,
    )
    Tile.objects.bulk_create(
        [
            Tile(chain=chain, level=level, index=index, hashes=b"".join(hashes))
            for (level, index), hashes in tiles.touched.items()
        ]
    )
    empty: dict[str, Any] = {"retention": "regulatory_retention", "model": "", "object_pk": "", "operation": ""}
    records = Record.objects.bulk_create(
        Record(
            chain=chain, seq=seq, body=body, leaf=leaves[seq - 1], capture="application", at=datetime.now(UTC), **empty
        )
        for seq, body in bodies.items()
    )
    prove(records[0])
    took = [_took(partial(prove, record)) for record in records]
    longest = b64encode(prove(records[-1]).to_bytes())
    run.say(f"chain: proofs of {len(longest)} characters, slowest {max(took) * MILLI:.1f} ms")
    return Figure.plain(
        f"a proof among {size:,} records", statistics.median(took) * MILLI, "ms", at_most=run.held_to(PROVED)
    )


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
