"""What the environment says, read with its type; what it must not say is refused in a sentence."""

import stat
from pathlib import Path

import pytest
from environs import Env

from config import env as environment
from config.env import BadSetting, database, mail, secret_key, storage


def test_a_database_on_a_unix_socket() -> None:
    described = database("postgresql://horae@/horae?host=/run/pg", name="DATABASE_URL", application="web")
    assert (described["HOST"], described["NAME"], described["USER"]) == ("/run/pg", "horae", "horae")
    assert described["CONN_HEALTH_CHECKS"] is True
    assert described["ATOMIC_REQUESTS"] is False
    assert described["OPTIONS"]["application_name"] == "web"


def test_a_database_far_away_keeps_its_tls() -> None:
    url = "postgresql://h:p%40ss@db.example:6432/horae?sslmode=verify-full&sslrootcert=system"
    described = database(url, name="DATABASE_URL", application="web")
    assert (described["HOST"], described["PORT"], described["PASSWORD"]) == ("db.example", "6432", "p@ss")
    assert described["OPTIONS"]["sslmode"] == "verify-full"
    assert described["OPTIONS"]["sslrootcert"] == "system"


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(BadSetting, match="KEYS_DATABASE_URL must start with postgresql://"):
        database("sqlite:///x", name="KEYS_DATABASE_URL", application="web")


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://localhost", 25, False, False),
        ("smtp+tls://u:p@mail.example", 587, True, False),
        ("smtps://mail.example:4465", 4465, False, True),
    ],
)
def test_mail_by_smtp(url: str, port: int, tls: bool, ssl: bool) -> None:
    read = mail(url)
    assert (read.port, read.use_tls, read.use_ssl) == (port, tls, ssl)


def test_mail_into_a_folder() -> None:
    assert mail("file:///srv/mail").folder == "/srv/mail"
    with pytest.raises(BadSetting, match="EMAIL_URL"):
        mail("sendgrid://x")


def test_files_in_an_object_store() -> None:
    described = storage("s3://exports/horae?endpoint=https://s3.example&region=de")
    assert described["BACKEND"] == "config.files.ResidentS3Storage"
    assert described["OPTIONS"]["bucket_name"] == "exports"
    assert described["OPTIONS"]["location"] == "horae"
    assert described["OPTIONS"]["endpoint_url"] == "https://s3.example"
    with pytest.raises(BadSetting, match="FILES_URL"):
        storage("ftp://x")


def test_a_generated_secret_is_kept_and_only_its_owner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = secret_key(Env(), data=tmp_path / "new", demo=True)
    assert len(first) >= 50
    assert secret_key(Env(), data=tmp_path / "new", demo=True) == first
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]


def test_a_public_installation_must_be_given_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("HORAE_BASE_URL", "https://book.example")
    with pytest.raises(BadSetting, match="SECRET_KEY is not set"):
        secret_key(Env(), data=tmp_path, demo=False)


def test_an_identity_provider_may_be_reached_by_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORAE_OIDC_URL", "https://id.example/realms/clinic,https://login.example")
    described = environment.identity_provider(Env())
    assert described["openid_connect"]["APPS"][0]["settings"]["server_url"] == "https://id.example/realms/clinic"
    assert environment.origins(["https://id.example/realms/clinic"]) == ["https://id.example"]
