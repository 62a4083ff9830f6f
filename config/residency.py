"""Every endpoint in the settings, judged: at boot a process that would leave the declared list does not start."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from audit.residency import Declared, Endpoint, Tls, Verdict, declare, is_loopback, judge

_DATABASE_TLS: Mapping[str, Tls] = {"verify-full": "verified", "verify-ca": "unverified", "require": "unverified"}
REPORTING = ("residency_check", "check")  # these say what is wrong instead of refusing to start


class Refused(Exception):
    """The process must not start; the message is one sentence naming the setting, the host and what to do."""


class Configured(Protocol):
    """The settings this module reads."""

    BASE_URL: str
    DEBUG: bool
    JURISDICTIONS: list[str]
    RESIDENCY_HOSTS: list[str]
    CALENDAR_HOSTS: list[str]
    IDENTITY_PROVIDERS: list[str]
    DATABASES: dict[str, dict[str, Any]]
    REDIS_URL: str
    WORM_URL: str
    KEYS_URL: str
    FILES_URL: str
    EMAIL_URL: str
    TSA_URL: str


def endpoints(settings: Configured) -> Iterator[Endpoint]:
    """Yield every place the settings name, this machine's own files included. No address's credentials are kept."""
    for alias, setting in (("default", "DATABASE_URL"), ("keys", "KEYS_DATABASE_URL")):
        if alias in settings.DATABASES:
            yield from _database(settings.DATABASES[alias], setting=setting)
    yield _redis(settings.REDIS_URL)
    yield _store(settings.WORM_URL, setting="WORM_URL", what="evidence store")
    yield _store(settings.KEYS_URL, setting="KEYS_URL", what="keys")
    yield _store(settings.FILES_URL, setting="FILES_URL", what="files")
    yield _mail(settings.EMAIL_URL)
    if settings.TSA_URL:
        yield _http(settings.TSA_URL, setting="TSA_URL", what="timestamps")
    for host in settings.CALENDAR_HOSTS:
        yield _http(f"https://{host}", setting="HORAE_CALENDAR_HOSTS", what="calendars")
    for url in settings.IDENTITY_PROVIDERS:
        yield _http(url, setting="HORAE_OIDC_URL", what="identity provider")


def verdicts(settings: Configured) -> list[Verdict]:
    """Judge every endpoint, and the public origin itself. Raises ValueError when the declared list cannot be read."""
    declared: Declared = declare(jurisdictions=settings.JURISDICTIONS, hosts=settings.RESIDENCY_HOSTS)
    return [judge(endpoint, declared=declared) for endpoint in endpoints(settings)]


def public_faults(settings: Configured) -> Iterator[str]:
    """Yield a sentence for each way the public origin must not be served."""
    origin = urlsplit(settings.BASE_URL)
    host = origin.hostname or ""
    if is_loopback(host):
        return
    if settings.DEBUG:
        yield f"DEBUG is on while HORAE_BASE_URL names the public host {host}; unset DEBUG."
    if origin.scheme != "https":
        yield f"HORAE_BASE_URL serves {host} without TLS; give an https:// origin."


def faults(settings: Configured) -> list[str]:
    """Return one sentence for everything that must stop the process; empty when it may start."""
    try:
        judged = verdicts(settings)
    except ValueError as wrong:
        return [str(wrong)]
    return [*public_faults(settings), *(verdict.sentence for verdict in judged if not verdict.holds)]


def guard(settings: Configured, *, arguments: Iterable[str]) -> None:
    """Raise Refused with the first fault, unless the command line (`sys.argv`) is one that reports faults itself."""
    if next(iter(list(arguments)[1:2]), "") in REPORTING:
        return
    for sentence in faults(settings):
        raise Refused(sentence)


def _database(described: Mapping[str, Any], *, setting: str) -> Iterator[Endpoint]:
    options = described.get("OPTIONS", {})
    tls = _DATABASE_TLS.get(options.get("sslmode", ""), "none")
    if options.get("ssl_min_protocol_version", "TLSv1.2") in ("TLSv1", "TLSv1.1"):
        tls = "unverified"
    names = [*described["HOST"].split(","), *str(options.get("hostaddr", "")).split(",")]
    for name in dict.fromkeys(names[:1] + [later for later in names[1:] if later]):
        local = name.startswith(("/", "@")) or not name
        yield Endpoint(setting, "database", "" if local else name, "local" if local else tls)


def _redis(url: str) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme in ("redis+socket", "unix", "memory"):
        return Endpoint("REDIS_URL", "broker", "", "local")
    checked = parse_qs(parts.query).get("ssl_cert_reqs", ["required"])[-1].lower() in ("required", "cert_required")
    tls: Tls = ("verified" if checked else "unverified") if parts.scheme == "rediss" else "none"
    return Endpoint("REDIS_URL", "broker", parts.hostname or "", tls)


def _store(url: str, *, setting: str, what: str) -> Endpoint:
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if parts.scheme in ("file", "pkcs11"):
        return Endpoint(setting, what, "", "local")
    if "endpoint" in query:
        return _http(query["endpoint"], setting=setting, what=what)
    if parts.scheme in ("s3", "aws-kms"):
        service = "s3" if parts.scheme == "s3" else "kms"
        region = query.get("region", parts.netloc if parts.scheme == "aws-kms" else "")
        domain = "amazonaws.eu" if region.startswith("eusc-") else "amazonaws.com"
        return Endpoint(setting, what, f"{service}.{region or 'region-not-set'}.{domain}", "verified")
    return _http(url, setting=setting, what=what)


def _mail(url: str) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme in ("file", "memory"):
        return Endpoint("EMAIL_URL", "mail", "", "local")
    return Endpoint(
        "EMAIL_URL", "mail", parts.hostname or "", "verified" if parts.scheme in ("smtps", "smtp+tls") else "none"
    )


def _http(url: str, *, setting: str, what: str) -> Endpoint:
    parts = urlsplit(url)
    return Endpoint(setting, what, parts.hostname or "host-not-set", "verified" if parts.scheme == "https" else "none")
