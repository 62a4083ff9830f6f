"""Our own check of signatures against the library's, and against the standard's own examples."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import ed25519
from audit.signing import ed25519_verify

#: RFC 8032, section 7.1: secret key, public key, message, signature.
EXAMPLES = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(("secret", "public", "message", "signature"), EXAMPLES)
def test_the_standards_examples_hold(secret: str, public: str, message: str, signature: str) -> None:
    key, said, signed = (bytes.fromhex(text) for text in (public, message, signature))
    assert ed25519.verify(key, signed, said)
    assert not ed25519.verify(key, signed, said + b"!")


@settings(deadline=None, max_examples=40)
@given(message=st.binary(max_size=100), place=st.integers(0, 63), bit=st.integers(0, 7))
def test_what_the_library_signs_holds_and_one_bit_more_does_not(message: bytes, place: int, bit: int) -> None:
    signature = KEY.sign(message)
    assert ed25519.verify(PUBLIC, signature, message)
    changed = bytearray(signature)
    changed[place] ^= 1 << bit
    assert not ed25519.verify(PUBLIC, bytes(changed), message)


@settings(deadline=None, max_examples=40)
@given(key=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_both_refuse_what_is_no_signature(key: bytes, signature: bytes) -> None:
    assert ed25519.verify(key, signature, b"") == ed25519_verify(key, signature, b"") == False  # noqa: E712


@pytest.mark.parametrize(("key", "signature"), [(PUBLIC[:31], bytes(64)), (PUBLIC, bytes(63)), (b"", b"")])
def test_another_length_is_none(key: bytes, signature: bytes) -> None:
    assert not ed25519.verify(key, signature, b"")


def test_a_signature_has_one_spelling() -> None:
    """The same point and a scalar larger by the order of the group would pass a check that reduces it."""
    signature = KEY.sign(b"once")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519.verify(PUBLIC, signature[:32] + scalar.to_bytes(32, "little"), b"once")


def test_a_key_has_one_spelling() -> None:
    """A y beyond the field's prime stands for a point that has another spelling already."""
    assert not ed25519.verify((2**255 - 19 + 1).to_bytes(32, "little"), KEY.sign(b""), b"")
