"""The single-file verifier: `python verify.pyz worm FOLDER` and `python verify.pyz proof FILE`.

For whoever trusts neither Horae nor its operator: it needs Python 3.11 and nothing else, reads files and opens no
connection. `audit.verifier` packs it with the modules it needs. Exit code: 0 holds, 1 does not hold, 2 nothing wrong
was found, but not everything could be checked; each gap is named.
"""

import base64
import binascii
import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from audit import canonical, ed25519
from audit.note import Checkpoint, NoteError, VerifierKey, parse_note
from audit.proof import Proof, ProofError
from audit.segment import record_fault
from audit.verify.anchors import note_absent
from audit.verify.chains import verify_worm
from audit.verify.judges import Nobody
from audit.verify.report import NOT_ALL_CHECKED, Report
from audit.verify.stamps import judge
from audit.verify.trust import Trust
from audit.worm.folder import FolderWorm
from audit.worm.names import CHAIN, KEYRING
from audit.worm.store import WormError

#: Longest file taken for a key, a proof or a record.
_MOST: Final = 4_000_000


class _Unusable(Exception):
    """What was given on the command line is no key, no file, no folder."""


def main(arguments: Sequence[str] | None = None, *, now: datetime) -> int:
    """Check what the command line names at the moment `now` (aware); print what was found; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        keys = [_key(text) for text in given.key]
        report, said = (_store if given.what == "worm" else _proof)(given, keys, Report(at=now))
    except _Unusable as error:
        sys.stderr.write(f"{error}\n")
        return NOT_ALL_CHECKED
    if given.json:
        sys.stdout.write(json.dumps({**report.as_json(), **said}, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(report.as_text())
        for name, value in said.items():
            sys.stdout.write(f"{name}: {value}\n")
    return report.exit_code


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="verify.pyz", description="Checks Horae's evidence offline.")
    parser.epilog = "Exit code: 0 holds, 1 does not hold, 2 not everything could be checked."
    ways = parser.add_subparsers(dest="what", required=True)
    store = ways.add_parser("worm", help="check a whole evidence store: a folder, or a copy of one")
    store.add_argument("path", type=Path)
    store.add_argument("--chain", default="", help="check one chain only: platform, or clinic/<id>")
    store.add_argument(
        "--tsa-roots",
        type=Path,
        help="the root certificates of the time-stamping authority, known from elsewhere: a PEM file",
    )
    proof = ways.add_parser("proof", help="check that one record stands in the log")
    proof.add_argument("path", type=Path)
    proof.add_argument("--record", type=Path, help="the record's line, when the proof does not carry it")
    for way in (store, proof):
        way.add_argument("--log", default="", help="the name the log should have, such as horae-demo")
        way.add_argument("--json", action="store_true", help="print the report as JSON")
        way.add_argument(
            "--key",
            action="append",
            default=[],
            help="the log's public key, known from elsewhere: hex, base64, name+id+base64, or a file with one of these",
        )
    return parser


def _store(given: Namespace, keys: list[bytes], report: Report) -> tuple[Report, dict[str, Any]]:
    if not given.path.is_dir():
        raise _Unusable(f"{given.path} is not a folder")
    worm = FolderWorm(given.path)
    report.scope = given.chain
    log = given.log or _log_of(worm)
    trust = Trust(log, keys, ed25519.verify)
    stamps = judge(given.tsa_roots) if given.tsa_roots else Nobody("nobody named the authority's roots (--tsa-roots)")
    verify_worm(worm, trust=trust, now=report.at, only=given.chain, report=report, judge=stamps)
    if not given.log and log:
        report.miss("log-assumed", log=log)
    note_absent(worm, report=report)
    report.note("tables-apart")
    return report, {}


def _proof(given: Namespace, keys: list[bytes], report: Report) -> tuple[Report, dict[str, Any]]:
    report.keys = tuple(key.hex() for key in keys)
    try:
        proof = Proof.from_bytes(_read(given.path))
        log, chain = _parts(proof.origin)
    except ProofError as error:
        report.find("proof-bad", object=given.path.name, reason=str(error))
        return report, {}
    report.log = log
    line = _read(given.record).rstrip(b"\n") if given.record else proof.line
    if line is None:
        raise _Unusable("This proof does not carry the record. Give its line with --record FILE.")
    if given.log and given.log != log:
        report.find("proof-bad", object=given.path.name, reason=f"it is about the log {log}, not {given.log}")
    elif not given.log:
        report.miss("log-assumed", log=log)
    if not keys:
        report.miss("key-absent", reason="none was given")
    try:
        head = _checked(proof, line=line, keys=keys)
        fault = record_fault(line, chain=chain, seq=proof.index + 1, prev=None, classes=None)
        if fault:
            raise ProofError(f"the record does not belong where it stands: {fault}")
    except ProofError as error:
        report.find("proof-bad", object=given.path.name, reason=str(error))
        return report, {}
    report.note("anchor-apart")
    report.count("records")
    return report, _told(line, head)


def _checked(proof: Proof, *, line: bytes, keys: list[bytes]) -> Checkpoint:
    """The head, by the first of the keys that signed it. Raises ProofError with what the last key said."""
    refusal: ProofError | None = None
    tried: Sequence[bytes | None] = keys or [None]
    for key in tried:
        try:
            return proof.check(line=line, key=key, verify=ed25519.verify)
        except ProofError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _told(line: bytes, head: Checkpoint) -> dict[str, Any]:
    """What was proved, for people."""
    record = canonical.decode(line)
    actor = record.get("actor") or {}
    return {
        "chain": record["chain"],
        "record": record["seq"],
        "happened": record["at"],
        "what": " ".join(str(record.get(name) or "–") for name in ("operation", "model", "pk")),
        "who": " ".join(str(actor.get(name) or "") for name in ("kind", "label")).strip() or "unknown",
        "under": f"the signed head over {head.size} records of {head.origin}",
    }


def _log_of(worm: FolderWorm) -> str:
    """What the store calls itself, by the first signed head found; empty when it says nothing."""
    try:
        for stored in worm.list("chains/"):
            if "/checkpoint/" in stored.key:
                return _parts(Checkpoint.parse(parse_note(worm.get(stored.key)).text).origin)[0]
        for stored in worm.list(f"{KEYRING}/"):
            if stored.key.endswith(".json"):
                return str(json.loads(worm.get(stored.key)).get("log", ""))
    except (NoteError, WormError, ValueError, AttributeError):
        pass
    return ""


def _parts(origin: str) -> tuple[str, str]:
    """The log and the chain an origin names; no chain where it is none of ours."""
    match = re.fullmatch(rf"(.+)/({CHAIN.pattern})", origin)
    return (match[1], match[2]) if match else (origin, "")


def _key(given: str) -> bytes:
    """A public key as somebody wrote it down, or the file they wrote it into."""
    found = _key_in(given)
    if found is None and Path(given).is_file():
        text = _read(Path(given)).decode("utf-8", "replace").strip()
        found = _key_in(text) or _key_in(_public_key_of(text))
    if found is None:
        raise _Unusable(f"{given} is neither a public key nor a file with one")
    return found


def _key_in(text: str) -> bytes | None:
    with suppress(NoteError):
        return VerifierKey.parse(text).public_key
    try:
        data = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if len(data) == 32 else None


def _public_key_of(text: str) -> str:
    try:
        return str(json.loads(text).get("public_key", ""))
    except (ValueError, AttributeError):
        return ""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise _Unusable(f"{path}: {error.strerror}") from error
    if len(data) > _MOST:
        raise _Unusable(f"{path} is too long for what it should be")
    return data
