"""A proof file: one form, checked alone, believed only under the right head by the right key."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit import tree
from audit.ed25519 import verify
from audit.note import Checkpoint, sign_note
from audit.proof import HEADER, Proof, ProofError
from audit.tiles import Tiles

ORIGIN = "horae.example/clinic/7"
LINES = [f'{{"seq":{number}}}'.encode() for number in range(1, 12)]
LEAVES = [tree.leaf_hash(line) for line in LINES]


class Key:
    """A signing key."""

    def __init__(self, seed: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)


OURS, THEIRS = Key(1), Key(2)


def head(*, size: int = len(LINES), key: Key = OURS, origin: str = ORIGIN) -> bytes:
    return sign_note(text=Checkpoint(origin, size, tree.root(LEAVES[:size])).text, name=origin, signer=key)


def proof(index: int = 4, *, line: bytes | None = None, **of: object) -> Proof:
    path = tree.inclusion_proof(tree.spans_over(LEAVES), index=index, size=len(LEAVES))
    return Proof(index, path, head(**of), line)  # type: ignore[arg-type]


def checked(one: Proof, line: bytes = LINES[4], key: bytes | None = OURS.public_key) -> Checkpoint:
    return one.check(line=line, key=key, verify=verify)


def read_and_checked(data: bytes) -> Checkpoint:
    one = Proof.from_bytes(data)
    return checked(one, one.line or b"")


@pytest.mark.parametrize("index", range(len(LINES)))
def test_each_record_is_proved_under_its_head(index: int) -> None:
    one = Proof.from_bytes(proof(index, line=LINES[index]).to_bytes())
    assert one.line == LINES[index]
    assert checked(one, LINES[index]) == Checkpoint(ORIGIN, len(LINES), tree.root(LEAVES))


def test_the_file_is_the_standards() -> None:
    text = proof(line=LINES[4]).to_bytes().decode()
    lines = text.split("\n")
    assert lines[:3] == [HEADER, "extra eyJzZXEiOjV9", "index 4"]
    assert lines[7] == ""
    assert lines[8] == ORIGIN
    assert proof().to_bytes().decode().split("\n")[1] == "index 4"
    assert Tiles().size == 0


def test_another_record_another_place_another_key_or_another_head_is_refused() -> None:
    for wrong, line, key in (
        (proof(), LINES[5], OURS.public_key),
        (dataclasses.replace(proof(), index=5), LINES[4], OURS.public_key),
        (proof(), LINES[4], THEIRS.public_key),
        (proof(key=THEIRS), LINES[4], OURS.public_key),
        (proof(size=10), LINES[4], OURS.public_key),
        (dataclasses.replace(proof(), hashes=proof().hashes[:-1]), LINES[4], OURS.public_key),
        (dataclasses.replace(proof(), hashes=[*proof().hashes, bytes(32)]), LINES[4], OURS.public_key),
    ):
        with pytest.raises(ProofError):
            checked(wrong, line, key)


def test_without_a_key_the_path_is_checked_and_the_signature_is_not() -> None:
    assert checked(proof(key=THEIRS), key=None).size == len(LINES)
    with pytest.raises(ProofError):
        checked(proof(), LINES[5], None)


@given(st.binary(max_size=300))
def test_what_is_no_proof_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ProofError):
        Proof.from_bytes(data)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_is_never_another_proof_of_it(place: int, byte: int) -> None:
    whole = bytearray(proof(line=LINES[4]).to_bytes())
    place %= len(whole)
    if whole[place] == byte:
        return
    whole[place] = byte
    with pytest.raises(ProofError):
        read_and_checked(bytes(whole))


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\nindex 4",
        f"{HEADER}\nindex 04\n\nx",
        f"{HEADER}\nindex -1\n\nx",
        f"{HEADER}\nindex {'9' * 19}\n\nx",
        f"{HEADER}\nindex 4\nAAAA\n\nx",
        f"{HEADER}\nextra !\nindex 4\n\nx",
        f"{HEADER}\n\nx",
        "c2sp.org/tlog-proof@v2\nindex 4\n\nx",
    ],
)
def test_the_form_is_exact(text: str) -> None:
    with pytest.raises(ProofError):
        Proof.from_bytes(text.encode())
