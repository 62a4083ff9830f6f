"""Checking an Ed25519 signature (RFC 8032, section 5.1.7) with nothing but Python's integers.

For the single-file verifier, which must run where no cryptographic library is. It checks only and holds no secret, so
it need not hide how long it takes: about three milliseconds a signature. The system itself signs and checks with
`cryptography`; a test holds the two against each other.
"""

from hashlib import sha512

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

#: A point of the curve as (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z.
_Point = tuple[int, int, int, int]
_NEUTRAL: _Point = (0, 1, 1, 0)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` is by `public_key` (32 bytes). A malformed one is not."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, committed = _decoded(public_key), signature[:32]
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _ORDER or _decoded(committed) is None:
        return False
    challenge = int.from_bytes(sha512(committed + public_key + message).digest(), "little") % _ORDER
    x, y, z, t = key
    found = _added(_times(scalar, _BASE), _times(challenge, (_P - x, y, z, _P - t)))
    return _encoded(found) == committed


def _added(one: _Point, other: _Point) -> _Point:
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _added(total, point)
        point = _added(point, point)
        scalar >>= 1
    return total


def _x_of(y: int, sign: int) -> int | None:
    """The x of a point with this y and this lowest bit; None when there is none."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _decoded(data: bytes) -> _Point | None:
    """The point 32 bytes stand for; None when they stand for none, or are not its one spelling."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    x = _x_of(y, sign) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _encoded(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE: _Point = _decoded(_BASE_Y.to_bytes(32, "little")) or _NEUTRAL
