"""A patient without a browser: plain HTTP, as somebody with JavaScript off uses the pages."""

import re
import time
from dataclasses import dataclass, field
from html import unescape

import httpx


@dataclass
class HttpPatient:
    """One visitor of one clinic; keeps cookies, follows redirects, and times each press."""

    origin: str
    clinic: str = "cabinet-des-terreaux"
    client: httpx.Client = field(init=False)
    page: httpx.Response = field(init=False)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.origin,
            follow_redirects=True,
            timeout=30,
            headers={"Accept-Language": "en", "Referer": self.origin},
        )

    def times(self, service: str) -> list[str]:
        """Open the page of a service; the values of its slot buttons, soonest first, each once."""
        self.page = self.client.get(f"/c/{self.clinic}/{service}/")
        return list(dict.fromkeys(re.findall(r'name="slot" value="([^"]+)"', self.page.text)))

    def hold(self, service: str, slot: str) -> int:
        """Press a time; the status of the answer."""
        return self._post(f"/c/{self.clinic}/{service}/hold/", slot=slot)

    def details(self, *, email: str, family_name: str = "Berg", **more: str) -> int:
        """Fill in the form of the page we are on."""
        notice = re.search(r'name="notice" value="(\d+)"', self.page.text)
        values = {
            "who": "me",
            "given_name": "Kim",
            "family_name": family_name,
            "email": email,
            "message_language": "en",
            **more,
        }
        return self._post(self.page.url.path, notice=notice[1] if notice else "", **values)

    def code(self, code: str) -> int:
        """Type the code."""
        return self._post(self.page.url.path, code=code)

    @property
    def heading(self) -> str:
        """What the page says first."""
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.page.text, re.DOTALL)
        return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""

    def _post(self, path: str, **values: str) -> int:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page.text)
        assert token is not None, self.page.text[:500]
        began = time.monotonic()
        self.page = self.client.post(path, data={"csrfmiddlewaretoken": token[1], **values})
        self.seconds = time.monotonic() - began
        return self.page.status_code
