"""CalDAV (RFC 4791): one collection, written with conditional PUTs, over the guarded client."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from xml.etree import ElementTree

import httpx

from audit import residency
from calendars.providers import (
    CalendarMissing,
    Contended,
    Entry,
    EventRefused,
    GivenUp,
    HostNotDeclared,
    LoginRefused,
    NotACalendar,
    NotAllowed,
    Overloaded,
    Unreachable,
    Written,
)
from calendars.providers.ical import MEDIA_TYPE, document

STEP_SECONDS: Final = 8.0
WHOLE_SECONDS: Final = 20.0
MOST_BYTES: Final = 256 * 1024
ROUNDS: Final = 3
"""How often in one call a changed event is read and written again."""
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)

_DAV: Final = "{DAV:}"
_CALENDAR: Final = "{urn:ietf:params:xml:ns:caldav}calendar"
_WRITING: Final = frozenset(f"{_DAV}{name}" for name in ("all", "write", "write-content", "bind"))
_ASK: Final = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<propfind xmlns="DAV:"><prop><resourcetype/><current-user-privilege-set/></prop></propfind>'
)


class CalDavCalendar:
    """One collection at `url` (ending in a slash). See `calendars.providers.Calendar` for the promises."""

    def __init__(self, *, url: str, username: str, password: str) -> None:
        self._url = url
        self._client = residency.client(purpose="calendars.caldav", timeout=STEP_SECONDS)
        if username or password:
            self._client.auth = httpx.BasicAuth(username, password)

    def __enter__(self) -> "CalDavCalendar":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def check(self) -> None:
        status, _headers, body = self._ask(
            "PROPFIND", self._url, headers={"Depth": "0", "Content-Type": "application/xml"}, content=_ASK
        )
        if status in (404, 410):
            raise CalendarMissing
        if status != 207:
            raise NotACalendar
        answer = _parse(body)
        if answer.find(f".//{_DAV}resourcetype/{_CALENDAR}") is None:
            raise NotACalendar
        granted = {right.tag for privilege in answer.iter(f"{_DAV}privilege") for right in privilege}
        if granted and not granted & _WRITING:
            raise NotAllowed

    def put(self, entry: Entry, *, etag: str, now: datetime, may_recreate: bool) -> Written:
        content = document(entry, now=now)
        written_before, was_missing = bool(etag), False
        for _round in range(ROUNDS):
            condition = {"If-Match": etag} if etag else {"If-None-Match": "*"}
            status, headers, _body = self._ask(
                "PUT", self._url + entry.href, headers={**condition, "Content-Type": MEDIA_TYPE}, content=content
            )
            if status in (200, 201, 204):
                return Written(etag=_strong(headers) or self._etag(entry.href), was_missing=was_missing)
            if status == 412:  # somebody was there before us: a crashed run of ours, or the practitioner. Ours wins.
                etag = self._etag(entry.href)
            elif status in (404, 410):
                etag = ""
                self.check()  # is it the collection?
            elif status == 409:
                self.check()  # is it the collection?
                raise EventRefused
            else:
                raise EventRefused
            if not etag and written_before:
                if not may_recreate:
                    raise GivenUp
                was_missing = True
        raise Contended

    def delete(self, *, href: str) -> None:
        status, _headers, _body = self._ask("DELETE", self._url + href)
        if status not in (200, 202, 204, 404, 410):
            raise EventRefused

    def _etag(self, href: str) -> str:
        """The version now there, "" when nothing is.

        A weak tag is used as if it were strong: proxies weaken them (RFC 9110 8.8.1).
        """
        status, headers, _body = self._ask("GET", self._url + href)
        if status in (404, 410):
            return ""
        if status != 200:
            raise NotACalendar
        return str(headers.get("etag", "")).removeprefix("W/")

    def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body of one exchange; whatever concerns the whole calendar is raised here."""
        deadline = time.monotonic() + WHOLE_SECONDS
        body = b""
        try:
            with self._client.stream(method, url, headers=headers, content=content) as answer:
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise NotACalendar
                    if time.monotonic() > deadline:
                        raise Unreachable
        except residency.OutsideJurisdiction:
            raise HostNotDeclared from None
        except httpx.HTTPError:
            raise Unreachable from None
        _raise_for_whole(answer)
        return answer.status_code, answer.headers, body


def _raise_for_whole(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == 401:
        raise LoginRefused
    if status in (403, 405):
        raise NotAllowed
    if status in (408, 423, 425, 429, 507) or status >= 500:
        raise Overloaded(retry_after=_retry_after(answer.headers.get("retry-after", "")))
    if 300 <= status < 400:
        raise NotACalendar  # a redirect is never followed: it would carry the password elsewhere
    if status == 200 and answer.headers.get("content-type", "").startswith("text/html"):
        raise NotACalendar  # a login page


def _retry_after(value: str) -> timedelta | None:
    """Seconds of a Retry-After header, at most an hour; a date or nonsense counts as not given."""
    return min(timedelta(seconds=int(value)), LONGEST_RETRY_AFTER) if value.isascii() and value.isdigit() else None


def _strong(headers: httpx.Headers) -> str:
    etag = str(headers.get("etag", ""))
    return "" if etag.startswith("W/") else etag


def _parse(body: bytes) -> ElementTree.Element:
    """The XML of an answer. A document type, and with it any entity, is refused before; UTF-16 would hide one."""
    if b"\0" in body or b"<!DOCTYPE" in body.upper():
        raise NotACalendar
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - no entity gets this far
    except ElementTree.ParseError:
        raise NotACalendar from None
