"""Asking a time-stamping authority over HTTP (RFC 3161, 3.4), through the guarded client."""

import time
from dataclasses import dataclass
from typing import Final

import httpx
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from audit.residency import OutsideJurisdiction, client

STEP_SECONDS: Final = 10.0
WHOLE_SECONDS: Final = 20.0
MOST_BYTES: Final = 64 * 1024
"""A response with a chain of certificates takes about six thousand."""


class AuthorityFailed(Exception):
    """The authority gave no answer that could be a time stamp; the message says why and names no address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unjudged, and the nonce (64 bits) it must repeat."""

    response: bytes
    nonce: int | None


def ask(url: str, *, data: bytes) -> Answer:
    """Ask the authority at `url` to stamp the SHA-256 of `data`, certificates included. Raises `AuthorityFailed`.

    Takes at most about `WHOLE_SECONDS`; must not be called inside a transaction.
    """
    request = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"}
    until = time.monotonic() + WHOLE_SECONDS
    body = bytearray()
    try:
        with (
            client(purpose="audit.anchor", timeout=STEP_SECONDS) as http,
            http.stream("POST", url, content=request.as_bytes(), headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise AuthorityFailed(f"the authority answered with status {answer.status_code}")
            for piece in answer.iter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    raise AuthorityFailed("the authority sent more than a time stamp can be")
                if time.monotonic() > until:
                    raise AuthorityFailed("the authority took too long")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AuthorityFailed(f"the authority does not answer ({type(error).__name__})") from error
    except OutsideJurisdiction as error:
        raise AuthorityFailed(str(error)) from error
    return Answer(bytes(body), request.nonce)
