"""Both judges of time stamps give one answer, and a stamp outlives the certificate it was made with."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from audit.timestamp import read
from audit.verify.judges import CannotJudge, Judge, Nobody
from audit.verify.stamps import ByLibrary, ByProgram, judge
from tests.tsa import Authority, authority, foreign, ours  # noqa: F401 - fixtures

pytestmark = pytest.mark.real
# ruff: noqa: F811 - fixtures imported by name
DATA = b"horae.example/heads\n3\n"


def judges(pem: bytes) -> list[Judge]:
    return [ByLibrary(pem), ByProgram(str(shutil.which("openssl")), pem)]


def verdicts(pem: bytes, response: bytes) -> list[bool]:
    """Whether each judge believes it."""
    return [judge.fault(response, stamp=read(response)) is None for judge in judges(pem)]


def expires(made: Authority, *, at: datetime) -> None:
    """Give the authority a signing certificate that ends then."""
    issuer = x509.load_pem_x509_certificate((made.folder / "middle.pem").read_bytes())
    issuing = serialization.load_pem_private_key((made.folder / "middle.key").read_bytes(), password=None)
    key = serialization.load_pem_private_key((made.folder / "tsa.key").read_bytes(), password=None)
    assert isinstance(issuing, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "short")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(issuing, hashes.SHA256())
    )
    (made.folder / "tsa.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def test_a_stamp_of_the_pinned_authority_is_believed_and_no_other(ours: Authority, foreign: Authority) -> None:
    ours_, theirs = ours.roots.read_bytes(), foreign.roots.read_bytes()
    response = ours.stamp_of(DATA)
    assert verdicts(ours_, response) == [True, True]
    assert verdicts(theirs, response) == [False, False]
    assert verdicts(theirs + ours_, response) == [True, True]
    assert verdicts((ours.folder / "middle.pem").read_bytes(), response) == [False, False]


def test_a_stamp_outlives_the_certificate_it_was_made_with_and_is_not_made_after_it(tmp_path: Path) -> None:
    made = authority(tmp_path / "short")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    expires(made, at=end)
    response = made.stamp_of(DATA)
    assert read(response).at <= end
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 1.1))
    late = made.stamp_of(DATA)
    assert verdicts(made.roots.read_bytes(), response) == [True, True]
    assert verdicts(made.roots.read_bytes(), late) == [False, False]


def test_who_cannot_judge_says_why(tmp_path: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    response = ours.stamp_of(DATA)
    stamp = read(response)
    with pytest.raises(CannotJudge, match="does not answer"):
        ByProgram(str(tmp_path / "gone"), ours.roots.read_bytes()).fault(response, stamp=stamp)
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for roots in (broken, tmp_path / "gone.pem"):
        with pytest.raises(CannotJudge):
            judge(roots).fault(response, stamp=stamp)
    monkeypatch.setattr("audit.verify.stamps._LIBRARY", False)
    assert isinstance(judge(ours.roots), ByProgram)
    monkeypatch.setenv("PATH", "")
    assert isinstance(judge(ours.roots), Nobody)
