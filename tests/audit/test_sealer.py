"""Sealing: every record once, under one head, whatever dies in between."""

import gzip
import json
import os
import signal
import threading
import time
import traceback
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from django.db import connection, connections

from audit import segment as form
from audit import signing
from audit.models import Chain, Record, Segment, SegmentState
from audit.sealer import CannotSeal, Fork, Superseded, run, seal, unsealed
from audit.sequencer import sequence
from audit.verify import verify_worm
from audit.worm import WormUnavailable
from audit.worm.folder import FolderWorm
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sample.models import Entry
from tests.audit.sealed_house import NOW, House, furnished, spans
from tests.audit.test_tree import definition
from tests.memory import peak_of

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    return furnished(tmp_path, settings)


def holds(house: House) -> bool:
    report = verify_worm(house.worm, trust=signing.trust(), now=NOW)
    assert [finding.text() for finding in report.findings] == []
    return report.holds


def troubles(house: House) -> list[BaseException]:
    with pytest.raises(ExceptionGroup) as caught:
        house.seals()
    return list(caught.value.exceptions)


def dying_at(step: int, steps: list[str] | None = None) -> Callable[[str], None]:
    seen: list[str] = steps if steps is not None else []

    def reached(name: str) -> None:
        seen.append(name)
        if len(seen) == step:
            raise Killed

    return reached


def steps_of(house: House) -> list[str]:
    """Every step of sealing what waits, by sealing it into a store that is then forgotten."""
    steps: list[str] = []
    seal(now=NOW, reached=steps.append)
    return steps


def forget(house: House) -> None:
    """As if nothing had ever been sealed: the rows as before, the store empty."""
    Segment.objects.all().delete()
    Chain.objects.update(sealed_size=0, sealed_root=b"", fence=0)
    if house.worm.root.exists():
        house.worm.root.rename(house.worm.root.with_name(f"worm-{time.monotonic_ns()}"))


def test_everything_recorded_is_sealed_under_a_head_for_each_chain(house: House) -> None:
    house.happens(3)
    house.told()
    house.happens(2, clinic=12)
    assert unsealed() == ["clinic/12", CHAIN]
    done = house.seals()
    assert spans(done) == [("clinic/12", 1, 2), (CHAIN, 1, 4)]
    assert {segment.state for segment in Segment.objects.all()} == {SegmentState.SEALED}
    assert unsealed() == []
    assert holds(house)
    chain = Chain.objects.get(name=CHAIN)
    assert (chain.sealed_size, bytes(chain.sealed_root)) == (4, bytes(done[1].root or b""))
    folder = "chains/clinic/7/seg/000000000001-000000000004/"
    assert sorted(key.removeprefix(folder).split(".")[0] for key in house.files() if key.startswith(folder)) == [
        "ephemeral",
        "leaves",
        "manifest",
        "manifest",
        "transactional",
    ]


def test_a_second_segment_goes_on_where_the_first_ended(house: House) -> None:
    house.happens(3)
    house.seals()
    house.happens(4)
    assert spans(house.seals()) == [(CHAIN, 4, 7)]
    assert house.seals() == []
    assert holds(house)
    first, second = Segment.objects.order_by("first")
    assert (
        form.Manifest.from_bytes(second.manifest.encode()).prev
        == form.Manifest.from_bytes(first.manifest.encode()).head
    )


def test_payloads_are_locked_as_long_as_their_class_and_commitments_longest(house: House) -> None:
    house.happens(1)
    house.told()
    house.seals()
    years = {stored.key: (stored.retain_until.year if stored.retain_until else 0) for stored in house.worm.list()}
    assert {key.split("/")[-1].split(".")[0]: year for key, year in years.items() if "/seg/" in key} == {
        "ephemeral": 2027,
        "transactional": 2029,
        "leaves": 2056,
        "manifest": 2056,
    }
    assert {year for key, year in years.items() if "checkpoint" in key or key.startswith("keyring")} == {2056}


def test_segments_are_bounded_in_records_and_in_size(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_RECORDS", 3)
    house.happens(7)
    assert spans(house.seals()) == [(CHAIN, 1, 3), (CHAIN, 4, 6), (CHAIN, 7, 7)]
    monkeypatch.setattr(run, "MAX_CHARACTERS", 10)
    house.happens(2)
    assert spans(house.seals()) == [(CHAIN, 8, 8), (CHAIN, 9, 9)]
    assert holds(house)


def test_sealing_reads_no_record_that_was_sealed_before(house: House) -> None:
    house.happens(5)
    house.seals()
    Record.objects.filter(chain=CHAIN, seq__lte=4).delete()
    house.happens(2)
    assert spans(house.seals()) == [(CHAIN, 6, 7)]
    assert holds(house)


def test_a_sealer_killed_between_any_two_steps_leaves_work_the_next_one_finishes_byte_for_byte(house: House) -> None:
    house.happens(2)
    house.seals()
    earlier = house.files()
    house.happens(3)
    house.told()
    steps: list[str] = []
    seal(now=NOW, reached=steps.append)
    whole = house.files()
    assert len(steps) == 13
    for step in range(1, len(steps) + 1):
        Segment.objects.filter(first__gt=2).delete()
        first = Segment.objects.get()
        Chain.objects.update(sealed_size=first.last, sealed_root=first.root)
        for key in whole.keys() - earlier.keys():
            (house.worm.root / key).unlink()
            (house.worm.root / ".retain" / key).unlink()
        with pytest.raises(Killed):
            seal(now=NOW, reached=dying_at(step))
        seal(now=NOW)
        assert house.files() == whole, steps[step - 1]
        assert {segment.state for segment in Segment.objects.all()} == {SegmentState.SEALED}
    assert holds(house)


def test_records_that_came_after_a_crash_do_not_change_the_range_that_was_planned(house: House) -> None:
    house.happens(2)
    with pytest.raises(Killed):
        seal(now=NOW, reached=dying_at(2))
    house.happens(2)
    assert spans(house.seals()) == [(CHAIN, 1, 2), (CHAIN, 3, 4)]


@pytest.mark.parametrize("step", ["build", "put manifest", "publish", "note sealed"])
def test_a_process_killed_for_good_holds_nobody_up(house: House, step: str) -> None:
    house.happens(3)
    connections.close_all()
    child = os.fork()
    if child == 0:

        def die(name: str) -> None:
            if name == step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            seal(now=NOW, reached=die)
        except Exception:  # noqa: BLE001 - the child has nobody else to tell
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    for _ in range(100):
        house.seals()
        if not unsealed():
            break
        time.sleep(0.05)  # the server takes a moment to notice that the lock's owner is gone
    assert holds(house)
    assert spans(Segment.objects.all()) == [(CHAIN, 1, 3)]


def test_a_second_sealer_leaves_the_chain_to_the_first(house: House) -> None:
    house.happens(2)
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "host", "port", "password") if parameters.get(name)}
    with psycopg.connect(**wanted, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"audit.seal {CHAIN}"])
        house.happens(1, clinic=12)
        assert spans(house.seals()) == [("clinic/12", 1, 1)]
        assert Segment.objects.filter(chain=CHAIN).count() == 0
    assert spans(house.seals()) == [(CHAIN, 1, 2)]


def test_what_comes_in_while_a_chain_is_sealed_is_sealed_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.happens(2)
    late = [True]
    plan = run._plan

    def planned(*arguments: Any) -> Segment | None:
        found = plan(*arguments)
        if found is None and late:
            # The sealer saw nothing more to do, and still holds the lock: whoever comes now finds it taken.
            late.clear()
            house.happens(1)
        return found

    monkeypatch.setattr(run, "_plan", planned)
    assert spans(house.seals()) == [(CHAIN, 1, 2), (CHAIN, 3, 3)]


def test_two_sealers_at_once_make_one_history(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_RECORDS", 2)
    house.happens(12)
    problems: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(5):
                seal(now=NOW)
        except Exception as error:  # noqa: BLE001 - told in the main thread
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert spans(Segment.objects.order_by("first")) == [(CHAIN, first, first + 1) for first in range(1, 12, 2)]
    assert holds(house)


@pytest.mark.parametrize("step", ["build", "store", "put manifest", "note stored", "sign", "note sealed"])
def test_a_sealer_that_lost_its_lock_signs_nothing_more(house: House, step: str) -> None:
    """The fence has moved on: somebody else is the sealer now, whatever this one believes."""
    house.happens(3)

    def overtaken(name: str) -> None:
        if name == step:
            fence = run._take_fence(CHAIN)
            assert fence == 2

    with pytest.raises(ExceptionGroup) as caught:
        seal(now=NOW, reached=overtaken)
    assert [type(error) for error in caught.value.exceptions] == [Superseded]
    if step != "note sealed":
        assert Chain.objects.get(name=CHAIN).sealed_size == 0
        assert not [key for key in house.files() if "checkpoint" in key or key.endswith("manifest.json.note")]
    house.seals()
    assert holds(house)


@pytest.mark.parametrize("moved", [{"fence": 99}, {"sealed_size": 1}])
def test_nothing_is_signed_for_a_chain_that_moved_on(house: House, moved: dict[str, int]) -> None:
    house.happens(3)

    def meanwhile(name: str) -> None:
        if name == "sign":
            Chain.objects.update(**moved)

    with pytest.raises(ExceptionGroup) as caught:
        seal(now=NOW, reached=meanwhile)
    assert [type(error) for error in caught.value.exceptions] == [Superseded]
    assert Segment.objects.get().checkpoint == ""


def test_what_is_sealed_can_be_checked_with_nothing_of_ours(house: House) -> None:
    """The format as `docs/evidence.md` tells it, read by code that shares none with the sealer."""
    house.happens(5)
    house.told()
    house.seals()
    root = house.worm.root
    (folder,) = (root / "chains/clinic/7/seg").iterdir()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    lines = {}
    for payload in manifest["payloads"]:
        stored = (root / payload["key"]).read_bytes()
        content = gzip.decompress(stored)
        assert sha256(stored).hexdigest() == payload["stored_sha256"]
        assert sha256(content).hexdigest() == payload["sha256"]
        for line in content.splitlines():
            lines[json.loads(line)["seq"]] = line
    ordered = [lines[seq] for seq in range(manifest["first"], manifest["last"] + 1)]
    prev = "0" * 64
    for line in ordered:
        body = json.loads(line)
        assert rfc8785.dumps(body) == line
        assert body["prev"] == prev
        prev = sha256(b"\0" + line).hexdigest()
    leaves = (root / manifest["leaves"]["key"]).read_bytes()
    assert leaves[: 32 * len(ordered)] == b"".join(sha256(b"\0" + line).digest() for line in ordered)
    classes = [payload["retention"] for payload in manifest["payloads"]]
    assert [classes[place] for place in leaves[32 * len(ordered) :]] == [
        json.loads(line)["retention"] for line in ordered
    ]
    note = (root / "chains/clinic/7/checkpoint/000000000006").read_text()
    text, _, signature = note.rpartition("\n\n")
    origin, size, head = text.split("\n")
    assert (origin, size) == ("horae.example/clinic/7", "6")
    assert b64decode(head) == definition(ordered) == bytes.fromhex(manifest["root"])
    dash, name, blob = signature.split()
    assert (dash, name) == ("\N{EM DASH}", origin)
    (entry,) = [path for path in (root / "keyring").iterdir() if path.suffix == ".json"]
    key = b64decode(json.loads(entry.read_bytes())["public_key"])
    assert b64decode(blob)[:4] == sha256(origin.encode() + b"\n\x01" + key).digest()[:4]
    Ed25519PublicKey.from_public_bytes(key).verify(b64decode(blob)[4:], (text + "\n").encode())


@pytest.mark.parametrize(
    ("damage", "record"),
    [
        ("DELETE FROM audit_record WHERE seq = 2", 2),
        ("DELETE FROM audit_record WHERE seq = 1", 1),
        ("DELETE FROM audit_record", 1),
        ("UPDATE audit_record SET body = replace(body, 'entry 1', 'entry X')", 2),
        ("UPDATE audit_record SET leaf = decode(repeat('00', 32), 'hex') WHERE seq = 3", 3),
        ("UPDATE audit_record SET retention = 'ephemeral' WHERE seq = 3", 3),
        ("UPDATE audit_record SET body = replace(body, '\"v\":1', '\"v\":2') WHERE seq = 1", 1),
    ],
)
def test_records_a_verifier_would_refuse_are_not_signed(house: House, damage: str, record: int) -> None:
    house.happens(3)
    with connection.cursor() as cursor:
        cursor.execute(damage)
    (found,) = troubles(house)
    assert isinstance(found, CannotSeal)
    assert f"record {record} of chain clinic/7" in str(found)
    assert not [key for key in house.files() if key.startswith("chains/")]


def test_trouble_with_one_chain_does_not_hold_the_others_up(house: House) -> None:
    house.happens(2, clinic=3)
    house.happens(2, clinic=7)
    house.happens(2, clinic=9)
    Record.objects.filter(chain=CHAIN, seq=1).delete()
    assert [str(error) for error in troubles(house)] == ["record 1 of chain clinic/7 is missing"]
    assert spans(Segment.objects.filter(state="sealed").order_by("chain")) == [("clinic/3", 1, 2), ("clinic/9", 1, 2)]


def test_records_changed_after_their_range_was_built_are_not_stored(house: House) -> None:
    house.happens(3)
    steps: list[str] = []
    with pytest.raises(Killed):
        seal(now=NOW, reached=dying_at(3, steps))
    assert steps == ["plan", "build", "store"]
    Segment.objects.update(contents={"payloads": {}, "leaves": "", "before": ""})
    assert "were changed after its range was built" in str(troubles(house)[0])


def test_a_manifest_noted_otherwise_than_stored_is_not_signed(house: House) -> None:
    house.happens(3)
    steps = steps_of(house)
    forget(house)
    with pytest.raises(Killed):
        seal(now=NOW, reached=dying_at(steps.index("sign") + 1))
    row = Segment.objects.get()
    row.manifest = row.manifest.replace("horae.example", "other.example")
    row.save()
    assert "not the one that was stored" in str(troubles(house)[0])
    assert Chain.objects.get(name=CHAIN).sealed_size == 0


def test_a_database_restored_from_an_old_copy_does_not_sign_a_second_history(house: House) -> None:
    house.happens(3)
    house.seals()
    house.happens(2)
    house.seals()
    before = house.files()
    # The copy knows three records and one segment; meanwhile other things happen.
    Segment.objects.filter(first=4).delete()
    Record.objects.filter(seq__gt=3).delete()
    first = Segment.objects.get()
    head = Record.objects.get(seq=3)
    Chain.objects.update(seq=3, head=head.leaf, sealed_size=3, sealed_root=first.root)
    for records in (1, 1, 3):
        house.happens(records)
        found = troubles(house)
        assert [type(error) for error in found] == [Fork]
        assert "000000000005" in str(found[0])
        assert house.files() == before


def test_lines_packed_by_another_zlib_are_taken_as_they_were_stored(house: House) -> None:
    house.happens(3)
    house.seals()
    key = next(key for key in house.files() if key.endswith(".gz"))
    lines = gzip.decompress(house.worm.get(key))
    forget(house)
    other = gzip.compress(lines, compresslevel=1, mtime=0)
    house.worm.put(key, other, retain_until=NOW, content_type="application/gzip")
    house.seals()
    assert house.worm.get(key) == other
    assert holds(house)


def test_other_lines_in_the_place_of_ours_are_a_fork(house: House) -> None:
    house.happens(3)
    house.seals()
    key = next(key for key in house.files() if key.endswith(".gz"))
    forget(house)
    house.worm.put(key, gzip.compress(b"other\n"), retain_until=NOW, content_type="application/gzip")
    assert [type(error) for error in troubles(house)] == [Fork]


def test_a_store_that_cannot_be_reached_costs_nothing_but_time(house: House, settings: Any) -> None:
    house.happens(3)
    place = settings.WORM_URL
    (house.worm.root.parent / "file").write_bytes(b"")
    settings.WORM_URL = f"file://{house.worm.root.parent}/file"
    assert [type(error) for error in troubles(house)] == [WormUnavailable]
    settings.WORM_URL = place
    assert spans(house.seals()) == [(CHAIN, 1, 3)]
    assert holds(house)


def test_with_nothing_to_seal_nothing_is_opened(house: House, settings: Any) -> None:
    settings.WORM_URL = settings.KEYS_URL = "nowhere"
    assert house.seals() == []


def test_the_command_records_seals_and_says_so(house: House, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    house.happens(2)
    call_command("audit_seal")
    assert "clinic/7: records 1 to 2 sealed" in capsys.readouterr().out
    call_command("audit_seal", "--json")
    assert capsys.readouterr().out.strip() == "[]"
    house.happens(1)
    Record.objects.filter(seq=3).delete()
    with pytest.raises(CommandError, match="record 3 of chain clinic/7 is missing"):
        call_command("audit_seal")
    settings.WORM_URL = "gopher://nowhere"
    with pytest.raises(CommandError, match="no write-once store"):
        call_command("audit_seal")
    settings.KEYS_URL = ""
    with pytest.raises(CommandError, match="KEYS_URL"):
        call_command("audit_seal")


def test_the_store_may_be_immutable(tmp_path: Path, settings: Any) -> None:
    house = furnished(tmp_path, settings)
    settings.WORM_URL += "?immutable=yes"
    try:
        house.happens(2)
        house.seals()
        assert holds(house)
    finally:
        FolderWorm(house.worm.root).release()


def test_sealing_takes_no_more_memory_for_more_records(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_RECORDS", 200)
    house.happens()
    house.seals()
    peaks = []
    for count in (600, 2400):
        Entry.objects.bulk_create([Entry(clinic=7, name=f"entry {number}") for number in range(count)])
        sequence()
        peaks.append(peak_of(house.seals))
    assert peaks[1] < 1.2 * peaks[0]
