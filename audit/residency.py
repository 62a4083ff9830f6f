"""Where an endpoint may lie: the declared list, the rule, and the one HTTP client that keeps to it at run time.

The first half is pure. `client()` is the only place in Horae from which a connection to a host named at run time is
opened (calendars, timestamps, identity): it judges every request, redirects too, before a name is resolved.
"""

import ipaddress
import logging
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.awsrequest import AWSPreparedRequest
from django.conf import settings

from audit.chains import PLATFORM_CHAIN
from audit.context import note

logger = logging.getLogger(__name__)

EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
EEA = EU | {"IS", "LI", "NO"}
JURISDICTIONS: Mapping[str, frozenset[str]] = {"EU": EU, "EEA": EEA}

KNOWN: Mapping[str, str] = {  # places that follow from the name alone; everything else the operator declares
    "*.eusc-de-east-1.amazonaws.eu": "DE",
}

Tls = Literal["local", "verified", "unverified", "none"]


class OutsideJurisdiction(Exception):
    """The host is not on the declared list; nothing was sent to it."""

    permanent = True


@dataclass(frozen=True, slots=True)
class Declared:
    """What the operator declares: the countries data may lie in, and which host lies in which.

    `hosts` maps a host name, or `*.` and a domain, to an ISO 3166-1 alpha-2 country code.
    """

    countries: frozenset[str]
    hosts: Mapping[str, str] = field(default_factory=dict)
    loopback: bool = True

    def place(self, host: str) -> str:
        """Return the country code `host` is declared to lie in, "loopback" for this machine, "" when unknown."""
        host = host.lower().rstrip(".")
        if host in self.hosts:
            return self.hosts[host]
        if is_loopback(host):
            return "loopback"
        parts = host.split(".")
        for cut in range(1, len(parts)):
            found = self.hosts.get("*." + ".".join(parts[cut:]))
            if found:
                return found
        return ""

    def holds(self, place: str) -> bool:
        """Tell whether data may lie in `place`."""
        return place in self.countries or (place == "loopback" and self.loopback)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place the running system talks to, as its setting names it; `host` "" is this machine's disk or socket."""

    setting: str
    what: str
    host: str
    tls: Tls


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one endpoint may be used; `sentence` says what is wrong and what to do, "" when it holds."""

    endpoint: Endpoint
    place: str
    holds: bool
    sentence: str


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine: "" (a file, a socket), localhost, 127.0.0.0/8, ::1. Resolves no name."""
    host = host.strip("[]")
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def declare(*, jurisdictions: Iterable[str], hosts: Iterable[str], loopback: bool = True) -> Declared:
    """Read the operator's list: jurisdictions (`EU`, `EEA`, or single countries) and hosts (`db.example.eu=DE`).

    Raises ValueError with one sentence when an entry cannot be read.
    """
    countries: set[str] = set()
    for name in jurisdictions:
        code = name.strip().upper()
        if code not in JURISDICTIONS and not (len(code) == 2 and code.isalpha()):
            raise ValueError(f"HORAE_JURISDICTION names {name!r}; use EU, EEA or two-letter country codes.")
        countries |= JURISDICTIONS.get(code, {code})
    places = dict(KNOWN)
    for entry in hosts:
        host, _, place = entry.partition("=")
        place = place.strip().upper()
        if not host.strip() or not (len(place) == 2 and place.isalpha()):
            raise ValueError(f"HORAE_HOSTS holds {entry!r}; write host=country, such as db.example.eu=DE.")
        places[host.strip().lower()] = place
    return Declared(countries=frozenset(countries), hosts=places, loopback=loopback)


def judge(endpoint: Endpoint, *, declared: Declared) -> Verdict:
    """Apply the rule: inside the declared countries and, off loopback, over verified TLS."""
    place = "loopback" if is_loopback(endpoint.host) else declared.place(endpoint.host)
    if place == "loopback":
        return Verdict(endpoint, place, declared.holds(place), "")
    who = f"{endpoint.setting} names the host {endpoint.host}"
    if not place:
        wrong = f"{who}, not on the declared list; add {endpoint.host}=<country> to HORAE_HOSTS, or use another."
    elif not declared.holds(place):
        wrong = f"{who} in {place}, outside the declared jurisdiction; use one inside, or declare {place} too."
    elif endpoint.tls != "verified":
        wrong = f"{who} without verified TLS; {_REMEDY.get(endpoint.what, 'use https://')}."
    else:
        return Verdict(endpoint, place, True, "")
    return Verdict(endpoint, place, False, wrong)


_REMEDY = {
    "database": "add ?sslmode=verify-full&sslrootcert=system to it",
    "broker": "use rediss:// and leave certificate checks on",
    "mail": "use smtps:// or smtp+tls://",
}


def declared() -> Declared:
    """Return the list the settings declare; loopback counts as a place only while Horae itself is served there."""
    return declare(
        jurisdictions=settings.JURISDICTIONS,
        hosts=settings.RESIDENCY_HOSTS,
        loopback=is_loopback(urlsplit(settings.BASE_URL).hostname or ""),
    )


def admit(*, url: str, purpose: str) -> None:
    """Let a request to `url` pass, or leave a record of the refusal and raise OutsideJurisdiction."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    tls: Tls = "verified" if parts.scheme == "https" else "none"
    verdict = judge(Endpoint(setting=purpose, what="http", host=host, tls=tls), declared=declared())
    if verdict.holds:
        return
    logger.error("Refused to reach a host outside the declared list for %s", purpose)
    note(
        chain=PLATFORM_CHAIN,
        event="residency.refused",
        data={"host": host, "place": verdict.place, "purpose": purpose, "tls": tls},
    )
    raise OutsideJurisdiction(verdict.sentence or f"{purpose} names this machine ({host}).")


def guard(session: boto3.Session, *, purpose: str) -> boto3.Session:
    """Make every client of `session` raise OutsideJurisdiction before a request leaves for an undeclared host.

    It also stands where the endpoint is not in the settings: a bucket's redirect, a region taken from the environment.
    """

    def before(request: AWSPreparedRequest, **kwargs: object) -> None:
        admit(url=str(request.url), purpose=purpose)

    session.events.register("before-send.*", before)
    return session


class _Guarded(httpx.BaseTransport):
    """A transport that admits each request by itself, so redirects too."""

    def __init__(self, *, purpose: str, inner: httpx.BaseTransport) -> None:
        self._purpose = purpose
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, or raise OutsideJurisdiction before anything leaves the machine."""
        admit(url=str(request.url), purpose=self._purpose)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def client(*, purpose: str, timeout: float = 10.0, follow_redirects: bool = False) -> httpx.Client:
    """Return an HTTP client that reaches only declared hosts, over verified TLS 1.2 or newer off loopback.

    `purpose` names the use in the refusal's record ("calendars.caldav"); `timeout` is seconds for each step. The
    environment's proxies are not used: they would be another place data passes through.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    transport = _Guarded(purpose=purpose, inner=httpx.HTTPTransport(verify=context, trust_env=False, retries=0))
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=follow_redirects, trust_env=False)
