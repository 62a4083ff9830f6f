"""A real S3 server with Object Lock for tests: one Ceph in memory, on loopback, of daemons stopped by their handles.

Import the fixtures into the test module; mark the tests `real`. Debian's packages: see `bin/test-servers`.
"""

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
import pytest
from types_boto3_s3.client import S3Client

from tests.servers import free_port

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "ceph-authtool", "monmaptool", "radosgw-admin", "ceph")
ACCESS, SECRET = "evidence-writer", "only-for-tests"
SECONDS = 90


@dataclass(frozen=True)
class Gateway:
    """Where the server listens."""

    url: str

    def client(self) -> S3Client:
        """Somebody with the operator's credentials, past our code."""
        client: S3Client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="default",
            aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
        )
        return client

    def bucket(self, *, lock: bool = True) -> str:
        """A new bucket, with Object Lock unless told."""
        name = f"evidence-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name


class _Ceph:
    """One monitor, one store in memory, one gateway."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.folder, self.running = folder, running
        self.conf = folder / "ceph.conf"
        self.monitor, self.gateway = free_port(), free_port()
        self.fsid = str(uuid.uuid4())

    def start(self) -> Gateway:
        """All of it, in order, each once the one before answers."""
        self._write()
        self._keys()
        at = f"[v2:127.0.0.1:{self.monitor}]"
        self._do("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", at, f"{self.folder}/monmap")
        keyring = f"{self.folder}/keyring"
        self._do("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{self.folder}/monmap", "--keyring", keyring)
        self._run("ceph-mon", "-i", "a")
        self._ask("auth", "import", "-i", keyring)
        store = str(uuid.uuid4())
        self._ask("osd", "create", store)
        self._do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)
        self._run("ceph-osd", "-i", "0")
        self._until(lambda: "1 up" in self._ask("osd", "stat"))
        self._run("radosgw", "-n", "client.admin", "--rgw-frontends", f"beast endpoint=127.0.0.1:{self.gateway}")
        gateway = Gateway(f"http://127.0.0.1:{self.gateway}")
        self._until(lambda: _answers(gateway.url))
        user = ("--uid", "tests", "--display-name", "tests", "--access-key", ACCESS, "--secret", SECRET)
        self._do("radosgw-admin", "user", "create", *user)
        return gateway

    def _write(self) -> None:
        for name in ("mon", "osd"):
            (self.folder / name).mkdir()
        lines = {
            "fsid": self.fsid,
            "mon_initial_members": "a",
            "mon_host": f"[v2:127.0.0.1:{self.monitor}]",
            "public_addr": "127.0.0.1",
            "cluster_addr": "127.0.0.1",
            "osd_pool_default_size": 1,
            "osd_pool_default_min_size": 1,
            "osd_pool_default_pg_num": 4,
            "osd_pool_default_pg_autoscale_mode": "off",
            "mon_allow_pool_size_one": "true",
            "osd_crush_chooseleaf_type": 0,
            "osd_objectstore": "memstore",
            "memstore_device_bytes": 1 << 31,
            "log_file": f"{self.folder}/$name.log",
            "admin_socket": f"{self.folder}/$name.asok",
            "run_dir": self.folder,
            "keyring": f"{self.folder}/keyring",
            "mon_data": f"{self.folder}/mon",
            "osd_data": f"{self.folder}/osd",
        }
        self.conf.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))

    def _keys(self) -> None:
        may = {
            "mon.": {"mon": "allow *"},
            "client.admin": {"mon": "allow *", "osd": "allow *"},
            "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
        }
        for number, (name, caps) in enumerate(may.items()):
            made = ("--create-keyring",) if number == 0 else ()
            rights = [word for kind, right in caps.items() for word in ("--cap", kind, right)]
            self._do("ceph-authtool", *made, f"{self.folder}/keyring", "--gen-key", "-n", name, *rights, conf=False)

    def _do(self, program: str, *arguments: str, conf: bool = True) -> str:
        whole = [program, *(["-c", str(self.conf)] if conf else []), *arguments]
        done = subprocess.run(whole, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, (whole, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def _ask(self, *arguments: str) -> str:
        return self._do("ceph", "--connect-timeout", "30", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        said = self.running.enter_context((self.folder / f"{program}.out").open("w"))
        process = subprocess.Popen(
            [program, "-c", str(self.conf), "-f", *arguments], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        self.running.callback(_stop, process)

    def _until(self, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < ends, (self.folder / "radosgw.out").read_text()[-2000:]
            time.sleep(0.3)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The server, for the whole run."""
    if any(shutil.which(program) is None for program in PROGRAMS):
        pytest.skip("Ceph's gateway is not installed (see bin/test-servers)")
    folder = tmp_path_factory.mktemp("ceph")
    with ExitStack() as running:
        yield _Ceph(folder, running).start()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installation has them: in its environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
