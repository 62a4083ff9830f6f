"""After the journey, nothing that names a patient lies in clear anywhere; after erasure, nothing opens any more."""

import gzip
import json
import re
from collections.abc import Callable, Iterator

import pytest
import redis as redis_client

from tests.running import Running
from tests.servers import MailSink
from tests.whole.conftest import BIRTH_DATE, EMAIL, FAMILY_NAME, GIVEN_NAME, PHONE, REASON, Booked, code_for
from tests.whole.patients import HttpPatient
from tests.whole.test_one_appointment import settled, verify

GZIP = b"\x1f\x8b"
_SESSIONS = """
import json
from django.contrib.sessions.models import Session
print(json.dumps([session.get_decoded() for session in Session.objects.all()], default=str))
"""
_OPEN = """
import json, sys
from audit.keys import keyring
from audit.sealed import KeyDestroyed, SealBroken
opened = 0
for token, field in json.loads(sys.stdin.read()):
    try:
        keyring.unseal(token=token, field=field)
        opened += 1
    except (KeyDestroyed, SealBroken):
        pass  # SealBroken: a token of another field
print(opened)
"""
_ERASE = """
from django.utils import timezone
from audit.context import Actor
from audit.erasure import erase
from bookings.models import Patient
erase(actor=Actor.system("test"), now=timezone.now(), subject=Patient.objects.get(pk={pk}))
"""


def forms_of_secrets() -> list[bytes]:
    """Each thing that names the patient, in the ways it may be written."""
    year, month, day = BIRTH_DATE.split("-")
    digits = "".join(character for character in PHONE if character.isdigit())
    words = [GIVEN_NAME, FAMILY_NAME, EMAIL, EMAIL.split("@")[0], PHONE, digits, digits[2:], BIRTH_DATE, REASON]
    words += [f"{day}.{month}.{year}", f"{day}/{month}/{year}", f"{year}{month}{day}"]
    return [word.lower().encode() for word in words]


def places(running: Running, booked: Booked) -> Iterator[tuple[str, bytes]]:
    """Every place data come to rest in, unpacked where it is packed."""
    yield "database dump", running.dump()
    yield "sessions", running.manage("shell", "-c", _SESSIONS).stdout.encode()
    for path in sorted((running.data / "worm").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield f"WORM {path.name}", gzip.decompress(content) if content.startswith(GZIP) else content
    broker = redis_client.Redis(unix_socket_path=running.environment["REDIS_URL"].split("://")[1])
    for key in broker.scan_iter():
        yield f"Redis {key!r}", key + (broker.dump(key) or b"")
    yield "logs", running.log + (running.data / "redis.log").read_bytes()
    yield "cookies", booked.cookies.encode()
    for path in sorted(running.data.rglob("*")):
        if (
            path.is_file()
            and not {"postgres", "worm", "static"} & set(path.parts)
            and path.name not in ("log", "redis.log")
        ):
            yield f"file {path.name}", path.read_bytes()


def test_no_place_holds_anything_that_names_the_patient(installation: Running, booked: Booked) -> None:
    settled(installation)
    searched = 0
    for place, content in places(installation, booked):
        searched += 1
        found = [word for word in forms_of_secrets() if word in content.lower()]
        assert not found, f"{found} in {place}"
    assert searched > 6


def test_the_search_would_find_a_name(installation: Running, booked: Booked) -> None:
    installation.psql(f"CREATE TABLE planted AS SELECT '{FAMILY_NAME}'::text AS name", unseen=True)
    try:
        assert FAMILY_NAME.lower().encode() in installation.dump().lower()
    finally:
        installation.psql("DROP TABLE planted", unseen=True)


@pytest.mark.usefixtures("booked")
def test_an_erased_patient_opens_nowhere_and_the_evidence_still_verifies(
    installation: Running, sink: MailSink, new_patient: Callable[[], HttpPatient]
) -> None:
    patient = new_patient()
    assert patient.hold("follow-up", patient.times("follow-up")[-1]) == 200
    assert patient.details(email="erase.me@example.org", family_name="Ephemeris", reason="Short-lived") == 200
    assert patient.code(code_for(sink, "erase.me@example.org")) == 200
    settled(installation)
    ((pk, key),) = installation.sql(
        "SELECT p.id, replace(p.key_id::text, '-', '') FROM bookings_patient p ORDER BY p.id DESC LIMIT 1"
    )
    tokens = sorted(sealed_under(key, installation))
    assert len(tokens) >= 5
    before = installation.manage("shell", "-c", _OPEN, stdin=json.dumps(tokens))
    assert int(before.stdout.split()[-1]) > 0, before.stderr
    erased = installation.manage("shell", "-c", _ERASE.format(pk=pk))
    assert erased.returncode == 0, erased.stderr
    settled(installation)
    after = installation.manage(
        "shell", "-c", _OPEN, stdin=json.dumps(sorted(sealed_under(key, installation) | set(tokens)))
    )
    assert after.stdout.split()[-1] == "0", after.stderr
    assert installation.sql("SELECT count(*) FROM bookings_patientindex WHERE patient_id = %s", pk) == [(0,)]
    code, said = verify(installation)
    assert code == 0, said


def sealed_under(key: str, running: Running) -> set[tuple[str, str]]:
    """Every sealed value of this key in the dump and the WORM folder, with each field it may be of."""
    fields = (
        "Patient.given_name",
        "Patient.family_name",
        "Patient.email",
        "Appointment.reason",
        "ContactChallenge.contact",
    )
    everything = [running.dump()]
    everything += [gzip.decompress(path.read_bytes()) for path in (running.data / "worm" / "chains").rglob("*.gz")]
    tokens = {
        found.decode()
        for content in everything
        for found in re.findall(rb"1\." + key.encode() + rb"(?:\.[\w-]+){3}", content)
    }
    return {(token, f"bookings.{field}") for token in tokens for field in fields}
