"""The objects of a segment: names, bytes, manifest, and what they refuse."""

import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical, segment, tree
from audit.worm import names

LINE = b'{"seq":1}'
PAYLOAD = segment.Payload("transactional", "a/b", "1", 1, 10, "ab" * 32, 20, "cd" * 32, "2030-01-01T00:00:00.000000Z")
LEAVES = segment.Leaves("a/c", "1", 33, "ef" * 32, "2030-01-01T00:00:00.000000Z")
ROOT = tree.leaf_hash(LINE).hex()
MANIFEST = segment.Manifest(
    log="horae.example",
    chain="clinic/1",
    first=1,
    last=1,
    planned="2026-01-01T00:00:00.000000Z",
    prev=segment.GENESIS,
    head=ROOT,
    root=ROOT,
    frontier=(ROOT,),
    payloads=(PAYLOAD,),
    leaves=LEAVES,
    previous_manifest=segment.GENESIS,
    retain_until="2030-01-01T00:00:00.000000Z",
)


def test_a_manifest_reads_back_and_is_canonical() -> None:
    data = MANIFEST.to_bytes()
    assert segment.Manifest.from_bytes(data) == MANIFEST
    assert canonical.encode(canonical.decode(data)) == data
    assert canonical.decode(data)["count"] == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        MANIFEST.to_bytes() + b"\n",
        MANIFEST.to_bytes().replace(b'"v":1', b'"v":2'),
        MANIFEST.to_bytes().replace(b'"count":1', b'"count":2'),
        MANIFEST.to_bytes().replace(b'"first":1', b'"first":"1"'),
        MANIFEST.to_bytes().replace(b'"first":1', b'"first":true'),
        MANIFEST.to_bytes().replace(b'"kind":"segment"', b'"kind":"key"'),
        canonical.encode(canonical.decode(MANIFEST.to_bytes()) | {"more": 1}),
        canonical.encode(canonical.decode(MANIFEST.to_bytes()) | {"payloads": None}),
        canonical.encode(canonical.decode(MANIFEST.to_bytes()) | {"leaves": {}}),
        replace(MANIFEST, first=0).to_bytes(),
        replace(MANIFEST, last=2).to_bytes(),
        replace(MANIFEST, root="ab" * 32).to_bytes(),
        replace(MANIFEST, head=ROOT.upper()).to_bytes(),
        replace(MANIFEST, retain_until="2030").to_bytes(),
        replace(MANIFEST, payloads=(PAYLOAD, PAYLOAD)).to_bytes(),
        replace(MANIFEST, leaves=replace(LEAVES, bytes=32)).to_bytes(),
    ],
)
def test_a_manifest_in_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(segment.SegmentError):
        segment.Manifest.from_bytes(data)


@given(st.lists(st.tuples(st.binary(max_size=20), st.sampled_from(["b_class", "a_class", "c"])), min_size=1))
def test_what_is_packed_can_be_put_in_order_again(records: list[tuple[bytes, str]]) -> None:
    records = [(line.replace(b"\n", b"n"), retention) for line, retention in records]
    content = segment.pack(records)
    leaves, index = segment.read_leaves(content.leaves_object, count=len(records), classes=len(content.payloads))
    assert leaves == [tree.leaf_hash(line) for line, _ in records] == content.leaves
    assert list(content.payloads) == sorted(content.payloads)
    lines = [iter(segment.split_lines(data)) for data in content.payloads.values()]
    assert [next(lines[number]) for number in index] == [line for line, _ in records]
    assert sum(content.counts.values()) == len(records)


def test_a_leaves_object_that_does_not_fit_is_refused() -> None:
    content = segment.pack([(LINE, "a"), (LINE, "b")])
    for data, classes in (
        (content.leaves_object[:-1], 2),
        (content.leaves_object + b"\0", 2),
        (content.leaves_object, 1),
    ):
        with pytest.raises(segment.SegmentError):
            segment.read_leaves(data, count=2, classes=classes)


@given(st.binary(max_size=2000))
def test_packing_is_the_same_every_time_and_carries_neither_name_nor_time(data: bytes) -> None:
    packed = segment.compress(data)
    assert segment.compress(data) == packed
    assert packed[:4] == b"\x1f\x8b\x08\x00"
    assert packed[4:8] == b"\0\0\0\0"
    assert segment.decompress(packed, limit=len(data)) == data


def test_only_one_whole_stream_of_the_expected_length_is_unpacked() -> None:
    packed = segment.compress(b"x" * 1000)
    for data, limit in (
        (packed, 999),
        (packed[:-1], 1000),
        (packed + b"\0", 1000),
        (packed + packed, 2000),
        (zlib.compress(b"x"), 1),
        (b"", 0),
    ):
        with pytest.raises(segment.SegmentError):
            segment.decompress(data, limit=limit)


def test_a_last_line_cut_off_is_refused() -> None:
    assert segment.split_lines(b"") == []
    assert segment.split_lines(b"a\nb\n") == [b"a", b"b"]
    with pytest.raises(segment.SegmentError):
        segment.split_lines(b"a\nb")


def test_keys_sort_as_their_numbers_do_and_parse_back() -> None:
    keys = [names.checkpoint_key(chain="clinic/1", size=size) for size in (9, 10, 999_999, 10**11)]
    assert keys == sorted(keys)
    match = names.CHECKPOINT_KEY.fullmatch(keys[1])
    assert match is not None
    assert (match["chain"], int(match["size"])) == ("clinic/1", 10)
    prefix = names.segment_prefix(chain="platform", first=1, last=20)
    match = names.SEGMENT_KEY.fullmatch(names.manifest_key(prefix))
    assert match is not None
    assert (match["chain"], int(match["first"]), int(match["last"]), match["name"]) == (
        "platform",
        1,
        20,
        "manifest.json",
    )


@pytest.mark.parametrize("retention", ["", "Regulatory", "../x", "a b", "a.b"])
def test_a_retention_class_that_would_lead_elsewhere_is_refused(retention: str) -> None:
    with pytest.raises(ValueError, match="not a retention class"):
        names.payload_key("chains/platform/seg/1-2/", retention=retention, digest="ab" * 32)


def test_a_line_is_held_against_its_place() -> None:
    body = {"v": 1, "chain": "clinic/1", "seq": 7, "prev": "ab" * 32, "retention": "transactional"}
    place: dict[str, Any] = {"chain": "clinic/1", "seq": 7, "prev": "ab" * 32, "classes": {"transactional"}}
    line = canonical.encode(body)
    assert segment.record_fault(line, **place) == ""
    assert segment.record_fault(line + b" ", **place) == "not in canonical form"
    for name, value in (("v", 2), ("chain", "platform"), ("seq", 8), ("prev", "cd" * 32), ("retention", "ephemeral")):
        assert segment.record_fault(canonical.encode(body | {name: value}), **place) != ""
    assert segment.record_fault(b"[]", **place) != ""
