"""Who made a time stamp: judged by the library `rfc3161-client` where it is installed, else by the program `openssl`.

Both follow RFC 3161 (2.3, 2.4.2) and judge certificates at the moment of the stamp, not of the check, so that a stamp
outlives the certificate of its authority. Neither asks whether a certificate was revoked.

No Django here: the single-file verifier carries this module, and must do without either.
"""

import subprocess
import tempfile
from pathlib import Path
from shutil import which
from typing import Final

from audit.timestamp import Stamp, in_order
from audit.verify.judges import CannotJudge, Judge, Nobody

try:
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
except ImportError:
    _LIBRARY = False
else:
    _LIBRARY = True

_PROGRAM: Final = "openssl"
_SECONDS: Final = 30
_FOREIGN: Final = "no certificate of the trusted authority vouches for its signature"


class ByLibrary:
    """By `rfc3161-client` (1.0.9 or newer: older ones believe a root that the stamp itself brings along)."""

    def __init__(self, pem: bytes) -> None:
        """`pem`: the roots. Raises `CannotJudge` when there is none in it."""
        try:
            self._roots = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise CannotJudge("there is no certificate in the file of roots") from error

    def fault(self, response: bytes, *, stamp: Stamp) -> str | None:
        """See `Judge.fault`."""
        try:
            read = decode_timestamp_response(in_order(response))
            # Two readers of the same bytes must have read the same, or what one compared the other did not verify.
            if read.tst_info.gen_time.replace(microsecond=0) != stamp.at:
                return "two programs read different times in it"
            VerifierBuilder(roots=list(self._roots)).build().verify(read, stamp.imprint)
        except (ValueError, VerificationError):
            return _FOREIGN
        return None


class ByProgram:
    """By `openssl ts -verify` (1.1.0 or newer)."""

    def __init__(self, program: str, pem: bytes) -> None:
        """`pem`: the roots."""
        self._program = program
        self._pem = pem

    def fault(self, response: bytes, *, stamp: Stamp) -> str | None:
        """See `Judge.fault`."""
        with tempfile.TemporaryDirectory() as folder:
            roots, given = Path(folder, "roots.pem"), Path(folder, "response.tsr")
            roots.write_bytes(self._pem)
            given.write_bytes(response)
            command = [
                *(self._program, "ts", "-verify", "-digest", stamp.imprint.hex(), "-in", str(given)),
                *("-CAfile", str(roots), "-attime", str(int(stamp.at.timestamp()))),
            ]
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise CannotJudge("openssl does not answer") from error
        if done.returncode == 0 and b"Verification: OK" in done.stdout:
            return None
        if b"Verification: FAILED" in done.stdout + done.stderr:
            return _FOREIGN
        raise CannotJudge("openssl does not know how to check a time stamp")


def judge(roots: Path) -> Judge:
    """Whoever can judge here by the certificates in the PEM file `roots`; `Nobody` with the reason where none can."""
    try:
        pem = roots.read_bytes()
    except OSError as error:
        return Nobody(f"the file of roots could not be read ({error.strerror})")
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        return Nobody("there is no certificate in the file of roots")
    if _LIBRARY:
        try:
            return ByLibrary(pem)
        except CannotJudge as error:
            return Nobody(str(error))
    program = which(_PROGRAM)
    return ByProgram(program, pem) if program else Nobody("neither rfc3161-client nor openssl is at hand")
