"""A visitor of the booking pages: plain HTTP, cookies, redirects followed, each press timed until its page is there."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

_TIMEOUT: Final = 60.0
_KEPT: Final = 2.0
"""Seconds an idle connection is used again; gunicorn keeps it for 5."""
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_SLOT: Final = re.compile(r'name="slot" value="([^"]+)"')
_NOTICE: Final = re.compile(r'name="notice" value="(\d+)"')
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Page:
    """What was answered in the end. `statuses` are those on the way, redirects included; `seconds` are all of it."""

    path: str
    status: int
    text: str
    statuses: tuple[int, ...]
    seconds: float

    @property
    def slots(self) -> list[str]:
        """The values of its time buttons, each once."""
        return list(dict.fromkeys(unescape(value) for value in _SLOT.findall(self.text)))

    @property
    def notice(self) -> str:
        """The number of the privacy notice beside its form; empty without one."""
        found = _NOTICE.search(self.text)
        return found[1] if found else ""


class Failed(Exception):
    """The server did not answer, or its page holds no form to press."""


class Visitor:
    """One browser: a connection it keeps open, and its cookies. A new one is a new visitor."""

    def __init__(self, *, port: int) -> None:
        self._line = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        self._asked = 0.0
        self._cookies: dict[str, str] = {}
        self._origin = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()

    def get(self, path: str) -> Page:
        """Open a page. Raises Failed."""
        return self._follow("GET", path, None)

    def press(self, page: Page, path: str, **values: str) -> Page:
        """Send a form that stands on `page` to `path`. Raises Failed."""
        token = _TOKEN.search(page.text)
        if token is None:
            raise Failed(f"{page.path} answered {page.status} and holds no form")
        return self._follow("POST", path, {"csrfmiddlewaretoken": token[1], **values})

    def _follow(self, method: str, path: str, values: Mapping[str, str] | None) -> Page:
        began = time.perf_counter()
        statuses = []
        body = None if values is None else urlencode(values)
        while True:
            status, text, leads_to = self._ask(method, path, body)
            statuses.append(status)
            if status not in _REDIRECTS:
                return Page(path, status, text, tuple(statuses), time.perf_counter() - began)
            method, path, body = "GET", leads_to.removeprefix(self._origin), None

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str, str]:
        headers = {"Accept-Language": "en", "Origin": self._origin, "Referer": self._origin}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if time.monotonic() - self._asked > _KEPT:
            self._line.close()  # the server may have, or be about to: a browser opens another
        self._asked = time.monotonic()
        try:
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
            text = answer.read().decode()
        except (OSError, HTTPException) as wrong:
            raise Failed(f"{method} {path}: {type(wrong).__name__}") from wrong
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text, answer.headers.get("Location", "")
