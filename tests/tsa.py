"""A real time-stamping authority for tests: `openssl ts -reply` behind a small HTTP server on loopback.

Import the fixtures into the test module; mark the tests `real`.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port

_CONFIGURATION = """
[tsa]
default_tsa = it
[it]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
certs = chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """Root, intermediate and signing certificate in a folder; both upper ones travel with each stamp."""

    folder: Path

    @property
    def roots(self) -> Path:
        return self.folder / "root.pem"

    def stamp(self, query: bytes) -> bytes:
        """What `openssl ts -reply` answers to a request."""
        return self._openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "/dev/stdin", given=query)

    def stamp_of(self, data: bytes, *arguments: str) -> bytes:
        """A stamp over `data`, as anybody may ask for one."""
        query = self._openssl("ts", "-query", "-data", "/dev/stdin", "-sha256", "-cert", *arguments, given=data)
        return self.stamp(query)

    def _openssl(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _certificate(self, name: str, *arguments: str) -> None:
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/O={self.folder.name}/CN={name}"),
            *arguments,
        )


def authority(folder: Path) -> Authority:
    """A new authority in `folder`."""
    folder.mkdir()
    made = Authority(folder)
    upper = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    made._certificate("root", *upper)
    made._certificate("middle", *upper, "-CA", "root.pem", "-CAkey", "root.key")
    made._certificate(
        *("tsa", "-CA", "middle.pem", "-CAkey", "middle.key", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=critical,timeStamping"),
    )
    (folder / "chain.pem").write_bytes((folder / "middle.pem").read_bytes() + made.roots.read_bytes())
    (folder / "tsa.cnf").write_text(_CONFIGURATION)
    (folder / "serial").write_text("01\n")
    return made


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority whose roots are pinned."""
    return authority(tmp_path_factory.mktemp("tsa") / "ours")


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another one, just as well made."""
    return authority(tmp_path_factory.mktemp("tsa") / "foreign")


@dataclass
class Tsa:
    """The server. `answer` turns a request's body into status and body."""

    answer: Callable[[bytes], tuple[int, bytes]]
    asked: list[tuple[str | None, bytes]] = field(default_factory=list)
    """Content type and body of each request."""
    port: int = field(default_factory=free_port)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    def start(self) -> None:
        """Listen; on the former port when there was one."""
        tsa = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                tsa.asked.append((self.headers["Content-Type"], body))
                status, said = tsa.answer(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the door: from now on connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def tsa(ours: Authority, settings: Any) -> Iterator[Tsa]:
    """Our authority's server, which the settings point to."""
    server = Tsa(lambda query: (200, ours.stamp(query)))
    server.start()
    settings.TSA_URL, settings.TSA_ROOTS = server.url, str(ours.roots)
    try:
        yield server
    finally:
        server.stop()
