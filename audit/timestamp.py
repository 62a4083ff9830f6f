"""Reading a time stamp: the TimeStampResp of RFC 3161 around the SignedData of RFC 5652, in DER (X.690).

Only what Horae compares is read: what was stamped, when, and under which nonce. Who signed it, others judge
(`audit.verify.stamps`); until they did, nothing in a `Stamp` may be believed.

No Django here: the single-file verifier carries this module.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_INTEGER, _OCTETS, _OID, _TIME, _SEQUENCE, _SET, _INNER = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_TST_INFO: Final = bytes.fromhex("2a864886f70d0109100104")
_SHA256: Final = bytes.fromhex("608648016503040201")
_GRANTED: Final = 0
_MOMENT: Final = re.compile(r"(\d{14})(?:\.(\d*[1-9]))?Z")


class StampError(ValueError):
    """The bytes are no granted time stamp over a SHA-256; the message says why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time stamp says. `imprint`: the SHA-256 that was stamped; `at`: genTime (aware, UTC), cut to the second.

    `nonce`: the one of the request, None where it had none.
    """

    imprint: bytes
    at: datetime
    nonce: int | None


@dataclass(frozen=True, slots=True)
class _Part:
    """One element in `data`: its tag, where it begins, and where its content begins and ends."""

    data: bytes
    tag: int
    begin: int
    start: int
    end: int

    @property
    def content(self) -> bytes:
        return self.data[self.start : self.end]

    @property
    def whole(self) -> bytes:
        return self.data[self.begin : self.end]

    def inner(self) -> Iterator["_Part"]:
        """The elements it is made of."""
        at = self.start
        while at < self.end:
            part = _part(self.data, at, self.end)
            yield part
            at = part.end


def read(response: bytes) -> Stamp:
    """What the stamp says. Raises StampError: also for a refusal, other hashes than SHA-256, and trailing bytes."""
    parts = list(_signed_data(response).inner())
    _expect(parts[:3], _INTEGER, _SET, _SEQUENCE)
    kind, *wrapped = parts[2].inner()
    if kind.whole[:1] != bytes([_OID]) or kind.content != _TST_INFO or len(wrapped) != 1:
        raise StampError("what was signed is no time")
    (octets,) = _expect([wrapped[0], *wrapped[0].inner()], _INNER, _OCTETS)[1:]
    said = _part(octets.content, 0, len(octets.content))
    if said.end != len(octets.content):
        raise StampError("it is not DER")
    _version, _policy, imprint, _serial, moment, *more = _expect(
        list(said.inner()), _INTEGER, _OID, _SEQUENCE, _INTEGER, _TIME
    )
    algorithm, digest = _expect(list(imprint.inner()), _SEQUENCE, _OCTETS)[:2]
    (name, *_) = _expect(list(algorithm.inner()), _OID)
    if name.content != _SHA256 or len(digest.content) != 32:
        raise StampError("it is over another kind of hash than SHA-256")
    nonce = next((_number(part) for part in more if part.tag == _INTEGER), None)
    return Stamp(digest.content, _moment(moment), nonce)


def in_order(response: bytes) -> bytes:
    """The same response with its certificates in the order DER asks of a SET, which no signature covers.

    Many authorities write the signer's first, as OpenSSL does. Raises StampError.
    """
    for part in _signed_data(response).inner():
        if part.tag == _INNER:
            ordered = b"".join(sorted(certificate.whole for certificate in part.inner()))
            return response[: part.start] + ordered + response[part.end :]
    return response


def _signed_data(response: bytes) -> _Part:
    whole = _part(response, 0, len(response))
    if whole.end != len(response):
        raise StampError("it is not DER")
    status, *token = _expect([whole, *whole.inner()], _SEQUENCE, _SEQUENCE)[1:]
    (number, *_) = _expect(list(status.inner()), _INTEGER)
    if _number(number) != _GRANTED:
        raise StampError(f"the authority refused it (status {_number(number)})")
    if len(token) != 1:
        raise StampError("it is not DER")
    kind, wrapped = _expect([*token[0].inner()], _OID, _INNER)[:2]
    if kind.content != _SIGNED_DATA:
        raise StampError("it is not signed")
    return _expect(list(wrapped.inner()), _SEQUENCE)[0]


def _expect(parts: list[_Part], *tags: int) -> list[_Part]:
    """The parts, if they begin with these tags."""
    if tuple(part.tag for part in parts[: len(tags)]) != tags:
        raise StampError("it is not built as a time stamp")
    return parts


def _part(data: bytes, at: int, end: int) -> _Part:
    """The element at `at`, which must end by `end`: low tags, definite lengths in as few bytes as they need."""
    if end - at < 2 or data[at] & 0x1F == 0x1F:
        raise StampError("it is not DER")
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + size])
        start += size
        if not 1 <= size <= 4 or length < 0x80 or length < 1 << (8 * (size - 1)):
            raise StampError("it is not DER")
    if start + length > end:
        raise StampError("it is cut off")
    return _Part(data, data[at], at, start, start + length)


def _number(part: _Part) -> int:
    return int.from_bytes(part.content, signed=True)


def _moment(part: _Part) -> datetime:
    match = _MOMENT.fullmatch(part.content.decode("ascii", "replace"))
    try:
        return datetime.strptime(match[1] if match else "", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise StampError("its time is not written as RFC 3161 asks") from error
