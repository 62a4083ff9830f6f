"""`verify.pyz` by a bare Python: no Django, no library, no network; the change is named after each tampering."""

import base64
import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import signing
from audit.models import Record
from audit.note import VerifierKey
from audit.proving import prove
from audit.verifier import MODULES, packed
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    """Two chains of two segments each, and a proof beside them."""
    made = furnished(tmp_path, settings)
    for clinic in (7, 8):
        for _ in range(2):
            made.happens(3, clinic=clinic)
            made.told(clinic=clinic)
            made.seals()
    (tmp_path / "verify.pyz").write_bytes(packed())
    record = Record.objects.get(chain="clinic/7", seq=3)
    (tmp_path / "one.tlog-proof").write_bytes(prove(record).to_bytes())
    (tmp_path / "apart.tlog-proof").write_bytes(prove(record, content=False).to_bytes())
    (tmp_path / "record.json").write_text(record.body + "\n")
    return made


def key() -> bytes:
    return signing.signer().public_key


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """By a Python that sees no installed package, and no module of this checkout."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.pyz"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def checked(folder: Path, *arguments: str) -> tuple[int, str]:
    return run(folder, *arguments, "--key", key().hex(), "--log", "horae.example")


def test_a_store_and_a_proof_hold(house: House, tmp_path: Path) -> None:
    code, said = checked(tmp_path, "worm", "worm")
    assert (code, said.splitlines()[0]) == (0, "THE EVIDENCE HOLDS.")
    assert "2 chains, 4 segments, 16 sealed records" in said
    assert "Only the evidence store was looked at." in said
    code, said = checked(tmp_path, "proof", "one.tlog-proof")
    assert (code, "record: 3" in said, "who: staff Carla" in said) == (0, True, True)
    code, said = checked(tmp_path, "worm", "worm", "--chain", "clinic/8", "--json")
    assert (code, json.loads(said)["checked"]["records"]) == (0, 8)


def test_a_proof_without_its_record_wants_the_record(house: House, tmp_path: Path) -> None:
    assert checked(tmp_path, "proof", "apart.tlog-proof", "--record", "record.json")[0] == 0
    code, said = checked(tmp_path, "proof", "apart.tlog-proof")
    assert (code, "--record" in said) == (2, True)
    (tmp_path / "record.json").write_text((tmp_path / "record.json").read_text().replace("entry", "antry"))
    code, said = checked(tmp_path, "proof", "apart.tlog-proof", "--record", "record.json")
    assert (code, "THE EVIDENCE DOES NOT HOLD." in said) == (1, True)


def test_what_could_not_be_checked_is_named(house: House, tmp_path: Path) -> None:
    for way in (("worm", "worm"), ("proof", "one.tlog-proof")):
        code, said = run(tmp_path, *way)
        assert code == 2
        assert "No trusted key is at hand" in said
        assert "Nobody said which log this should be; it calls itself “horae.example”." in said


def test_the_key_is_taken_in_every_form_it_is_written_down_in(house: House, tmp_path: Path) -> None:
    published = next((tmp_path / "worm" / "keyring").glob("*.json"))
    (tmp_path / "key.txt").write_text(key().hex() + "\n")
    for form in (
        key().hex(),
        base64.b64encode(key()).decode(),
        VerifierKey("horae.example/clinic/7", key()).vkey,
        str(published),
        "key.txt",
    ):
        assert run(tmp_path, "proof", "one.tlog-proof", "--log", "horae.example", "--key", form)[0] == 0, form
    code, said = run(tmp_path, "worm", "worm", "--key", "nonsense")
    assert (code, "neither a public key nor a file with one" in said) == (2, True)


def test_another_key_another_log_or_another_file_does_not_hold(house: House, tmp_path: Path) -> None:
    other = bytes(31) + b"\1"
    for way in (("worm", "worm"), ("proof", "one.tlog-proof")):
        assert run(tmp_path, *way, "--log", "horae.example", "--key", other.hex())[0] == 1
        assert run(tmp_path, *way, "--log", "another.example", "--key", key().hex())[0] == 1
    (tmp_path / "one.tlog-proof").write_text("c2sp.org/tlog-proof@v1\n")
    code, said = checked(tmp_path, "proof", "one.tlog-proof")
    assert (code, "The proof “one.tlog-proof” does not hold" in said) == (1, True)
    code, said = checked(tmp_path, "worm", "nowhere")
    assert (code, "is not a folder" in said) == (2, True)


def _line_changed(worm: Path) -> str:
    folder = worm / "chains/clinic/7/seg/000000000001-000000000004"
    path = next(file for file in folder.glob("*.ndjson.gz") if b"entry 1" in gzip.decompress(file.read_bytes()))
    path.chmod(0o640)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"entry 1", b"entry 9"), mtime=0))
    return "Record 2 of chain clinic/7 was changed after it was sealed"


def _head_gone(worm: Path) -> str:
    (worm / "chains/clinic/7/checkpoint/000000000004").unlink()
    return "The signed head of chain clinic/7 after record 4"


def _segment_gone(worm: Path) -> str:
    shutil.rmtree(worm / "chains/clinic/7/seg/000000000001-000000000004")
    return "Records 1 to 4 of chain clinic/7 are missing"


def _file_added(worm: Path) -> str:
    (worm / "chains/clinic/7/seg/000000000001-000000000004/more.json").write_text("{}")
    return "nothing that was sealed names it"


def _lock_gone(worm: Path) -> str:
    (worm / ".retain/chains/clinic/7/checkpoint/000000000004").unlink()
    return "Nothing says how long the file “chains/clinic/7/checkpoint/000000000004” is locked"


def _head_of_another_chain(worm: Path) -> str:
    path = worm / "chains/clinic/7/checkpoint/000000000004"
    path.chmod(0o640)
    path.write_bytes((worm / "chains/clinic/8/checkpoint/000000000004").read_bytes())
    return "The signed head of chain clinic/7 after record 4"


@pytest.mark.parametrize(
    "tamper", [_line_changed, _head_gone, _segment_gone, _file_added, _lock_gone, _head_of_another_chain]
)
def test_each_tampering_is_named_with_its_place(house: House, tmp_path: Path, tamper: Any) -> None:
    said_to_be = tamper(tmp_path / "worm")
    code, said = checked(tmp_path, "worm", "worm")
    assert (code, said_to_be in said) == (1, True), said


def test_the_file_is_the_same_whenever_it_is_made_and_holds_nothing_else() -> None:
    assert packed() == packed()
    with zipfile.ZipFile(BytesIO(packed())) as archive:
        assert set(archive.namelist()) == {"__main__.py", *(f"audit/{name}.py" for name in MODULES)}
        assert not any(b"django" in archive.read(name) for name in archive.namelist())


def test_the_command_writes_it_with_what_is_needed_to_check(house: House, tmp_path: Path, capsys: Any) -> None:
    call_command("audit_verifier", out=tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == packed()
    said = capsys.readouterr().out
    assert (key().hex() in said, "log horae.example" in said) == (True, True)
    with pytest.raises(CommandError, match="No such file"):
        call_command("audit_verifier", out=tmp_path / "no" / "verify.pyz")
