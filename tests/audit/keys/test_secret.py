"""A key in memory: what it refuses, and what it never shows."""

import copy
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.keys.secret import NotAuthentic, SecretKey

KEY = SecretKey(bytes(range(32)))


@given(plaintext=st.binary(max_size=200), context=st.binary(max_size=40))
def test_what_was_encrypted_is_decrypted_in_its_context(plaintext: bytes, context: bytes) -> None:
    nonce, ciphertext = KEY.encrypt(plaintext, context=context)
    assert KEY.decrypt(nonce=nonce, ciphertext=ciphertext, context=context) == plaintext


@given(plaintext=st.binary(max_size=50), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_of_a_ciphertext_is_refused(plaintext: bytes, place: int, bit: int) -> None:
    nonce, ciphertext = KEY.encrypt(plaintext, context=b"here")
    changed = bytearray(ciphertext)
    changed[place % len(changed)] ^= 1 << bit
    with pytest.raises(NotAuthentic):
        KEY.decrypt(nonce=nonce, ciphertext=bytes(changed), context=b"here")


def test_another_context_or_key_is_refused() -> None:
    nonce, ciphertext = KEY.encrypt(b"text", context=b"here")
    with pytest.raises(NotAuthentic):
        KEY.decrypt(nonce=nonce, ciphertext=ciphertext, context=b"there")
    with pytest.raises(NotAuthentic):
        SecretKey.generate().decrypt(nonce=nonce, ciphertext=ciphertext, context=b"here")


def test_no_caller_can_choose_a_nonce() -> None:
    assert "nonce" not in inspect.signature(SecretKey.encrypt).parameters
    assert "nonce" not in inspect.signature(SecretKey.wrap).parameters
    drawn = {KEY.encrypt(b"same", context=b"same")[0] for _ in range(500)}
    assert len(drawn) == 500


def test_a_key_hides_itself_and_is_never_pickled() -> None:
    assert repr(KEY) == "<SecretKey>"
    assert KEY.reveal().hex() not in f"{KEY} {KEY!r} {[KEY]}"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)
    with pytest.raises(TypeError):
        copy.deepcopy(KEY)


def test_a_wrapped_key_opens_only_where_it_was_wrapped() -> None:
    inner = SecretKey.generate()
    wrapped = KEY.wrap(inner, context=b"person")
    assert KEY.unwrap(wrapped, context=b"person").reveal() == inner.reveal()
    with pytest.raises(NotAuthentic):
        KEY.unwrap(wrapped, context=b"another person")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretKey(b"short")


def test_derived_values_differ_by_purpose_and_key() -> None:
    assert KEY.derive(info=b"a") == SecretKey(bytes(range(32))).derive(info=b"a")
    assert len({KEY.derive(info=b"a"), KEY.derive(info=b"b"), SecretKey.generate().derive(info=b"a")}) == 3
