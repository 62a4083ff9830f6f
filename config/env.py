"""Typed readers of the environment: what `config.settings` is told, and where the defaults of one laptop lie."""

import os
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from environs import Env

ROOT = Path(__file__).resolve().parent.parent


class BadSetting(SystemExit):
    """A setting cannot be read: the process ends with one sentence naming it and what to do."""


def reader() -> Env:
    """Return a reader of the process environment that names the setting when a value does not fit."""
    return Env()


def data_folder(env: Env) -> Path:
    """Return the absolute folder that holds everything this installation writes on local disk."""
    given = Path(env.str("HORAE_DATA", ".data"))
    return given if given.is_absolute() else ROOT / given


def secret_key(env: Env, *, data: Path, demo: bool) -> str:
    """Return SECRET_KEY; the demo and the embedded default generate one once, readable by its owner only.

    Raises BadSetting when a real installation (HORAE_BASE_URL is https) gives none.
    """
    given = env.str("SECRET_KEY", "")
    if given:
        return given
    if not demo and env.str("HORAE_BASE_URL", "").startswith("https://"):
        raise BadSetting("SECRET_KEY is not set; give the process 50 or more random characters kept out of the code.")
    kept = data / "secret_key"
    if not kept.exists():
        data.mkdir(parents=True, exist_ok=True)
        fresh = data / f".secret_key.{os.getpid()}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(fresh, kept)  # atomic, and the first of several processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return kept.read_text().strip()


def locales(env: Env) -> list[Path]:
    """Folders with catalogues of translations: the house's own, and those the operator adds."""
    further: list[str] = env.list("HORAE_LOCALES", [])
    return [ROOT / "locale", *map(Path, further)]


def database(url: str, *, name: str, application: str) -> dict[str, Any]:
    """Return Django's description of the PostgreSQL at `url`.

    A `host` in the query names a unix socket folder; every other query key goes to libpq (`sslmode`, `sslrootcert`).
    Raises BadSetting when the URL is of another kind of database.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise BadSetting(f"{name} must start with postgresql://; PostgreSQL 15 or newer is the only database.")
    options: dict[str, Any] = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(options.pop("port", "") or parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "application_name": application,
            "connect_timeout": 5,
            # Rows come with those they name by key, joined in the order written; trying out other orders took longer
            # than most queries do (3.3 ms of planning for seven joins, 0.7 ms with this).
            "options": "-c join_collapse_limit=4",
            **options,
        },
    }


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail goes, in the words of Django's settings."""

    backend: str
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False
    folder: str = ""


def mail(url: str) -> Mail:
    """Read EMAIL_URL: `smtps://host` (TLS), `smtp+tls://` (STARTTLS), `smtp://` (clear), `file:///folder`, `memory:`.

    Raises BadSetting on any other scheme.
    """
    parts = urlsplit(url)
    by_smtp = partial(
        Mail,
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname or "",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
    match parts.scheme:
        case "file":
            return Mail(backend="django.core.mail.backends.filebased.EmailBackend", folder=unquote(parts.path))
        case "memory":
            return Mail(backend="django.core.mail.backends.locmem.EmailBackend")
        case "smtp":
            return by_smtp(port=parts.port or 25)
        case "smtp+tls":
            return by_smtp(port=parts.port or 587, use_tls=True)
        case "smtps":
            return by_smtp(port=parts.port or 465, use_ssl=True)
    raise BadSetting("EMAIL_URL must start with smtps://, smtp+tls://, smtp://, file:/// or memory:.")


def storage(url: str) -> dict[str, Any]:
    """Read FILES_URL (exports, uploads): `file:///folder`, or `s3://bucket/prefix?endpoint=https://…&region=…`.

    Credentials of S3 come from the environment of the process, never from the URL. Raises BadSetting otherwise.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path), "file_permissions_mode": 0o600},
        }
    if parts.scheme == "s3":
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        return {
            "BACKEND": "config.files.ResidentS3Storage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "location": parts.path.lstrip("/"),
                "endpoint_url": query.get("endpoint"),
                "region_name": query.get("region"),
                "default_acl": None,
                "file_overwrite": False,
                "querystring_auth": True,
            },
        }
    raise BadSetting("FILES_URL must start with file:/// or s3://.")


def identity_provider(env: Env) -> dict[str, Any]:
    """Return allauth's description of the OpenID Connect provider staff may sign in with; none when no URL is set."""
    issuers: list[str] = env.list("HORAE_OIDC_URL", [])
    if not issuers:
        return {}
    app = {
        "provider_id": "staff",
        "name": env.str("HORAE_OIDC_NAME", "Single sign-on"),
        "client_id": env.str("HORAE_OIDC_CLIENT_ID", ""),
        "secret": env.str("HORAE_OIDC_SECRET", ""),
        "settings": {"server_url": issuers[0]},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


def origins(urls: list[str]) -> list[str]:
    """Return the origin (`https://host:port`) of each URL."""
    return [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)]
