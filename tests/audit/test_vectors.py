"""Test vectors for whoever writes a checker of their own: `docs/vectors/evidence-v1.json`, and that they still hold.

`python -m tests.audit.test_vectors` writes the file anew; it changes only with the format, and then under a new name.
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import canonical, tree
from audit.ed25519 import verify
from audit.note import Checkpoint, Statement, VerifierKey, sign_note
from audit.proof import Proof

FILE = Path(__file__).parents[2] / "docs" / "vectors" / "evidence-v1.json"
ORIGIN = "horae.example/clinic/7"
SEED = bytes(range(32))
SIZES = (1, 2, 3, 7, 8, 11)


class Key:
    """The key of the vectors. Its secret is printed in them: never sign anything else with it."""

    public_key = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(SEED).sign(message)


def lines() -> list[bytes]:
    """Eleven records that follow each other; in shape and spelling as the sequencer writes them, shortened."""
    made: list[bytes] = []
    for seq in range(1, 12):
        prev = tree.leaf_hash(made[-1]).hex() if made else "0" * 64
        after = {"name": f"Zoë {seq}", "note": None, "order": seq, "open": seq % 2 == 0, "tags": ["a", "é", "\u20ac"]}
        record = {"v": 1, "chain": "clinic/7", "seq": seq, "prev": prev, "after": after, "retention": "transactional"}
        made.append(canonical.encode(record))
    return made


def vectors() -> dict[str, Any]:
    """All of them, in JSON's types: hashes as lower-case hex, files and lines as text."""
    records, key = lines(), Key()
    leaves = [tree.leaf_hash(line) for line in records]
    hash_of = tree.spans_over(leaves)
    note = sign_note(text=Checkpoint(ORIGIN, len(leaves), tree.root(leaves)).text, name=ORIGIN, signer=key)
    stored = b'{"an":"object"}'
    said = Statement.over(origin=ORIGIN, key="chains/clinic/7/an/object.json", data=stored)
    path = tree.inclusion_proof(hash_of, index=4, size=len(leaves))
    return {
        "format": "horae.evidence.vectors",
        "version": 1,
        "secret_key": SEED.hex(),
        "public_key": key.public_key.hex(),
        "vkey": VerifierKey(ORIGIN, key.public_key).vkey,
        "records": [{"line": line.decode(), "leaf": leaf.hex()} for line, leaf in zip(records, leaves, strict=True)],
        "roots": {str(size): tree.root(leaves[:size]).hex() for size in (0, *SIZES)},
        "inclusion": [
            {
                "index": index,
                "size": size,
                "hashes": [one.hex() for one in tree.inclusion_proof(hash_of, index=index, size=size)],
            }
            for size in SIZES
            for index in range(size)
        ],
        "consistency": [
            {"old": old, "new": new, "hashes": [one.hex() for one in tree.consistency_proof(hash_of, old=old, new=new)]}
            for new in SIZES
            for old in SIZES
            if old <= new
        ],
        "checkpoint": note.decode(),
        "statement": {
            "object": b64encode(stored).decode(),
            "note": sign_note(text=said.text, name=ORIGIN, signer=key).decode(),
        },
        "proof": Proof(4, path, note, records[4]).to_bytes().decode(),
    }


def written() -> str:
    """The file."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def test_the_published_vectors_are_what_this_version_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == written()


def test_the_published_vectors_hold_by_the_definitions_alone() -> None:
    known = json.loads(FILE.read_text(encoding="utf-8"))
    leaves = [bytes.fromhex(one["leaf"]) for one in known["records"]]
    assert [tree.leaf_hash(one["line"].encode()) for one in known["records"]] == leaves
    roots = {int(size): bytes.fromhex(root) for size, root in known["roots"].items()}
    for one in known["inclusion"]:
        hashes, index, size = [bytes.fromhex(h) for h in one["hashes"]], one["index"], one["size"]
        assert tree.includes(leaf=leaves[index], index=index, size=size, proof=hashes, root=roots[size])
    for one in known["consistency"]:
        hashes, old, new = [bytes.fromhex(h) for h in one["hashes"]], one["old"], one["new"]
        assert tree.consistent(old=old, old_root=roots[old], new=new, new_root=roots[new], proof=hashes)
    proof = Proof.from_bytes(known["proof"].encode())
    line = known["records"][4]["line"].encode()
    assert proof.line == line
    head = proof.check(line=line, key=bytes.fromhex(known["public_key"]), verify=verify)
    assert head == Checkpoint(ORIGIN, 11, roots[11])


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
