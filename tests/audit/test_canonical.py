"""The canonical profile, held against an independent implementation of RFC 8785."""

import json
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=127))
integers = st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
jsonb = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_inside_the_profile_every_byte_is_that_of_rfc_8785(value: object) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(values)
def test_what_is_written_can_be_read_back(value: object) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(jsonb)
def test_whatever_a_row_holds_can_be_brought_into_the_profile(value: object) -> None:
    normal = canonical.normalise(value)
    assert canonical.encode(normal) == rfc8785.dumps(normal)
    assert canonical.normalise(normal) == normal or any("%" in text for text in _keys(normal))


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    return [key for item in value for key in _keys(item)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**53,
        -(2**53),
        {"é": 1},
        {1: "a"},
        "\ud800",
        {"a": b"x"},
        {"a": datetime(2026, 1, 1, tzinfo=UTC)},
        {"a": {1, 2}},
    ],
)
def test_a_value_outside_the_profile_is_refused(value: object) -> None:
    with pytest.raises(canonical.ProfileError):
        canonical.encode(value)


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(canonical.ProfileError):
        canonical.encode(loop)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":"\\u00e9"}',
        b'{"a":"\\/"}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        '{"é":1}'.encode(),
        b'{"a":NaN}',
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}",
        b"{",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_line_in_any_other_spelling_is_refused(line: bytes) -> None:
    with pytest.raises(canonical.ProfileError):
        canonical.decode(line)


def test_numbers_keep_every_digit_they_had_in_the_row() -> None:
    row = '{"price": 12.50, "long": 123456789012345678901234567890.10, "id": 9007199254740993, "n": -7, "f": 1e3}'
    assert canonical.normalise(canonical.loads(row)) == {
        "price": "12.50",
        "long": "123456789012345678901234567890.10",
        "id": "9007199254740993",
        "n": -7,
        "f": "1e3",
    }


def test_a_number_of_many_thousand_digits_does_not_stop_the_sequencer() -> None:
    assert canonical.loads("1" * 10_000) == "1" * 10_000


def test_texts_that_look_like_something_else_are_left_alone() -> None:
    assert canonical.normalise("2026-01-01T00:00:00+00:00") == "2026-01-01T00:00:00+00:00"


def test_application_values_become_text_in_one_way() -> None:
    paris = timezone(timedelta(hours=2))
    assert canonical.normalise(
        {
            "at": datetime(2026, 7, 1, 12, 0, tzinfo=paris),
            "day": date(2026, 7, 1),
            "wall": time(9, 30),
            "length": timedelta(minutes=30),
            "id": uuid.UUID(int=1),
            "price": Decimal("12.50"),
            "big": Decimal("1E+3"),
            "ratio": 1e-07,
            "raw": b"\x00\xff",
        }
    ) == {
        "at": "2026-07-01T10:00:00.000000Z",
        "day": "2026-07-01",
        "wall": "09:30:00",
        "length": "1800000000us",
        "id": "00000000-0000-0000-0000-000000000001",
        "price": "12.50",
        "big": "1000",
        "ratio": "0.0000001",
        "raw": "00ff",
    }
    with pytest.raises(canonical.ProfileError):
        canonical.normalise(object())


@given(st.lists(texts, min_size=2, max_size=2, unique=True))
def test_two_keys_never_become_one(pair: list[str]) -> None:
    normal = canonical.normalise({pair[0]: 1, pair[1]: 2})
    assert len(normal) == 2
    assert all(key.isascii() for key in normal)


@given(jsonb, st.booleans())
def test_an_image_is_what_parsing_and_normalising_give_and_is_written_as_it_is_encoded(
    value: object, escaped: bool
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, default=str)
    image = canonical.image(text)
    assert image == canonical.normalise(canonical.loads(text))
    assert canonical.write({"after": image}) == canonical.encode({"after": image})


@pytest.mark.parametrize(
    "text",
    [
        *('{"é": 1}', '{"\\u00e9": 1}', '{"a%": 1}', "[" * 33 + "]" * 33, "[" * 32 + "]" * 32, "9007199254740993"),
        *("-0", "1.50", "1e400", '"\\u0000"', '{"a": {"\\u00e9": 2}}', "12345678901234567890"),
    ],
)
def test_an_image_that_has_to_be_changed_is(text: str) -> None:
    image = canonical.image(text)
    assert image == canonical.normalise(canonical.loads(text))
    assert canonical.write([image]) == canonical.encode([image])


@pytest.mark.parametrize("depth", [10, 40, 200])
def test_deep_nesting_is_folded_into_text_and_nothing_is_lost(depth: int) -> None:
    value: object = "heart"
    for _ in range(depth):
        value = {"in": [value]}
    line = canonical.encode(canonical.normalise({"after": {"settings": value}}))
    unfolded: object = json.loads(line)["after"]["settings"]
    for _ in range(depth):
        if isinstance(unfolded, str):
            unfolded = json.loads(unfolded)
        assert isinstance(unfolded, dict)
        unfolded = unfolded["in"]
        if isinstance(unfolded, str):
            unfolded = json.loads(unfolded)
        assert isinstance(unfolded, list)
        unfolded = unfolded[0]
    assert unfolded == "heart"


@given(st.datetimes(timezones=st.timezones()))
def test_a_moment_is_read_back_as_the_same_instant(at: datetime) -> None:
    try:
        instant = at.astimezone(UTC)
    except OverflowError:
        return
    assert canonical.read_moment(canonical.moment(at)) == instant


def test_moments_sort_as_texts_and_need_a_zone() -> None:
    assert canonical.moment(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"
    assert canonical.moment(datetime(33, 1, 2, tzinfo=UTC)) == "0033-01-02T00:00:00.000000Z"
    with pytest.raises(canonical.ProfileError):
        canonical.moment(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    with pytest.raises(canonical.ProfileError):
        canonical.read_moment("2026-01-01T00:00:00+00:00")
