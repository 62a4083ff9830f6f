"""The text form of a sealed value."""

import base64
import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.keys.secret import SecretKey
from audit.keys.tokens import SealBroken, SealedToken, looks_sealed, seal, unseal

KEY = SecretKey(bytes(range(32)))
KEY_ID = uuid.UUID(int=7)
FIELD = "bookings.Patient.email"
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)


@given(value=texts)
def test_what_was_sealed_is_unsealed(value: str) -> None:
    token = seal(key=KEY, key_id=KEY_ID, field=FIELD, value=value)
    assert unseal(key=KEY, token=token, field=FIELD).value == value
    assert looks_sealed(token)
    assert token.key_id == KEY_ID


def test_the_digest_commits_to_salt_and_value() -> None:
    token = seal(key=KEY, key_id=KEY_ID, field=FIELD, value="ada@example.org")
    opened = unseal(key=KEY, token=token, field=FIELD)
    salted = opened.salt + b"ada@example.org"
    committed = base64.urlsafe_b64encode(hashlib.sha256(salted).digest()).rstrip(b"=").decode()
    assert len(opened.salt) == 16
    assert token.rsplit(".", 1)[1] == committed


def test_two_seals_of_one_value_share_nothing() -> None:
    one, other = (seal(key=KEY, key_id=KEY_ID, field=FIELD, value="Ada").split(".")[2:] for _ in range(2))
    assert not set(one) & set(other)


@given(value=texts, place=st.integers(min_value=0), put=st.sampled_from("AZaz09-_.=+ \n"))
def test_one_changed_character_is_noticed(value: str, place: int, put: str) -> None:
    token = seal(key=KEY, key_id=KEY_ID, field=FIELD, value=value)
    at = place % len(token)
    changed = token[:at] + put + token[at + 1 :]
    if changed != token:
        with pytest.raises(SealBroken):
            unseal(key=KEY, token=changed, field=FIELD)


def test_a_token_belongs_to_one_field_and_one_key() -> None:
    token = seal(key=KEY, key_id=KEY_ID, field=FIELD, value="Ada")
    with pytest.raises(SealBroken):
        unseal(key=KEY, token=token, field="bookings.Patient.phone")
    with pytest.raises(SealBroken):
        unseal(key=KEY, token=token.replace(KEY_ID.hex, uuid.UUID(int=8).hex), field=FIELD)
    with pytest.raises(SealBroken):
        unseal(key=SecretKey.generate(), token=token, field=FIELD)


@pytest.mark.parametrize("text", ["", "Ada", "1.2.3.4.5", "2." + "0" * 32 + ".x.y.z"])
def test_other_text_is_no_token(text: str) -> None:
    assert not looks_sealed(text)
    with pytest.raises(SealBroken):
        _ = SealedToken(text).key_id


def test_a_trailing_newline_makes_no_token() -> None:
    assert not looks_sealed(seal(key=KEY, key_id=KEY_ID, field=FIELD, value="Ada") + "\n")
