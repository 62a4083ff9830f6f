"""A server that answers as it is told: what real calendars do on bad days."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer. `hang` waits before it; `cut` promises more bytes than it sends and hangs up."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: float = 0
    cut: bool = False


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FaultyServer:
    """Answers with `script`, one reply per request, the last one for ever; keeps what was asked."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script) or [Reply()]
        self.asked: list[Asked] = []
        self.url = ""

    def next(self) -> Reply:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the game."""


@contextmanager
def serving(*script: Reply) -> Iterator[FaultyServer]:
    """A faulty server on loopback for the length of the block; `url` is its calendar."""
    faulty = FaultyServer(*script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            faulty.asked.append(Asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
            reply = faulty.next()
            time.sleep(reply.hang)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, *args: object) -> None:
            """Nothing."""

    for method in ("GET", "PUT", "DELETE", "PROPFIND"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    faulty.url = f"http://127.0.0.1:{server.server_port}/dav/busy/"
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
