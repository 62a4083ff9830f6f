"""The path of one booking, from a patient's browser to sealed evidence; and what happens when somebody touches it."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.running import Running, wait_for
from tests.servers import MailSink, Radicale
from tests.whole.conftest import DOCTOR, EMAIL, FAMILY_NAME, GIVEN_NAME, REASON, Booked, body, mails_to, visitor


def verify(running: Running, *, worm: Path | None = None) -> tuple[int, str]:
    """Exit code and words of `audit_verify`, over the running installation or over a copy of its WORM folder."""
    environment = running.environment
    if worm is not None:
        running.environment = {**environment, "WORM_URL": f"file://{worm}"}
    try:
        done = running.manage("audit_verify")
    finally:
        running.environment = environment
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def sealed(installation: Running, booked: Booked) -> tuple[str, int]:
    """Chain and number of the booking's record, once its segment is sealed."""

    def found() -> tuple[str, int] | None:
        rows = installation.sql(
            "SELECT r.chain, r.seq FROM audit_record r"
            " JOIN audit_segment s ON s.chain = r.chain AND r.seq BETWEEN s.first AND s.last"
            " WHERE r.model = 'bookings.Appointment' AND r.object_pk = %s AND s.state = 'sealed'",
            booked.id,
        )
        return (rows[0][0], rows[0][1]) if rows else None

    result: tuple[str, int] = wait_for(found, seconds=60, what="the booking's record in a sealed segment")
    return result


def settled(running: Running) -> None:
    """Wait until nothing is owed: every fact sequenced, every record sealed."""

    def quiet() -> bool:
        ((owed,),) = running.sql(
            "SELECT (SELECT count(*) FROM audit_fact) + (SELECT coalesce(sum(seq - sealed_size), 0) FROM audit_chain)"
        )
        return bool(owed == 0)

    wait_for(quiet, seconds=60, what="the stream to come to rest")


def test_the_practitioners_calendar_shows_busy_and_nothing_else(
    installation: Running, booked: Booked, radicale: Radicale
) -> None:
    ((start,),) = installation.sql("SELECT start FROM bookings_appointment WHERE id = %s", booked.id)
    began = f"DTSTART:{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def event() -> str:
        return next((text for text in radicale.events().values() if began in text), "")

    text = wait_for(event, seconds=30, what="the event in Radicale")
    assert "SUMMARY:Busy" in text
    for secret in (GIVEN_NAME, FAMILY_NAME, EMAIL, REASON, "Ultrasound", "Échographie"):
        assert secret not in text


def test_the_confirmation_arrives_and_tells_no_more_than_when(booked: Booked, sink: MailSink) -> None:
    def confirmation() -> str:
        texts = [body(message) for message in mails_to(sink, EMAIL)]
        return next((text for text in texts if booked.link in text and "\n\n" in text), "")

    text = wait_for(confirmation, seconds=30, what="the confirmation")
    for secret in (GIVEN_NAME, FAMILY_NAME, REASON, "Ultrasound", "Échographie", "Demir"):
        assert secret not in text


def test_the_day_sheet_shows_the_appointment_to_reception(
    installation: Running, booked: Booked, browser: Browser
) -> None:
    ((start,),) = installation.sql(
        "SELECT start AT TIME ZONE 'Europe/Paris' FROM bookings_appointment WHERE id = %s", booked.id
    )
    password = (installation.data / "logins.txt").read_text().splitlines()[0].rsplit(" ", 1)[-1]
    with visitor(browser, width=1440) as page:
        page.goto(f"{installation.url}/admin/desk/")
        page.locator("input[name=login]").fill("carla")
        page.locator("input[name=password]").fill(password)
        page.locator("form [type=submit]").last.click()
        page.goto(f"{installation.url}/admin/desk/?day={start:%Y-%m-%d}")
        row = page.locator("tr", has_text=FAMILY_NAME)
        assert row.count() == 1
        assert f"{start:%H:%M}" in row.inner_text()
        assert DOCTOR in page.locator("main, #main, #content").first.inner_text()


def test_everything_verifies(installation: Running, sealed: tuple[str, int]) -> None:
    settled(installation)
    code, said = verify(installation)
    assert code == 0, said


def _payload(worm: Path, chain: str, seq: int) -> Path:
    for path in sorted((worm / "chains").rglob("*.ndjson.gz")):
        lines = gzip.decompress(path.read_bytes()).splitlines()
        if any((record := json.loads(line))["chain"] == chain and record["seq"] == seq for line in lines):
            return path
    raise AssertionError(f"record {seq} of {chain} is in no payload")


def _rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def _one_byte(path: Path, seq: int) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    _rewrite(path, bytes(content))


def _lines(path: Path, change: Callable[[list[bytes], int], list[bytes]], seq: int) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    at = next(number for number, line in enumerate(lines) if json.loads(line)["seq"] == seq)
    _rewrite(path, gzip.compress(b"".join(line + b"\n" for line in change(lines, at)), mtime=0))


def _changed(path: Path, seq: int) -> None:
    _lines(path, lambda lines, at: [*lines[:at], lines[at].replace(b'"booked"', b'"cancel"'), *lines[at + 1 :]], seq)


def _dropped(path: Path, seq: int) -> None:
    _lines(path, lambda lines, at: [*lines[:at], *lines[at + 1 :]], seq)


def _swapped(path: Path, seq: int) -> None:
    def swap(lines: list[bytes], at: int) -> list[bytes]:
        other = at - 1 if at else 1
        lines[at], lines[other] = lines[other], lines[at]
        return lines

    _lines(path, swap, seq)


@pytest.mark.parametrize("tamper", [_one_byte, _changed, _dropped, _swapped])
def test_a_touched_segment_is_named(
    installation: Running, sealed: tuple[str, int], tmp_path: Path, tamper: Callable[[Path, int], None]
) -> None:
    settled(installation)
    chain, seq = sealed
    copy = tmp_path / "worm"
    shutil.copytree(installation.data / "worm", copy, copy_function=shutil.copy2)
    path = _payload(copy, chain, seq)
    tamper(path, seq)
    code, said = verify(installation, worm=copy)
    assert code == 1
    assert path.name in said or f"{seq}" in said
    assert path.parent.name in said
    code, told = alone(installation, tmp_path, "worm", str(copy))
    assert code == 1
    assert told.splitlines()[2] == said.splitlines()[2]  # the same finding, in the same words


def alone(running: Running, folder: Path, *way: str) -> tuple[int, str]:
    """Exit code and words of the single-file verifier, by a Python that sees nothing of ours."""
    made = running.manage("audit_verifier", "--out", str(folder / "verify.pyz"))
    match = re.search(r"log (\S+)  key ([0-9a-f]{64})", made.stdout)
    assert match is not None, made.stderr
    command = [sys.executable, "-I", "-S", "verify.pyz", *way, "--log", match[1], "--key", match[2]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_booking_is_proved_to_somebody_who_has_nothing_but_a_file_and_a_key(
    installation: Running, sealed: tuple[str, int], tmp_path: Path
) -> None:
    chain, seq = sealed
    made = installation.manage("audit_prove", f"{chain}:{seq}", "--out", str(tmp_path / "one.tlog-proof"))
    assert made.returncode == 0, made.stderr
    code, said = alone(installation, tmp_path, "proof", "one.tlog-proof")
    assert (code, f"record: {seq}" in said, "bookings.Appointment" in said) == (0, True, True)
    settled(installation)
    shutil.copytree(installation.data / "worm", tmp_path / "worm", copy_function=shutil.copy2)
    code, said = alone(installation, tmp_path, "worm", "worm")
    assert (code, said.splitlines()[0]) == (0, "THE EVIDENCE HOLDS.")


RECORD = "WHERE chain = '{chain}' AND seq = {seq}"
SWAP = (
    "UPDATE audit_record SET seq = -seq WHERE chain = '{chain}' AND seq IN ({seq}, {seq} - 1);"
    "UPDATE audit_record SET seq = CASE seq WHEN -{seq} THEN {seq} - 1 ELSE {seq} END"
    " WHERE chain = '{chain}' AND seq < 0"
)
TRIGGERS_OFF = "ALTER TABLE bookings_appointment DISABLE TRIGGER USER;"
TRIGGERS_ON = (
    ";ALTER TABLE bookings_appointment ENABLE ALWAYS TRIGGER audit_row;"
    "ALTER TABLE bookings_appointment ENABLE ALWAYS TRIGGER audit_truncate"
)
LATER = "UPDATE bookings_appointment SET \"end\" = \"end\" {sign} interval '5 minutes' WHERE id = '{{id}}'"


@dataclass(frozen=True, slots=True)
class Tampering:
    """What somebody with the database does, how we take it back, and what the finding must name."""

    does: str
    undo: str
    names: str = "{seq}"


TAMPERINGS = {
    "record changed": Tampering(
        does=f"""UPDATE audit_record SET body = replace(body, '"booked"', '"cancel"') {RECORD}""",
        undo=f"""UPDATE audit_record SET body = replace(body, '"cancel"', '"booked"') {RECORD}""",
    ),
    "record dropped": Tampering(
        does=f"WITH gone AS (DELETE FROM audit_record {RECORD} RETURNING *) INSERT INTO kept SELECT * FROM gone",
        undo="INSERT INTO audit_record OVERRIDING SYSTEM VALUE SELECT * FROM kept",
    ),
    "records swapped": Tampering(does=SWAP, undo=SWAP),
    "row changed with triggers off": Tampering(
        does=TRIGGERS_OFF + LATER.format(sign="+") + TRIGGERS_ON,
        undo=TRIGGERS_OFF + LATER.format(sign="-") + TRIGGERS_ON,
        names="{id}",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_touched_database_is_named(
    installation: Running, booked: Booked, sealed: tuple[str, int], tampering: Tampering
) -> None:
    settled(installation)
    chain, seq = sealed
    where = {"chain": chain, "seq": seq, "id": booked.id}
    installation.psql("CREATE TABLE kept AS SELECT * FROM audit_record LIMIT 0", unseen=True)
    installation.psql(tampering.does.format(**where), unseen=True)
    try:
        code, said = verify(installation)
    finally:
        installation.psql(tampering.undo.format(**where), unseen=True)
        installation.psql("DROP TABLE kept", unseen=True)
    assert code == 1
    assert tampering.names.format(**where) in said
    assert verify(installation)[0] == 0


def test_a_change_through_psql_is_a_finding_until_somebody_acknowledges_it(
    installation: Running, booked: Booked
) -> None:
    settled(installation)
    installation.psql("UPDATE bookings_location SET access_notes = access_notes || '.' WHERE slug = 'croix-rousse'")
    settled(installation)
    code, said = verify(installation)
    assert code == 1
    ((chain, seq),) = installation.sql(
        "SELECT chain, seq FROM audit_record WHERE capture = 'bypass' AND model = 'bookings.Location'"
    )
    assert f"{seq}" in said
    assert chain in said
    acknowledged = installation.manage("audit_acknowledge", chain, str(seq), "--reason", "corrected by hand, ticket 12")
    assert acknowledged.returncode == 0, acknowledged.stderr
    settled(installation)
    assert verify(installation)[0] == 0
