"""Signed notes against vectors written by others, and everything that must not pass."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from audit import note

# The key and note in the test suite of golang.org/x/mod/sumdb/note, where the format comes from.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# The example of c2sp.org/signed-note: its text holds an empty line and letters beyond ASCII.
C2SP_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
# The example of c2sp.org/tlog-checkpoint.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


class Key:
    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


ADA = Key(b"\x01" * 32)
EVE = Key(b"\x02" * 32)
NAME = "horae.example/clinic/1"


def test_the_go_vector_opens_and_is_written_byte_for_byte() -> None:
    key = note.VerifierKey.parse(GO_VKEY)
    assert note.open_note(GO_NOTE, keys=[key], verify=verify).text == GO_TEXT
    signer = Key(GO_SEED)
    assert key.public_key == signer.public_key
    assert key.vkey == GO_VKEY
    assert note.sign_note(text=GO_TEXT, name="PeterNeumann", signer=signer) == GO_NOTE


def test_the_examples_of_the_standard_parse() -> None:
    parsed = note.parse_note(C2SP_NOTE)
    assert parsed.text.endswith("\n\ned è subito sera.\n")
    assert [(line.name, line.key_id.hex(), len(line.signature)) for line in parsed.signatures] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]
    checkpoint = note.Checkpoint.parse(note.parse_note(C2SP_CHECKPOINT).text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"


def test_a_note_by_an_unknown_key_is_refused() -> None:
    signed = note.sign_note(text="x\n", name=NAME, signer=EVE)
    with pytest.raises(note.NoteError, match="no trusted key"):
        note.open_note(signed, keys=[note.VerifierKey(NAME, ADA.public_key)], verify=verify)
    with pytest.raises(note.NoteError, match="no trusted key"):
        note.open_note(signed, keys=[], verify=verify)


def test_a_known_key_under_another_name_is_another_key() -> None:
    signed = note.sign_note(text="x\n", name=NAME, signer=ADA)
    with pytest.raises(note.NoteError, match="no trusted key"):
        note.open_note(signed, keys=[note.VerifierKey("horae.example/clinic/2", ADA.public_key)], verify=verify)


def test_signatures_by_others_beside_ours_are_ignored() -> None:
    ours = note.sign_note(text="x\n", name=NAME, signer=ADA)
    witness = note.sign_note(text="x\n", name="witness.example", signer=EVE).rpartition(b"\n\n")[2]
    keys = [note.VerifierKey(NAME, ADA.public_key)]
    assert len(note.open_note(ours + witness, keys=keys, verify=verify).signatures) == 2


def test_one_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    ours = note.sign_note(text="x\n", name=NAME, signer=ADA)
    other = note.sign_note(text="y\n", name="second.example", signer=EVE).rpartition(b"\n\n")[2]
    keys = [note.VerifierKey(NAME, ADA.public_key), note.VerifierKey("second.example", EVE.public_key)]
    with pytest.raises(note.NoteError, match="wrong"):
        note.open_note(ours + other, keys=keys, verify=verify)


def test_no_single_flipped_bit_of_a_checkpoint_survives() -> None:
    text = note.Checkpoint(NAME, 12, b"\x07" * 32).text
    signed = note.sign_note(text=text, name=NAME, signer=ADA)
    keys = [note.VerifierKey(NAME, ADA.public_key)]
    assert note.open_note(signed, keys=keys, verify=verify).text == text
    for position in range(len(signed)):
        for bit in range(8):
            broken = bytearray(signed)
            broken[position] ^= 1 << bit
            with pytest.raises(note.NoteError):
                note.open_note(bytes(broken), keys=keys, verify=verify)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        b"text\r\n\r\n\xe2\x80\x94 a AAAAAAAA\n",
        "text\n\n— a AAAAAAAA".encode(),
        "text\n\n— a AAAA\n".encode(),
        "text\n\n— a AAAAAAB=\n".encode(),
        "text\n\n— a b AAAAAAAA\n".encode(),
        "text\n\n— a+b AAAAAAAA\n".encode(),
        "text\n\n— a ÀAAAAAAA\n".encode(),
        b"\xff\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"x" * 2_000_000,
        b"text\n\n" + "— a AAAAAAAA\n".encode() * 65,
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    with pytest.raises(note.NoteError):
        note.parse_note(data)


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "a\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n1\n" + "A" * 43 + "=\nextension\n",
        "a\n1\n" + "A" * 43 + "=",
        "a\n٣\n" + "A" * 43 + "=\n",
    ],
)
def test_a_checkpoint_has_exactly_one_form(text: str) -> None:
    with pytest.raises(note.NoteError):
        note.Checkpoint.parse(text)


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_back(size: int, root: bytes) -> None:
    checkpoint = note.Checkpoint(NAME, size, root)
    assert note.Checkpoint.parse(checkpoint.text) == checkpoint


def test_a_statement_and_a_checkpoint_never_pass_for_each_other() -> None:
    statement = note.Statement(NAME, "chains/clinic/1/seg/manifest.json", b"\x01" * 32)
    assert note.Statement.parse(statement.text) == statement
    with pytest.raises(note.NoteError):
        note.Checkpoint.parse(statement.text)
    with pytest.raises(note.NoteError):
        note.Statement.parse(note.Checkpoint(NAME, 5, b"\x01" * 32).text)


@pytest.mark.parametrize("vkey", ["", "a", "a+00000000+AAAA", GO_VKEY.replace("c74f20a3", "c74f20a4"), GO_VKEY + "="])
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(note.NoteError):
        note.VerifierKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b"])
def test_a_key_name_that_could_be_misread_is_refused(name: str) -> None:
    with pytest.raises(note.NoteError):
        note.sign_note(text="x\n", name=name, signer=ADA)


@pytest.mark.parametrize("text", ["x", "x\t\n", "x\r\n"])
def test_a_text_that_cannot_be_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(note.NoteError):
        note.sign_note(text=text, name=NAME, signer=ADA)
