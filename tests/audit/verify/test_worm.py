"""An evidence store against everything that can be done to it: each change is found, and the place is named."""

import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit import canonical, segment
from audit.verify import Report, verify_worm
from audit.verify.report import DOES_NOT_HOLD, HOLDS, NOT_ALL_CHECKED
from audit.worm import names
from audit.worm.folder import FolderWorm
from audit.worm.store import Stored, WormUnavailable
from tests.audit.verify.history import (
    LOCKED,
    LOG,
    NOW,
    OURS,
    THEIRS,
    Chain,
    files,
    overwrite,
    remove,
    sample,
    trust,
)
from tests.memory import peak_of

FIRST = "chains/clinic/1/seg/000000000001-000000000005/"
MIDDLE = "chains/clinic/1/seg/000000000006-000000000009/"


@pytest.fixture
def worm(tmp_path: Path) -> FolderWorm:
    return sample(tmp_path / "worm")


def check(worm: FolderWorm, **options: object) -> Report:
    return verify_worm(worm, trust=trust(OURS), now=NOW, **options)  # type: ignore[arg-type]


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def payload(worm: FolderWorm, folder: str, retention: str) -> str:
    return next(key for key in files(worm) if key.startswith(folder + retention))


def lines_of(worm: FolderWorm, key: str) -> list[bytes]:
    return zlib.decompress(worm.get(key), 31).splitlines(keepends=True)


def rewrite(worm: FolderWorm, key: str, lines: list[bytes]) -> None:
    overwrite(worm, key, segment.compress(b"".join(lines)))


def test_untouched_evidence_holds(worm: FolderWorm) -> None:
    report = check(worm)
    assert (codes(report), report.exit_code) == ([], HOLDS)
    assert report.counts == {"chains": 3, "segments": 5, "records": 17, "keys": 1}
    assert report.as_text().startswith("THE EVIDENCE HOLDS.")


def test_one_chain_alone_can_be_checked(worm: FolderWorm) -> None:
    assert check(worm, only="clinic/12").counts == {"chains": 1, "segments": 1, "records": 3, "keys": 1}


def test_one_changed_byte_of_any_object_is_found_and_the_object_named(worm: FolderWorm) -> None:
    chance = random.Random(7)
    for key in files(worm):
        data = worm.get(key)
        for position in {0, 1, len(data) // 2, len(data) - 1, *(chance.randrange(len(data)) for _ in range(12))}:
            changed = bytearray(data)
            changed[position] ^= 1 << chance.randrange(8)
            overwrite(worm, key, bytes(changed))
            report = check(worm)
            assert report.exit_code == DOES_NOT_HOLD
            named = str(report.findings[0].values["object"])
            assert key in (named, names.statement_key(named)), (key, position, report.findings[0].text())
        overwrite(worm, key, data)
    assert check(worm).exit_code == HOLDS


def test_any_object_taken_away_is_found_and_named(worm: FolderWorm) -> None:
    for key in files(worm):
        data = worm.get(key)
        remove(worm, key)
        report = check(worm)
        if key == "chains/clinic/1/checkpoint/000000000012" or "platform" in key or "clinic/12/" in key:
            # The newest head of a chain can be missing because sealing is not finished: not a proof of anything.
            assert report.exit_code in (DOES_NOT_HOLD, NOT_ALL_CHECKED)
        else:
            assert report.exit_code == DOES_NOT_HOLD
        if report.exit_code == DOES_NOT_HOLD:
            assert report.findings[0].values["object"] == key
        (worm.root / key).write_bytes(data)
    assert check(worm).exit_code == HOLDS


def test_any_object_cut_short_is_found(worm: FolderWorm) -> None:
    for key in files(worm):
        data = worm.get(key)
        for cut in (b"", data[:-1], data[: len(data) // 2]):
            overwrite(worm, key, cut)
            report = check(worm)
            assert report.exit_code == DOES_NOT_HOLD
            assert key in (report.findings[0].values["object"], f"{report.findings[0].values['object']}.note")
        overwrite(worm, key, data)


def test_a_changed_record_is_named(worm: FolderWorm) -> None:
    key = payload(worm, FIRST, "transactional")
    lines = lines_of(worm, key)
    rewrite(worm, key, [lines[0], lines[1].replace(b"record 3", b"record X"), *lines[2:]])
    report = check(worm)
    assert codes(report) == ["object-altered", "line-altered"]
    assert report.findings[1].values == {"object": key, "chain": "clinic/1", "seq": 3}


def test_a_dropped_record_is_named(worm: FolderWorm) -> None:
    key = payload(worm, FIRST, "regulatory_retention")
    rewrite(worm, key, lines_of(worm, key)[:1])
    report = check(worm)
    assert codes(report) == ["object-altered", "line-missing"]
    assert report.findings[1].values["seq"] == 4


def test_swapped_records_are_named_both(worm: FolderWorm) -> None:
    key = payload(worm, FIRST, "transactional")
    lines = lines_of(worm, key)
    rewrite(worm, key, [lines[1], lines[0], *lines[2:]])
    report = check(worm)
    assert codes(report) == ["object-altered", "line-moved", "line-moved"]
    assert [(found.values["seq"], found.values["found"]) for found in report.findings[1:]] == [(1, 3), (3, 1)]


def test_an_added_or_doubled_record_is_named(worm: FolderWorm) -> None:
    key = payload(worm, FIRST, "transactional")
    lines = lines_of(worm, key)
    rewrite(worm, key, [*lines, lines[0]])
    report = check(worm)
    assert codes(report) == ["object-altered", "line-extra"]
    assert report.findings[1].values["count"] == 1


def test_damage_in_one_segment_does_not_hide_damage_in_a_later_one(worm: FolderWorm) -> None:
    for folder in (FIRST, MIDDLE):
        overwrite(worm, names.manifest_key(folder), b"{}")
    key = next(name for name in files(worm) if name.startswith("chains/clinic/1/seg/000000000010") and "leaves" in name)
    overwrite(worm, key, b"\0" * len(worm.get(key)))
    named = [finding.values["object"] for finding in check(worm).findings]
    assert named == [names.manifest_key(FIRST), names.manifest_key(MIDDLE), key]


def test_lost_leaves_are_recomputed_from_the_records(worm: FolderWorm) -> None:
    key = next(name for name in files(worm) if name.startswith(FIRST) and "leaves" in name)
    overwrite(worm, key, b"\0" * len(worm.get(key)))
    report = check(worm)
    assert codes(report) == ["object-altered"]
    assert report.counts["records"] == 17


def test_a_record_rewritten_everywhere_but_in_the_signed_head_is_found(tmp_path: Path) -> None:
    """The thief has the store and no key: new payload, leaves and manifest, all consistent with one another."""
    real = sample(tmp_path / "real")
    forger = Chain(FolderWorm(tmp_path / "forged"), key=THEIRS)
    forger.grow(1).grow(1, after={"note": "forged"}).grow(3).seal()
    for key in files(real):
        if key.startswith(FIRST):
            remove(real, key)
    for key in files(forger.worm):
        if key.startswith(FIRST):
            real.put(key, forger.worm.get(key), retain_until=LOCKED, content_type="x/y")
    report = check(real)
    assert report.exit_code == DOES_NOT_HOLD
    assert codes(report)[0] == "statement-bad"
    assert report.findings[0].values["object"] == names.manifest_key(FIRST)
    assert "root-differs" in codes(report)


def test_evidence_signed_with_another_key_is_refused(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    Chain(worm, key=THEIRS).publish_key().grow(3).seal()
    report = check(worm)
    assert report.exit_code == DOES_NOT_HOLD
    assert {"statement-bad", "checkpoint-bad", "key-unpublished"} <= set(codes(report))


def test_a_second_key_slipped_into_the_keyring_is_found(worm: FolderWorm) -> None:
    Chain(worm).publish_key(THEIRS)
    report = check(worm)
    assert codes(report) == ["key-unknown"]
    assert report.findings[0].values["object"] == names.keyring_key(THEIRS.public_key)


def test_evidence_of_another_log_does_not_pass_for_ours(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    Chain(worm, log="other.example").publish_key().grow(3).seal()
    assert {"statement-bad", "checkpoint-bad"} <= set(codes(check(worm)))


def test_a_chain_does_not_pass_for_another(worm: FolderWorm) -> None:
    for key in files(worm):
        if key.startswith("chains/platform/"):
            moved = key.replace("chains/platform/", "chains/clinic/99/")
            worm.put(moved, worm.get(key), retain_until=LOCKED, content_type="x/y")
    report = check(worm)
    assert report.exit_code == DOES_NOT_HOLD
    assert all("clinic/99" in finding.text() for finding in report.findings)


def test_a_segment_taken_out_of_the_middle_is_found(worm: FolderWorm) -> None:
    for key in files(worm):
        if key.startswith(MIDDLE):
            remove(worm, key)
    report = check(worm)
    assert codes(report)[0] == "segment-gap"
    assert report.findings[0].values == {"chain": "clinic/1", "first": 6, "last": 9}
    assert "checkpoint-stray" in codes(report)


def test_a_second_history_is_found(worm: FolderWorm) -> None:
    fork = Chain(FolderWorm(worm.root)).grow(4)
    fork.seal()
    report = check(worm)
    assert "segment-twice" in codes(report)


def test_a_segment_that_does_not_continue_the_one_before_is_found(tmp_path: Path) -> None:
    """The key itself is in the forger's hands: signatures are right, the history is not."""
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm).publish_key().grow(3).seal()
    chain.lines[2] = (chain.lines[2][0].replace(b"record 3", b"record X"), chain.lines[2][1])
    chain.grow(2).seal()
    report = check(worm)
    assert codes(report)[0] == "manifest-differs"
    assert report.findings[0].values["first"] == 4


def test_a_head_that_contradicts_an_earlier_one_is_found(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm).publish_key().grow(3).seal().grow(2).seal(checkpoint=False)
    chain.put_checkpoint(size=5, root=b"\1" * 32)
    report = check(worm)
    assert codes(report) == ["root-differs"]
    assert report.findings[0].values["seq"] == 5


def test_a_true_head_under_another_name_is_found(worm: FolderWorm) -> None:
    other = worm.get("chains/clinic/1/checkpoint/000000000005")
    overwrite(worm, "chains/clinic/1/checkpoint/000000000009", other)
    assert codes(check(worm)) == ["checkpoint-bad"]


def test_an_object_put_over_another_is_found_where_the_store_keeps_versions(
    worm: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = names.manifest_key(FIRST)
    listed = FolderWorm.list

    def versions(store: FolderWorm, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        for stored in listed(store, prefix, after=after):
            yield stored
            if stored.key == key:
                yield replace(stored, version="2")

    monkeypatch.setattr(FolderWorm, "list", versions)
    assert "object-doubled" in codes(check(worm))
    assert {finding.values["object"] for finding in check(worm).findings} == {key}


def test_an_object_in_another_version_than_was_sealed_is_found(
    worm: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = payload(worm, FIRST, "transactional")
    listed = FolderWorm.list

    def newer(store: FolderWorm, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        for stored in listed(store, prefix, after=after):
            yield replace(stored, version="2") if stored.key == key else stored

    monkeypatch.setattr(FolderWorm, "list", newer)
    assert [(finding.code, finding.values["object"]) for finding in check(worm).findings] == [("object-doubled", key)]


def test_a_broken_manifest_chain_is_found(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm).publish_key().grow(3).seal()
    chain.previous = "ab" * 32
    chain.grow(2).seal()
    report = check(worm)
    assert codes(report) == ["manifest-differs"]
    assert "does not follow the list before it" in report.findings[0].text()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seq": 9}, "it carries another number"),
        ({"chain": "clinic/2"}, "it names another chain"),
        ({"prev": "00" * 32}, "it names another record before it"),
        ({"v": 2}, "it is no record of version 1"),
    ],
)
def test_a_record_sealed_against_the_rules_is_found(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    worm = FolderWorm(tmp_path / "worm")
    Chain(worm).publish_key().grow(2).grow(1, **changes).grow(1).seal()
    report = check(worm)
    assert codes(report) == ["line-wrong"]
    assert report.findings[0].values == {"chain": "clinic/1", "seq": 3, "reason": reason}


def test_a_record_not_in_canonical_form_is_found(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm).publish_key().grow(2)
    chain.lines[1] = (chain.lines[1][0].replace(b":", b": ", 1), chain.lines[1][1])
    chain.seal()
    assert codes(check(worm)) == ["line-wrong"]


@pytest.mark.parametrize(
    "key",
    [
        "readme.txt",
        "chains/note",
        "chains/clinic/1/aside/x",
        "chains/clinic/1/seg/x",
        "chains/clinic/1/seg/000000000005-000000000001/manifest.json",
        f"{FIRST}extra.bin",
        f"{FIRST}deeper/extra.bin",
        "chains/clinic/1/checkpoint/5",
        "chains/clinic/1/checkpoint/000000000005.bak",
        "chains/Clinic/1/seg/000000000001-000000000005/manifest.json",
        "keyring/another.json",
    ],
)
def test_a_file_nobody_sealed_is_named(worm: FolderWorm, key: str) -> None:
    worm.put(key, b"x", retain_until=LOCKED, content_type="x/y")
    report = check(worm)
    assert codes(report) == ["object-unexpected"]
    assert report.findings[0].values["object"] == key


def test_hidden_files_and_links_are_named_too(worm: FolderWorm) -> None:
    (worm.root / FIRST / ".hidden").write_bytes(b"x")
    (worm.root / "chains" / "clinic" / "1" / "link").symlink_to("/etc")
    assert {finding.values["object"] for finding in check(worm).findings} == {
        "chains/clinic/1/link",
        f"{FIRST}.hidden",
    }


def test_a_stray_head_is_named(worm: FolderWorm) -> None:
    Chain(worm).put_checkpoint(size=7, root=b"\0" * 32)
    Chain(worm).put_checkpoint(size=70, root=b"\0" * 32)
    report = check(worm)
    assert [(finding.code, finding.values["seq"]) for finding in report.findings] == [
        ("checkpoint-stray", 7),
        ("checkpoint-stray", 70),
    ]


def test_a_lock_that_was_lost_or_shortened_is_named(worm: FolderWorm) -> None:
    for key in files(worm):
        locks = worm.root / ".retain" / key
        kept = locks.read_bytes()
        locks.write_bytes(b"")
        assert [(found.code, found.values["object"]) for found in check(worm).findings] == [("lock-missing", key)]
        locks.write_bytes(kept.replace(b"2036", b"2027"))
        # Nothing sealed says how long a published key must be kept.
        shorter = [] if key.startswith("keyring/") else [("lock-short", key)]
        assert [(found.code, found.values["object"]) for found in check(worm).findings] == shorter
        locks.write_bytes(kept)


def test_a_longer_lock_is_no_fault(worm: FolderWorm) -> None:
    for key in files(worm):
        worm.extend(key, retain_until=LOCKED + timedelta(days=1))
    assert check(worm).exit_code == HOLDS


def test_the_newest_segment_may_still_be_on_its_way(worm: FolderWorm) -> None:
    Chain(worm, "clinic/7").grow(2).seal(checkpoint=False)
    alone, live = check(worm), check(worm, live=True)
    assert (alone.exit_code, [point.code for point in alone.unchecked]) == (NOT_ALL_CHECKED, ["segment-unsigned"])
    assert (live.exit_code, [point.code for point in live.notes]) == (HOLDS, ["segment-open"])


def test_a_head_missing_before_later_ones_is_no_work_in_progress(worm: FolderWorm) -> None:
    remove(worm, "chains/clinic/1/checkpoint/000000000009")
    for live in (True, False):
        report = check(worm, live=live)
        assert codes(report)[0] == "checkpoint-missing"
        assert report.findings[0].values["seq"] == 9


def test_without_a_trusted_key_the_rest_is_checked_and_the_gap_is_said(worm: FolderWorm) -> None:
    report = verify_worm(worm, trust=trust(), now=NOW)
    assert (report.exit_code, [point.code for point in report.unchecked]) == (NOT_ALL_CHECKED, ["key-absent"])
    assert report.counts["records"] == 17
    overwrite(worm, payload(worm, FIRST, "transactional"), b"x")
    assert verify_worm(worm, trust=trust(), now=NOW).exit_code == DOES_NOT_HOLD


def test_an_empty_or_wrong_folder_is_not_taken_for_good_evidence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        assert check(FolderWorm(path)).exit_code == NOT_ALL_CHECKED


def test_a_store_that_cannot_be_read_is_an_open_point_and_no_finding(
    worm: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("audit.worm.folder.os.open", refuse)
    report = check(worm)
    assert report.exit_code == NOT_ALL_CHECKED
    assert "Permission denied" in report.as_text()


def test_an_object_that_cannot_be_read_is_an_open_point_and_no_finding(
    worm: FolderWorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = FolderWorm.get
    for key in files(worm):

        def get(store: FolderWorm, name: str, version: str | None = None, *, broken: str = key) -> bytes:
            if name == broken:
                raise WormUnavailable(f"{name} cannot be read: Input/output error")
            return read(store, name, version)

        monkeypatch.setattr(FolderWorm, "get", get)
        report = check(worm)
        assert (codes(report), report.exit_code) == ([], NOT_ALL_CHECKED)
        assert {point.values["object"] for point in report.unchecked} == {key}


def test_a_payload_that_unpacks_without_end_is_not_followed(worm: FolderWorm) -> None:
    overwrite(worm, payload(worm, FIRST, "transactional"), segment.compress(b"\n" * 50_000_000))
    assert codes(check(worm))[0] == "object-altered"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda manifest: replace(manifest, first=2),
        lambda manifest: replace(manifest, chain="clinic/2"),
        lambda manifest: replace(manifest, log="other.example"),
        lambda manifest: replace(manifest, head="00" * 32),
        lambda manifest: replace(manifest, planned="yesterday"),
        lambda manifest: replace(manifest, root="00" * 32),
        lambda manifest: replace(manifest, payloads=manifest.payloads[:1]),
        lambda manifest: replace(manifest, payloads=manifest.payloads[::-1]),
        lambda manifest: replace(manifest, frontier=manifest.frontier[::-1]),
    ],
)
def test_a_signed_manifest_that_contradicts_its_segment_is_found(
    worm: FolderWorm, break_it: Callable[[segment.Manifest], segment.Manifest]
) -> None:
    key = names.manifest_key(FIRST)
    manifest = break_it(segment.Manifest.from_bytes(worm.get(key)))
    overwrite(worm, key, manifest.to_bytes())
    remove(worm, names.statement_key(key))
    (worm.root / ".retain" / names.statement_key(key)).unlink()
    Chain(worm).put_statement(key, manifest.to_bytes(), chain="clinic/1")
    assert check(worm).exit_code == DOES_NOT_HOLD


def test_findings_beyond_measure_are_counted_and_not_kept(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    Chain(worm).publish_key().grow(1500, v=2).seal()
    report = check(worm)
    assert (report.found, len(report.findings)) == (1500, 1000)
    assert len(report.as_json()["findings"]) == 1000
    assert "… and 1450 more." in report.as_text()


def test_the_report_names_its_first_finding_first_and_reads_as_json(worm: FolderWorm) -> None:
    key = payload(worm, FIRST, "transactional")
    overwrite(worm, key, b"x")
    report = check(worm)
    text = report.as_text().splitlines()
    assert text[0] == "THE EVIDENCE DOES NOT HOLD."
    assert text[2] == f"The file “{key}” was changed after it was sealed."
    body = report.as_json()
    assert (body["outcome"], body["exit"], body["log"]) == ("does not hold", 1, LOG)
    assert body["findings"][0] == {"code": "object-altered", "object": key, "says": text[2]}
    assert canonical.encode(canonical.normalise(body))


def test_checking_takes_no_more_memory_for_more_segments(tmp_path: Path) -> None:
    worm = FolderWorm(tmp_path / "worm")
    chain = Chain(worm).publish_key()
    peaks = []
    for _ in range(2):
        for _ in range(5):
            chain.grow(300).seal()
        peaks.append(min(peak_of(lambda: check(worm)) for _ in range(3)))
    assert check(worm).exit_code == HOLDS
    assert peaks[1] < 1.2 * peaks[0]


def test_checking_needs_no_django(worm: FolderWorm) -> None:
    script = (
        "import sys\n"
        "sys.modules['django'] = sys.modules['cryptography'] = sys.modules['rfc3161_client'] = None\n"
        "from datetime import UTC, datetime\n"
        "from audit.verify import Trust, verify_worm\n"
        "from audit.worm import FolderWorm\n"
        "report = verify_worm(FolderWorm(sys.argv[1]), trust=Trust('x', [], lambda *_: True),\n"
        "                     now=datetime(2026, 1, 1, tzinfo=UTC))\n"
        "print(report.exit_code, report.counts['records'])\n"
        "assert not [name for name in sys.modules if name.startswith(('django.', 'cryptography.'))]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(worm.root)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "1 17\n"  # another log's name: its manifests are not its own
