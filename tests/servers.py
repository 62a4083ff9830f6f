"""Real servers for tests: a mail sink and a Radicale, started by their fixture, stopped by their handle.

Import the fixture into the test module or its conftest; mark the tests `real`.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

USERNAME = "demir"
PASSWORD = "an app password"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MailSink:
    """An SMTP server that keeps what it takes. `answer_to` and `answer_data` give a reply to refuse, None to accept."""

    received: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answer_to: Callable[[str], str | None] = lambda address: None
    answer_data: Callable[[], str | None] = lambda: None
    controller: Controller | None = None
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.answer_to(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self.answer_data()
        if refusal is None:
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
        return refusal or "250 taken"

    def start(self) -> None:
        """Listen; on the former port when there was one."""
        self.port = self.port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        """Close the door: from now on connections are refused."""
        if self.controller is not None:
            self.controller.stop()
            self.controller = None


@pytest.fixture
def mail_sink(settings: Settings) -> Iterator[MailSink]:
    """A mail server on loopback that Django's settings point to."""
    sink = MailSink()
    sink.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", sink.port, 5
    try:
        yield sink
    finally:
        sink.stop()


@dataclass
class Radicale:
    """A CalDAV server with one account and one calendar of theirs, on a folder of its own."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        """The collection."""
        return f"{self.root}{USERNAME}/busy/"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.port = self.port or free_port()
        users = self.folder / "users"
        users.write_text(f"{USERNAME}:{PASSWORD}\n")
        command = [
            *(sys.executable, "-m", "radicale", "--config", ""),
            *("--server-hosts", f"127.0.0.1:{self.port}"),
            *("--auth-type", "htpasswd", "--auth-htpasswd-filename", str(users), "--auth-htpasswd-encryption", "plain"),
            *("--auth-delay", "0", "--storage-filesystem-folder", str(self.folder / "collections")),
            *("--logging-level", "warning"),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ})
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(self.root, timeout=2)
                return
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError("Radicale did not start: " + (self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server, as a crash would; its data stay."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(timeout=20)
            self.process = None

    def ask(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """Speak to the calendar as its owner's other programs do."""
        return httpx.request(method, self.url + path, auth=(USERNAME, PASSWORD), timeout=10, **more)

    def events(self) -> dict[str, str]:
        """Every event in the calendar: its name there and its text."""
        files = (self.folder / "collections").rglob("*.ics")
        return {file.name: file.read_bytes().decode() for file in files if ".Radicale.cache" not in file.parts}

    def everything(self) -> bytes:
        """Every byte the server keeps or logged."""
        return b"\n".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[Radicale]:
    """A running Radicale with an empty calendar."""
    folder = tmp_path / "radicale"
    folder.mkdir()
    server = Radicale(folder=folder)
    server.start()
    try:
        assert server.ask("MKCALENDAR").status_code == 201
        yield server
    finally:
        server.stop()
