"""Reading time stamps as a stock OpenSSL makes them, and refusing everything else."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.timestamp import StampError, in_order, read
from audit.verify.stamps import ByLibrary
from tests.tsa import Authority, foreign, ours  # noqa: F401 - fixtures

pytestmark = pytest.mark.real
# ruff: noqa: F811 - fixtures imported by name
DATA = b"horae.example/heads\n3\n"


@pytest.fixture(scope="module")
def response(ours: Authority) -> bytes:
    return ours.stamp_of(DATA)


def test_what_a_stamp_says_is_read(response: bytes) -> None:
    stamp = read(response)
    assert stamp.imprint == sha256(DATA).digest()
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (stamp.nonce or 0).bit_length() > 32


def test_the_nonce_may_be_absent(ours: Authority) -> None:
    assert read(ours.stamp_of(DATA, "-no_nonce")).nonce is None


def test_another_hash_is_refused(ours: Authority) -> None:
    with pytest.raises(StampError, match="another kind of hash"):
        read(ours.stamp_of(DATA, "-sha512"))


def test_a_refusal_says_its_status(ours: Authority) -> None:
    with pytest.raises(StampError, match="refused it \\(status 2\\)"):
        read(ours.stamp_of(DATA, "-sha1"))


def test_putting_certificates_in_order_changes_nothing_else(response: bytes) -> None:
    ordered = in_order(response)
    assert (ordered != response, len(ordered), sorted(ordered)) == (True, len(response), sorted(response))
    assert (in_order(ordered), read(ordered)) == (ordered, read(response))


@pytest.mark.parametrize("data", [b"", b"0", b"\x30\x80\x00\x00", b"\x30\x03\x02\x01\x00", b"<html></html>", DATA])
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(StampError):
        read(data)


def test_no_bytes_may_follow_or_be_missing(response: bytes) -> None:
    for data in (response + b"\0", response[:-1]):
        with pytest.raises(StampError):
            read(data)


@settings(max_examples=300)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.integers(0, 40))
def test_damage_is_refused_or_read_and_never_breaks_the_reader(response: bytes, place: int, bit: int, cut: int) -> None:
    damaged = bytearray(response)
    damaged[place % len(response)] ^= 1 << bit
    for data in (bytes(damaged), bytes(damaged[cut:])):
        try:
            read(data)
            in_order(data)
        except StampError:
            pass


@settings(max_examples=300)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_damaged_stamp_is_believed_to_say_something_else(
    response: bytes,
    ours: Authority,
    place: int,
    bit: int,
) -> None:
    damaged = bytearray(response)
    damaged[place % len(response)] ^= 1 << bit
    try:
        stamp = read(bytes(damaged))
    except StampError:
        return
    if ByLibrary(ours.roots.read_bytes()).fault(bytes(damaged), stamp=stamp) is None:
        assert stamp == read(response)
