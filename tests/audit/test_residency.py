"""The one HTTP client refuses what the declared list does not hold, and leaves a record of it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from django.test import override_settings

from audit import residency
from audit.models import Fact
from audit.residency import OutsideJurisdiction, client


class _Redirecting(BaseHTTPRequestHandler):
    """Answers /away with a redirect to another host, anything else with "here"."""

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "https://elsewhere.example.com/")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """A web server on this machine."""
    made = HTTPServer(("127.0.0.1", 0), _Redirecting)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The application events written while the test runs."""
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(residency, "note", lambda **event: events.append(event))
    return events


def test_this_machine_is_reached_while_horae_is_served_on_it(server: str, noted: list[Any]) -> None:
    with client(purpose="calendars.caldav") as http:
        assert http.get(f"{server}/").text == "here"
    assert noted == []


@override_settings(BASE_URL="https://book.example")
def test_a_public_installation_does_not_let_anyone_reach_its_own_machine(server: str, noted: list[Any]) -> None:
    with client(purpose="calendars.caldav") as http, pytest.raises(OutsideJurisdiction):
        http.get(f"{server}/")
    assert len(noted) == 1


def test_an_undeclared_host_is_refused_and_the_refusal_is_an_event(noted: list[dict[str, Any]]) -> None:
    with client(purpose="calendars.caldav") as http, pytest.raises(OutsideJurisdiction, match="not on the declared"):
        http.get("https://calendar.example.com/secret-path?token=1")
    assert noted == [
        {
            "chain": "platform",
            "event": "residency.refused",
            "data": {
                "host": "calendar.example.com",
                "place": "",
                "purpose": "calendars.caldav",
                "tls": "verified",
            },
        }
    ]


def test_a_redirect_to_an_undeclared_host_is_refused(server: str, noted: list[Any]) -> None:
    with client(purpose="identity", follow_redirects=True) as http, pytest.raises(OutsideJurisdiction):
        http.get(f"{server}/away")
    assert noted[0]["data"]["host"] == "elsewhere.example.com"


@override_settings(RESIDENCY_HOSTS=["cal.example=DE"])
def test_a_declared_host_in_clear_is_refused(noted: list[Any]) -> None:
    with client(purpose="calendars.caldav") as http, pytest.raises(OutsideJurisdiction, match="without verified TLS"):
        http.get("http://cal.example/")
    assert len(noted) == 1


def test_proxies_of_the_environment_are_not_used(
    server: str, noted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with client(purpose="identity", timeout=2) as http:
        assert http.get(f"{server}/").status_code == httpx.codes.OK


@pytest.mark.django_db
def test_the_refusal_reaches_the_outbox() -> None:
    with client(purpose="calendars.caldav") as http, pytest.raises(OutsideJurisdiction):
        http.get("https://calendar.example.com/")
    (fact,) = Fact.objects.filter(source="a", chain="platform")
    assert fact.new
    assert fact.new["name"] == "residency.refused"
    assert fact.new["data"]["host"] == "calendar.example.com"
