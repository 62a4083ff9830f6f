"""The one way a record becomes bytes: RFC 8785 (JSON Canonicalization Scheme), narrowed to a profile.

Inside the profile the standard library's JSON writer and RFC 8785 agree byte for byte, so nothing but this module is
needed to write a record and nothing but a JSON parser to check one. Profile v1:

- object keys are ASCII strings;
- no floating point: a number with a fraction, or an integer beyond 2^53 - 1, is text;
- no lone surrogates, no NaN, no infinities;
- at most `MAX_DEPTH` levels of nesting.

No Django here: the single-file verifier carries this module.
"""

import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 64
FOLD_DEPTH = 32


class ProfileError(ValueError):
    """The value or the bytes lie outside the canonical profile."""


def encode(value: object) -> bytes:
    """The canonical bytes of `value` (UTF-8, no newline), as RFC 8785 writes them.

    Raises `ProfileError` for anything outside the profile; nothing is coerced silently, see `normalise` for that.
    """
    _check(value, 0)
    return write(value)


def write(value: object) -> bytes:
    """As `encode`, for a value made of what `image` and `normalise` gave under keys of our own: nothing in it needs to
    be looked at once more. Raises `ProfileError` for a lone surrogate only."""
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ProfileError("a text holds a lone surrogate") from error


def decode(line: bytes) -> Any:
    """What `line` says. Raises `ProfileError` unless `line` is exactly what `encode` would write for it.

    The comparison also refuses a repeated key, other spacing, another order and another spelling of a character.
    """
    try:
        value = _READER.decode(line.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ProfileError("not JSON in UTF-8") from error
    # What a look at the bytes shows to be inside the profile need not be walked through again; most lines are.
    plain = line.isascii() and line.count(b"{") + line.count(b"[") <= MAX_DEPTH
    if (write(value) if plain else encode(value)) != line:
        raise ProfileError("not in canonical form")
    return value


def loads(text: str | bytes) -> Any:
    """Parse JSON as PostgreSQL prints `jsonb`, losing no digit: a number with a fraction stays the text it was.

    For psycopg: `psycopg.types.json.set_json_loads(canonical.loads, connection)`. The standard parser would turn
    `12.50` into a binary float, which is another value.
    """
    return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))


def image(text: str) -> Any:
    """What PostgreSQL prints as `jsonb`, brought into the profile: `normalise(loads(text))`, spared where a look at the
    text shows that there is nothing to change; most images are so."""
    value = loads(text)
    plain = text.isascii() and "%" not in text and "\\u" not in text
    return value if plain and text.count("{") + text.count("[") <= FOLD_DEPTH else normalise(value)


def normalise(value: object) -> Any:
    """`value` brought into the profile, the same way every time, without losing information.

    For images (`jsonb` read with `loads`) and for the data of application events. Texts are never touched, since a text
    that looks like a time may be a text; decimals, big integers and floats become text; moments become RFC 3339 in UTC
    with microseconds; a key that is not plain ASCII is percent-encoded; what lies deeper than `FOLD_DEPTH` levels
    becomes its own JSON text. Raises `ProfileError` for a type that has no place in a record.
    """
    return _normalise(value, 0)


def moment(value: datetime) -> str:
    """`value` (aware) as a record writes it: RFC 3339, UTC, six digits of fraction, `Z`. Raises `ProfileError`."""
    if value.tzinfo is None:
        raise ProfileError("a moment without a time zone says nothing")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def read_moment(text: str) -> datetime:
    """The aware moment `moment` wrote. Raises `ProfileError` for any other spelling."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ProfileError(f"not a moment: {text!r}") from error


def _check(value: object, depth: int) -> None:
    if value is None or value is True or value is False or isinstance(value, str):
        return
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return
        raise ProfileError("an integer beyond 2^53 - 1 must be text")
    if depth >= MAX_DEPTH:
        raise ProfileError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ProfileError("a key must be ASCII text")
            if item.__class__ not in _PLAIN:
                _check(item, depth + 1)
        return
    if isinstance(value, list | tuple):
        for item in value:
            if item.__class__ not in _PLAIN:
                _check(item, depth + 1)
        return
    raise ProfileError(f"{type(value).__name__} has no place in a record")


def _normalise(value: object, depth: int) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value) if -MAX_INTEGER <= value <= MAX_INTEGER else str(value)
    if isinstance(value, Mapping):
        if depth >= FOLD_DEPTH:
            return _folded({_ascii_key(key): item for key, item in value.items()})
        return {
            _ascii_key(key): item if item.__class__ in _PLAIN else _normalise(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        if depth >= FOLD_DEPTH:
            return _folded(list(value))
        return [item if item.__class__ in _PLAIN else _normalise(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f") if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)}us"
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise ProfileError(f"{type(value).__name__} has no place in a record")


def _folded(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_scalar)


def _ascii_key(key: object) -> str:
    """Reversible: only the percent sign and bytes beyond ASCII are escaped, so two keys never become one."""
    text = key if isinstance(key, str) else str(key)
    if text.isascii() and "%" not in text:
        return text
    return "".join(
        chr(byte) if byte < 0x80 and byte != 0x25 else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass")
    )


def _integer(text: str) -> int | str:
    # Up to 16 digits fit the check below; beyond that the text is the value, and Python's own limit on digits is moot.
    if len(text) > 17:
        return text
    number = int(text)
    return number if -MAX_INTEGER <= number <= MAX_INTEGER else text


def _safe_integer(text: str) -> int:
    number = _integer(text)
    return number if isinstance(number, int) else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ProfileError(f"a number outside the profile: {text[:40]}")


# Made once: this is the hot path of sequencer and verifier. `_check` has bounded the depth, so nothing goes in circles.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)
_DECODER = json.JSONDecoder(parse_float=str, parse_int=_integer)
_READER = json.JSONDecoder(parse_float=_refuse, parse_int=_safe_integer, parse_constant=_refuse)
_PLAIN = frozenset({str, bool, type(None)})
